/**
 * Commits that a network may repeat.
 *
 * @module
 */

/** How long it is known that a commit was done: longer than any task waits for the answer to one. */
const KNOWN_MS = 600_000;

const tokenKey = (token: string): Deno.KvKey => ["skerry", "commit", token];

/**
 * Lets every commit of `kv` be done once, and say that it was. Deno's client of a KV server sends a commit again when the
 * answer was lost, as when the server dies: the repetition adds a sum twice, and is told that a check failed which its own
 * first attempt made fail, so that who counts up counts twice. Each commit therefore leaves a token, and a repetition finds it.
 *
 * @example
 * ```ts
 * import { committingOnce } from "./commit_once.ts";
 *
 * using kv = committingOnce(await Deno.openKv(":memory:"));
 * const operation = kv.atomic().sum(["visits"], 1n);
 * await operation.commit();
 * console.assert((await operation.commit()).ok); // As if repeated.
 * console.assert((await kv.get<Deno.KvU64>(["visits"])).value?.value === 1n);
 * ```
 */
export function committingOnce(kv: Deno.Kv): Deno.Kv {
  const atomic = kv.atomic.bind(kv);
  return Object.assign(kv, {
    atomic() {
      const operation = atomic();
      const commit = operation.commit.bind(operation);
      const key = tokenKey(crypto.randomUUID());
      operation.check({ key, versionstamp: null }).set(key, 0, { expireIn: KNOWN_MS });
      return Object.assign(operation, {
        async commit(): Promise<Deno.KvCommitResult | Deno.KvCommitError> {
          const done = await commit();
          if (done.ok) return done;
          // It carries the version of the commit that left it.
          const { versionstamp } = await kv.get(key);
          return versionstamp === null ? done : { ok: true, versionstamp };
        },
      });
    },
  });
}
