/**
 * `wasi:random` 0.3.0.
 *
 * @module
 */
import type { HostImports } from "../../engine/mod.ts";
import { MAX_RANDOM_BYTES } from "../../limits.ts";
import { randomBytes, randomSeed, randomU64 } from "./bytes.ts";

const MAX_LENGTH = BigInt(MAX_RANDOM_BYTES);

/** 0.3 lets the host give fewer bytes than it was asked for, where 0.2 has to trap. */
const upTo = (maxLength: bigint) => randomBytes(maxLength > MAX_LENGTH ? MAX_LENGTH : maxLength);

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
