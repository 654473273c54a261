/**
 * From source to what can be served: building, watching, and preparing a folder for production.
 *
 * @module
 */
export { buildFunction, type BuildOptions, type BuildProgress, type Built, findBuilt } from "./build.ts";
export { buildDist, type DistFunction, type DistOptions } from "./dist.ts";
export { type Dist, distLayout } from "./layout.ts";
export { type ChangeKind, type FunctionChange, watchFunctions, type WatchOptions } from "./watch.ts";
