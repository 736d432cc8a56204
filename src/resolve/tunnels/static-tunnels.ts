/** The tunnels of the static class: one interface a host, and AllowedIPs that the routes follow. */
import type { Result } from "../../base/diagnostic.ts";
import { must } from "../../base/invariant.ts";
import { containsPrefix, type IpPrefix } from "../../base/ip.ts";
import { hasTunnels } from "../../topology/hosts.ts";
import type { Lan } from "../../topology/lans.ts";
import { MAX_MESH_HOSTS } from "../../topology/mesh.ts";
import type { Pair } from "../../topology/pairs.ts";
import type { Topology, WireguardInput } from "../../topology/topology.ts";
import type { ResolvedHost } from "../hosts/hosts.ts";
import { type UnmetPair, unmetDiagnostics } from "../joins/cannot-meet.ts";
import { type GatewayGrounds, gatewayJoins } from "../joins/gateways.ts";
import { hubJoins } from "../joins/hub.ts";
import { DIRECT, type Grounds, type Joins, meshJoins } from "../joins/joins.ts";
import { linkJoins } from "../joins/links.ts";
import { createMeet, type Meet, type Member, membersOf } from "../joins/meetings.ts";
import { groundsOf, standbysOf } from "../joins/prefixes-behind.ts";
import { relayJoins } from "../joins/relays.ts";
import { createEndsOf, type Ends, type EndsOf, type TunnelTo, toInterface } from "./interfaces.ts";
import type { TunnelGrounds, Tunnels } from "./tunnels.ts";
import { createViews, endpointsOf, type View } from "./views.ts";

/** What the tunnels of all hosts are made with. */
interface Making {
  readonly meet: Meet;
  readonly joins: Joins;
  readonly view: View;
  readonly endsOf: EndsOf;
  /** What leads to each host and to no other, by its name. */
  readonly exact: GatewayGrounds["exact"];
}

/** The tunnel of one member with another, as the first has it. */
function tunnelTo(from: Member, to: Member, { meet, joins, view, exact }: Making): TunnelTo | undefined {
  const met = meet(from, to);
  if (met === undefined) return undefined;
  const { sight, mtu } = met;
  const load = joins.loadOf(from, to);
  const suffix = `${sight.way}${sight.hasKeepalive ? ":keepalive" : ""}${load?.suffix ?? ""}`;
  const peer = view(to, suffix, () => ({
    endpoints: endpointsOf(to, sight),
    hasKeepalive: sight.hasKeepalive,
    allowedIps: load?.allowedIps ?? must(exact.get(to.host.input.name), "every host has a list of AllowedIPs"),
  }));
  return { peer, mtu };
}

/** Lets one host meet its neighbours; `withItself`: as another of its kind would. */
function endsFor(from: Member, making: Making, { withItself } = { withItself: false }): Ends {
  const neighbours = making.joins.neighboursOf(from);
  const others = withItself ? neighbours : neighbours.filter((to) => to !== from);
  return making.endsOf(from, others, (to) => tunnelTo(from, to, making));
}

/** Gives the function that makes the tunnels of every host. */
function createEndsFor(members: readonly Member[], making: Making): (from: Member) => Ends {
  if (!making.joins.isFull) return (from) => endsFor(from, making);
  const sizes = new Map<number, number>();
  for (const { kind } of members) sizes.set(kind, (sizes.get(kind) ?? 0) + 1);
  const positions = new Map(members.map((member, index) => [member, index]));
  // A mesh of n hosts has n² tunnels. Two of a kind make the same of all others, and each other's view of them is their own.
  const whole = new Map<number, Ends>();
  return (from) => {
    if (sizes.get(from.kind) === 1) return endsFor(from, making);
    const { name } = from.host.input;
    const known = whole.get(from.kind) ?? endsFor(from, making, { withItself: true });
    whole.set(from.kind, known);
    const position = must(positions.get(from), "every member has a position");
    // Not all of a kind can meet, or its own MTU is the one that counts.
    if (known.peers.length !== members.length || known.limitingPeer === name) return endsFor(from, making);
    return {
      ...known,
      peers: known.peers.toSpliced(position, 1),
      smaller: known.smaller.filter(({ host }) => host !== name),
    };
  };
}

