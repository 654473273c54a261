/**
 * Requests to a bucket of an S3-compatible store.
 *
 * @module
 */
import type { AwsClient } from "aws4fetch";
import { maybeTask } from "../../context.ts";

/** How long it may take to forget what a task has left unfinished. */
const MAX_CLEANUP_MS = 60_000;

/** One bucket, and who asks it. */
export interface Bucket {
  readonly client: Pick<AwsClient, "fetch">;
  /** The URL that keys follow, with a slash at its end. */
  readonly url: string;
  /** `BUCKET/` for the source of a copy. */
  readonly name: string;
  /** What all keys begin with; empty, or with a slash at its end. */
  readonly prefix: string;
}

/** An answer that no caller expects. */
export class S3Error extends Error {
  override readonly name = "S3Error";
  readonly status: number;

  constructor(status: number, what: string, body: string) {
    const code = /<Code>([^<]*)<\/Code>/.exec(body)?.[1] ?? "";
    super(`${what}: status ${status} ${code} ${/<Message>([^<]*)<\/Message>/.exec(body)?.[1] ?? body.slice(0, 200)}`);
    this.status = status;
  }
}

/** Sends one request. Resolves to the answer if it is a success or one of `expected`; its body has then to be read. */
export async function ask(
  { client, url }: Bucket,
  method: string,
  key: string,
  { query = "", headers = {}, body = null, expected = [] }: {
    query?: string;
    headers?: Record<string, string>;
    body?: Uint8Array<ArrayBuffer> | string | null;
    expected?: readonly number[];
  } = {},
): Promise<Response> {
  const task = maybeTask();
  // A task that has ended only clears up, which nobody waits for.
  const signal = task === undefined || task.ended ? AbortSignal.timeout(MAX_CLEANUP_MS) : task.signal;
  const response = await client.fetch(`${url}${key}${query}`, { method, headers, body, signal, redirect: "error" });
  if (response.ok || expected.includes(response.status)) return response;
  throw new S3Error(response.status, `${method} ${key}${query.slice(0, 20)}`, await response.text());
}
