/**
 * A value on its way into a bucket: in one piece if it is small, otherwise in parts.
 *
 * @module
 */
import type { ContainerId, ObjectId, Upload } from "./backend.ts";
import { ask, type Bucket, S3Error } from "./s3_request.ts";

/** What waits in memory before it is sent. S3 takes 10,000 parts of at least 5 MiB. */
const PART_BYTES = 8 * 2 ** 20;

/** What an upload has to know of its store. */
export interface Place {
  target(id: ObjectId): string;
  isContainer(id: ContainerId): Promise<boolean>;
  copy(from: string, to: string): Promise<boolean>;
}

/** S3 has to know the key before the first part, and we know it after the last: parts go to a key of their own. */
export class MultipartUpload implements Upload {
  readonly #bucket: Bucket;
  readonly #place: Place;
  readonly #key: string;
  #waiting: Uint8Array<ArrayBuffer>[] = [];
  #bytes = 0;
  #id: string | undefined;
  #completed = false;
  readonly #tags: string[] = [];

  constructor(bucket: Bucket, place: Place) {
    this.#bucket = bucket;
    this.#place = place;
    this.#key = `${bucket.prefix}tmp/${crypto.randomUUID()}`;
  }

  async write(chunk: Uint8Array<ArrayBuffer>): Promise<void> {
    this.#waiting.push(chunk);
    this.#bytes += chunk.byteLength;
    if (this.#bytes >= PART_BYTES) await this.#sendPart();
  }

  async #taken(): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = await new Blob(this.#waiting).bytes();
    this.#waiting = [];
    this.#bytes = 0;
    return bytes;
  }

  async #sendPart(): Promise<void> {
    if (this.#id === undefined) {
      const text = await (await ask(this.#bucket, "POST", this.#key, { query: "?uploads=" })).text();
      this.#id = /<UploadId>([^<]+)<\/UploadId>/.exec(text)?.[1];
      if (this.#id === undefined) throw new S3Error(200, `POST ${this.#key}: no upload id`, text);
    }
    const body = await this.#taken();
    const query = `?partNumber=${this.#tags.length + 1}&uploadId=${encodeURIComponent(this.#id)}`;
    const response = await ask(this.#bucket, "PUT", this.#key, { query, body });
    await response.body?.cancel();
    this.#tags.push(response.headers.get("etag") ?? "");
  }

  async commit(to: ObjectId): Promise<boolean> {
    const key = this.#place.target(to);
    if (!await this.#place.isContainer(to.container)) return false;
    if (this.#id === undefined) {
      const response = await ask(this.#bucket, "PUT", key, { body: await this.#taken() });
      await response.body?.cancel();
      return true;
    }
    if (this.#bytes > 0) await this.#sendPart();
    const parts = this.#tags.map((tag, at) => `<Part><PartNumber>${at + 1}</PartNumber><ETag>${tag}</ETag></Part>`);
    const text = await (await ask(this.#bucket, "POST", this.#key, {
      query: `?uploadId=${encodeURIComponent(this.#id)}`,
      body: `<CompleteMultipartUpload>${parts.join("")}</CompleteMultipartUpload>`,
    })).text();
    if (/<Error>/.test(text)) throw new S3Error(200, `completing ${this.#key}`, text);
    this.#completed = true;
    const copied = await this.#place.copy(this.#key, key);
    await this.abort();
    return copied;
  }

  async abort(): Promise<void> {
    this.#waiting = [];
    if (this.#id === undefined) return;
    const query = this.#completed ? "" : `?uploadId=${encodeURIComponent(this.#id)}`;
    this.#id = undefined;
    const response = await ask(this.#bucket, "DELETE", this.#key, { query, expected: [404] });
    await response.body?.cancel();
  }
}
