/** What there is to draw of a network, before anything has a place: who is where, who is joined, and what lies over it. */
import { compareText } from "../../base/text.ts";
import type { Host } from "../../model/host.ts";
import { poolAddresses, unicastOf } from "../../model/loopback.ts";
import type { Network } from "../../model/network.ts";
import { relaysOf } from "../../model/relays.ts";
import type { MtuReport } from "../mtu.ts";
import { type Layer, layersOf } from "./layers.ts";

/** Hosts up to which each is drawn with all that is known of it, and each of its tunnels; above, tunnels are bundled. */
export const MAX_DETAILED_HOSTS = 20;

export interface Diagram {
  readonly name: string;
  readonly groups: readonly Group[];
  /** Pairs that have a tunnel. */
  readonly links: readonly Link[];
  readonly layers: readonly Layer[];
}

/** Hosts that are in one place: a site, a host without one, or of many of those a half. */
export interface Group {
  /** `undefined`: one host by itself. */
  readonly title: string | undefined;
  readonly nodes: readonly Node[];
  /** Others meet by a host in it. */
  readonly isCentral: boolean;
}

export interface Node {
  readonly host: string;
  readonly id: number;
  /** Its first address in the overlay; empty: it has none. */
  readonly address: string;
  readonly role: "hub" | "gateway" | "host" | "app" | "lan";
  /** What it is besides a host, in words. */
  readonly notes: readonly string[];
  /** Indices of {@link Diagram.layers}. */
  readonly layers: readonly number[];
}

/** Two hosts with a tunnel, and the bytes that it carries. */
export interface Link {
  readonly between: readonly [string, string];
  readonly mtu: number;
}

/** What makes a node of a host. */
interface Known {
  readonly hubs: ReadonlySet<string>;
  readonly gateways: ReadonlySet<string>;
  readonly layers: readonly Layer[];
}

function roleOf(host: Host, { hubs, gateways }: Known): Node["role"] {
  if (gateways.has(host.name)) return "gateway";
  if (hubs.has(host.name)) return "hub";
  if (host.app !== undefined) return "app";
  return host.interfaces.length === 0 ? "lan" : "host";
}

const ROLE_IN_WORDS: Readonly<Record<Node["role"], string | undefined>> = {
  gateway: "gateway of its site",
  hub: "passes on",
  app: "app",
  lan: "without WireGuard",
  host: undefined,
};

function nodeOf(host: Host, known: Known): Node {
  const role = roleOf(host, known);
  const [address] = poolAddresses(host);
  const { bgp, vrrp, reach } = host;
  const notes = [
    ROLE_IN_WORDS[role],
    bgp.kind !== "none" && bgp.isReflector ? "route reflector" : undefined,
    bgp.kind !== "none" && bgp.isDrained ? "drained" : undefined,
    vrrp === undefined ? undefined : `VRRP with ${vrrp.other.host}`,
    reach.isBehindNat ? "behind NAT" : undefined,
  ];
  return {
    host: host.name,
    id: host.id,
    address: address?.address ?? (reach.lanEndpoint?.kind === "address" ? reach.lanEndpoint.address : ""),
    role,
    notes: notes.filter((note) => note !== undefined),
    layers: known.layers.flatMap(({ members }, index) => (members.has(host.name) ? [index] : [])),
  };
}

/** By whom others meet: where BGP routes, they have an interface for that; else they are sent what is not theirs. */
export function hubsOf(network: Network): ReadonlySet<string> {
  if (network.bgp.kind !== "routing") return relaysOf(network);
  const hubs = network.hosts.filter((host) => unicastOf(host)?.hubInterface !== undefined);
  return new Set(hubs.map(({ name }) => name));
}

/** Hosts of no place of their own, many of them as two places of equal size. */
export function halves(title: string, nodes: readonly Node[]): readonly Group[] {
  const middle = nodes.length > MAX_DETAILED_HOSTS ? Math.ceil(nodes.length / 2) : nodes.length;
  return [nodes.slice(0, middle), nodes.slice(middle)]
    .filter((half) => half.length > 0)
    .map((half) => ({ title, nodes: half, isCentral: false }));
}

