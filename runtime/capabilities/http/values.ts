/**
 * The plain values of `wasi:http/types`, to and from the host's own: RFC 9110 and RFC 3986. What gets through here
 * reaches a transport, so nothing that could end a line or a part does.
 *
 * @module
 */
import { isFieldName } from "../../http/fields.ts";
import { MAX_FIELDS_BYTES } from "../../limits.ts";

const METHODS = ["get", "head", "post", "put", "delete", "connect", "options", "trace", "patch"] as const;

/** `wasi:http/types.method`. */
export type Method =
  | { readonly tag: (typeof METHODS)[number] }
  | { readonly tag: "other"; readonly val: string };

/** `wasi:http/types.scheme`. */
export type Scheme =
  | { readonly tag: "HTTP" | "HTTPS" }
  | { readonly tag: "other"; readonly val: string };

const byName: ReadonlyMap<string, Method> = new Map(METHODS.map((tag) => [tag.toUpperCase(), { tag }]));

/** Methods are compared with their case, RFC 9110 section 9.1: `get` is another method than `GET`. */
export function methodOf(name: string): Method {
  return byName.get(name) ?? { tag: "other", val: name };
}

/** The method as it is sent, or `undefined` if it is no token. */
export function methodName(method: Method): string | undefined {
  if (method.tag !== "other") return method.tag.toUpperCase();
  return isFieldName(method.val) ? method.val : undefined;
}

export function schemeOf(name: string): Scheme {
  if (name === "http") return { tag: "HTTP" };
  if (name === "https") return { tag: "HTTPS" };
  return { tag: "other", val: name };
}

/** The scheme, of those that we know in lower case, or `undefined` if it is none: RFC 3986, section 3.1. */
export function schemeName(scheme: Scheme): string | undefined {
  if (scheme.tag !== "other") return scheme.tag.toLowerCase();
  const { val } = scheme;
  if (!/^[a-z][a-z0-9+.-]*$/i.test(val)) return undefined;
  return /^https?$/i.test(val) ? val.toLowerCase() : val;
}

/**
 * Whether `authority` is a name or address and perhaps a port. User information is refused, for RFC 9110 (section 4.2.4)
 * forbids it and `a@b` hides where a request goes.
 */
export function isAuthority(authority: string): boolean {
  if (authority.length > MAX_FIELDS_BYTES) return false;
  const match = /^(?:\[[0-9a-f:.]+\]|(?:[a-z0-9\-._~!$&'()*+,;=]|%[0-9a-f]{2})+)(?::(\d{0,5}))?$/i.exec(authority);
  return match !== null && Number(match[1] ?? 0) <= 65_535;
}

/**
 * Whether `path` can stand after the authority. `*` is for `OPTIONS`; the empty path is an absent one. One that is longer
 * than all header fields may be gets nowhere.
 */
export function isPathWithQuery(path: string): boolean {
  if (path.length > MAX_FIELDS_BYTES) return false;
  return path === "" || path === "*" || /^[/?][\x21\x22\x24-\x7e\u0080-\uffff]*$/.test(path);
}
