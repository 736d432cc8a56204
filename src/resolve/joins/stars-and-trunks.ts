/** Who has a tunnel with whom in the dynamic class, and who passes on what is not his own. */
import { must } from "../../base/invariant.ts";
import { createGatewaysBefore, createHubsOf, createIsLeaf } from "../../topology/leaves.ts";
import { linkNeighbours, neighboursOf } from "../../topology/links.ts";
import type { Topology } from "../../topology/topology.ts";
import type { ResolvedHost } from "../hosts/hosts.ts";

/** A hub, and those that send to it and pass nothing on: all on one interface of the hub. */
export interface Star {
  readonly hub: ResolvedHost;
  readonly leaves: readonly ResolvedHost[];
}

/** Two that may send each other anything: an interface of its own at either end. */
export type Trunk = readonly [ResolvedHost, ResolvedHost];

export interface DynamicShape {
  readonly stars: readonly Star[];
  readonly trunks: readonly Trunk[];
  /** Hosts that pass on what is not their own, by name. */
  readonly transit: ReadonlySet<string>;
  /** Hosts that speak EVPN for all others, by name; empty: everyone with everyone. */
  readonly reflectors: ReadonlySet<string>;
  /** The hubs of a host that has hubs alone, the preferred first; empty: the shortest way counts. */
  readonly hubsOf: (host: ResolvedHost) => readonly string[];
}

const nameOf = (host: ResolvedHost): string => host.input.name;
const names = (located: readonly { readonly value: string }[]): readonly string[] => located.map(({ value }) => value);

type Joins = (a: ResolvedHost, b: ResolvedHost) => boolean;

/** Whom the shape alone gives a tunnel. */
function shapeJoins({ wireguard }: Topology): Joins {
  switch (wireguard.shape) {
    case undefined:
    case "mesh":
      return () => true;
    case "hub-and-spoke": {
      const hubs = new Set(names(wireguard.hubs));
      return (a, b) => hubs.has(nameOf(a)) || hubs.has(nameOf(b));
    }
    case "links": {
      const links = new Set(wireguard.links.flatMap(({ hosts: [a, b] }) => [`${a} ${b}`, `${b} ${a}`]));
      return (a, b) => links.has(`${nameOf(a)} ${nameOf(b)}`);
    }
  }
}

/** Whoever is behind gateways meets these and nobody else; gateways of one site meet. `a` is no leaf. */
function dynamicJoins(topology: Topology, gatewaysBefore: ReturnType<typeof createGatewaysBefore>): Joins {
  const joins = shapeJoins(topology);
  const gateways = new Set(topology.sites.flatMap((site) => names(site.gateways)));
  const isGateway = (host: ResolvedHost): boolean => gateways.has(nameOf(host));
  return (a, b) => {
    const leading = gatewaysBefore(b.input);
    if (leading.length > 0) return leading.includes(nameOf(a));
    return (a.input.site === b.input.site && isGateway(a) && isGateway(b)) || joins(a, b);
  };
}

/** Gives the function that finds the later ones of a list that a host of it may be joined with: of links, few of thousands. */
function createLaterThan({ wireguard, sites }: Topology, hosts: readonly ResolvedHost[]) {
  const positions = new Map(hosts.map((host, index) => [nameOf(host), index]));
  const positionOf = (host: ResolvedHost): number => must(positions.get(nameOf(host)), "the host is in the list");
  if (wireguard.shape !== "links") return (host: ResolvedHost) => hosts.slice(positionOf(host) + 1);
  const linked = linkNeighbours([...positions.keys()], wireguard.links);
  const gateways = new Map(sites.map((site) => [site.name, names(site.gateways)]));
  return (host: ResolvedHost): readonly ResolvedHost[] => {
    const near = new Set([...neighboursOf(linked, nameOf(host)), ...(gateways.get(host.input.site ?? "") ?? [])]);
    const later = [...near].flatMap((name) => positions.get(name) ?? []).filter((each) => each > positionOf(host));
    return later.sort((a, b) => a - b).map((each) => must(hosts[each], "a position is that of a host"));
  };
}

/** Hubs, gateways, and whoever stands between two links. */
function transitOf({ wireguard, sites }: Topology): ReadonlySet<string> {
  const ends = wireguard.shape === "links" ? wireguard.links.flatMap(({ hosts }) => hosts) : [];
  const counts = new Map<string, number>();
  for (const name of ends) counts.set(name, (counts.get(name) ?? 0) + 1);
  const between = [...counts].filter(([, count]) => count > 1).map(([name]) => name);
  const hubs = wireguard.shape === "hub-and-spoke" ? names(wireguard.hubs) : [];
  return new Set([...hubs, ...between, ...sites.flatMap((site) => names(site.gateways))]);
}

/** Finds the tunnels of the dynamic class. Hosts that have none are in neither a star nor a trunk. */
export function dynamicShape(topology: Topology, hosts: readonly ResolvedHost[]): DynamicShape {
  const { wireguard, bgp } = topology;
  const [gatewaysBefore, preferred] = [createGatewaysBefore(topology), createHubsOf(topology)];
  const isLed = createIsLeaf(topology);
  const isLeaf = ({ input }: ResolvedHost): boolean => isLed(input);
  const joins = dynamicJoins(topology, gatewaysBefore);
  const there = new Set(hosts.map(nameOf));
  // One with a mistake of its own is left out until that is mended.
  const transit = new Set([...transitOf(topology)].filter((name) => there.has(name)));
  const isTransit = (host: ResolvedHost): boolean => transit.has(nameOf(host));
  const leaves = hosts.filter(isLeaf);
  // A leaf is joined with those alone whose leaf it is. Of the rest each has an interface, and so an MTU, of its own: a LAN
  // must not be held to what crosses the internet.
  const equals = hosts.filter((host) => !isLeaf(host));
  const stars = equals.filter(isTransit).map((hub) => ({ hub, leaves: leaves.filter((leaf) => joins(hub, leaf)) }));
  const laterThan = createLaterThan(topology, equals);
  const trunks = equals.flatMap((a) => laterThan(a).flatMap((b): readonly Trunk[] => (joins(a, b) ? [[a, b]] : [])));
  const hubs = wireguard.shape === "hub-and-spoke" ? names(wireguard.hubs) : [];
  const asked = bgp === undefined ? [] : names(bgp.routeReflectors);
  return {
    stars,
    trunks,
    transit,
    reflectors: new Set(asked.length > 0 ? asked : hubs),
    hubsOf: (host) => {
      if (!isLeaf(host)) return [];
      const gateways = gatewaysBefore(host.input);
      return gateways.length > 0 ? gateways : preferred(host.input);
    },
  };
}
