/** The tunnels of the static class: one interface a host, and AllowedIPs that are the routes. */
import { type Diagnostic, diagnostic } from "../../base/diagnostic.ts";
import { must } from "../../base/invariant.ts";
import type { IpPrefix } from "../../base/ip.ts";
import type { Span } from "../../base/source.ts";
import { sortedBy } from "../../base/text.ts";
import type { WireguardInterface } from "../../model/device.ts";
import type { OwnedPrefix } from "../../model/host.ts";
import type { Peer } from "../../model/reach.ts";
import { KEEPALIVE_SECONDS, type PathIndex } from "../../model/tunnel.ts";
import { hasTunnels } from "../../topology/hosts.ts";
import type { Lan } from "../../topology/lans.ts";
import type { Pair } from "../../topology/pairs.ts";
import type { WireguardInput } from "../../topology/topology.ts";
import type { ResolvedHost } from "../hosts/hosts.ts";
import { createRefuse } from "../joins/cannot-meet.ts";
import { type GatewayGrounds, gatewayJoins } from "../joins/gateways.ts";
import { hubJoins } from "../joins/hub.ts";
import { DIRECT, type Joins, type Load, meshJoins } from "../joins/joins.ts";
import { linkJoins } from "../joins/links.ts";
import { createMeet, type Meet, type Member, membersOf, type Sight } from "../joins/meetings.ts";
import { groundsOf, standbysOf } from "../joins/prefixes-behind.ts";
import { relayJoins } from "../joins/relays.ts";
import { createMtus, type LinkMtu, linkMtu } from "./interface-mtu.ts";

import type { InterfaceSettings, Tunnels } from "./tunnels.ts";

/** Collects views: each host once per way of being seen, however many see it that way. */
function createViews(allowedIps: ReadonlyMap<string, readonly IpPrefix[]>, hasPresharedKey: boolean) {
  const views: Peer[] = [];
  const view = ({ host: target, ids }: Member, sight: Sight, load: Load | undefined): string => {
    const { scope, hasKeepalive } = sight;
    const suffix = load === undefined ? sight.suffix : sight.suffix + load.suffix;
    const known = ids.get(suffix);
    if (known !== undefined) return known;
    const host = target.input.name;
    const id = host + suffix;
    ids.set(suffix, id);
    views.push({
      id,
      host,
      publicKey: target.publicKey,
      endpoint: scope && (scope === "lan" ? target.reach.lanEndpoint : target.reach.endpoint),
      keepaliveSeconds: hasKeepalive ? KEEPALIVE_SECONDS : 0,
      allowedIps: load?.allowedIps ?? must(allowedIps.get(host), "every host has a list of AllowedIPs"),
      hasPresharedKey,
    });
    return id;
  };
  return { views, view };
}

/** One host's part of the tunnels. */
interface Half extends LinkMtu {
  readonly peers: readonly string[];
}

/** What the halves of all hosts are made with. */
interface Making {
  readonly paths: PathIndex;
  readonly hasPeerMtus: boolean;
  readonly meet: Meet;
  readonly joins: Joins;
  readonly view: (target: Member, sight: Sight, load: Load | undefined) => string;
  readonly refuse: (from: Member, to: Member) => void;
}

/** Lets one host meet its neighbours; `withItself`: as another of its kind would. */
function halfOf(
  from: Member,
  { paths, hasPeerMtus, meet, joins, view, refuse }: Making,
  { withItself } = { withItself: false },
): Half {
  const peers: string[] = [];
  const mtus = createMtus(paths.underlay, hasPeerMtus);
  for (const to of joins.neighboursOf(from)) {
    if (to === from && !withItself) continue;
    const met = meet(from, to);
    if (met === undefined) {
      refuse(from, to);
      continue;
    }
    peers.push(view(to, met.sight, joins.loadOf(from, to)));
    mtus.add(to.host.input.name, met.mtu);
  }
  return { peers, ...mtus.result() };
}

/** Gives the function that makes every host's half. */
function createHalfOf(members: readonly Member[], tunnels: Making): (from: Member) => Half {
  if (!tunnels.joins.isFull) return (from) => halfOf(from, tunnels);
  const sizes = new Map<number, number>();
  for (const { kind } of members) sizes.set(kind, (sizes.get(kind) ?? 0) + 1);
  const positions = new Map(members.map((member, index) => [member, index]));
  // A mesh of n hosts has n² tunnels. Two of a kind make the same of all others, and each other's view of them is their own.
  const whole = new Map<number, Half>();
  return (from) => {
    if (sizes.get(from.kind) === 1) return halfOf(from, tunnels);
    const { name } = from.host.input;
    const known = whole.get(from.kind) ?? halfOf(from, { ...tunnels, refuse: () => undefined }, { withItself: true });
    whole.set(from.kind, known);
    const position = must(positions.get(from), "every member has a position");
    // Not all of a kind can meet, or its own MTU is the one that counts.
    if (known.peers.length !== members.length || known.limitingPeer === name) return halfOf(from, tunnels);
    return {
      ...known,
      peers: known.peers.slice(0, position).concat(known.peers.slice(position + 1)),
      smaller: known.smaller.filter(({ host }) => host !== name),
    };
  };
}

