/**
 * HTTP fields: headers and trailers, as both WASI versions see them.
 *
 * @module
 */
import { maybeTask } from "../context.ts";
import { DEFAULT_LIMITS, type Limits } from "../limits.ts";
import { latin1Bytes, latin1Text } from "../streams/latin1.ts";

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

/** RFC 9110, section 5.5: visible characters, obs-text, space and tab, of a byte string. Nothing that could end the line. */
export function isFieldValue(value: string): boolean {
  return !NO_VALUE.test(value);
}

/** RFC 9110, section 5.5: no character that could end the line. */
// deno-lint-ignore no-control-regex -- it is about them
const NO_VALUE = /[\x00-\x08\x0a-\x1f\x7f]/;

/** Its value is a byte string: transports have them, small ones cost less than arrays, and few guests ask for many. */
interface Field {
  readonly name: string;
  readonly key: string;
  readonly value: string;
}

/**
 * An ordered multimap from names, compared without case, to values of bytes.
 *
 * @example
 * ```ts
 * import { latin1Bytes } from "../streams/latin1.ts";
 * import { Fields } from "./fields.ts";
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
   * Fields with these entries, of which they keep nothing.
   *
   * @throws {FieldsError} if one of them is malformed or forbidden, or they are too many.
   */
  static from(entries: Iterable<readonly [string, Uint8Array]>): Fields {
    const fields = new Fields();
    for (const [name, value] of entries) fields.append(name, value);
    return fields;
  }

  /** Fields as they came over a transport, values as byte strings: forbidden ones are left out, the rest is taken as it is. */
  static received(entries: Iterable<readonly [string, string]>): Fields {
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
    return this.texts(name).map(latin1Bytes);
  }

  /** As {@linkcode get}, but byte strings. */
  texts(name: string): string[] {
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
    const texts = values.map(checkedText);
    this.#remove(key);
    for (const value of texts) this.#add({ name, key, value });
  }

  append(name: string, value: Uint8Array): void {
    const key = this.#checkName(name);
    this.#add({ name, key, value: checkedText(value) });
  }

  /** Removes and returns the values of `name`. */
  delete(name: string): Uint8Array[] {
    return this.#remove(this.#checkName(name));
  }

  /** Names as they were written, and values, in order. */
  entries(): [string, Uint8Array][] {
    return this.#fields.map(({ name, value }) => [name, latin1Bytes(value)]);
  }

  /** As {@linkcode entries}, but values as byte strings. */
  textEntries(): [string, string][] {
    return this.#fields.map(({ name, value }) => [name, value]);
  }

  /** The one value of `name` as text, if it has exactly one. */
  text(name: string): string | undefined {
    const [value, ...others] = this.texts(name);
    return others.length === 0 ? value : undefined;
  }

  /** The fields for a Web API: byte strings, repeated names kept apart as far as `Headers` does. */
  toHeaders(): Headers {
    const headers = new Headers();
    this.addTo(headers);
    return headers;
  }

  /** Adds these fields to `headers`, their names in lower case: some who read them know no other. */
  addTo(headers: Headers): void {
    for (const { key, value } of this.#fields) headers.append(key, value);
  }

  #checkName(name: string): string {
    if (this.#immutable) throw new FieldsError("immutable");
    if (!TOKEN.test(name)) throw new FieldsError("invalid-syntax");
    const key = name.toLowerCase();
    if (FORBIDDEN.has(key)) throw new FieldsError("forbidden");
    return key;
  }

  #add(field: Field): void {
    this.#bytes += field.name.length + field.value.length;
    const tooMany = this.#fields.length >= this.#limits.headerCount;
    if (tooMany || this.#bytes > this.#limits.headerBytes) {
      maybeTask()?.countLimit(tooMany ? "headerCount" : "headerBytes");
      this.#bytes -= field.name.length + field.value.length;
      throw new FieldsError("size-exceeded");
    }
    this.#fields.push(field);
  }

  #remove(key: string): Uint8Array[] {
    const removed: Uint8Array[] = [];
    this.#fields = this.#fields.filter((field) => {
      if (field.key !== key) return true;
      removed.push(latin1Bytes(field.value));
      this.#bytes -= field.name.length + field.value.length;
      return false;
    });
    return removed;
  }
}

function checkedText(value: Uint8Array): string {
  const text = latin1Text(value);
  if (!isFieldValue(text)) throw new FieldsError("invalid-syntax");
  return text;
}
