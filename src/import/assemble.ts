/** The hosts of a fleet, and what is known of them, as a draft of a topology. */
import type { IpAddress, IpPrefix } from "../base/ip.ts";
import { type Block, type Draft, type Entry, entry } from "./draft.ts";
import { blocksOfFabric } from "./fabric.ts";
import type { FabricFacts, Finding } from "./facts.ts";
import { type Member, tellPairs } from "./fleet.ts";
import { byFrequency } from "./frequency.ts";
import { type Context, commonPort, DEFAULT_PORT, hostBlock } from "./members.ts";
import { claimsOf, prefixesBehind, type Tables, tablesOf, tellDoubles, tellMutual } from "./owners.ts";
import { type Paths, pathsOf } from "./paths.ts";
import { numbersOf, poolsOf } from "./pools.ts";
import { passesOn, type Shape, shapeOf } from "./shape.ts";
import { type Site, sitesOf } from "./sites.ts";

/** A name for every host: those that nobody has a name for are called by their ids. */
function namesFor(members: readonly Member[], idOf: (identity: string) => number): ReadonlyMap<string, string> {
  const taken = new Set(members.map(({ name }) => name));
  return new Map(
    members.map(({ identity, name }) => {
      let own = name ?? `host${idOf(identity)}`;
      while (name === undefined && taken.has(own)) own = `${own}-2`;
      taken.add(own);
      return [identity, own];
    }),
  );
}

function shapeEntries(shape: Shape, nameOf: (identity: string) => string) {
  switch (shape.kind) {
    case "mesh":
      return shape.relays.length === 0 ? [] : [entry("hubs", shape.relays.map(nameOf))];
    case "hub-and-spoke":
      return [entry("shape", shape.kind), entry("hubs", shape.hubs.map(nameOf))];
    case "links":
      return [
        entry("shape", shape.kind),
        entry(
          "links",
          shape.links.map((link) => link.map(nameOf)),
        ),
      ];
    default:
      return shape satisfies never;
  }
}

/** The name of the interface that most files have. */
function interfaceOf(members: readonly Member[]): string {
  return byFrequency(members.flatMap(({ facts }) => facts?.interface ?? []))[0] ?? "wg0";
}

const GUESSED_MTU =
  "a guess: the MTU of the interfaces and the headers of WireGuard. Where the path carries more, say so: the tunnels get it";

function underlayEntries({ pathMtu, between }: Paths, nameOf: (identity: string) => string) {
  const paths = between.map(({ pair, mtu }) => ({ between: pair.map(nameOf), mtu }));
  return [
    ...(pathMtu === 1500 ? [] : [entry("pathMtu", pathMtu, GUESSED_MTU)]),
    ...(paths.length === 0 ? [] : [entry("paths", paths, GUESSED_MTU)]),
  ];
}

function siteEntries(sites: readonly Site[], nameOf: (identity: string) => string): readonly Entry[] {
  return sites.map(({ name, lan, gateways }) => {
    const value = lan.length === 0 ? {} : { lan, gateways: gateways.map(nameOf) };
    return entry(name, value, "a guess: its hosts dial each other at private addresses");
  });
}

/** True if each pool is the prefix of a host's own interface. */
function isSaid(pools: readonly IpPrefix[], members: readonly Member[]): boolean {
  const said = new Set(members.flatMap(({ facts }) => facts?.addresses ?? []).map(({ value }) => value.prefix));
  return pools.every((pool) => said.has(pool));
}

interface Assembled {
  readonly draft: Draft;
  readonly nameOf: (identity: string) => string;
}

interface Fleet {
  readonly members: readonly Member[];
  readonly tables: Tables;
  readonly pools: readonly IpPrefix[];
  readonly nameOf: (identity: string) => string;
}

/** Who wins where files contradict each other is decided below; that they do is said here. */
function tellContradictions({ members, tables, pools, nameOf }: Fleet, findings: Finding[]): void {
  tellDoubles(members, nameOf, findings);
  tellMutual(tables, { pools, nameOf }, findings);
  tellPairs(members, nameOf, findings);
}

const GUESSED_POOL = "a guess: the hosts' own prefixes do not hold all of their addresses";

const GUESSED_PER_PEER =
  "a guess: the MTU of an interface is that of its largest tunnel, and what is smaller has routes of a smaller one";

interface Tunnels extends Fleet {
  readonly shape: Shape;
  readonly paths: Paths;
}

function wireguardEntries({ members, pools, shape, paths, nameOf }: Tunnels): readonly Entry[] {
  const hasPreshared = members.some(({ views }) => views.some(({ peer }) => peer.preshared !== undefined));
  const name = interfaceOf(members);
  const port = commonPort(members);
  return [
    entry("addresses", pools, ...(isSaid(pools, members) ? [] : [GUESSED_POOL])),
    ...(name === "wg0" ? [] : [entry("interface", name)]),
    ...(port === DEFAULT_PORT ? [] : [entry("listenPort", port)]),
    ...shapeEntries(shape, nameOf),
    ...(hasPreshared ? [entry("presharedKeys", true)] : []),
    ...(paths.isPerPeer ? [entry("mtu", "per-peer", GUESSED_PER_PEER)] : []),
  ];
}

/** Puts the fleet together. */
export function assemble(members: readonly Member[], fabric: FabricFacts | undefined, findings: Finding[]): Assembled {
  const tables = tablesOf(members);
  const claims = claimsOf(tables);
  const pools = poolsOf(members, claims, findings);
  const numbers = numbersOf(members, { claims, pools }, findings);
  const names = namesFor(members, (identity) => numbers.get(identity)?.id ?? 0);
  const nameOf = (identity: string): string => names.get(identity) ?? identity;
  const addressOf = (identity: string): IpAddress | undefined => numbers.get(identity)?.addresses[0];
  const fleet: Fleet = { members, tables, pools, nameOf };
  tellContradictions(fleet, findings);
  // Of what is behind a host its LAN is a part, and who is on a LAN may be no spoke: its gateway is no hub then.
  const first = shapeOf(members, { tables, addressOf, sites: [] }, []);
  const isHub = (identity: string): boolean => passesOn(first, identity);
  const behind = prefixesBehind(claims, { pools, passesOn: isHub, nameOf }, findings);
  const sites = sitesOf(members, { hosts: new Set(names.values()), behind }, findings);
  const shape = shapeOf(members, { tables, addressOf, sites }, findings);
  const context: Context = { nameOf, numbers, behind, sites, port: commonPort(members) };
  const paths = pathsOf(members, findings);
  const blocks = fabric && blocksOfFabric(fabric, new Set(names.values()), findings);
  const section = (name: string, entries: readonly Entry[]): Block => ({ name, comments: [], entries });
  const draft = {
    sections: [
      section("underlay", underlayEntries(paths, nameOf)),
      section("sites", siteEntries(sites, nameOf)),
      section("wireguard", wireguardEntries({ ...fleet, shape, paths })),
      section("bgp", blocks?.bgp ?? []),
    ],
    hostDefaults: blocks?.hostDefaults ?? [],
    hosts: members.map((member) => hostBlock(member, context, findings)),
    subnets: blocks?.subnets ?? [],
    vrfs: blocks?.vrfs ?? [],
  };
  return { draft, nameOf };
}
