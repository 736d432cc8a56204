/** The routes of a host, each with what of it limits a packet. Pure. */
import { must } from "../base/invariant.ts";
import { familyOf, hostPrefix, type IpAddress, type IpPrefix, prefixOf } from "../base/ip.ts";
import { once, onceByKey } from "../base/once.ts";
import { createPrefixIndex, type PrefixIndex } from "../base/prefix-index.ts";
import type { InterfaceAddress, WireguardInterface } from "../model/device.ts";
import type { Host } from "../model/host.ts";
import { unicastOf } from "../model/loopback.ts";
import { peersOf, takenFrom } from "../model/peer.ts";
import { mtuTowards } from "../model/tunnel.ts";
import { announcedTo } from "./bgp-choice.ts";
import { lanRoutes, type NeighbourRoute } from "./lan-routes.ts";
import { type SubnetRoute, subnetRoutes, type Vrf } from "./subnet-routes.ts";
import { exactLeg, type Leg } from "./way.ts";
import type { Ways } from "./ways.ts";

/** A route as a host, or its part of a VRF, has it. */
export type Route =
  | SubnetRoute
  | { readonly kind: "tunnel"; readonly prefix: IpPrefix; readonly peer: string; readonly leg: Leg }
  | NeighbourRoute
  /** On the same host: the other VRF's table is asked. */
  | { readonly kind: "vrf"; readonly prefix: IpPrefix; readonly vrf: string };

/** The prefixes of a VRF that a host has a gateway on, or that are behind it at any time: not what peers say. */
export function connectedPrefixes(host: Host, vrf: string): readonly IpPrefix[] {
  const taken = takenFrom(peersOf(host).filter((peer) => peer.vrf === vrf));
  const known = subnetRoutes(host, vrf).map(({ prefix }) => prefix);
  return [...new Set(known)].filter((prefix) => !taken.includes(prefix));
}

/** AllowedIPs of one interface, which are its routes where nobody else makes any. */
function allowedRoutes({ peers }: Ways, host: Host, link: WireguardInterface): readonly Route[] {
  return link.peers.flatMap((id) => {
    const { host: peer, allowedIps } = must(peers.get(id), `${id} is a peer`);
    const leg = exactLeg(host, link.name, mtuTowards(link, peer));
    return allowedIps.map((prefix): Route => ({ kind: "tunnel", prefix, peer, leg }));
  });
}

function tunnelRoutes(ways: Ways, host: Host): readonly Route[] {
  if (unicastOf(host) !== undefined) {
    return announcedTo(ways, host).map(({ prefix, peer, link }) => {
      return { kind: "tunnel", prefix, peer, leg: exactLeg(host, link.name, link.mtu) };
    });
  }
  return host.interfaces.flatMap((link) => allowedRoutes(ways, host, link));
}

/** By which a host is reached in a VRF itself. */
export const localAddresses = ({ vrfs }: Host, vrf: string): readonly InterfaceAddress[] =>
  vrfs.flatMap(({ name, ownAddresses }) => (name === vrf ? ownAddresses : []));

/** From a host's own table into VRFs whose guests it reaches itself. */
const localRoutes = ({ vrfs }: Host): readonly Route[] =>
  vrfs.flatMap(({ name, prefixes, exit }) => {
    if (!exit?.hasLocalRouting) return [];
    const known = prefixes.filter((prefix) => exit.families.includes(familyOf(prefix)));
    return known.map((prefix): Route => ({ kind: "vrf", prefix, vrf: name }));
  });

/** What the other hosts of a VRF have announced, a type-5 route each; and what is another VRF's. */
function vrfRoutes({ network }: Ways, host: Host, vrf: string): readonly Route[] {
  const instance = host.vrfs.find(({ name }) => name === vrf);
  if (instance === undefined) return [];
  const leg = exactLeg(host, instance.bridge, instance.vxlan.mtu);
  const others = network.hosts.filter((other) => other !== host && other.vrfs.some(({ name }) => name === vrf));
  const prefixesOf = (other: Host): readonly IpPrefix[] => [
    ...subnetRoutes(other, vrf).map(({ prefix }) => prefix),
    ...localAddresses(other, vrf).map(({ address }) => hostPrefix(address)),
  ];
  const announced = others.flatMap((other) =>
    prefixesOf(other).map((prefix): Route => ({ kind: "tunnel", prefix, peer: other.name, leg })),
  );
  const leaked = instance.leaks.flatMap(({ vrf: other, prefixes }) =>
    prefixes.map((prefix): Route => ({ kind: "vrf", prefix, vrf: other })),
  );
  return [...announced, ...leaked];
}

/** All routes of a host, or of its part of a VRF. */
export function routesOf(ways: Ways, host: Host, vrf: Vrf): readonly Route[] {
  const own = subnetRoutes(host, vrf);
  if (vrf !== undefined) return [...own, ...vrfRoutes(ways, host, vrf)];
  return [...own, ...localRoutes(host), ...tunnelRoutes(ways, host), ...lanRoutes(ways.network, host)];
}

/** Routes to look addresses up in, and what was found. */
interface Table {
  readonly index: PrefixIndex<Route>;
  readonly found: Map<IpAddress, Route | undefined>;
}

/** The prefixes of addresses: all hosts' tables are asked for the same ones. */
const cuts = once((_: Ways): typeof prefixOf => {
  const known = new Map<IpAddress, Map<number, IpPrefix>>();
  return (address, lengthBits) => {
    const lengths = known.get(address) ?? new Map<number, IpPrefix>();
    known.set(address, lengths);
    const prefix = lengths.get(lengthBits) ?? prefixOf(address, lengthBits);
    lengths.set(lengthBits, prefix);
    return prefix;
  };
});

const tableOf = (ways: Ways, routes: readonly Route[]): Table => ({
  index: createPrefixIndex(routes, cuts(ways)),
  found: new Map(),
});

function longest({ index, found }: Table, address: IpAddress): Route | undefined {
  if (found.has(address)) return found.get(address);
  const [route] = index.holding(address);
  found.set(address, route);
  return route;
}

const tables = onceByKey<Ways, Table>();

/** The route of a host, or of its part of a VRF, to an address: the longest prefix wins; of equals the first. */
export function routeTo(ways: Ways, host: Host, vrf: Vrf, address: IpAddress): Route | undefined {
  const table = tables(ways, `${host.name} ${vrf ?? ""}`, () => tableOf(ways, routesOf(ways, host, vrf)));
  return longest(table, address);
}

/** What a host has of its peers: each by its name, with what is sent to whom by the interface that leads there. */
const taken = onceByKey<Ways, ReadonlyMap<string, Table>>();

function takenBy(ways: Ways, host: Host): ReadonlyMap<string, Table> {
  const tunnels = host.interfaces.toReversed().flatMap((link) => {
    const table = tableOf(ways, allowedRoutes(ways, host, link));
    return link.peers.map((id) => [must(ways.peers.get(id), `${id} is a peer`).host, table] as const);
  });
  return new Map(tunnels);
}

/** WireGuard takes a packet out of a tunnel only if its source is one that it would send into the same tunnel. */
export function isTakenFrom(ways: Ways, host: Host, peer: string, source: IpAddress): boolean {
  const table = taken(ways, host.name, () => takenBy(ways, host)).get(peer);
  const route = table && longest(table, source);
  return route?.kind === "tunnel" && route.peer === peer;
}