/** Sites by name, then those who have none; hosts by their ids, as their addresses are. */
function groupsOf({ hosts, sites }: Network, known: Known): readonly Group[] {
  // Where most pass on what is others', as in a chain, none of them is in the middle.
  const hubs = [...known.hubs].filter((name) => !known.gateways.has(name));
  const central = new Set(hubs.length * 2 < hosts.length ? hubs : []);
  const group = (title: string | undefined, nodes: readonly Node[]): Group => ({
    title,
    nodes,
    isCentral: nodes.some(({ host }) => central.has(host)),
  });
  const bySite = new Map(sites.map(({ name }) => [name, [] as Node[]]));
  const alone: Node[] = [];
  for (const host of hosts.toSorted((a, b) => a.id - b.id || compareText(a.name, b.name))) {
    const place = host.reach.site === undefined ? alone : (bySite.get(host.reach.site) ?? alone);
    place.push(nodeOf(host, known));
  }
  const isAlone = ({ host }: Node): boolean => hosts.length <= MAX_DETAILED_HOSTS || central.has(host);
  return [
    ...[...bySite].filter(([, nodes]) => nodes.length > 0).map(([site, nodes]) => group(site, nodes)),
    ...alone.filter(isAlone).map((node) => group(undefined, [node])),
    ...halves(
      "without a site",
      alone.filter((node) => !isAlone(node)),
    ),
  ];
}

/** What there is to draw of a network, whose tunnels the report of MTUs knows. */
export function diagramOf(network: Network, { tunnels }: MtuReport): Diagram {
  const layers = layersOf(network);
  const gateways = new Set(network.sites.flatMap((site) => site.gateways));
  return {
    name: network.name,
    groups: groupsOf(network, { hubs: hubsOf(network), gateways, layers }),
    links: tunnels.map(({ between, effectiveMtu }) => ({ between, mtu: effectiveMtu })),
    layers,
  };
}

/** All tunnels between two groups. */
export interface Bundle {
  /** Indices of {@link Diagram.groups}, the smaller first; the same one twice: tunnels within. */
  readonly between: readonly [number, number];
  readonly count: number;
  readonly smallestMtu: number;
  readonly largestMtu: number;
}

/** Tunnels by the groups that they join, in the order of the groups. */
export function bundlesOf({ groups, links }: Diagram): readonly Bundle[] {
  const groupOf = new Map(groups.flatMap(({ nodes }, index) => nodes.map(({ host }) => [host, index] as const)));
  const bundles = new Map<number, Bundle>();
  for (const { between, mtu } of links) {
    const [a = 0, b = 0] = between.map((host) => groupOf.get(host) ?? 0).sort((x, y) => x - y);
    const key = a * groups.length + b;
    const { count, smallestMtu, largestMtu } = bundles.get(key) ?? { count: 0, smallestMtu: mtu, largestMtu: mtu };
    bundles.set(key, {
      between: [a, b],
      count: count + 1,
      smallestMtu: Math.min(smallestMtu, mtu),
      largestMtu: Math.max(largestMtu, mtu),
    });
  }
  return [...bundles].sort(([a], [b]) => a - b).map(([, bundle]) => bundle);
}

/** `1440`, or `1392 to 1440`. */
export function mtuInWords({ smallestMtu, largestMtu }: Pick<Bundle, "smallestMtu" | "largestMtu">): string {
  return smallestMtu === largestMtu ? String(smallestMtu) : `${smallestMtu} to ${largestMtu}`;
}

/** `124,750`: alike in every place. */
export const numberInWords = (count: number): string => String(count).replace(/\B(?=(\d{3})+$)/g, ",");

/** `1 tunnel`, `1,200 tunnels`. */
export const counted = (count: number, noun: string): string =>
  `${numberInWords(count)} ${noun}${count === 1 ? "" : "s"}`;
