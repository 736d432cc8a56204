/** IP addresses and prefixes as canonical text (RFC 5952 for IPv6). The only importer of `ip-address`. */
import { Address4, Address6 } from "ip-address";
import { invariant } from "./invariant.ts";

declare const kind: unique symbol;
/** One address in canonical text, without a zone and without brackets. */
export type IpAddress = string & { readonly [kind]: "address" };
/** One prefix in canonical text, host bits zero: `10.1.0.0/16`, `fd00::/64`. */
export type IpPrefix = string & { readonly [kind]: "prefix" };
export type IpFamily = 4 | 6;
/** In the order in which everything is written. */
export const FAMILIES: readonly IpFamily[] = Object.freeze([4, 6]);

/** First and last address of a prefix as integers, both inclusive. */
export interface IpRange {
  readonly family: IpFamily;
  readonly first: bigint;
  readonly last: bigint;
}

export const addressBits = (family: IpFamily): 32 | 128 => (family === 4 ? 32 : 128);

/** The address that the text is, or `undefined`: no zone, no leading zeros, no mask, no brackets. */
export function parseAddress(text: string): IpAddress | undefined {
  if (!/^[0-9a-fA-F:.]+$/.test(text)) return undefined;
  try {
    return (text.includes(":") ? new Address6(text) : new Address4(text)).correctForm() as IpAddress;
  } catch {
    return undefined;
  }
}

export function familyOf(address: IpAddress | IpPrefix): IpFamily {
  return address.includes(":") ? 6 : 4;
}

/** The address as an integer, most significant bit first. */
export function addressToInteger(address: IpAddress): bigint {
  if (familyOf(address) === 6) return new Address6(address).bigInt();
  // Not through the library: lists are sorted by this, and canonical text needs none of its checks.
  return BigInt(address.split(".").reduce((value, byte) => value * 256 + Number(byte), 0));
}

/**
 * The address that an integer stands for.
 * @throws InternalError when it does not fit the family.
 */
export function addressFromInteger(family: IpFamily, value: bigint): IpAddress {
  invariant(value >= 0n && value < 1n << BigInt(addressBits(family)), `${value} is an IPv${family} address`);
  const address = family === 4 ? Address4.fromBigInt(value) : Address6.fromBigInt(value);
  return address.correctForm() as IpAddress;
}

/** What a text says about a prefix: the prefix it lies in, and the very address that was written. */
export interface ParsedPrefix {
  readonly prefix: IpPrefix;
  readonly address: IpAddress;
  readonly hasHostBits: boolean;
}

/** Reads `address/length`; `undefined` when it is not one. Host bits are masked and reported, not refused. */
export function parsePrefix(text: string): ParsedPrefix | undefined {
  const match = /^([^/]+)\/(0|[1-9]\d{0,2})$/.exec(text);
  const address = parseAddress(match?.[1] ?? "");
  const lengthBits = Number(match?.[2]);
  if (address === undefined || lengthBits > addressBits(familyOf(address))) return undefined;
  const prefix = prefixOf(address, lengthBits);
  return { prefix, address, hasHostBits: networkAddress(prefix) !== address };
}

/**
 * The prefix of the given length that holds the address.
 * @throws InternalError when the length is longer than the address.
 */
export function prefixOf(address: IpAddress, lengthBits: number): IpPrefix {
  // Looked up millions of times.
  if (lengthBits === addressBits(familyOf(address))) return `${address}/${lengthBits}` as IpPrefix;
  const family = familyOf(address);
  const hostBits = addressBits(family) - lengthBits;
  invariant(lengthBits >= 0 && hostBits >= 0, `/${lengthBits} fits an IPv${family} address`);
  const network = (addressToInteger(address) >> BigInt(hostBits)) << BigInt(hostBits);
  return `${addressFromInteger(family, network)}/${lengthBits}` as IpPrefix;
}

/** All addresses of a family. */
export const EVERYTHING: Readonly<Record<IpFamily, IpPrefix>> = Object.freeze({
  4: "0.0.0.0/0" as IpPrefix,
  6: "::/0" as IpPrefix,
});

/** The prefix that holds this one address: /32 or /128. */
export function hostPrefix(address: IpAddress): IpPrefix {
  return `${address}/${addressBits(familyOf(address))}` as IpPrefix;
}

export function networkAddress(prefix: IpPrefix): IpAddress {
  return prefix.slice(0, prefix.indexOf("/")) as IpAddress;
}

export function prefixLengthBits(prefix: IpPrefix): number {
  return Number(prefix.slice(prefix.indexOf("/") + 1));
}

export function rangeOf(prefix: IpPrefix): IpRange {
  const family = familyOf(prefix);
  const first = addressToInteger(networkAddress(prefix));
  const size = 1n << BigInt(addressBits(family) - prefixLengthBits(prefix));
  return { family, first, last: first + size - 1n };
}

export function containsAddress(prefix: IpPrefix, address: IpAddress): boolean {
  if (familyOf(prefix) !== familyOf(address)) return false;
  return prefixOf(address, prefixLengthBits(prefix)) === prefix;
}

/** True when every address of `inner` lies in `outer`; a prefix contains itself. */
export function containsPrefix(outer: IpPrefix, inner: IpPrefix): boolean {
  return prefixLengthBits(inner) >= prefixLengthBits(outer) && containsAddress(outer, networkAddress(inner));
}

/** True when `inner` is a longer prefix within `outer`. */
export function isMoreSpecific(inner: IpPrefix, outer: IpPrefix): boolean {
  return inner !== outer && containsPrefix(outer, inner);
}

