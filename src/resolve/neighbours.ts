/** How large the kernel's tables of neighbours have to be. */
import { addressBits, familyOf, prefixLengthBits } from "../base/ip.ts";
import type { Host } from "../model/host.ts";
import type { ResolvedSubnet } from "./subnets/subnets.ts";

// A prefix can hold more neighbours than any segment will; past this the table would only take memory.
const MAX_NEIGHBOURS_PER_PREFIX = 16_384;
// How many an IPv6 prefix is taken to have where no IPv4 prefix beside it says more: as many as a /24 of IPv4.
const NEIGHBOURS_WITHOUT_IPV4 = 256;
// A guest with IPv6 has a link-local address besides.
const IPV6_ADDRESSES_PER_GUEST = 2;

/** Neighbours that the host may come to know: the hosts that fit the prefixes of the segments it is on. */
export function neighbourCount(host: string, subnets: readonly ResolvedSubnet[]): Host["neighbourCount"] {
  let ipv4 = 0;
  let ipv6 = 0;
  for (const subnet of subnets) {
    if (!subnet.isMember.has(host)) continue;
    const prefixes = subnet.owned.get(host) ?? subnet.input.prefixes.map((each) => each.value);
    const sizes = prefixes
      .filter((prefix) => familyOf(prefix) === 4)
      .map((prefix) => Math.min(2 ** (addressBits(4) - prefixLengthBits(prefix)), MAX_NEIGHBOURS_PER_PREFIX));
    const guests = sizes.reduce((sum, size) => sum + size, 0);
    ipv4 += guests;
    if (sizes.length < prefixes.length) ipv6 += IPV6_ADDRESSES_PER_GUEST * (guests || NEIGHBOURS_WITHOUT_IPV4);
  }
  return { ipv4, ipv6 };
}
