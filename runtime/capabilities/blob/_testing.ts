/**
 * The backends that the tests of `blob` run on, and a task around each.
 *
 * @module
 */
import { AwsClient } from "aws4fetch";
import type { HostImports } from "../../engine/mod.ts";
import { WitError } from "../../errors.ts";
import type { LogRecord } from "../../log.ts";
import { inTask, withFolder } from "../_testing.ts";
import { startS3Server } from "./_s3_server.ts";
import { type Backend, MemoryBackend } from "./backend.ts";
import { openFolder } from "./folder.ts";
import { type BlobGrant, blobGrant } from "./grant.ts";
import { S3Backend } from "./s3.ts";
import { wasi } from "./wasi.ts";

/** Opens a backend, runs `body`, and leaves nothing behind. */
type WithBackend = (body: (backend: Backend) => Promise<void>) => Promise<void>;

/**
 * A real store that speaks S3, if there is one: `TEST_BLOB_URL=http://127.0.0.1:9000`, with the keys in
 * `TEST_BLOB_ACCESS_KEY_ID` and `TEST_BLOB_SECRET_ACCESS_KEY`, where it looks at them. A bucket is made for each test.
 */
const REAL_STORE = Deno.env.get("TEST_BLOB_URL")?.replace(/\/$/, "");

const KEYS = { accessKeyId: "key", secretAccessKey: "secret" };

const REAL_KEYS = {
  accessKeyId: Deno.env.get("TEST_BLOB_ACCESS_KEY_ID") ?? KEYS.accessKeyId,
  secretAccessKey: Deno.env.get("TEST_BLOB_SECRET_ACCESS_KEY") ?? KEYS.secretAccessKey,
};

/** The backend on a bucket of the store at `endpoint`. */
export function bucketAt(endpoint: string, name = "bucket", prefix = "", keys = KEYS): S3Backend {
  const client = new AwsClient({ ...keys, service: "s3", region: "us-east-1", retries: 0 });
  return new S3Backend({ client, url: `${endpoint}/${name}/`, name: `${name}/`, prefix });
}

const BACKENDS: Readonly<Record<string, WithBackend>> = {
  "in memory": (body) => body(new MemoryBackend()),
  "in a folder": (body) => withFolder(async (folder) => body(await openFolder(folder))),
  async "in a bucket"(body) {
    await using server = startS3Server();
    await body(bucketAt(server.endpoint, "bucket", "some/prefix/"));
  },
  ...REAL_STORE === undefined ? {} : {
    async "in a bucket of a real store"(body: (backend: Backend) => Promise<void>) {
      const name = `skerry-${crypto.randomUUID()}`;
      const client = new AwsClient({ ...REAL_KEYS, service: "s3", region: "us-east-1" });
      const made = await client.fetch(`${REAL_STORE}/${name}`, { method: "PUT" });
      if (!made.ok) throw new Error(`making a bucket: status ${made.status}: ${await made.text()}`);
      await made.body?.cancel();
      await body(bucketAt(REAL_STORE, name, "prefix/", REAL_KEYS));
    },
  },
};

/** Registers a test for each backend, in a task whose records it gets. */
export function onEachBackend(name: string, body: (backend: Backend, records: LogRecord[]) => Promise<void>): void {
  for (const [which, withBackend] of Object.entries(BACKENDS)) {
    Deno.test(`${name}, ${which}`, () => withBackend((backend) => inTask((records) => body(backend, records))));
  }
  if (REAL_STORE === undefined) {
    Deno.test({
      name: `${name}, in a bucket of a real store: skipped, TEST_BLOB_URL names none`,
      ignore: true,
      fn: () => {},
    });
  }
}

/** The interfaces of one function. */
export function hostOf(backend: Backend, name = "f", grant: Partial<BlobGrant> = {}): HostImports {
  return wasi({ backend, function: name, grant: blobGrant.parse(grant) });
}

/** Streams as a guest has them. */
interface Dropped {
  [Symbol.dispose](): void;
}

interface GuestOutput extends Dropped {
  blockingWriteAndFlush(bytes: Uint8Array): Promise<void> | void;
}

