/** Addresses for what the topology gives none: from the ranges set aside for documentation, which nobody routes. */
import {
  containsAddress,
  familyOf,
  hostAddress,
  type IpAddress,
  type IpFamily,
  type IpPrefix,
  prefixLengthBits,
} from "../../base/ip.ts";
import type { InterfaceAddress } from "../../model/device.ts";
import type { Network } from "../../model/network.ts";
import type { Endpoint } from "../../model/reach.ts";

/** RFC 5737 and RFC 3849. */
const DOCUMENTATION: Readonly<Record<IpFamily, readonly IpPrefix[]>> = {
  4: ["203.0.113.0/24", "198.51.100.0/24", "192.0.2.0/24"] as unknown as readonly IpPrefix[],
  6: ["2001:db8:ffff::/64"] as unknown as readonly IpPrefix[],
};
const MAX_OFFSET = 65_535;

/** Gives addresses that neither the topology nor anyone before has. */
export type Allot = (family: IpFamily) => IpAddress;

const literal = (endpoint: Endpoint | undefined): readonly IpAddress[] =>
  endpoint?.kind === "address" ? [endpoint.address] : [];

/** The addresses that endpoints of the topology name as such. */
export function literalAddresses({ hosts }: Network): readonly IpAddress[] {
  return hosts.flatMap(({ reach }) => [...reach.endpoints, reach.lanEndpoint].flatMap(literal));
}

function* candidates(family: IpFamily): Generator<IpAddress, undefined> {
  for (const range of DOCUMENTATION[family]) {
    for (let offset = 1; offset <= MAX_OFFSET; offset++) {
      const address = hostAddress(range, offset);
      if (address === undefined) break;
      yield address;
    }
  }
  return undefined;
}

/** @throws Error when a fleet needs more than the documentation ranges have: some 750 IPv4 addresses. */
export function createAllot(network: Network): Allot {
  const taken = new Set(literalAddresses(network));
  const isFree = (address: IpAddress): boolean =>
    !taken.has(address) && !network.prefixes.some(({ prefix }) => containsAddress(prefix, address));
  const rest: Record<IpFamily, Generator<IpAddress, undefined>> = { 4: candidates(4), 6: candidates(6) };
  return (family) => {
    for (;;) {
      // Not for…of, which would end the generator with the first address.
      const { value: address } = rest[family].next();
      if (address === undefined) throw new Error(`documentation has no IPv${family} address left for this topology`);
      if (isFree(address)) return address;
    }
  };
}

/** Where guests' addresses begin: gateways are customarily first. */
const FIRST_OFFSET = 11;
const LAST_OFFSET = 254;

/** An address as it stands on an interface of its prefix. */
export const withLength = (prefix: IpPrefix, address: IpAddress): InterfaceAddress => ({
  address,
  lengthBits: prefixLengthBits(prefix),
});

/** Gives an address of a prefix that nobody has yet; none where it is full. */
export type Take = (prefix: IpPrefix) => readonly InterfaceAddress[];

/** Gives the addresses of a prefix one by one, those taken left out. */
export function createTaker(taken: Set<IpAddress>): Take {
  const isFree = (address: IpAddress | undefined): address is IpAddress => address !== undefined && !taken.has(address);
  return (prefix: IpPrefix): readonly InterfaceAddress[] => {
    for (let step = 0; step < LAST_OFFSET; step++) {
      const offset = ((FIRST_OFFSET - 1 + step) % LAST_OFFSET) + 1;
      const address = hostAddress(prefix, offset);
      if (!isFree(address)) continue;
      taken.add(address);
      return [withLength(prefix, address)];
    }
    return [];
  };
}

/** The first address of a family in a list. */
export function ofFamily(addresses: readonly IpAddress[], family: IpFamily): IpAddress | undefined {
  return addresses.find((address) => familyOf(address) === family);
}
