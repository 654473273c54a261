/**
 * Component binaries: decoding them, and saying what is in them.
 *
 * @module
 */
export { binaryKind, decodeComponent } from "./decode.ts";
export {
  type ComponentDescription,
  describeComponent,
  describeModel,
  type ExternDescription,
  type FunctionDescription,
} from "./describe.ts";
export type * from "./model.ts";
export { camelCase, type FunctionName, parseFunctionName, pascalCase } from "./names.ts";
export type { Producers } from "./producers.ts";
export { findCompatible, otherVersions, withoutVersion } from "./semver.ts";
