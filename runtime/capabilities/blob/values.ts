/**
 * The values of `wasi:blobstore/types`: what a guest writes, and what it reads.
 *
 * @module
 */
import { currentTask } from "../../context.ts";
import { WitError } from "../../errors.ts";
import { MAX_READ_BYTES } from "../../limits.ts";
import { ByteChannel, type ByteSource } from "../../streams/bytes.ts";
import { InputStream, OutputStream, trap } from "../../streams/p2/mod.ts";
import { waitAny } from "../../streams/waitable.ts";
import { sourceOf } from "../../streams/web.ts";
import type { Backend, ObjectId, Reading, Upload } from "./backend.ts";
import { attempt, BlobError, MAX_OBJECT_BYTES, MAX_SYNC_BYTES, takeHandle } from "./store.ts";

/** The resources of `wasi:blobstore/types` that write to `backend`. */
export function valuesOn(backend: Backend) {
  /** A value that the guest writes, to a place that it names before or after. */
  class OutgoingValue {
    readonly #close = takeHandle();
    readonly #channel = new ByteChannel();
    readonly #forget: () => void;
    /** Where the bytes go; begun with the first of them. */
    #upload: Promise<Upload> | undefined;
    /** Ends when the last byte has been written. */
    #written: Promise<void> | undefined;
    #streaming: "not yet" | "open" | "dropped" = "not yet";
    #target: ObjectId | undefined;
    #over = false;

    constructor() {
      // Whatever ends the isolate, what is unfinished is forgotten.
      this.#forget = currentTask().defer(() => this.#drop());
    }

    static newOutgoingValue(): OutgoingValue {
      return new OutgoingValue();
    }

    /** The object that `value` becomes. */
    static name(value: OutgoingValue, target: ObjectId): void {
      if (value.#target !== undefined) throw new BlobError("the value has been written to an object before");
      value.#target = target;
    }

    outgoingValueWriteBody(): OutputStream {
      if (this.#streaming !== "not yet") throw new WitError();
      this.#streaming = "open";
      const { sink, source } = this.#channel;
      this.#written = this.#write(source);
      // It is told when the value is finished, if ever.
      this.#written.catch(() => source.cancel());
      return new OutputStream(sink, () => {
        this.#streaming = "dropped";
        sink.close();
      });
    }

    async #write(source: ByteSource): Promise<void> {
      const upload = await this.#begin();
      let size = 0;
      while (true) {
        const chunk = source.take(MAX_READ_BYTES);
        if (chunk.byteLength > 0) {
          size += chunk.byteLength;
          if (size > MAX_OBJECT_BYTES) throw new BlobError(`the object has more than ${MAX_OBJECT_BYTES} bytes`);
          await attempt("write an object", () => upload.write(chunk));
        } else if (source.state !== "open") {
          return;
        } else {
          await waitAny([source]);
        }
      }
    }

    #begin(): Promise<Upload> {
      return this.#upload ??= attempt("begin an object", () => backend.begin());
    }

    static async finish(value: OutgoingValue): Promise<void> {
      if (value.#streaming === "open") {
        throw trap("wasi:blobstore/types#[static]outgoing-value.finish", "its stream has not been dropped");
      }
      try {
        const target = value.#target;
        if (target === undefined) throw new BlobError("the value was written to no object");
        await value.#written;
        const upload = await value.#begin();
        if (!await attempt("finish an object", () => upload.commit(target))) {
          throw new BlobError("there is no such container any more");
        }
        value.#upload = undefined;
      } finally {
        value.#drop();
      }
    }

    #drop(): void {
      if (this.#over) return;
      this.#over = true;
      this.#forget();
      this.#close();
      this.#channel.source.cancel();
      // What is being written is written first: two do not touch one file.
      const written = this.#written ?? Promise.resolve();
      written.catch(() => {}).then(async () => await (await this.#upload)?.abort()).catch((error) =>
        currentTask().log("error", `blob: forgetting an unfinished object: ${error}`)
      );
    }

    [Symbol.dispose](): void {
      this.#drop();
    }
  }

  return { OutgoingValue, IncomingValue };
}

/** What {@linkcode valuesOn} makes. */
export type OutgoingValueClass = ReturnType<typeof valuesOn>["OutgoingValue"];

/** A value that the guest reads, at once or as a stream. */
export class IncomingValue {
  readonly #reading: Reading;
  readonly #close: () => void;
  readonly #forget: () => void;

  /** `close` gives the handle back that was taken before the object was opened. */
  constructor(reading: Reading, close: () => void) {
    this.#reading = reading;
    this.#close = close;
    this.#forget = currentTask().defer(() => void reading.body.cancel().catch(() => {}));
  }

  static async incomingValueConsumeSync(value: IncomingValue): Promise<Uint8Array> {
    const { length, body } = value.#reading;
    if (length > MAX_SYNC_BYTES) {
      value[Symbol.dispose]();
      throw new BlobError(`the value has ${length} bytes; more than ${MAX_SYNC_BYTES} have to be read as a stream`);
    }
    const bytes = new Uint8Array(length);
    let at = 0;
    try {
      await attempt("read an object", async () => {
        for await (const chunk of body) {
          bytes.set(chunk, at);
          at += chunk.byteLength;
        }
      });
    } finally {
      value.#end();
    }
    if (at < length) throw new BlobError("the store failed to read an object");
    return bytes;
  }

  static incomingValueConsumeAsync(value: IncomingValue): InputStream {
    const source = sourceOf(value.#reading.body);
    const failure = (error: unknown) => {
      currentTask().log("error", `blob read an object: ${error}`);
      return error;
    };
    // The stream is what the value was, so the handle is the stream's.
    value.#forget();
    const forget = currentTask().defer(() => source.cancel());
    return new InputStream(source, {
      failure,
      onDrop: () => {
        forget();
        value.#close();
        source.cancel();
      },
    });
  }

  size(): bigint {
    return BigInt(this.#reading.length);
  }

  #end(): void {
    this.#forget();
    this.#close();
  }

  [Symbol.dispose](): void {
    this.#end();
    // A body that is being read belongs to who reads it.
    if (!this.#reading.body.locked) this.#reading.body.cancel().catch(() => {});
  }
}
