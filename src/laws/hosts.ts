/** What makes the addresses of a host. */
import { type Diagnostic, diagnostic } from "../base/diagnostic.ts";
import {
  containsAddress,
  familyOf,
  type IpFamily,
  type IpPrefix,
  isHostAddress,
  prefixLengthBits,
  rangeOf,
} from "../base/ip.ts";
import { originSpan } from "../model/origin.ts";
import { carries } from "../model/reach.ts";
import { hasTunnels, poolAddress } from "../topology/hosts.ts";
import { createIsLeaf } from "../topology/leaves.ts";
import { pairOf, resolvePairs } from "../topology/pairs.ts";
import { routingClass } from "../topology/routing-class.ts";
import type { HostInput, Topology } from "../topology/topology.ts";
import { highestTransitIds } from "../topology/transit.ts";

/** The highest id that gives an address of the pool, for the message. */
function lastId(pool: IpPrefix): number {
  const { family, first, last } = rangeOf(pool);
  const size = last - first - (family === 4 && prefixLengthBits(pool) < 31 ? 1n : 0n);
  return Number(size);
}

/** Every host has an address of every pool: its id counts that far, or one is pinned. */
export function idsFitPools({ hosts, wireguard }: Topology): readonly Diagnostic[] {
  return hosts.filter(hasTunnels).flatMap((host) =>
    wireguard.addresses.flatMap(({ value: pool }) => {
      if (poolAddress(host, pool) !== undefined) return [];
      const params = { host: host.name, id: host.id, pool, last: lastId(pool) };
      return [diagnostic("id-outside-pool", params, originSpan(host.origin, "id"))];
    }),
  );
}

/**
 * Where there are several ways, every id is the number of an address in a block of tunnel addresses, and that of a host which
 * leads others or is joined with equals the number of a block.
 */
export function idsFitTransit(topology: Topology): readonly Diagnostic[] {
  if (routingClass(topology).kind === "static") return [];
  const isLeaf = createIsLeaf(topology);
  return topology.wireguard.transit.flatMap(({ value: pool, span }) => {
    const { block, address: last } = highestTransitIds(pool);
    const related = [{ message: `${pool} is cut into blocks here`, span }];
    return topology.hosts
      .filter((host) => hasTunnels(host) && (host.id > last || (host.id > block && !isLeaf(host))))
      .map(({ name: host, id, origin }) =>
        diagnostic("transit-too-small", { host, id, pool, block, last }, originSpan(origin, "id"), related),
      );
  });
}

/** A pinned address is one of a pool. */
export function pinsLieInPools({ hosts, wireguard }: Topology): readonly Diagnostic[] {
  const pools = wireguard.addresses.map(({ value }) => value);
  return hosts.filter(hasTunnels).flatMap((host) =>
    host.addresses.flatMap(({ value: address, span }) => {
      const candidates = pools.filter((pool) => familyOf(pool) === familyOf(address));
      if (candidates.some((pool) => isHostAddress(pool, address))) return [];
      return [diagnostic("address-outside-pool", { address, pools: pools.join(", ") }, span)];
    }),
  );
}

/** A host pins one address of a pool: another would be passed over. */
export function pinsAreOneOfAPool({ hosts, wireguard }: Topology): readonly Diagnostic[] {
  return hosts.filter(hasTunnels).flatMap(({ name: host, addresses }) =>
    wireguard.addresses.flatMap(({ value: pool }) => {
      const [first, ...others] = addresses.filter(({ value }) => containsAddress(pool, value));
      if (first === undefined) return [];
      const { value: address } = first;
      return others.map(({ value: other, span }) =>
        diagnostic("pool-address-twice", { host, pool, address, other }, span),
      );
    }),
  );
}

/**
 * The IP versions in which a host can be dialled. DS-Lite puts it behind the provider's NAT (RFC 6333), which may forward a
 * port; 464XLAT translates for clients alone (RFC 6877).
 */
function comesIn({ families, isBehindNat }: HostInput, family: IpFamily): boolean {
  if (families === "ds-lite") return family === 6 || isBehindNat === true;
  if (families === "464xlat") return family === 6;
  return families === family;
}

/** Where others dial a host, with the IP version of each place; a name that may be of either is none. */
function dialledAt(topology: Topology, { name, endpoints }: HostInput) {
  const { ipVersion } = topology.underlay;
  const pair = pairOf(name, resolvePairs(topology));
  const shared = endpoints.length === 0 && pair?.isOfHubs ? [pair.vrrp.address.address] : [];
  const addresses = endpoints.flatMap(({ value }) => (value.kind === "address" ? [value.address] : []));
  const names = endpoints.flatMap(({ value }) => (value.kind === "name" ? [value.name] : []));
  const family = ipVersion === 4 || ipVersion === 6 ? ipVersion : undefined;
  return [
    ...names.flatMap((where) => (family === undefined ? [] : [{ where, family, cause: "underlay.ipVersion" }])),
    ...[...addresses, ...shared].map((where) => ({ where, family: familyOf(where), cause: "its families" })),
  ];
}

/** A host is dialled by an IP version that comes in to it. */
export function endpointsLeadToHosts(topology: Topology): readonly Diagnostic[] {
  return topology.hosts.filter(hasTunnels).flatMap((host) => {
    const { name, families, origin } = host;
    if (families === undefined) return [];
    const lost = dialledAt(topology, host).find(({ family }) => !comesIn(host, family));
    if (lost === undefined) return [];
    const params = { host: name, families, other: lost.family === 4 ? 6 : 4, ...lost };
    const related = [{ message: "what comes in is said here", span: originSpan(origin, "families") }];
    return [diagnostic("endpoint-without-family", params, originSpan(origin, "endpoint"), related)];
  });
}

/** Names are looked up as an IP version that whoever dials them has. */
export function familiesHaveIpVersion({ hosts, underlay: { ipVersion } }: Topology): readonly Diagnostic[] {
  if (ipVersion !== 4 && ipVersion !== 6) return [];
  return hosts.flatMap(({ name: host, families, origin }) => {
    const isNamed = ({ endpoints }: HostInput) => endpoints.some(({ value }) => value.kind === "name");
    const other = hosts.find((each) => each.name !== host && isNamed(each));
    if (families === undefined || carries(families, ipVersion) || other === undefined) return [];
    const params = { host, families, ipVersion, other: other.name };
    return [diagnostic("families-without-ip-version", params, originSpan(origin, "families"))];
  });
}
