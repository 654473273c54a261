/**
 * HTTP fields: headers and trailers, as both WASI versions see them.
 *
 * @module
 */
import { maybeTask } from "../context.ts";
import { DEFAULT_LIMITS, type Limits } from "../limits.ts";

/** Why a change of fields was refused: the cases of `wasi:http/types` `header-error` that both versions share. */
export type FieldsRefusal =
  | "invalid-syntax"
  | "forbidden"
  | "immutable"
  | "size-exceeded";

/** Thrown by {@linkcode Fields}; the faces turn it into their `header-error`. */
export class FieldsError extends Error {
  override readonly name = "FieldsError";
  readonly refusal: FieldsRefusal;

  constructor(refusal: FieldsRefusal) {
    super(`fields: ${refusal}`);
    this.refusal = refusal;
  }
}

/** RFC 9110, section 5.6.2: a field name is a token. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/**
 * Fields that belong to one connection, or that the transport sets: RFC 9110, section 7.6.1, and what wasmtime refuses.
 * A guest that could set them could smuggle requests.
 */
const FORBIDDEN: ReadonlySet<string> = new Set([
  "connection",
  "host",
  "http2-settings",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
]);

/** Whether guests may neither set nor see the field `name`. */
export function isForbiddenField(name: string): boolean {
  return FORBIDDEN.has(name.toLowerCase());
}

/** Whether `name` is a token. */
export function isFieldName(name: string): boolean {
  return TOKEN.test(name);
}

/** RFC 9110, section 5.5: visible characters, obs-text, space and tab. Nothing that could end the line. */
export function isFieldValue(value: Uint8Array): boolean {
  for (const byte of value) {
    if ((byte < 32 && byte !== 9) || byte === 127) return false;
  }
  return true;
}

interface Field {
  readonly name: string;
  readonly key: string;
  readonly value: Uint8Array;
}

/**
 * An ordered multimap from names, compared without case, to values of bytes.
 *
 * @example
 * ```ts
 * import { Fields, latin1Bytes } from "./fields.ts";
 *
 * const fields = new Fields();
 * fields.append("Set-Cookie", latin1Bytes("a=1"));
 * fields.append("set-cookie", latin1Bytes("b=2"));
 * console.assert(fields.get("SET-COOKIE").length === 2);
 * ```
 */
export class Fields {
  #fields: Field[] = [];
  #bytes = 0;
  #immutable = false;
  /** Of the task that made them: a guest's fields are its own. */
  readonly #limits: Pick<Limits, "headerCount" | "headerBytes"> = maybeTask()?.limits ?? DEFAULT_LIMITS;

  /**
   * Fields with these entries.
   *
   * @throws {FieldsError} if one of them is malformed or forbidden, or they are too many.
   */
  static from(entries: Iterable<readonly [string, Uint8Array]>): Fields {
    const fields = new Fields();
    for (const [name, value] of entries) fields.append(name, value);
    return fields;
  }

  /** Fields as they came over a transport: forbidden ones are left out, the rest is taken as it is. */
  static received(entries: Iterable<readonly [string, Uint8Array]>): Fields {
    const fields = new Fields();
    for (const [name, value] of entries) {
      const key = name.toLowerCase();
      if (!FORBIDDEN.has(key)) fields.#add({ name, key, value });
    }
    return fields.freeze();
  }

  get immutable(): boolean {
    return this.#immutable;
  }

  /** Makes these fields immutable. */
  freeze(): this {
    this.#immutable = true;
    return this;
  }

  /** A mutable copy. */
  clone(): Fields {
    const copy = new Fields();
    copy.#fields = [...this.#fields];
    copy.#bytes = this.#bytes;
    return copy;
  }

  /** The values of `name`, in order; none if there are none or it is no field name. */
  get(name: string): Uint8Array[] {
    const key = name.toLowerCase();
    return this.#fields.filter((field) => field.key === key).map((field) => field.value);
  }

  has(name: string): boolean {
    const key = name.toLowerCase();
    for (const field of this.#fields) if (field.key === key) return true;
    return false;
  }

  /** Replaces the values of `name`. */
  set(name: string, values: readonly Uint8Array[]): void {
    const key = this.#checkName(name);
    values.forEach(checkValue);
    this.#remove(key);
    for (const value of values) this.#add({ name, key, value });
  }

  append(name: string, value: Uint8Array): void {
    const key = this.#checkName(name);
    checkValue(value);
    this.#add({ name, key, value });
  }

  /** Removes and returns the values of `name`. */
  delete(name: string): Uint8Array[] {
    return this.#remove(this.#checkName(name));
  }

  /** Names as they were written, and values, in order. */
  entries(): [string, Uint8Array][] {
    return this.#fields.map(({ name, value }) => [name, value]);
  }

  /** The one value of `name` as text, if it has exactly one. */
  text(name: string): string | undefined {
    const values = this.get(name);
    return values.length === 1 ? latin1Text(values[0]!) : undefined;
  }

  /** The fields for a Web API: byte strings, repeated names kept apart as far as `Headers` does. */
  toHeaders(): Headers {
    const headers = new Headers();
    this.addTo(headers);
    return headers;
  }

  /** Adds these fields to `headers`, their names in lower case: some who read them know no other. */
  addTo(headers: Headers): void {
    for (const { key, value } of this.#fields) headers.append(key, latin1Text(value));
  }

  #checkName(name: string): string {
    if (this.#immutable) throw new FieldsError("immutable");
    if (!TOKEN.test(name)) throw new FieldsError("invalid-syntax");
    const key = name.toLowerCase();
    if (FORBIDDEN.has(key)) throw new FieldsError("forbidden");
    return key;
  }

  #add(field: Field): void {
    this.#bytes += field.name.length + field.value.byteLength;
    const tooMany = this.#fields.length >= this.#limits.headerCount;
    if (tooMany || this.#bytes > this.#limits.headerBytes) {
      maybeTask()?.countLimit(tooMany ? "headerCount" : "headerBytes");
      this.#bytes -= field.name.length + field.value.byteLength;
      throw new FieldsError("size-exceeded");
    }
    this.#fields.push(field);
  }

  #remove(key: string): Uint8Array[] {
    const removed: Uint8Array[] = [];
    this.#fields = this.#fields.filter((field) => {
      if (field.key !== key) return true;
      removed.push(field.value);
      this.#bytes -= field.name.length + field.value.byteLength;
      return false;
    });
    return removed;
  }
}

function checkValue(value: Uint8Array): void {
  if (!isFieldValue(value)) throw new FieldsError("invalid-syntax");
}

/** What a function can be called with at once, with room to spare. */
const MAX_ARGUMENTS = 4096;

/** A byte string, one character for each byte, as `Headers` holds it. */
export function latin1Text(bytes: Uint8Array): string {
  const { length } = bytes;
  if (length <= MAX_ARGUMENTS) return String.fromCharCode.apply(null, bytes as unknown as number[]);
  let text = "";
  for (let at = 0; at < length; at += MAX_ARGUMENTS) text += latin1Text(bytes.subarray(at, at + MAX_ARGUMENTS));
  return text;
}

/** The bytes of a byte string. */
export function latin1Bytes(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** The entries of Web headers, values as bytes. `set-cookie` comes once for each. */
export function* headerEntries(
  headers: Headers,
): Generator<[string, Uint8Array]> {
  for (const [name, value] of headers) yield [name, latin1Bytes(value)];
}
