/**
 * What may stand in a request's parts, the same for every WASI version: RFC 9110 and RFC 3986. What gets through here
 * reaches a transport, so nothing that could end a line or a part does.
 *
 * @module
 */
import { isFieldName } from "../../http/fields.ts";

/** `method` of `wasi:http/types`. */
export type MethodVariant =
  | { readonly tag: "get" | "head" | "post" | "put" | "delete" | "connect" | "options" | "trace" | "patch" }
  | { readonly tag: "other"; readonly val: string };

/** `scheme` of `wasi:http/types`. */
export type SchemeVariant =
  | { readonly tag: "HTTP" | "HTTPS" }
  | { readonly tag: "other"; readonly val: string };

const METHODS: ReadonlySet<string> = new Set([
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "DELETE",
  "CONNECT",
  "OPTIONS",
  "TRACE",
  "PATCH",
]);

/** Methods are compared with their case, RFC 9110 section 9.1: `get` is another method than `GET`. */
export function methodVariant(method: string): MethodVariant {
  return METHODS.has(method) ? { tag: method.toLowerCase() as "get" } : { tag: "other", val: method };
}

/** The method as it is sent, or `undefined` if it is no token. */
export function methodText(method: MethodVariant): string | undefined {
  if (method.tag !== "other") return method.tag.toUpperCase();
  return isFieldName(method.val) ? method.val : undefined;
}

export function schemeVariant(scheme: string): SchemeVariant {
  if (scheme === "http") return { tag: "HTTP" };
  return scheme === "https" ? { tag: "HTTPS" } : { tag: "other", val: scheme };
}

/** The scheme in lower case, or `undefined` if it is none: RFC 3986, section 3.1. */
export function schemeText(scheme: SchemeVariant): string | undefined {
  if (scheme.tag !== "other") return scheme.tag.toLowerCase();
  return /^[a-z][a-z0-9+.-]*$/i.test(scheme.val) ? scheme.val.toLowerCase() : undefined;
}

/**
 * Whether `text` can stand between `//` and the path: a name or address and perhaps a port. User information is
 * refused, for RFC 9110 (section 4.2.4) forbids it and `a@b` hides where a request goes.
 */
export function isAuthority(text: string): boolean {
  const match = /^(\[[0-9a-f:.]+\]|[a-z0-9._~!$&'()*+,;=%-]+)(?::(\d{0,5}))?$/i.exec(text);
  return match !== null && Number(match[2] ?? 0) <= 65535;
}

/** Whether `text` can stand after the authority. `*` is for `OPTIONS`; the empty path is an absent one. */
export function isPathWithQuery(text: string): boolean {
  return text === "" || text === "*" || /^[/?][!"$-;=?-_a-~\u0080-\uffff]*$/.test(text);
}
