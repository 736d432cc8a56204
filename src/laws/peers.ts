/** BGP neighbours that netgen does not configure: who can have one, and what can be said of it. */
import { type Diagnostic, diagnostic } from "../base/diagnostic.ts";
import { familyOf, type IpPrefix, prefixLengthBits } from "../base/ip.ts";
import { originSpan } from "../model/origin.ts";
import { resolveLans } from "../topology/lans.ts";
import type { HostInput, PeerInput, Topology, VrfInput } from "../topology/topology.ts";

/** A peer, and the host that names it. */
interface Named {
  readonly host: HostInput;
  readonly peer: PeerInput;
}

const namedPeers = ({ hosts }: Topology): readonly Named[] =>
  hosts.flatMap((host) => host.peers.map((peer) => ({ host, peer })));

const inWords = (vrf: string | undefined): string => (vrf === undefined ? "its own table" : `the VRF ${vrf}`);

/** Who has a peer speaks BGP. */
export function peersHaveBgp(topology: Topology): readonly Diagnostic[] {
  if (topology.bgp !== undefined) return [];
  return namedPeers(topology).map(({ host, peer: { address } }) =>
    diagnostic("peer-without-bgp", { host: host.name, address: address.value }, address.span),
  );
}

/** One session with one address, in one table. */
export function peersAreDistinct({ hosts }: Topology): readonly Diagnostic[] {
  return hosts.flatMap(({ name: host, peers }) => {
    const seen = new Map<string, PeerInput>();
    return peers.flatMap((peer) => {
      const { address, vrf } = peer;
      const key = `${vrf?.value ?? ""} ${address.value}`;
      const first = seen.get(key);
      seen.set(key, first ?? peer);
      if (first === undefined) return [];
      const params = { host, address: address.value, table: inWords(vrf?.value) };
      const related = [{ message: "the first one is here", span: first.address.span }];
      return [diagnostic("peer-duplicate", params, address.span, related)];
    });
  });
}

/** A peer is in an autonomous system of its own: nothing of the network's inner sessions holds for it. */
export function peersAreOfOtherSystems(topology: Topology): readonly Diagnostic[] {
  const { bgp, sites } = topology;
  const bySite = new Map(sites.map(({ name, asn }) => [name, asn]));
  return namedPeers(topology).flatMap(({ host: { name: host, site }, peer: { address, asn, origin } }) => {
    const own = bySite.get(site ?? "") ?? bgp?.asn;
    if (own !== asn) return [];
    return [diagnostic("peer-asn-own", { host, address: address.value, asn }, originSpan(origin, "asn"))];
  });
}

/** A packet begins with 255, and has at least one hop behind it. */
const MAX_TTL_SECURITY_HOPS = 254;

interface Conflict {
  readonly key: string;
  readonly with: string;
  readonly advice: string;
}

function conflictsOf({ ttlSecurity, multihop, maxPrefixes, accepted }: PeerInput): readonly Conflict[] {
  const found: Conflict[] = [];
  if (ttlSecurity !== undefined && multihop !== undefined) {
    const hops = Math.min(multihop, MAX_TTL_SECURITY_HOPS);
    const advice = `take multihop out: "ttlSecurity: ${hops}" lets it be as far away`;
    found.push({ key: "multihop", with: "ttlSecurity, which says how far away it is already", advice });
  }
  if (maxPrefixes !== undefined && !accepted.some((each) => each.hasMoreSpecifics)) {
    const advice = "take it out; what the list does not hold is not taken, however much of it comes";
    found.push({ key: "maxPrefixes", with: "an accept that names each prefix", advice });
  }
  return found;
}

/** What is said of a session holds together. */
export function peerKeysGoTogether(topology: Topology): readonly Diagnostic[] {
  return namedPeers(topology).flatMap(({ host, peer }) =>
    conflictsOf(peer).map((conflict) => {
      const params = { host: host.name, address: peer.address.value, ...conflict };
      return diagnostic("peer-key-conflict", params, originSpan(peer.origin, conflict.key));
    }),
  );
}

/** A session carries the family that it is held in: the next hop of a route is an address of its own kind. */
export function peerPrefixesAreOfOneFamily(topology: Topology): readonly Diagnostic[] {
  return namedPeers(topology).flatMap(({ host: { name: host }, peer: { address, accepted, announced } }) =>
    [...accepted, ...announced]
      .filter(({ value }) => familyOf(value) !== familyOf(address.value))
      .map(({ value: prefix, span }) => {
        const params = { host, address: address.value, prefix, family: familyOf(prefix), own: familyOf(address.value) };
        return diagnostic("peer-prefix-family", params, span);
      }),
  );
}

/** What the topology declares in each table, as it stands there. */
function declaredPrefixes(topology: Topology): ReadonlyMap<string | undefined, ReadonlySet<IpPrefix>> {
  const { wireguard, subnets, hosts } = topology;
  const all = [
    ...[...wireguard.addresses, ...resolveLans(topology).flatMap(({ prefixes }) => prefixes)].map(({ value }) => ({
      value,
      vrf: undefined,
    })),
    ...subnets.flatMap(({ prefixes, vrf }) => prefixes.map(({ value }) => ({ value, vrf: vrf?.value }))),
    ...hosts.flatMap(({ routes }) => routes.map(({ value, vrf }) => ({ value, vrf: vrf?.value }))),
    ...hosts.flatMap(({ peers }) =>
      peers.flatMap(({ accepted, vrf }) => accepted.map(({ value }) => ({ value, vrf: vrf?.value }))),
    ),
  ];
  const found = new Map<string | undefined, Set<IpPrefix>>();
  for (const { value, vrf } of all) found.set(vrf, (found.get(vrf) ?? new Set()).add(value));
  return found;
}

const leadsOut = (vrf: VrfInput | undefined, family: 4 | 6): boolean =>
  vrf?.exits.some(({ hasIpv6 }) => family === 4 || hasIpv6) ?? false;

/** Peers are told of what there is: prefixes of the overlay as they are declared, and the default where an exit makes one. */
export function peersAreToldOfTheOverlay(topology: Topology): readonly Diagnostic[] {
  const declared = declaredPrefixes(topology);
  const vrfs = new Map(topology.vrfs.map((vrf) => [vrf.name, vrf]));
  return namedPeers(topology).flatMap(({ host: { name: host }, peer: { address, vrf, announced } }) =>
    announced.flatMap(({ value: prefix, span }) => {
      const params = { host, address: address.value, prefix };
      if (prefixLengthBits(prefix) === 0) {
        if (leadsOut(vrfs.get(vrf?.value ?? ""), familyOf(prefix))) return [];
        const what = "the default route, and no exit makes one there";
        const advice = "name prefixes, or put the peer into a VRF that has an exit of this IP version";
        return [diagnostic("peer-announce-unknown", { ...params, what, advice }, span)];
      }
      if (declared.get(vrf?.value)?.has(prefix)) return [];
      const what = `no prefix of ${vrf === undefined ? "the default VRF" : inWords(vrf.value)} as the topology declares it`;
      const advice =
        "write a pool, the cidr of a subnet, a site's LAN with a gateway, or a prefix of routes or accept, as it stands there";
      return [diagnostic("peer-announce-unknown", { ...params, what, advice }, span)];
    }),
  );
}
