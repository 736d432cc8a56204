/** What a topology must say, and what it cannot, where more than one way leads from host to host. */
import { type Diagnostic, diagnostic } from "../base/diagnostic.ts";
import { familyOf, type IpFamily } from "../base/ip.ts";
import { originSpan } from "../model/origin.ts";
import { resolveLans } from "../topology/lans.ts";
import { type RoutingClass, routingClass } from "../topology/routing-class.ts";
import type { Topology } from "../topology/topology.ts";

type SeveralWays = Extract<RoutingClass, { kind: "dynamic" }>;

function whereSeveral(topology: Topology, law: (ways: SeveralWays) => readonly Diagnostic[]): readonly Diagnostic[] {
  const routing = routingClass(topology);
  return routing.kind === "static" ? [] : law(routing);
}

const here = ({ why, span }: SeveralWays) => [{ message: `${why} are here`, span }];

/** BGP chooses from several ways. */
export function severalWaysHaveBgp(topology: Topology): readonly Diagnostic[] {
  return whereSeveral(topology, ({ why, span }) =>
    topology.bgp === undefined ? [diagnostic("several-ways-need-bgp", { why }, span)] : [],
  );
}

/** No route of WireGuard's own could hold a peer to a smaller MTU. */
export function severalWaysHaveOneMtu(topology: Topology): readonly Diagnostic[] {
  const { mtu, origin } = topology.wireguard;
  return whereSeveral(topology, (ways) =>
    mtu === "per-peer"
      ? [diagnostic("mtu-per-peer-with-bgp", { why: ways.why }, originSpan(origin, "mtu"), here(ways))]
      : [],
  );
}

/** Families of whatever is routed outside VRFs. */
function routedFamilies(topology: Topology): readonly IpFamily[] {
  const { wireguard, subnets, hosts } = topology;
  const isRouted = ({ vrf }: { readonly vrf: unknown }): boolean => vrf === undefined;
  const prefixes = [
    ...wireguard.addresses,
    ...subnets.filter(isRouted).flatMap((subnet) => subnet.prefixes),
    ...hosts.flatMap(({ routes }) => routes.filter(isRouted)),
    ...resolveLans(topology).flatMap((lan) => lan.prefixes),
  ];
  return [...new Set(prefixes.map(({ value }) => familyOf(value)))].sort();
}

/** Tunnels have addresses of each family that is routed through them. */
export function severalWaysHaveTransit(topology: Topology): readonly Diagnostic[] {
  return whereSeveral(topology, ({ why, span }) => {
    const given = new Set(topology.wireguard.transit.map(({ value }) => familyOf(value)));
    return routedFamilies(topology)
      .filter((family) => !given.has(family))
      .map((family) => {
        const example = family === 4 ? "10.251.0.0/16" : "fd00:251::/64";
        return diagnostic("transit-missing", { why, family, example }, span);
      });
  });
}
