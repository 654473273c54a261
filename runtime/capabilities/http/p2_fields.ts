/**
 * The resource `wasi:http/types.fields` 0.2.
 *
 * @module
 */
import { WitError } from "../../errors.ts";
import { Fields as HostFields, FieldsError } from "../../http/fields.ts";
import { trap } from "../../streams/p2/mod.ts";

/** `wasi:http/types.header-error` 0.2. */
export type HeaderError = { readonly tag: "invalid-syntax" | "forbidden" | "immutable" };

/** Headers or trailers. Those of a message that exists are immutable; `clone` makes a copy that is not. */
export class Fields {
  readonly #fields: HostFields;

  /** A guest's constructor passes nothing. */
  constructor(fields: HostFields = new HostFields()) {
    this.#fields = fields;
  }

  static hostFields(fields: Fields): HostFields {
    return fields.#fields;
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

  append(name: string, value: Uint8Array): void {
    checked(() => this.#fields.append(name, value));
  }

  entries(): [string, Uint8Array][] {
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
    if (!(error instanceof FieldsError)) throw error;
    // 0.2 has no case for it.
    if (error.refusal === "size-exceeded") throw trap("wasi:http/types#fields", "too many or too large fields");
    throw new WitError({ tag: error.refusal } satisfies HeaderError);
  }
}
