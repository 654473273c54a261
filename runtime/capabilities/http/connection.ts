/**
 * A connection to another server.
 *
 * @module
 */

/** What a connection is to a request. */
export interface Connection extends Pick<Deno.Conn, "read" | "write" | "close"> {
  /** Whether it is open and has nothing to read, where that can be known: then another request may follow. */
  readonly isQuiet?: boolean;
}
