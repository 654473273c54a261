/**
 * How the transpiler's process and ours talk: a JSON header with its length before it, then bytes.
 *
 * @module
 */

/** A header and bytes in one array. */
export function frame(
  header: unknown,
  parts: readonly Uint8Array[],
): Uint8Array<ArrayBuffer> {
  const head = new TextEncoder().encode(JSON.stringify(header));
  const size = parts.reduce((sum, part) => sum + part.length, 4 + head.length);
  const bytes = new Uint8Array(size);
  new DataView(bytes.buffer).setUint32(0, head.length, true);
  bytes.set(head, 4);
  let at = 4 + head.length;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** The header and the bytes behind it. Throws what `JSON.parse` throws when `bytes` is no frame. */
export function unframe(
  bytes: Uint8Array<ArrayBuffer>,
): { header: unknown; body: Uint8Array<ArrayBuffer> } {
  if (bytes.length < 4) throw new SyntaxError("no header");
  const size = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  return {
    header: JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + size))),
    body: bytes.subarray(4 + size),
  };
}
