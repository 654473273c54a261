/**
 * Release candidates of WASI, which Spin runs and its SDKs have built for: of 0.2 those of 2023-10-18 and 2023-11-10, of
 * 0.3 that of 2026-03-15. Most of their interfaces are what was released, under another version; what differed is put in its
 * place.
 *
 * @module
 */
import type { Capability } from "../capability.ts";
import { type HostImports, type HostInterface, waits } from "../engine/mod.ts";
import { IoError, type Pollable } from "../streams/p2/mod.ts";

/** Interfaces of the candidates of each date that are not what was released, made from those, by their names without versions. */
export type Candidates = Readonly<Record<string, Readonly<Record<string, Shape>>>>;

/** Interfaces by what they are made of. */
export type Older = Readonly<Record<string, { readonly name: string; readonly shape: Shape }>>;

/** The interface of a candidate, from the one that was released. */
type Shape = (face: HostInterface) => HostInterface;

const ofOctober: Candidates[string] = {
  "wasi:io/poll": ({ Pollable, poll }) => ({
    Pollable,
    pollList: poll,
    pollOne: waits((pollable: Pollable) => pollable.block()),
  }),
  "wasi:io/streams": (streams) => ({ ...streams, Error: IoError }),
  "wasi:clocks/monotonic-clock": (clock) => ({
    ...clock,
    subscribe(when: bigint, absolute: boolean) {
      const subscribe = clock[absolute ? "subscribeInstant" : "subscribeDuration"] as (when: bigint) => Pollable;
      return subscribe(when);
    },
  }),
};

/** By what they became, and their dates. */
const CANDIDATES: Readonly<Record<string, Candidates>> = {
  "0.2": { "2023-10-18": ofOctober, "2023-11-10": {} },
  "0.3": { "2026-03-15": {} },
};

/** What there was in the candidates. */
const IN_CANDIDATES = /^(wasi:(?:cli|clocks|filesystem|http|io|random|sockets)\/[a-z-]+)@(0\.[23])\.\d+$/;

/**
 * Gives capabilities their interfaces of WASI as they were in the release candidates too.
 *
 * @param own What is not the same in capabilities that stand in no list here.
 * @param older Interfaces that others are made of: each has one.
 */
export function candidates(own: Candidates, older: Older = {}): (capability: Capability) => Capability {
  /** The interfaces that `name` was in the candidates; none if it is not of WASI. */
  function candidatesOf(name: string): { readonly name: string; readonly shape: Shape | undefined }[] {
    if (Object.hasOwn(older, name)) return [older[name]!];
    const [, base, released] = IN_CANDIDATES.exec(name) ?? [];
    if (base === undefined) return [];
    return Object.entries(CANDIDATES[released!]!).map(([date, shapes]) => ({
      name: `${base}@${released}.0-rc-${date}`,
      shape: own[date]?.[base] ?? shapes[base],
    }));
  }

  return function withCandidates(capability) {
    const names = capability.interfaces.flatMap((name) => candidatesOf(name).map((candidate) => candidate.name));
    if (names.length === 0) return capability;
    return {
      ...capability,
      interfaces: [...capability.interfaces, ...names],
      async link(context) {
        const host = await capability.link(context);
        const old: Record<string, HostInterface> = {};
        for (const [name, face] of Object.entries(host)) {
          for (const { name: candidate, shape } of candidatesOf(name)) old[candidate] = shape?.(face) ?? face;
        }
        return { ...host, ...old } satisfies HostImports;
      },
    };
  };
}