/** What those of the static class are decided from besides. */
export interface StaticGrounds extends TunnelGrounds {
  readonly parents: readonly IpPrefix[];
  readonly outer: readonly IpPrefix[];
  readonly lans: readonly Lan[];
  readonly pairs: readonly Pair[];
}

/** What the static class makes of a shape; of several hubs with one address the first stands for all. */
function staticJoins(
  wireguard: WireguardInput,
  members: readonly Member[],
  grounds: GatewayGrounds & Grounds & { readonly meet: Meet },
): Joins {
  const { meet, exact, gateways } = grounds;
  const hubs = wireguard.hubs.flatMap(({ value }) => members.filter(({ host }) => host.input.name === value));
  const [hub] = hubs;
  switch (wireguard.shape) {
    case "links":
      return linkJoins(members, wireguard.links, { exact });
    case "hub-and-spoke":
      return hub === undefined ? { ...DIRECT, neighboursOf: () => [] } : hubJoins(members, hub, grounds);
    default: {
      const few = members.length > MAX_MESH_HOSTS ? [] : members;
      if (hubs.length > 0) return relayJoins(few, hubs, { meet, exact });
      return gateways.size > 0 ? gatewayJoins(few, grounds) : meshJoins(few);
    }
  }
}

/** A prefix that lies in a pool is connected: the kernel has a route to it from the interface's address. */
function isRouted({ addresses }: WireguardInput): (prefix: IpPrefix) => boolean {
  return (prefix) => !addresses.some(({ value }) => containsPrefix(value, prefix));
}

/** The tunnels of the static class; each side gets its own view of the other. Pairs that cannot meet have none. */
export function resolveStaticTunnels(
  topology: Topology,
  hosts: readonly ResolvedHost[],
  { settings, paths, owned, parents, outer, lans, pairs }: StaticGrounds,
): Result<Tunnels> {
  const running = hosts.filter(({ input }) => hasTunnels(input));
  const standbys = standbysOf(running, pairs);
  const grounds = groundsOf(running, owned, { lans, standbys });
  const members = membersOf(
    running.filter((host) => !standbys.has(host)),
    paths,
  );
  const meet = createMeet(members, paths);
  const joins = staticJoins(topology.wireguard, members, { meet, parents, outer, ...grounds });
  const { view, peers, peerOf } = createViews(settings, isRouted(topology.wireguard));
  const endsOf = createEndsOf(paths.underlay, settings.hasPeerMtus);
  const makeEnds = createEndsFor(members, { meet, joins, view, endsOf, exact: grounds.exact });
  const ends = new Map(members.map((member) => [member.host, makeEnds(member)]));
  const unmet = [...ends].flatMap(([host, each]) => each.unmet.map((to): UnmetPair => [host, to.host]));
  const interfaces = hosts.map((host) => {
    const own = ends.get(standbys.get(host) ?? host);
    const { addresses, listenPort } = host;
    const link = { name: settings.name, addresses, linkLocal: undefined, listenPort, routedBy: "file" } as const;
    return [host.input.name, own === undefined ? [] : [toInterface(own, link, peerOf)]] as const;
  });
  const { merging, between } = joins;
  const relieving = [...standbys].filter(([, first]) => joins.relays.has(first.input.name));
  const relays = new Set([...joins.relays, ...relieving.map(([standby]) => standby.input.name)]);
  return {
    value: { peers: peers(), interfaces: new Map(interfaces), relays, merging, between },
    diagnostics: unmetDiagnostics(unmet, topology, running),
  };
}
