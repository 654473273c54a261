/**
 * The resources of `wasi:io` 0.2. They belong to no capability, because several hand them out.
 *
 * @module
 */
export { closedError, failedError, IoError, type StreamError, trap } from "./error.ts";
export { InputStream } from "./input.ts";
export { OutputStream } from "./output.ts";
export { poll, Pollable, waitUntilReady } from "./poll.ts";
export { refusedResource } from "./refused.ts";
