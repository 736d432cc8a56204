/** What the parts of the ruleset share: how nft writes things. */
import { addressToInteger, FAMILIES, type IpAddress, type IpFamily } from "../base/ip.ts";
import type { Bridge } from "../model/device.ts";
import type { Host } from "../model/host.ts";
import type { EmitContext } from "./context.ts";

/** The name by which nft selects a family's header: `ip saddr`, `ip6 saddr`. */
export const nftFamily = (family: IpFamily): string => (family === 4 ? "ip" : "ip6");

/** An interface name as nft writes it. */
export const quotedName = ({ name }: { readonly name: string }): string => `"${name}"`;

/** The interface by which a host is on a subnet, for {@link quotedName}. */
export const subnetLink = ({ link }: Bridge): { readonly name: string } => ({ name: link });

/** One value as it is, several as an anonymous set. */
export function oneOf(values: readonly string[]): string {
  return values.length === 1 ? values.join("") : `{ ${values.join(", ")} }`;
}

/** Each number once, ascending. */
export const sortedNumbers = (values: Iterable<number>): readonly number[] =>
  [...new Set(values)].sort((a, b) => a - b);

/**
 * Addresses of one family, ascending and each once, as elements of an interval set: neighbours are one range,
 * `10.250.0.2-10.250.0.9`. The set holds the same addresses, however many they are.
 */
export function addressRanges(addresses: readonly IpAddress[]): readonly string[] {
  const ranges: { readonly first: IpAddress; last: IpAddress; next: bigint }[] = [];
  for (const address of addresses) {
    const number = addressToInteger(address);
    const open = ranges.at(-1);
    if (open?.next === number) Object.assign(open, { last: address, next: number + 1n });
    else ranges.push({ first: address, last: address, next: number + 1n });
  }
  return ranges.map(({ first, last }) => (first === last ? first : `${first}-${last}`));
}

/** The families that a host routes. */
export const forwardedFamilies = ({ forwards }: Host): readonly IpFamily[] =>
  FAMILIES.filter((family) => (family === 4 ? forwards.ipv4 : forwards.ipv6));

/** A part of the ruleset; `undefined` where the host has no use for it. */
export type Section = (host: Host, context: EmitContext) => Uint8Array | undefined;
