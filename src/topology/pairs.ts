/** Hosts that share an address by VRRP: two gateways of a site, or two hubs. */
import { familyOf, type IpAddress, isHostAddress, prefixOf } from "../base/ip.ts";
import { hasTunnels, hostsByName } from "./hosts.ts";
import type { HostInput, Topology, VrrpInput } from "./topology.ts";

/** Two hosts with an address in common; the first is to be the master. */
export interface Pair {
  readonly hosts: readonly [HostInput, HostInput];
  readonly vrrp: VrrpInput;
  /** They share one key too, and only the master's tunnels are up. */
  readonly isExclusive: boolean;
  /** Spokes dial the shared address. */
  readonly isOfHubs: boolean;
}

/** Everyone who is to share an address, right or wrong. */
export function pairCandidates({ wireguard, sites, bgp }: Topology) {
  const hubs = wireguard.shape === "hub-and-spoke" ? wireguard.hubs : [];
  const ofHubs = { what: "hubs", where: "wireguard", names: hubs, vrrp: wireguard.vrrp, site: undefined };
  const ofSites = sites.map((site) => ({
    what: "gateways",
    where: site.name,
    names: site.gateways,
    vrrp: site.vrrp,
    site,
  }));
  return [ofHubs, ...ofSites].flatMap(({ vrrp, ...candidate }) =>
    vrrp === undefined ? [] : [{ ...candidate, vrrp, isExclusive: candidate.site === undefined || bgp === undefined }],
  );
}

/** The pairs of which both hosts are there; each host in one of them at most. */
export function resolvePairs(topology: Topology): readonly Pair[] {
  const hosts = hostsByName(topology);
  const paired = new Set<string>();
  return pairCandidates(topology).flatMap(({ names, vrrp, isExclusive, site }): readonly Pair[] => {
    const [first, second, ...more] = names.map(({ value }) => hosts.get(value));
    if (first === undefined || second === undefined || more.length > 0) return [];
    const both = [first, second] as const;
    if (both.some((host) => paired.has(host.name) || !hasTunnels(host))) return [];
    for (const { name } of both) paired.add(name);
    return [{ hosts: both, vrrp, isExclusive, isOfHubs: site === undefined }];
  });
}

/** The pair that a host is one of. */
export function pairOf(host: string, pairs: readonly Pair[]): Pair | undefined {
  return pairs.find(({ hosts }) => hosts.some(({ name }) => name === host));
}

/** Whether the shared address can stand beside a host's own: one family, and in the prefix that it was written with. */
export function isBeside({ address: { address, lengthBits } }: VrrpInput, own: IpAddress): boolean {
  if (familyOf(address) !== familyOf(own)) return false;
  const prefix = prefixOf(address, lengthBits);
  return isHostAddress(prefix, address) && isHostAddress(prefix, own);
}
