/**
 * Steps that must not overlap: one after the other, by name.
 *
 * @module
 */

/**
 * Lines of steps, one for each name.
 *
 * @example
 * ```ts
 * import { Turns } from "./turns.ts";
 *
 * const turns = new Turns();
 * const said: string[] = [];
 * const slow = turns.run("a", async () => (await Promise.resolve(), said.push("first")));
 * await turns.run("a", () => Promise.resolve(said.push("second")));
 * await slow;
 * console.assert(said.join() === "first,second");
 * ```
 */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>();

  /** Runs `step` after those of the same name, however they ended. */
  run<T>(name: string, step: () => Promise<T>): Promise<T> {
    const before = this.#last.get(name);
    const turn = before === undefined ? step() : before.then(step, step);
    this.#last.set(name, turn);
    const forget = () => this.#last.get(name) === turn && this.#last.delete(name);
    turn.then(forget, forget);
    return turn;
  }
}
