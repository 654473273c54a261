import { expect } from "@std/expect";
import { ErrorContext } from "./builtins.ts";
import { EVENT_NONE, Waitable, WaitableSet } from "./waitable.ts";

/** Hears how often it is asked whether it has an event. */
class Asked extends Waitable {
  asked = 0;

  override get hasEvent(): boolean {
    this.asked++;
    return super.hasEvent;
  }
}

Deno.test("a set of waitables looks at none of those that have no event, however many they are", () => {
  const set = new WaitableSet();
  const quiet = Array.from({ length: 1000 }, () => new Asked());
  for (const waitable of quiet) waitable.join(set);
  const asked = () => quiet.reduce((sum, waitable) => sum + waitable.asked, 0);
  const before = asked();
  const busy = new Waitable();
  busy.join(set);
  expect([set.hasEvent, set.takeEvent()]).toEqual([false, [EVENT_NONE, 0, 0]]);
  busy.setEvent(() => [1, 2, 3]);
  expect([set.hasEvent, set.takeEvent(), set.hasEvent]).toEqual([true, [1, 2, 3], false]);
  expect(asked()).toBe(before);
});

Deno.test("events of a set come in their order, of those alone that are in it then", () => {
  const [set, other] = [new WaitableSet(), new WaitableSet()];
  const [a, b, c] = [new Waitable(), new Waitable(), new Waitable()] as const;
  b.setEvent(() => [0, 2, 0]);
  for (const waitable of [a, b, c]) waitable.join(set);
  a.setEvent(() => [0, 1, 0]);
  c.setEvent(() => [0, 3, 0]);
  a.join(other);
  expect([set.takeEvent()[1], set.takeEvent()[1], set.hasEvent]).toEqual([2, 3, false]);
  expect([other.hasEvent, set.size, other.size]).toEqual([true, 2, 1]);
  expect(() => other.drop()).toThrow("with waitables in it");
  a.drop();
  expect([other.hasEvent, other.size]).toEqual([false, 0]);
  other.drop();
});

Deno.test("of an error's message as much is kept as a person reads", () => {
  expect(new ErrorContext("short").debugMessage).toBe("short");
  expect(new ErrorContext("é".repeat(1_000_000)).debugMessage).toBe("é".repeat(4096));
});
