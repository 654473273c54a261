/**
 * `wasi:messaging/types`: messages and clients as guests have them, the same for every function.
 *
 * @module
 */
import { currentTask } from "../../context.ts";
import type { HostInterface } from "../../engine/mod.ts";
import { WitError } from "../../errors.ts";
import { openCount } from "../../open_count.ts";
import { MAX_MESSAGE_BYTES, type QueueMessage, sizeOf } from "./store.ts";

/** Messages that a task may have in memory at once: host memory, 60 KiB each. */
export const MAX_OPEN_MESSAGES = 256;

/** The errors of `wasi:messaging`. */
export type MessagingErrorPayload =
  | { readonly tag: "timeout" }
  | { readonly tag: "connection" | "permission-denied" | "other"; readonly val: string };

/** A refusal, for the guest. */
export class MessagingError extends WitError {
  declare readonly payload: MessagingErrorPayload;
  override readonly name: string = "MessagingError";

  constructor(payload: MessagingErrorPayload) {
    super(payload);
  }
}

const countMessage = openCount();
const NOTHING = new Uint8Array(0);

/** What making one throws: a constructor has no error to answer with. */
const tooMany = () =>
  new Error(
    `making a message: ${MAX_OPEN_MESSAGES} are open already, and one request may have ${MAX_OPEN_MESSAGES}`,
  );

/** A message that a guest makes, or is called for. */
export class Message {
  #data: Uint8Array = NOTHING;
  #contentType: string | undefined;
  readonly #metadata = new Map<string, string>();
  #metadataLength = 0;
  /** The bytes of what was too large to be sent, and is not kept: a guest can name as many as its memory has. */
  #tooLarge = 0;
  #topic: string | undefined;
  readonly #giveBack: () => void;

  constructor(data: Uint8Array) {
    this.#giveBack = countMessage(MAX_OPEN_MESSAGES, tooMany);
    this.setData(data);
  }

  /** The message of a queue, for whoever is called for it. */
  static received(topic: string, { data, contentType, metadata }: QueueMessage): Message {
    const message = new Message(data);
    message.#topic = topic;
    message.#contentType = contentType;
    message.setMetadata(metadata ?? []);
    return message;
  }

  /**
   * What is kept of it.
   *
   * @throws {MessagingError} `other`, when it is too large.
   */
  static content(message: Message): Pick<QueueMessage, "data" | "contentType" | "metadata"> {
    const metadata = [...message.#metadata];
    const kept = sizeOf({ data: message.#data, contentType: message.#contentType, metadata });
    const bytes = Math.max(kept, message.#tooLarge);
    if (bytes > MAX_MESSAGE_BYTES) {
      const val = `the message has ${bytes} bytes with its metadata, and may have ${MAX_MESSAGE_BYTES}`;
      throw new MessagingError({ tag: "other", val });
    }
    return {
      data: message.#data,
      ...(message.#contentType === undefined ? {} : { contentType: message.#contentType }),
      ...(metadata.length === 0 ? {} : { metadata }),
    };
  }

  topic(): string | undefined {
    return this.#topic;
  }

  contentType(): string | undefined {
    return this.#contentType;
  }

  setContentType(contentType: string): void {
    if (this.#fits(contentType.length)) this.#contentType = contentType;
  }

  data(): Uint8Array {
    return this.#data;
  }

  setData(data: Uint8Array): void {
    if (this.#fits(data.byteLength)) this.#data = data.slice();
  }

  metadata(): [string, string][] | undefined {
    return this.#metadata.size === 0 ? undefined : [...this.#metadata];
  }

  addMetadata(key: string, value: string): void {
    this.removeMetadata(key);
    const length = key.length + value.length + 1;
    if (!this.#fits(this.#metadataLength + length)) return;
    this.#metadata.set(key, value);
    this.#metadataLength += length;
  }

  setMetadata(metadata: readonly (readonly [string, string])[]): void {
    this.#metadata.clear();
    this.#metadataLength = 0;
    for (const [key, value] of metadata) this.addMetadata(key, value);
  }

  removeMetadata(key: string): void {
    const value = this.#metadata.get(key);
    if (value === undefined) return;
    this.#metadata.delete(key);
    this.#metadataLength -= key.length + value.length + 1;
  }

  /** Only sending has an error to answer with, so what is too large is remembered until then. */
  #fits(length: number): boolean {
    if (length <= MAX_MESSAGE_BYTES) return true;
    this.#tooLarge = Math.max(this.#tooLarge, length);
    return false;
  }

  [Symbol.dispose](): void {
    this.#giveBack();
    this.#data = NOTHING;
  }
}

/** A connection to the one place where queues are: the server's database. */
export class Client {
  // deno-lint-ignore require-await -- it may wait where there is a network between
  static async connect(name: string): Promise<Client> {
    if (name === "" || name === "default") return new Client();
    currentTask().log("warn", `connecting to the message service ${JSON.stringify(name)}: there is only "default"`);
    throw new MessagingError({
      tag: "connection",
      val: `there is no service ${JSON.stringify(name)}; there is "default"`,
    });
  }

  disconnect(): void {}

  [Symbol.dispose](): void {}
}

/** The interface, which does nothing without those that use it. */
export const types: HostInterface = Object.freeze({ Client, Message });
