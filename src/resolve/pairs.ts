/** Hosts that share an address by VRRP: two gateways of a site, or two hubs. */
import { familyOf, type IpAddress, isHostAddress, prefixOf } from "../base/ip.ts";
import type { Vrrp } from "../model/host.ts";
import type { HostInput, Topology, VrrpInput } from "../validate/topology.ts";

/** Two hosts with an address in common; the first is to be the master. */
export interface Pair {
  readonly hosts: readonly [HostInput, HostInput];
  readonly vrrp: VrrpInput;
  /** They share one key too, and only the master's tunnels are up. */
  readonly isExclusive: boolean;
  /** Spokes dial the shared address. */
  readonly isOfHubs: boolean;
}

/** keepalived's own example, and what the schema promises. */
const DEFAULT_VIRTUAL_ROUTER = 51;
/** 255 is for a router that owns the address, RFC 5798 §5.2.4; 100 is what is given to others by default. */
const PRIORITIES = [150, 100] as const;

/** The address of a host on its LAN; a name is none, as a route leads to an address. */
export function lanAddress({ lanEndpoint }: HostInput): IpAddress | undefined {
  return lanEndpoint?.kind === "address" ? lanEndpoint.address : undefined;
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
  const hosts = new Map(topology.hosts.map((host) => [host.name, host]));
  const paired = new Set<string>();
  return pairCandidates(topology).flatMap(({ names, vrrp, isExclusive, site }): readonly Pair[] => {
    const [first, second, ...more] = names.map(({ value }) => hosts.get(value));
    if (first === undefined || second === undefined || more.length > 0) return [];
    const both = [first, second] as const;
    if (both.some(({ name, hasWireguard }) => paired.has(name) || hasWireguard === false)) return [];
    for (const { name } of both) paired.add(name);
    return [{ hosts: both, vrrp, isExclusive, isOfHubs: site === undefined }];
  });
}

/** The pair that a host is one of. */
export function pairOf(host: string, pairs: readonly Pair[]): Pair | undefined {
  return pairs.find(({ hosts }) => hosts.some(({ name }) => name === host));
}

/** A host's part of the address it shares; `undefined`: it shares none, or lacks what that needs. */
export function resolveVrrp(host: HostInput, pairs: readonly Pair[]): Vrrp | undefined {
  const pair = pairOf(host.name, pairs);
  if (pair === undefined) return undefined;
  const isFirst = pair.hosts[0].name === host.name;
  const other = pair.hosts[isFirst ? 1 : 0];
  const [source, address] = [lanAddress(host), lanAddress(other)];
  if (source === undefined || address === undefined || host.uplink === undefined) return undefined;
  return {
    interface: host.uplink,
    id: pair.vrrp.id ?? DEFAULT_VIRTUAL_ROUTER,
    address: pair.vrrp.address,
    source,
    other: { host: other.name, address },
    priority: PRIORITIES[isFirst ? 0 : 1],
    isExclusive: pair.isExclusive,
  };
}

/** Whether the shared address can stand beside a host's own: one family, and in the prefix that it was written with. */
export function isBeside({ address: { address, lengthBits } }: VrrpInput, own: IpAddress): boolean {
  if (familyOf(address) !== familyOf(own)) return false;
  const prefix = prefixOf(address, lengthBits);
  return isHostAddress(prefix, address) && isHostAddress(prefix, own);
}