/** As many as can be held at once, each with all others: some 50 million tunnels. Larger fleets have hubs. */
const MAX_MESH_HOSTS = 10_000;

function reportSize(hosts: number, { found, span }: StaticOptions): void {
  if (hosts <= MAX_MESH_HOSTS) return;
  const params = { hosts, count: (hosts * (hosts - 1)) / 2, limit: MAX_MESH_HOSTS };
  found.push(diagnostic("mesh-too-large", params, span));
}

/** What the tunnels are made with. */
interface StaticOptions {
  readonly settings: InterfaceSettings;
  readonly wireguard: WireguardInput;
  readonly parents: readonly IpPrefix[];
  readonly paths: PathIndex;
  readonly found: Diagnostic[];
  /** Where the shape of the network was asked for. */
  readonly span: Span;
  /** Hubs and gateways, by name. */
  readonly leaders: readonly string[];
  readonly lans: readonly Lan[];
  readonly pairs: readonly Pair[];
}

/** What the static class makes of a shape; of several hubs with one address the first stands for all. */
function joinsOf(
  members: readonly Member[],
  { meet, grounds }: { readonly meet: Meet; readonly grounds: GatewayGrounds },
  options: StaticOptions,
): Joins {
  const { wireguard, parents } = options;
  const { exact, gateways } = grounds;
  const hubs = wireguard.hubs.flatMap(({ value }) => members.filter(({ host }) => host.input.name === value));
  const [hub] = hubs;
  switch (wireguard.shape) {
    case "links":
      return linkJoins(members, wireguard.links, { exact });
    case "hub-and-spoke":
      return hub === undefined ? { ...DIRECT, neighboursOf: () => [] } : hubJoins(members, hub, { exact, parents });
    default: {
      reportSize(members.length, options);
      const few = members.length > MAX_MESH_HOSTS ? [] : members;
      if (hubs.length > 0) return relayJoins(few, hubs, { meet, exact });
      return gateways.size > 0 ? gatewayJoins(few, grounds) : meshJoins(few);
    }
  }
}

/** The tunnels of the static class; each side gets its own view of the other. Pairs that cannot meet are reported and have none. */
export function resolveStaticTunnels(
  hosts: readonly ResolvedHost[],
  owned: ReadonlyMap<string, readonly OwnedPrefix[]>,
  options: StaticOptions,
): Tunnels {
  const { settings, paths, pairs } = options;
  const running = hosts.filter(({ input }) => hasTunnels(input));
  const standbys = standbysOf(running, pairs);
  const grounds = groundsOf(running, owned, options);
  const { views, view } = createViews(grounds.exact, settings.hasPresharedKeys);
  const members = membersOf(
    running.filter((host) => !standbys.has(host)),
    paths,
  );
  const meet = createMeet(members, paths);
  const joins = joinsOf(members, { meet, grounds }, options);
  const { hasPeerMtus } = settings;
  const tunnels = { paths, hasPeerMtus, meet, joins, view, refuse: createRefuse(running, options) };
  const makeHalf = createHalfOf(members, tunnels);
  const halves = new Map(members.map((member) => [member.host, makeHalf(member)]));
  const byId = new Map(views.map((peer) => [peer.id, peer]));
  const interfaceOf = (host: ResolvedHost): readonly WireguardInterface[] => {
    const half = halves.get(standbys.get(host) ?? host);
    return half === undefined ? [] : [toInterface(host, half, { settings, views: byId })];
  };
  const interfaces = new Map(hosts.map((host) => [host.input.name, interfaceOf(host)]));
  const { merging, between } = joins;
  const relieving = [...standbys].filter(([, first]) => joins.relays.has(first.input.name));
  const relays = new Set([...joins.relays, ...relieving.map(([standby]) => standby.input.name)]);
  return { peers: sortedBy(views, (peer) => peer.id), interfaces, relays, merging, between };
}

function toInterface(
  host: ResolvedHost,
  { peers, ...mtu }: Half,
  { settings, views }: { readonly settings: InterfaceSettings; readonly views: ReadonlyMap<string, Peer> },
): WireguardInterface {
  const sent = () =>
    new Map(
      peers.map((id) => {
        const { host: name, allowedIps } = must(views.get(id), "every id is that of a view");
        return [name, allowedIps];
      }),
    );
  return {
    name: settings.name,
    addresses: host.addresses,
    listenPort: settings.listenPort,
    ...linkMtu(mtu, sent),
    table: "auto",
    peers,
  };
}