export interface GuestInput extends Dropped {
  blockingRead(length: bigint): Promise<Uint8Array> | Uint8Array;
}

export interface GuestOutgoing extends Dropped {
  outgoingValueWriteBody(): GuestOutput;
}

interface GuestIncoming extends Dropped {
  size(): bigint;
}

interface GuestNames extends Dropped {
  readStreamObjectNames(length: bigint): Promise<[string[], boolean]>;
  skipStreamObjectNames(count: bigint): Promise<[bigint, boolean]>;
}

/** A container as a guest has it. */
export interface GuestContainer extends Dropped {
  name(): string;
  info(): Promise<{ name: string; createdAt: bigint }>;
  getData(name: string, start: bigint, end: bigint): Promise<GuestIncoming>;
  writeData(name: string, data: GuestOutgoing): Promise<void>;
  listObjects(): Promise<GuestNames>;
  deleteObject(name: string): Promise<void>;
  deleteObjects(names: string[]): Promise<void>;
  hasObject(name: string): Promise<boolean>;
  objectInfo(name: string): Promise<{ name: string; container: string; createdAt: bigint; size: bigint }>;
  clear(): Promise<void>;
}

interface GuestBlobstore {
  createContainer(name: string): Promise<GuestContainer>;
  getContainer(name: string): Promise<GuestContainer>;
  deleteContainer(name: string): Promise<void>;
  containerExists(name: string): Promise<boolean>;
  copyObject(from: { container: string; object: string }, to: { container: string; object: string }): Promise<void>;
  moveObject(from: { container: string; object: string }, to: { container: string; object: string }): Promise<void>;
}

interface GuestTypes {
  OutgoingValue: { newOutgoingValue(): GuestOutgoing; finish(value: GuestOutgoing): Promise<void> };
  IncomingValue: {
    incomingValueConsumeSync(value: GuestIncoming): Promise<Uint8Array>;
    incomingValueConsumeAsync(value: GuestIncoming): GuestInput;
  };
}

export const blobstore = (host: HostImports) =>
  host["wasi:blobstore/blobstore@0.2.0-draft"] as unknown as GuestBlobstore;
export const types = (host: HostImports) => host["wasi:blobstore/types@0.2.0-draft"] as unknown as GuestTypes;

/** Writes to a value's stream, which it drops. */
export async function fill(value: GuestOutgoing, contents: Uint8Array): Promise<void> {
  const stream = value.outgoingValueWriteBody();
  for (let at = 0; at < contents.length; at += 4096) await stream.blockingWriteAndFlush(contents.slice(at, at + 4096));
  stream[Symbol.dispose]();
}

export async function put(
  host: HostImports,
  container: GuestContainer,
  name: string,
  contents: Uint8Array | string,
): Promise<void> {
  const { OutgoingValue } = types(host);
  const value = OutgoingValue.newOutgoingValue();
  await container.writeData(name, value);
  await fill(value, typeof contents === "string" ? bytes(contents) : contents);
  await OutgoingValue.finish(value);
}

export const ALL = 2n ** 64n - 1n;

export async function get(
  host: HostImports,
  container: GuestContainer,
  name: string,
  start = 0n,
  end = ALL,
): Promise<string> {
  return text(await types(host).IncomingValue.incomingValueConsumeSync(await container.getData(name, start, end)));
}

/** Reads a stream to its end, and drops it. */
export async function readAll(stream: GuestInput): Promise<Uint8Array> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  try {
    while (true) chunks.push((await stream.blockingRead(1_000_000n)).slice());
  } catch (error) {
    if (!(error instanceof WitError && (error.payload as { tag: string }).tag === "closed")) throw error;
  }
  stream[Symbol.dispose]();
  return await new Blob(chunks).bytes();
}

export async function names(container: GuestContainer, page = 1000n): Promise<string[]> {
  const all: string[] = [];
  const stream = await container.listObjects();
  for (let end = false; !end;) {
    const [some, atEnd] = await stream.readStreamObjectNames(page);
    all.push(...some);
    end = atEnd;
  }
  stream[Symbol.dispose]();
  return all.sort();
}

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
export const text = (value: Uint8Array): string => new TextDecoder().decode(value);
