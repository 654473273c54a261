/**
 * `blob` in a bucket of an S3-compatible store. Loaded when `BLOB_URL` names one.
 *
 * @module
 */
import { AwsClient } from "aws4fetch";
import { SkerryError } from "../../errors.ts";
import {
  type Amount,
  type Backend,
  type ContainerId,
  type ObjectId,
  type ObjectInfo,
  type Reading,
  type Upload,
  within,
} from "./backend.ts";
import { decodeKey, encodeKey } from "./names.ts";
import { ask, type Bucket, S3Error } from "./s3_request.ts";
import { MultipartUpload } from "./s3_upload.ts";

/** What S3 takes for a key. */
const MAX_KEY_BYTES = 1024;

/** The object that says that there is a container. No name of an object is encoded so. */
const MARK = "~container";

/** Objects that are deleted at once. */
const DELETE_WIDTH = 10;

/** A backend on a bucket. */
export class S3Backend implements Backend {
  /** A bucket has no end, and counting it takes requests: who pays for it says how much there may be. */
  readonly quota: Amount | undefined = undefined;
  readonly #bucket: Bucket;

  constructor(bucket: Bucket) {
    this.#bucket = bucket;
  }

  #folder(id: ContainerId): string {
    // Of the parts of long names. A plus is a space to some who sign keys, and no such key could be asked for.
    const parts = id.map((part) => part.replace(/^\+/, "~~"));
    return `${this.#bucket.prefix}${parts.join("/")}/`;
  }

  #key({ container, name }: ObjectId): string {
    const key = this.#folder(container) + encodeKey(name);
    if (key.length > MAX_KEY_BYTES) throw new Error(`a key has ${key.length} bytes, and may have ${MAX_KEY_BYTES}`);
    return key;
  }

  async #done(method: string, key: string, options: Parameters<typeof ask>[3] = {}): Promise<Response> {
    const response = await ask(this.#bucket, method, key, options);
    await response.body?.cancel();
    return response;
  }

  async createContainer(id: ContainerId): Promise<boolean> {
    if (await this.containerInfo(id) !== undefined) return false;
    await this.#done("PUT", this.#folder(id) + MARK, { body: new Uint8Array(0) });
    return true;
  }

  async containerInfo(id: ContainerId): Promise<{ createdAt: number } | undefined> {
    const info = await this.#head(this.#folder(id) + MARK);
    return info && { createdAt: info.createdAt };
  }

  async #head(key: string): Promise<ObjectInfo | undefined> {
    const { status, headers } = await this.#done("HEAD", key, { expected: [404] });
    if (status === 404) return undefined;
    return {
      size: Number(headers.get("content-length") ?? 0),
      createdAt: Date.parse(headers.get("last-modified") ?? "") || 0,
    };
  }

  async deleteContainer(id: ContainerId): Promise<void> {
    const folder = this.#folder(id);
    // First of all: from now on the container is not there.
    await this.#done("DELETE", folder + MARK, { expected: [404] });
    for await (const keys of this.#keys(folder)) {
      for (let at = 0; at < keys.length; at += DELETE_WIDTH) {
        const some = keys.slice(at, at + DELETE_WIDTH);
        await Promise.all(some.map((key) => this.#done("DELETE", key, { expected: [404] })));
      }
    }
  }

  async *list(id: ContainerId): AsyncGenerator<readonly string[]> {
    const folder = this.#folder(id);
    for await (const keys of this.#keys(folder)) {
      yield keys.filter((key) => key !== folder + MARK)
        .map((key) => decodeKey(key.slice(folder.length)))
        .filter((name) => name !== undefined);
    }
  }

  /** The keys that begin with `prefix`, in pages. */
  async *#keys(prefix: string): AsyncGenerator<string[]> {
    for await (const page of this.#pages(prefix)) yield page.map(({ key }) => key);
  }

  async *#pages(prefix: string): AsyncGenerator<{ key: string; size: number }[]> {
    let token: string | undefined;
    do {
      const query = new URLSearchParams({ "list-type": "2", prefix });
      if (token !== undefined) query.set("continuation-token", token);
      const text = await (await ask(this.#bucket, "GET", "", { query: `?${query}` })).text();
      // Our keys have no character that XML escapes.
      yield [...text.matchAll(/<Contents>(.*?)<\/Contents>/gs)].map(([, entry]) => ({
        key: /<Key>([^<]*)<\/Key>/.exec(entry!)?.[1] ?? "",
        size: Number(/<Size>(\d+)<\/Size>/.exec(entry!)?.[1] ?? 0),
      }));
      token = /<IsTruncated>true<\/IsTruncated>/.test(text)
        ? unescapeXml(/<NextContinuationToken>([^<]*)<\/NextContinuationToken>/.exec(text)?.[1])
        : undefined;
    } while (token !== undefined);
  }

  async usage(id: ContainerId): Promise<Amount> {
    const folder = this.#folder(id);
    let [bytes, objects] = [0, 0];
    for await (const page of this.#pages(folder)) {
      for (const { key, size } of page) {
        if (key === folder + MARK) continue;
        bytes += size;
        objects++;
      }
    }
    return { bytes, objects };
  }

  info(id: ObjectId): Promise<ObjectInfo | undefined> {
    return this.#head(this.#key(id));
  }

  async read(id: ObjectId, range: { start: number; end: number }): Promise<Reading | undefined> {
    const key = this.#key(id);
    const headers = { range: `bytes=${range.start}-${range.end >= Number.MAX_SAFE_INTEGER - 1 ? "" : range.end}` };
    const response = await ask(this.#bucket, "GET", key, { headers, expected: [404, 416] });
    if (response.status === 404 || response.status === 416) {
      await response.body?.cancel();
      return response.status === 404 ? undefined : { length: 0, body: new Blob([]).stream() };
    }
    const [, from, to, size] = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(response.headers.get("content-range") ?? "") ?? [];
    if (response.status !== 206 || from === undefined || Number(from) !== range.start) {
      await response.body?.cancel();
      throw new S3Error(response.status, `GET ${key}: not the range that was asked for`, "");
    }
    const { from: first, to: end } = within(size === "*" ? Number(to) + 1 : Number(size), range);
    return { length: end - first, body: response.body ?? new Blob([]).stream() };
  }

  begin(): Promise<Upload> {
    const target = (id: ObjectId) => this.#key(id);
    return Promise.resolve(
      new MultipartUpload(this.#bucket, {
        target,
        isContainer: async (id) => await this.containerInfo(id) !== undefined,
        copy: (from, to) => this.#copy(from, to),
      }),
    );
  }

  async delete(id: ObjectId): Promise<void> {
    await this.#done("DELETE", this.#key(id), { expected: [404] });
  }

  copy(from: ObjectId, to: ObjectId): Promise<boolean> {
    return this.#copy(this.#key(from), this.#key(to));
  }

  async #copy(from: string, to: string): Promise<boolean> {
    const headers = { "x-amz-copy-source": `/${this.#bucket.name}${from}`, "x-amz-metadata-directive": "REPLACE" };
    const response = await ask(this.#bucket, "PUT", to, { headers, expected: [404] });
    const text = await response.text();
    if (response.status === 404) return false;
    // A copy that takes long may fail after its status was sent.
    if (/<Error>/.test(text)) throw new S3Error(response.status, `copying to ${to}`, text);
    return true;
  }

  async move(from: ObjectId, to: ObjectId): Promise<boolean> {
    if (this.#key(from) === this.#key(to)) return await this.info(from) !== undefined;
    const copied = await this.copy(from, to);
    if (copied) await this.delete(from);
    return copied;
  }
}

const ENTITIES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

function unescapeXml(text: string | undefined): string | undefined {
  return text?.replace(/&(\w+);/g, (whole, name: string) => ENTITIES[name] ?? whole);
}

/**
 * Opens the bucket that `location` names, `s3://BUCKET` or `s3://BUCKET/PREFIX`, with what the environment says as for
 * every client of S3: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`, `AWS_REGION`, and for a store
 * other than Amazon's `AWS_ENDPOINT_URL_S3` or `AWS_ENDPOINT_URL`.
 *
 * @throws {SkerryError} `setting-invalid`.
 */
export function openBucket(location: string): S3Backend {
  const fail = (wrong: string, how: string): never => {
    throw new SkerryError("setting-invalid", `opening the objects in ${location}: ${wrong}. ${how}`);
  };
  const [, name, path = ""] = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,62})(?:\/([A-Za-z0-9_/-]*))?$/.exec(location) ??
    fail("it is no bucket", "Write s3://BUCKET or s3://BUCKET/PREFIX in BLOB_URL, or the path of a folder.");
  const variable = (name: string) => Deno.env.get(name) || undefined;
  const needed = (name: string) =>
    variable(name) ?? fail(`${name} is not set`, "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.");
  const region = variable("AWS_REGION") ?? variable("AWS_DEFAULT_REGION") ?? "us-east-1";
  const endpoint = variable("AWS_ENDPOINT_URL_S3") ?? variable("AWS_ENDPOINT_URL");
  if (endpoint !== undefined && !/^https?:\/\/[^/?#]+\/?$/.test(endpoint)) {
    fail("AWS_ENDPOINT_URL_S3 is no origin", "Write http://HOST:PORT or https://HOST.");
  }
  const sessionToken = variable("AWS_SESSION_TOKEN");
  const client = new AwsClient({
    accessKeyId: needed("AWS_ACCESS_KEY_ID"),
    secretAccessKey: needed("AWS_SECRET_ACCESS_KEY"),
    ...(sessionToken === undefined ? {} : { sessionToken }),
    service: "s3",
    region,
    retries: 3,
  });
  const prefix = path.replace(/^\/+|\/+$/g, "").replace(/\/+/g, "/");
  return new S3Backend({
    client,
    // Bucket names in host names are Amazon's; everybody has them in paths.
    url: endpoint === undefined
      ? `https://s3.${region}.amazonaws.com/${name}/`
      : `${endpoint.replace(/\/$/, "")}/${name}/`,
    name: `${name}/`,
    prefix: prefix === "" ? "" : `${prefix}/`,
  });
}
