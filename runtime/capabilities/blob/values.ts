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
import type { ObjectId, Reading, Upload } from "./backend.ts";
import {
  attempt,
  BlobError,
  type BlobOwner,
  MAX_OBJECT_BYTES,
  MAX_SYNC_BYTES,
  mostOf,
  type Store,
  takeHandle,
  withRoom,
} from "./store.ts";
import { Usages } from "./usage.ts";

/** The resources of `wasi:blobstore/types` that write to the backend of `owner`. */
export function valuesOn(owner: BlobOwner) {
  const { backend } = owner;
  const most = mostOf(owner);
  const unfinished = Usages.of(backend).unfinished(owner.function);

  /** A value that the guest writes, to a place that it names before or after. */
  class OutgoingValue {
    readonly #close = takeHandle();
    readonly #channel = new ByteChannel();
    #forget: () => void = () => {};
    /** Where the bytes go; begun with the first of them. */
    #upload: Promise<Upload> | undefined;
    /** Ends when the last byte has been written. */
    #written: Promise<void> | undefined;
    #streaming: "not yet" | "open" | "dropped" = "not yet";
    #target: { readonly store: Store; readonly id: ObjectId } | undefined;
    #size = 0;
    #over = false;

    constructor() {
      // Whatever ends the isolate, what is unfinished is forgotten.
      this.#forget = currentTask().defer(() => void this.#drop());
    }

    static newOutgoingValue(): OutgoingValue {
      return new OutgoingValue();
    }

    /** The object that `value` becomes. */
    static name(value: OutgoingValue, store: Store, id: ObjectId): void {
      if (value.#target !== undefined) throw new BlobError("the value has been written to an object before");
      value.#target = { store, id };
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
      while (true) {
        const chunk = source.take(MAX_READ_BYTES);
        if (chunk.byteLength > 0) {
          const { byteLength } = chunk;
          await withRoom("what waits to be finished", most, () => Promise.resolve(unfinished.add(byteLength, most)));
          this.#size += byteLength;
          if (this.#size > MAX_OBJECT_BYTES) throw new BlobError(`the object has more than ${MAX_OBJECT_BYTES} bytes`);
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
        if (!await target.store.commit(target.id, value.#size, () => upload.commit(target.id))) {
          throw new BlobError("there is no such container any more");
        }
        value.#upload = undefined;
        value.#release();
      } finally {
        // Whatever becomes of it, it takes no more room when the guest goes on.
        await value.#drop();
      }
    }

    async #drop(): Promise<void> {
      if (this.#over) return;
      this.#over = true;
      this.#forget();
      this.#close();
      this.#channel.source.cancel();
      // What is being written is written first: two do not touch one file.
      await this.#written?.catch(() => {});
      try {
        await (await this.#upload)?.abort();
      } catch (error) {
        currentTask().log("error", `blob: forgetting an unfinished object: ${error}`);
      } finally {
        this.#release();
      }
    }

    /** It waits no longer: it is an object, or forgotten. */
    #release(): void {
      unfinished.remove(this.#size);
      this.#size = 0;
    }

    [Symbol.dispose](): void {
      void this.#drop();
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
