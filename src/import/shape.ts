/** Who has a tunnel with whom, as one of the language's shapes. */
import { hostPrefix, type IpAddress } from "../base/ip.ts";
import { type Finding, note, question } from "./facts.ts";
import type { Member } from "./fleet.ts";
import { nextFor, type Tables } from "./owners.ts";
import type { Site } from "./sites.ts";

export type Shape =
  /** `relays`: for those who cannot meet. */
  | { readonly kind: "mesh"; readonly relays: readonly string[] }
  | { readonly kind: "hub-and-spoke"; readonly hubs: readonly string[] }
  | { readonly kind: "links"; readonly links: readonly (readonly [string, string])[] };

/** True if a host may be sent what is for others. */
export function passesOn(shape: Shape, identity: string): boolean {
  switch (shape.kind) {
    case "mesh":
      return false;
    case "hub-and-spoke":
      return shape.hubs.includes(identity);
    case "links":
      return shape.links.filter((link) => link.includes(identity)).length > 1;
    default:
      return shape satisfies never;
  }
}

interface Graph {
  readonly members: readonly Member[];
  readonly neighbours: ReadonlyMap<string, ReadonlySet<string>>;
}

function graphOf(members: readonly Member[]): Graph {
  const neighbours = new Map(members.map(({ identity }) => [identity, new Set<string>()]));
  for (const { identity, views } of members) {
    for (const { by } of views) {
      neighbours.get(by)?.add(identity);
      neighbours.get(identity)?.add(by);
    }
  }
  return { members, neighbours };
}

type Pair = readonly [Member, Member];

function pairsOf(members: readonly Member[]): readonly Pair[] {
  return members.flatMap((a, index) => members.slice(index + 1).map((b) => [a, b] as const));
}

const hasEndpoint = ({ views, facts }: Member): boolean =>
  facts?.endpoint !== undefined || views.some(({ peer }) => peer.endpoints.length > 0);

/** Those who have a tunnel with all others, where these have none with each other. */
function hubsOf({ members, neighbours }: Graph): readonly Member[] {
  const hubs = members.filter(({ identity }) => neighbours.get(identity)?.size === members.length - 1);
  const spokes = members.filter((member) => !hubs.includes(member));
  const isStar = spokes.every(({ identity }) => neighbours.get(identity)?.size === hubs.length);
  return isStar && hubs.length > 0 && spokes.length > 1 ? hubs : [];
}

interface Routing {
  readonly tables: Tables;
  readonly addressOf: (identity: string) => IpAddress | undefined;
  readonly sites: readonly Site[];
}

/** True if the one is dialled on its LAN alone, and so goes to the other by the LAN's gateway. */
function isBehindGateway({ identity, views }: Member, other: Member, sites: readonly Site[]): boolean {
  const site = sites.find(({ members, gateways }) => members.has(identity) && gateways.length > 0);
  if (site === undefined || site.gateways.includes(identity) || site.members.has(other.identity)) return false;
  return !views.some(({ by, peer }) => !site.members.has(by) && peer.endpoints.length > 0);
}

/** The hosts by which each of these pairs sends what is for the other; `undefined`: one of them has no way. */
function relaysFor(pairs: readonly Pair[], { tables, addressOf }: Routing): readonly string[] | undefined {
  const relays = new Set<string>();
  for (const [a, b] of pairs) {
    if (hasEndpoint(a) || hasEndpoint(b)) return undefined;
    const [from, to] = a.facts === undefined ? [b, a] : [a, b];
    const address = addressOf(to.identity);
    const relay = address && nextFor(tables, from.identity, hostPrefix(address), new Set());
    if (relay === undefined) return undefined;
    relays.add(relay);
  }
  return [...relays];
}

function linksOf({ members, neighbours }: Graph): readonly (readonly [string, string])[] {
  return pairsOf(members)
    .filter(([a, b]) => neighbours.get(a.identity)?.has(b.identity))
    .map(([a, b]) => [a.identity, b.identity]);
}

const NEEDS_BGP = "netgen has BGP choose between several ways, and wants bgp: and wireguard.transit for it";

/** Finds the shape; what netgen cannot build without more being said is a question. */
export function shapeOf(members: readonly Member[], routing: Routing, findings: Finding[]): Shape {
  const { sites } = routing;
  const graph = graphOf(members);
  const [first] = members;
  const isMissing = ([a, b]: Pair): boolean => graph.neighbours.get(a.identity)?.has(b.identity) !== true;
  // Of two that have no file nobody knows.
  const isKnown = ([a, b]: Pair): boolean => a.facts !== undefined || b.facts !== undefined;
  const isByGateway = ([a, b]: Pair): boolean => isBehindGateway(a, b, sites) || isBehindGateway(b, a, sites);
  const missing = pairsOf(members).filter((pair) => isMissing(pair) && !isByGateway(pair));
  if (first === undefined || missing.length === 0) return { kind: "mesh", relays: [] };
  if (!missing.some(isKnown) && members.every((member) => member.facts !== undefined || hasEndpoint(member))) {
    findings.push(
      note("taken for a mesh: hosts without a file have endpoints, and may have tunnels with each other", first.place),
    );
    return { kind: "mesh", relays: [] };
  }
  const hubs = hubsOf(graph);
  // Two that have tunnels with all others look like two hubs, until one sees by which of them the others go.
  const relays = hubs.length === 1 ? undefined : relaysFor(missing, routing);
  if (relays !== undefined) return { kind: "mesh", relays };
  const [hub] = hubs;
  if (hub !== undefined) {
    if (hubs.length > 1) findings.push(question(`two or more hubs: ${NEEDS_BGP}`, hub.place));
    return { kind: "hub-and-spoke", hubs: hubs.map(({ identity }) => identity) };
  }
  const links = linksOf(graph);
  if (links.length >= members.length) {
    findings.push(question(`neither a mesh, nor hubs, nor links without a ring: ${NEEDS_BGP}`, first.place));
  }
  return { kind: "links", links };
}
