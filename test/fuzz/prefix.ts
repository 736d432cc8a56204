/** Addresses and prefixes as numbers, read anew: the reader of a tree shares nothing with what has written it. */

export interface Prefix {
  readonly text: string;
  readonly family: 4 | 6;
  readonly first: bigint;
  readonly last: bigint;
  /** Bits of the prefix. */
  readonly length: number;
  /** The address itself, which in "10.0.0.1/24" is not the first. */
  readonly address: bigint;
}

function ipv6Number(text: string): bigint {
  const [head = "", tail] = text.split("::");
  const groups = (part: string | undefined): readonly string[] =>
    part === undefined || part === "" ? [] : part.split(":");
  const [before, after] = [groups(head), groups(tail)];
  const zeros = tail === undefined ? 0 : 8 - before.length - after.length;
  const all = [...before, ...Array.from({ length: zeros }, () => "0"), ...after];
  if (all.length !== 8 || zeros < 0) throw new Error(`${text} is no address`);
  return all.reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n);
}

const ipv4Number = (text: string): bigint => text.split(".").reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);

/** Reads an address, with or without the length of its prefix. */
export function prefixOf(text: string): Prefix {
  const [address = "", length] = text.split("/");
  const family = address.includes(":") ? 6 : 4;
  const bits = family === 4 ? 32 : 128;
  const number = family === 4 ? ipv4Number(address) : ipv6Number(address);
  const size = length === undefined ? bits : Number(length);
  const hostBits = BigInt(bits - size);
  const first = (number >> hostBits) << hostBits;
  return { text, family, first, last: first | ((1n << hostBits) - 1n), length: size, address: number };
}

/** Whether all of the second lies in the first. */
export const holds = (outer: Prefix, inner: Prefix): boolean =>
  outer.family === inner.family && outer.first <= inner.first && inner.last <= outer.last;

export const overlap = (a: Prefix, b: Prefix): boolean => holds(a, b) || holds(b, a);

/** The prefix of an address alone, whatever the length it was written with. */
export const alone = ({ text }: Prefix): Prefix => prefixOf(text.split("/")[0] as string);

/** Whether two are the same address, whatever their lengths. */
export const isSameAddress = (a: Prefix, b: Prefix): boolean => a.family === b.family && a.address === b.address;

/** Of those that hold it the longest; of equals the first. */
export function longest<T extends { readonly prefix: Prefix }>(list: readonly T[], wanted: Prefix): T | undefined {
  let best: T | undefined;
  for (const each of list) {
    if (holds(each.prefix, wanted) && (best === undefined || each.prefix.length > best.prefix.length)) best = each;
  }
  return best;
}
