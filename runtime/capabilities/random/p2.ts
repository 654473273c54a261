/**
 * `wasi:random` 0.2.12.
 *
 * @module
 */
import { atOnce, type HostImports } from "../../engine/mod.ts";
import { randomBytes, randomSeed, randomU64 } from "./bytes.ts";

atOnce(randomBytes, randomSeed, randomU64);

export const p2: HostImports = {
  "wasi:random/random@0.2.12": {
    getRandomBytes: randomBytes,
    getRandomU64: randomU64,
  },
  "wasi:random/insecure@0.2.12": {
    getInsecureRandomBytes: randomBytes,
    getInsecureRandomU64: randomU64,
  },
  "wasi:random/insecure-seed@0.2.12": { insecureSeed: randomSeed },
};
