/** Finds prefixes without comparing each with each: a thousand hosts with a thousand prefixes would be a million to compare. */
import { grouped } from "./grouped.ts";
import {
  familyOf,
  type IpAddress,
  type IpFamily,
  type IpPrefix,
  networkAddress,
  prefixLengthBits,
  prefixOf,
  rangeOf,
} from "./ip.ts";

export interface PrefixIndex<T> {
  /** Those that hold an address, the longest first: a part that somebody owns says more than the whole. */
  readonly holding: (address: IpAddress) => readonly T[];
  /** Those that hold a prefix or lie in it, by address, the shorter first. */
  readonly overlapping: (prefix: IpPrefix) => readonly T[];
}

interface Entry<T> {
  readonly item: T;
  readonly first: bigint;
  readonly lengthBits: number;
}

/** The entries of one family: by prefix, its lengths from the longest, and all in order. */
function indexFamily<T extends { readonly prefix: IpPrefix }>(items: readonly T[]) {
  const byPrefix = grouped(items, ({ prefix }) => prefix);
  const lengths = new Set([...byPrefix.keys()].map(prefixLengthBits));
  const entries = items.map((item): Entry<T> => {
    return { item, first: rangeOf(item.prefix).first, lengthBits: prefixLengthBits(item.prefix) };
  });
  const byAddress = (a: Entry<T>, b: Entry<T>): number =>
    a.first === b.first ? a.lengthBits - b.lengthBits : a.first < b.first ? -1 : 1;
  return { byPrefix, lengths: [...lengths].sort((a, b) => b - a), entries: entries.sort(byAddress) };
}

/** The position of the first entry that begins at an address or after it. */
function positionOf(entries: readonly { readonly first: bigint }[], address: bigint): number {
  let [low, high] = [0, entries.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((entries[middle] as { readonly first: bigint }).first < address) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** One look for each length that there is. `cut`: {@link prefixOf}, or what remembers its results for many indexes. */
export function createPrefixIndex<T extends { readonly prefix: IpPrefix }>(
  items: readonly T[],
  cut: typeof prefixOf = prefixOf,
): PrefixIndex<T> {
  const ofFamily = (family: IpFamily) => indexFamily(items.filter(({ prefix }) => familyOf(prefix) === family));
  const families = { 4: ofFamily(4), 6: ofFamily(6) };
  const holding = (address: IpAddress): readonly T[] => {
    const { lengths, byPrefix } = families[familyOf(address)];
    return lengths.flatMap((lengthBits) => byPrefix.get(cut(address, lengthBits)) ?? []);
  };
  const overlapping = (prefix: IpPrefix): readonly T[] => {
    const { entries } = families[familyOf(prefix)];
    const own = prefixLengthBits(prefix);
    const { first, last } = rangeOf(prefix);
    const outer = holding(networkAddress(prefix)).filter((each) => prefixLengthBits(each.prefix) <= own);
    const inner = entries.slice(positionOf(entries, first), positionOf(entries, last + 1n));
    return [...outer.toReversed(), ...inner.filter(({ lengthBits }) => lengthBits > own).map(({ item }) => item)];
  };
  return { holding, overlapping };
}
