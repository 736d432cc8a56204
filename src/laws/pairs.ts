/** What two hosts cannot have that share a key besides an address: all others know them as one. */
import { type Diagnostic, diagnostic } from "../base/diagnostic.ts";
import { originSpan } from "../model/origin.ts";
import { listenPortOf } from "../topology/listen-ports.ts";
import { createMembers } from "../topology/members.ts";
import { type Pair, resolvePairs } from "../topology/pairs.ts";
import type { EndpointInput, HostInput, Topology } from "../topology/topology.ts";

const exclusivePairs = (topology: Topology): readonly Pair[] =>
  resolvePairs(topology).filter(({ isExclusive }) => isExclusive);

const sharedHere = ({ vrrp }: Pair) => [{ message: "the address is shared here", span: vrrp.span }];

const endpointText = (endpoint: EndpointInput): string => {
  const place = endpoint.kind === "address" ? endpoint.address : endpoint.name;
  return endpoint.port === undefined ? place : `${place} port ${endpoint.port}`;
};

const endpointsText = ({ endpoints }: HostInput): string =>
  endpoints.length === 0 ? "none" : endpoints.map(({ value }) => endpointText(value)).join(", ");

/** One peer is dialled at the same endpoints. */
export function pairsAreOnePeer(topology: Topology): readonly Diagnostic[] {
  return exclusivePairs(topology).flatMap((pair) => {
    const [a, b] = pair.hosts;
    const [endpoint, otherEndpoint] = [endpointsText(a), endpointsText(b)];
    if (endpoint === otherEndpoint) return [];
    const params = { host: a.name, other: b.name, endpoint, otherEndpoint };
    return [diagnostic("vrrp-endpoints-differ", params, originSpan(b.origin, "endpoint"), sharedHere(pair))];
  });
}

/** One peer is dialled at one port, that of the endpoint or of the address on the LAN. */
export function pairsListenAlike(topology: Topology): readonly Diagnostic[] {
  return exclusivePairs(topology).flatMap((pair) => {
    const [a, b] = pair.hosts;
    const [port, otherPort] = [listenPortOf(a, topology), listenPortOf(b, topology)];
    if (port === otherPort) return [];
    const params = { host: a.name, other: b.name, port, otherPort };
    const span = b.origin.listenPort ?? originSpan(a.origin, "listenPort");
    return [diagnostic("vrrp-ports-differ", params, span, sharedHere(pair))];
  });
}

/** One peer has one way out: which IP versions it carries, and whether it is through a NAT. */
export function pairsHaveOneWayOut(topology: Topology): readonly Diagnostic[] {
  const waysOut = [
    { key: "families", of: ({ families }: HostInput) => `${families ?? "left out"}` },
    { key: "behindNat", of: ({ isBehindNat }: HostInput) => `${isBehindNat ?? false}` },
  ];
  return exclusivePairs(topology).flatMap((pair) => {
    const [a, b] = pair.hosts;
    return waysOut.flatMap(({ key, of }) => {
      const [value, otherValue] = [of(a), of(b)];
      if (value === otherValue) return [];
      const span = b.origin[key] ?? originSpan(a.origin, key);
      return [
        diagnostic(
          "vrrp-ways-out-differ",
          { host: a.name, other: b.name, key, value, otherValue },
          span,
          sharedHere(pair),
        ),
      ];
    });
  });
}

/** Where it is dialled is where it answers from: the shared address is on the way out. */
export function pairsAnswerByTheirUplinks(topology: Topology): readonly Diagnostic[] {
  return exclusivePairs(topology).flatMap((pair) => {
    return pair.hosts.flatMap((host) => {
      const { name, endpoints, uplink, lanInterface, origin } = host;
      const isDialled = pair.isOfHubs || endpoints.length > 0;
      if (!isDialled || uplink === undefined || lanInterface === undefined || lanInterface === uplink) return [];
      const params = { host: name, interface: lanInterface, uplink };
      return [diagnostic("vrrp-address-off-uplink", params, originSpan(origin, "lanInterface"), sharedHere(pair))];
    });
  });
}

/** One peer is in one site. */
export function pairsStandInOneSite(topology: Topology): readonly Diagnostic[] {
  return exclusivePairs(topology).flatMap((pair) => {
    const [a, b] = pair.hosts;
    if (a.site !== undefined && a.site === b.site) return [];
    const params = { host: a.name, other: b.name };
    return [diagnostic("vrrp-hubs-apart", params, originSpan(b.origin, "site"), sharedHere(pair))];
  });
}

/** Nothing leads to one of the two alone: packets go to whichever is the master. */
export function pairsLeadNowhereElse(topology: Topology): readonly Diagnostic[] {
  const membersOf = createMembers(topology);
  return exclusivePairs(topology).flatMap((pair) => {
    const related = sharedHere(pair);
    return pair.hosts.flatMap((host) => [
      ...topology.subnets
        .filter((subnet) => membersOf(subnet).includes(host))
        .map(({ name, origin }) => {
          const params = { host: host.name, what: `a member of ${name}` };
          return diagnostic("vrrp-owns-prefix", params, originSpan(origin, "hosts"), related);
        }),
      ...host.routes.map(({ value, span }) =>
        diagnostic("vrrp-owns-prefix", { host: host.name, what: `the way to ${value}` }, span, related),
      ),
    ]);
  });
}

/** One that is silent has no BGP session. */
export function pairsWithoutBgp(topology: Topology): readonly Diagnostic[] {
  const { bgp } = topology;
  if (bgp === undefined) return [];
  const related = [{ message: "bgp is asked for here", span: originSpan(bgp.origin) }];
  return exclusivePairs(topology).map(({ vrrp }) => diagnostic("vrrp-with-bgp", {}, vrrp.span, related));
}

/** A preshared key is of two hosts, and others would have one with each of the pair. */
export function pairsHaveNoPresharedKeys(topology: Topology): readonly Diagnostic[] {
  const { presharedKeys, origin } = topology.wireguard;
  if (presharedKeys !== true) return [];
  const related = [{ message: "they are asked for here", span: originSpan(origin, "presharedKeys") }];
  return exclusivePairs(topology).map(({ hosts: [{ name: host }, { name: other }], vrrp }) =>
    diagnostic("vrrp-with-preshared-keys", { host, other }, vrrp.span, related),
  );
}
