/**
 * The resources `fields` and `request-options` of `wasi:http/types` 0.3.0.
 *
 * @module
 */
import { WitError } from "../../errors.ts";
import { Fields as HostFields, FieldsError, type FieldsRefusal } from "../../http/fields.ts";

/** `wasi:http/types.header-error` 0.3. */
export type HeaderError =
  | { readonly tag: FieldsRefusal }
  | { readonly tag: "other"; readonly val: string | undefined };

/** `wasi:http/types.request-options-error`. */
export type RequestOptionsError =
  | { readonly tag: "not-supported" | "immutable" }
  | { readonly tag: "other"; readonly val: string | undefined };

/** Headers or trailers. Those of a message are immutable; `clone` makes a copy that is not. */
export class Fields {
  readonly #fields: HostFields;

  /** A guest's constructor passes nothing. */
  constructor(fields: HostFields = new HostFields()) {
    this.#fields = fields;
  }

  /** The host's fields, immutable from now on: they belong to a message. */
  static seal(fields: Fields): HostFields {
    return fields.#fields.freeze();
  }

  static fromList(entries: readonly (readonly [string, Uint8Array])[]): Fields {
    return new Fields(checked(() => HostFields.from(entries)));
  }

  get(name: string): Uint8Array[] {
    return this.#fields.get(name);
  }

  has(name: string): boolean {
    return this.#fields.has(name);
  }

  set(name: string, values: readonly Uint8Array[]): void {
    checked(() => this.#fields.set(name, values));
  }

  delete(name: string): void {
    checked(() => this.#fields.delete(name));
  }

  getAndDelete(name: string): Uint8Array[] {
    return checked(() => this.#fields.delete(name));
  }

  append(name: string, value: Uint8Array): void {
    checked(() => this.#fields.append(name, value));
  }

  copyAll(): [string, Uint8Array][] {
    return this.#fields.entries();
  }

  clone(): Fields {
    return new Fields(this.#fields.clone());
  }

  [Symbol.dispose](): void {}
}

/** Runs `body`, and answers the guest with the `header-error` for what the fields refuse. */
function checked<T>(body: () => T): T {
  try {
    return body();
  } catch (error) {
    if (error instanceof FieldsError) throw new WitError({ tag: error.refusal } satisfies HeaderError);
    throw error;
  }
}

/** Timeouts in nanoseconds; `undefined` is the host's own. */
export interface Timeouts {
  readonly connect: bigint | undefined;
  readonly firstByte: bigint | undefined;
  readonly betweenBytes: bigint | undefined;
}

const NO_TIMEOUTS: Timeouts = { connect: undefined, firstByte: undefined, betweenBytes: undefined };

/** The timeouts of a request. Those that belong to a request are immutable; `clone` makes a copy that is not. */
export class RequestOptions {
  #timeouts: Timeouts;
  #immutable = false;

  /** A guest's constructor passes nothing. */
  constructor(timeouts: Timeouts = NO_TIMEOUTS) {
    this.#timeouts = timeouts;
  }

  /** The timeouts, immutable from now on: they belong to a request. */
  static seal(options: RequestOptions): Timeouts {
    options.#immutable = true;
    return options.#timeouts;
  }

  /** Immutable options. */
  static sealed(timeouts: Timeouts): RequestOptions {
    const options = new RequestOptions(timeouts);
    options.#immutable = true;
    return options;
  }

  getConnectTimeout(): bigint | undefined {
    return this.#timeouts.connect;
  }

  setConnectTimeout(duration: bigint | undefined): void {
    this.#change({ connect: duration });
  }

  getFirstByteTimeout(): bigint | undefined {
    return this.#timeouts.firstByte;
  }

  setFirstByteTimeout(duration: bigint | undefined): void {
    this.#change({ firstByte: duration });
  }

  getBetweenBytesTimeout(): bigint | undefined {
    return this.#timeouts.betweenBytes;
  }

  setBetweenBytesTimeout(duration: bigint | undefined): void {
    this.#change({ betweenBytes: duration });
  }

  clone(): RequestOptions {
    return new RequestOptions(this.#timeouts);
  }

  #change(change: Partial<Timeouts>): void {
    if (this.#immutable) throw new WitError({ tag: "immutable" } satisfies RequestOptionsError);
    this.#timeouts = { ...this.#timeouts, ...change };
  }

  [Symbol.dispose](): void {}
}
