/**
 * `wasi:random` 0.3.0.
 *
 * @module
 */
import type { HostImports } from "../../engine/mod.ts";
import { maxRandomBytes, randomBytes, randomSeed, randomU64 } from "./bytes.ts";

/** 0.3 lets the host give fewer bytes than it was asked for, where 0.2 has to trap. */
const upTo = (maxLength: bigint) => {
  const most = BigInt(maxRandomBytes());
  return randomBytes(maxLength > most ? most : maxLength);
};

export const p3: HostImports = {
  "wasi:random/random@0.3.0": {
    getRandomBytes: upTo,
    getRandomU64: randomU64,
  },
  "wasi:random/insecure@0.3.0": {
    getInsecureRandomBytes: upTo,
    getInsecureRandomU64: randomU64,
  },
  "wasi:random/insecure-seed@0.3.0": { getInsecureSeed: randomSeed },
};
