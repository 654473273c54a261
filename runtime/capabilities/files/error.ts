/**
 * What goes wrong with files: the error codes that 0.2 and 0.3 of `wasi:filesystem` have in common.
 *
 * @module
 */

/** `wasi:filesystem/types.error-code`, as far as anything here answers with it. */
export type ErrorCode =
  | "bad-descriptor"
  | "cross-device"
  | "exist"
  | "file-too-large"
  | "insufficient-space"
  | "invalid"
  | "is-directory"
  | "loop"
  | "name-too-long"
  | "no-entry"
  | "not-directory"
  | "not-empty"
  | "not-permitted"
  | "read-only";

/** Thrown by everything here. Each version of WASI makes its own `result` error of it. */
export class FileError extends Error {
  override readonly name: string = "FileError";
  readonly code: ErrorCode;

  constructor(code: ErrorCode) {
    super(code);
    this.code = code;
  }
}

/** For where an expression is wanted. */
export function fail(code: ErrorCode): never {
  throw new FileError(code);
}
