/**
 * What kind of network an IP address belongs to: the special-purpose registries of RFC 6890 and what clouds answer on.
 *
 * @module
 */

/**
 * `public` is the internet, `loopback` this machine, `private` a network of the operator's own (RFC 1918, RFC 4193,
 * RFC 6598). All else is `special`: link-local and metadata services, multicast, unspecified, reserved, and the ways to
 * write an IPv4 address as an IPv6 one.
 */
export type AddressKind = "public" | "loopback" | "private" | "special";

type Block = readonly [cidr: string, kind: AddressKind];

/** Of two blocks the earlier one holds. What stands in none is public for IPv4, and special for IPv6. */
const IPV4: readonly Block[] = [
  ["100.100.100.200/32", "special"], // Alibaba Cloud's metadata, within shared address space.
  ["168.63.129.16/32", "special"], // Azure's platform, within what is public.
  ["0.0.0.0/8", "special"],
  ["10.0.0.0/8", "private"],
  ["100.64.0.0/10", "private"],
  ["127.0.0.0/8", "loopback"],
  ["169.254.0.0/16", "special"], // Link-local, and nearly every cloud's metadata.
  ["172.16.0.0/12", "private"],
  ["192.0.0.0/24", "special"], // With Oracle Cloud's metadata.
  ["192.0.2.0/24", "special"],
  ["192.31.196.0/24", "special"],
  ["192.52.193.0/24", "special"],
  ["192.88.99.0/24", "special"], // 6to4 relays.
  ["192.168.0.0/16", "private"],
  ["192.175.48.0/24", "special"],
  ["198.18.0.0/15", "special"],
  ["198.51.100.0/24", "special"],
  ["203.0.113.0/24", "special"],
  ["224.0.0.0/3", "special"], // Multicast, reserved, broadcast.
];

const IPV6: readonly Block[] = [
  ["fd00:ec2::/32", "special"], // AWS's metadata, time and names, within unique local addresses.
  ["fd20:ce::254/128", "special"], // Google Cloud's metadata, likewise.
  ["fd00:42::42/128", "special"], // Scaleway's.
  ["::1/128", "loopback"],
  ["fc00::/7", "private"],
  ["2001::/23", "special"], // IETF protocols, with Teredo and ORCHID.
  ["2001:db8::/32", "special"],
  ["2002::/16", "special"], // 6to4.
  ["2620:4f:8000::/48", "special"],
  ["3fff::/20", "special"],
  // All that is handed out to the internet. Mapped, compatible, translated and NAT64 addresses are outside.
  ["2000::/3", "public"],
];

interface Range {
  readonly bytes: readonly number[];
  readonly bits: number;
  readonly kind: AddressKind;
}

const ranges: readonly Range[] = [...IPV4, ...IPV6].map(([cidr, kind]) => {
  const [address = "", bits] = cidr.split("/");
  return { bytes: parseAddress(address)!, bits: Number(bits), kind };
});

/**
 * The kind of `address`, an IPv4 or IPv6 address as a look-up gives it, with or without a zone. What cannot be read is
 * `special`.
 *
 * @example
 * ```ts
 * import { kindOf } from "./address.ts";
 *
 * console.assert(kindOf("93.184.216.34") === "public" && kindOf("10.1.2.3") === "private");
 * console.assert(kindOf("169.254.169.254") === "special" && kindOf("::ffff:93.184.216.34") === "special");
 * ```
 */
export function kindOf(address: string): AddressKind {
  const bytes = parseAddress(address.replace(/%.*$/s, ""));
  if (bytes === undefined) return "special";
  const range = ranges.find((range) => contains(range, bytes));
  // Interface identifiers of ISATAP (RFC 5214) carry an IPv4 address under any prefix.
  if (bytes.length === 16 && (bytes[8]! & 0xfd) === 0 && bytes[9] === 0 && bytes[10] === 0x5e && bytes[11] === 0xfe) {
    return "special";
  }
  return range?.kind ?? (bytes.length === 4 ? "public" : "special");
}

function contains({ bytes: prefix, bits }: Range, bytes: readonly number[]): boolean {
  if (prefix.length !== bytes.length) return false;
  for (let i = 0; i * 8 < bits; i++) {
    const mask = bits - i * 8 >= 8 ? 0xff : (0xff00 >> (bits - i * 8)) & 0xff;
    if ((prefix[i]! & mask) !== (bytes[i]! & mask)) return false;
  }
  return true;
}

/** Four or sixteen bytes; `undefined` if it is no address in the canonical shape of its family. */
function parseAddress(text: string): number[] | undefined {
  if (!text.includes(":")) return parseIpv4(text);
  // A dotted quad may end an IPv6 address: RFC 4291, section 2.2.
  const [dotted] = /\d+\.\d+\.\d+\.\d+$/.exec(text) ?? [];
  const quad = dotted === undefined ? [] : parseIpv4(dotted);
  if (quad === undefined) return undefined;
  const groups = quad.length === 0 ? "" : `${hex(quad[0]!, quad[1]!)}:${hex(quad[2]!, quad[3]!)}`;
  const [head = "", tail, ...more] = (text.slice(0, text.length - (dotted?.length ?? 0)) + groups).split("::");
  const [before, after] = [parseGroups(head), parseGroups(tail ?? "")];
  if (before === undefined || after === undefined || more.length > 0) return undefined;
  const missing = 16 - before.length - after.length;
  if (tail === undefined ? missing !== 0 : missing < 2) return undefined;
  return [...before, ...new Array<number>(missing).fill(0), ...after];
}

const hex = (high: number, low: number) => (high * 256 + low).toString(16);

function parseIpv4(text: string): number[] | undefined {
  if (!/^(?:(?:0|[1-9]\d{0,2})(?:\.|$)){4}$/.test(text) || text.endsWith(".")) return undefined;
  const bytes = text.split(".").map(Number);
  return bytes.every((byte) => byte <= 255) ? bytes : undefined;
}

function parseGroups(text: string): number[] | undefined {
  if (text === "") return [];
  const bytes: number[] = [];
  for (const group of text.split(":")) {
    if (!/^[0-9a-f]{1,4}$/i.test(group)) return undefined;
    const value = parseInt(group, 16);
    bytes.push(value >> 8, value & 0xff);
  }
  return bytes;
}
