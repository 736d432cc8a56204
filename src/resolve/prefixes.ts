/** What the overlay claims, and which part of it is behind which host. */
import { comparePrefixes, type IpPrefix } from "../base/ip.ts";
import type { OwnedPrefix } from "../model/host.ts";
import type { OverlayPrefix } from "../model/network.ts";
import type { Lan } from "../topology/lans.ts";
import { routingClass } from "../topology/routing-class.ts";
import type { HostInput, Located, Topology } from "../topology/topology.ts";
import type { ResolvedSubnet } from "./subnets/subnets.ts";
import { isInDefaultVrf } from "./subnets/vrfs.ts";

/** What of their sites' LANs is behind the gateways, by the name of the gateway. */
function lanPrefixesBehind(lans: readonly Lan[]): ReadonlyMap<string, readonly OwnedPrefix[]> {
  return new Map(
    lans.flatMap(({ gateways, prefixes, outsiders }) => {
      const behind = (kind: "lan" | "lan-route", of: readonly Located<IpPrefix>[]): readonly OwnedPrefix[] =>
        of.map(({ value: prefix, span }) => ({ prefix, use: { kind }, origin: { "": span } }));
      const lan = behind("lan", prefixes);
      const routes = outsiders.flatMap((host) => behind("lan-route", host.routes));
      return gateways.map((name) => [name, [...lan, ...routes]] as const);
    }),
  );
}

/** Of the default VRF, and with no room for others. */
const WHOLE = { vrf: undefined, exceptsMoreSpecifics: false } as const;

/** The LANs as prefixes of the overlay. */
function lanOverlayPrefixes(lans: readonly Lan[]): readonly OverlayPrefix[] {
  return lans.flatMap(({ site, prefixes }) =>
    prefixes.map(({ value: prefix, span }): OverlayPrefix => ({ prefix, use: { kind: "lan", site }, ...WHOLE, span })),
  );
}

/** The pools of the tunnels' own addresses, where there are such. */
function transitPrefixes(topology: Topology): readonly OverlayPrefix[] {
  if (routingClass(topology).kind === "static") return [];
  return topology.wireguard.transit.map(({ value: prefix, span }) => ({
    prefix,
    use: { kind: "transit" },
    ...WHOLE,
    span,
  }));
}

/** The networks of OVN's that the overlay leads to. */
function ovnPrefixes({ ovn }: Topology): readonly OverlayPrefix[] {
  const joined = (ovn?.networks ?? []).filter(({ gateways }) => gateways.length > 0);
  return joined.flatMap(({ name: network, prefixes }) =>
    prefixes.map(
      ({ value: prefix, span }): OverlayPrefix => ({ prefix, use: { kind: "ovn", network }, ...WHOLE, span }),
    ),
  );
}

/** Every prefix that the overlay claims, as it was declared. */
export function overlayPrefixes(topology: Topology, lans: readonly Lan[]): readonly OverlayPrefix[] {
  const pools = topology.wireguard.addresses.map(
    ({ value: prefix, span }): OverlayPrefix => ({ prefix, use: { kind: "pool" }, ...WHOLE, span }),
  );
  const subnets = topology.subnets.flatMap(({ name, prefixes, vrf }) => {
    const use = { kind: "subnet", subnet: name } as const;
    return prefixes.map(({ value: prefix, span }): OverlayPrefix => ({ prefix, use, ...WHOLE, vrf: vrf?.value, span }));
  });
  const routes = topology.hosts.flatMap(({ name, routes: behind }) => {
    const use = { kind: "route", host: name } as const;
    const own = behind.filter(({ isOfOvn }) => !isOfOvn);
    return own.map(({ value: prefix, vrf, span, exceptsMoreSpecifics }): OverlayPrefix => {
      return { prefix, use, vrf: vrf?.value, exceptsMoreSpecifics, span };
    });
  });
  const taken = topology.hosts.flatMap(takenPrefixes);
  const remotes = topology.remotes.flatMap(({ name: remote, prefixes }) =>
    prefixes.map(
      ({ value: prefix, span }): OverlayPrefix => ({ prefix, use: { kind: "remote", remote }, ...WHOLE, span }),
    ),
  );
  const behind = [...routes, ...ovnPrefixes(topology), ...taken];
  const inside = [...pools, ...transitPrefixes(topology), ...subnets, ...behind, ...lanOverlayPrefixes(lans)];
  return [...inside, ...remotes].sort((a, b) => comparePrefixes(a.prefix, b.prefix));
}

/** What others' BGP speakers may say to a host; what two of them say in one table is one prefix. */
function takenPrefixes({ name, peers }: HostInput): readonly OverlayPrefix[] {
  const taken = peers.flatMap(({ address, vrf, accepted }) =>
    accepted.map(({ value: prefix, span }): readonly [string, OverlayPrefix] => {
      const use = { kind: "peer", host: name, address: address.value } as const;
      return [`${vrf?.value ?? ""} ${prefix}`, { prefix, use, ...WHOLE, vrf: vrf?.value, span }];
    }),
  );
  // The first one stays: reversed, as the last of one key does in a map.
  return [...new Map(taken.reverse()).values()];
}

/** Prefixes of which any host owns a part, as they were declared, and the pools: all that AllowedIPs can hold. */
export function parentPrefixes(
  routed: readonly OverlayPrefix[],
  subnets: readonly ResolvedSubnet[],
): readonly IpPrefix[] {
  const isOwned = new Map(subnets.map(({ input, owned }) => [input.name, owned.size > 0]));
  return routed.filter(({ use }) => use.kind !== "subnet" || isOwned.get(use.subnet)).map(({ prefix }) => prefix);
}

/** Those of which others may be a part, and lead elsewhere. */
export const outerPrefixes = (routed: readonly OverlayPrefix[]): readonly IpPrefix[] =>
  routed.filter((each) => each.exceptsMoreSpecifics).map(({ prefix }) => prefix);

/**
 * What others send to each host through the tunnel, in the default VRF, by its name: its part of subnets, what lies behind
 * it, and the LAN it is a gateway of.
 */
export function ownedPrefixes(
  hosts: readonly HostInput[],
  subnets: readonly ResolvedSubnet[],
  lans: readonly Lan[],
): ReadonlyMap<string, readonly OwnedPrefix[]> {
  const onLans = lanPrefixesBehind(lans);
  const routed = subnets.filter((each) => isInDefaultVrf(each.input));
  return new Map(
    hosts.map((host) => {
      const { name, routes } = host;
      const ofSubnets = routed.flatMap(({ input, owned }) =>
        (owned.get(name) ?? []).map((prefix): OwnedPrefix => {
          return { prefix, use: { kind: "subnet", subnet: input.name }, origin: input.origin };
        }),
      );
      const behind = routes.filter(isInDefaultVrf).map(({ value: prefix, span, isOfOvn }): OwnedPrefix => {
        return { prefix, use: { kind: isOfOvn ? "ovn" : "route" }, origin: { "": span } };
      });
      const taken = takenPrefixes(host)
        .filter(({ vrf }) => vrf === undefined)
        .map(({ prefix, span }): OwnedPrefix => ({ prefix, use: { kind: "peer" }, origin: { "": span } }));
      const all = [...ofSubnets, ...behind, ...taken, ...(onLans.get(name) ?? [])];
      return [name, all.sort((a, b) => comparePrefixes(a.prefix, b.prefix))];
    }),
  );
}