/** Two prefixes overlap exactly when one contains the other. */
export function overlaps(a: IpPrefix, b: IpPrefix): boolean {
  return containsPrefix(a, b) || containsPrefix(b, a);
}

/**
 * The address `offset` above the network address, or `undefined` when no host may have it: below 1, past the end, or,
 * for IPv4 prefixes shorter than /31, the broadcast address (RFC 919; RFC 3021 for /31).
 */
export function hostAddress(prefix: IpPrefix, offset: number): IpAddress | undefined {
  const { family, first, last } = rangeOf(prefix);
  const address = first + BigInt(offset);
  const highest = family === 4 && prefixLengthBits(prefix) < 31 ? last - 1n : last;
  return offset < 1 || address > highest ? undefined : addressFromInteger(family, address);
}

/** The broadcast address of an IPv4 prefix (RFC 919), or `undefined` where there is none: IPv6, and from /31 on (RFC 3021). */
export function broadcastAddress(prefix: IpPrefix): IpAddress | undefined {
  const { family, last } = rangeOf(prefix);
  return family === 4 && prefixLengthBits(prefix) < 31 ? addressFromInteger(family, last) : undefined;
}

/** The `index`-th prefix of the given length inside `parent`, counted from 0, or `undefined` past its end. */
export function subPrefix(parent: IpPrefix, lengthBits: number, index: number): IpPrefix | undefined {
  const { family, first, last } = rangeOf(parent);
  if (lengthBits < prefixLengthBits(parent) || lengthBits > addressBits(family) || index < 0) return undefined;
  const start = first + (BigInt(index) << BigInt(addressBits(family) - lengthBits));
  return start > last ? undefined : prefixOf(addressFromInteger(family, start), lengthBits);
}

/** True when a host may carry the address: not the network address, not an IPv4 broadcast address. */
export function isHostAddress(prefix: IpPrefix, address: IpAddress): boolean {
  const { family, first, last } = rangeOf(prefix);
  if (!containsAddress(prefix, address)) return false;
  const longest = addressBits(family) - 1;
  if (prefixLengthBits(prefix) >= longest) return true;
  const value = addressToInteger(address);
  return value !== first && !(family === 4 && value === last);
}

/** Order for stable output: IPv4 before IPv6, then by number. */
export function compareAddresses(a: IpAddress, b: IpAddress): number {
  if (a === b) return 0;
  const family = familyOf(a) - familyOf(b);
  if (family !== 0) return family;
  return addressToInteger(a) < addressToInteger(b) ? -1 : 1;
}

/** Order for stable output: by network address, then the shorter prefix first. */
export function comparePrefixes(a: IpPrefix, b: IpPrefix): number {
  return compareAddresses(networkAddress(a), networkAddress(b)) || prefixLengthBits(a) - prefixLengthBits(b);
}

/** Sorted, without any prefix that another one in the list contains. */
export function collapsePrefixes(prefixes: Iterable<IpPrefix>): readonly IpPrefix[] {
  const kept: IpPrefix[] = [];
  for (const prefix of [...prefixes].sort(comparePrefixes)) {
    const last = kept.at(-1);
    if (last === undefined || !containsPrefix(last, prefix)) kept.push(prefix);
  }
  return kept;
}

/** The prefix of one bit less that holds it, with the other half of that. */
function parentOf(prefix: IpPrefix): { readonly parent: IpPrefix; readonly sibling: IpPrefix } {
  const { family, first, last } = rangeOf(prefix);
  const lengthBits = prefixLengthBits(prefix);
  const size = last - first + 1n;
  const parent = prefixOf(networkAddress(prefix), lengthBits - 1);
  const isUpper = networkAddress(parent) !== networkAddress(prefix);
  const sibling = addressFromInteger(family, isUpper ? first - size : first + size);
  return { parent, sibling: `${sibling}/${lengthBits}` as IpPrefix };
}

/** The fewest prefixes that hold exactly the same addresses, sorted: two halves of a prefix become that prefix. */
export function mergePrefixes(prefixes: Iterable<IpPrefix>): readonly IpPrefix[] {
  const merged: IpPrefix[] = [];
  for (const prefix of collapsePrefixes(prefixes)) {
    let last: IpPrefix = prefix;
    while (prefixLengthBits(last) > 0 && merged.at(-1) === parentOf(last).sibling) {
      merged.pop();
      last = parentOf(last).parent;
    }
    merged.push(last);
  }
  return merged;
}

/** The fewest prefixes that hold the addresses of `outer` without those of `inner`, which lies in it. */
function piecesAround(outer: IpPrefix, inner: IpPrefix): readonly IpPrefix[] {
  const pieces: IpPrefix[] = [];
  for (let each = inner; each !== outer; each = parentOf(each).parent) pieces.push(parentOf(each).sibling);
  return pieces;
}

/**
 * The fewest prefixes that hold the addresses of a list from {@link mergePrefixes} without those of others, each of which
 * lies in one of the list, or outside of it; sorted.
 */
export function prefixesWithout(merged: readonly IpPrefix[], others: readonly IpPrefix[]): readonly IpPrefix[] {
  let left = merged;
  for (const other of others) {
    // To compare texts is much cheaper than to see what lies in what.
    const outer = left.includes(other) ? other : left.find((each) => containsPrefix(each, other));
    if (outer !== undefined) left = left.flatMap((each) => (each === outer ? piecesAround(each, other) : [each]));
  }
  return left === merged ? merged : [...left].sort(comparePrefixes);
}

/** `address:port`, with the brackets that RFC 3986 §3.2.2 asks for around IPv6. */
export function formatAddressAndPort(address: IpAddress, port: number): string {
  return familyOf(address) === 6 ? `[${address}]:${port}` : `${address}:${port}`;
}
