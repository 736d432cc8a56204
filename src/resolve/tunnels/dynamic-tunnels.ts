/** The tunnels of the dynamic class: an interface for each hub, and one for each host that is joined as an equal. */
import type { Diagnostic, Result } from "../../base/diagnostic.ts";
import { must } from "../../base/invariant.ts";
import { hostPrefix, type IpPrefix } from "../../base/ip.ts";
import { compareText, sortedBy } from "../../base/text.ts";
import type { UdpPort } from "../../base/units.ts";
import type { WireguardInterface } from "../../model/device.ts";
import { hasTunnels } from "../../topology/hosts.ts";
import type { Topology, WireguardInput } from "../../topology/topology.ts";
import { type TransitAddress, transitAddresses } from "../../topology/transit.ts";
import type { ResolvedHost } from "../hosts/hosts.ts";
import { hubWithoutEndpoint, type UnmetPair, unmetDiagnostics } from "../joins/cannot-meet.ts";
import { createMeet, type Meet, type Member, membersOf, type Sight } from "../joins/meetings.ts";
import { exactAllowedIps } from "../joins/prefixes-behind.ts";
import type { DynamicShape, Star, Trunk } from "../joins/stars-and-trunks.ts";
import { createEndsOf, type Ends, type EndsOf, toInterface } from "./interfaces.ts";
import { interfaceAddresses, interfaceName, linkLocalOf, portAbove } from "./tunnel-ends.ts";
import type { TunnelGrounds, Tunnels } from "./tunnels.ts";
import { createViews, endpointsOf, type Seen, type View } from "./views.ts";

/** What an interface leads to: a whole block of tunnel addresses, or one host. */
export interface TunnelEnd {
  readonly host: ResolvedHost;
  readonly interface: string;
  readonly addresses: readonly TransitAddress[];
  readonly isPointToPoint: boolean;
  /** That of a hub, for all its leaves. */
  readonly isHub: boolean;
}

/** Both ends of a tunnel. */
export type TunnelPair = readonly [TunnelEnd, TunnelEnd];

export interface DynamicTunnels extends Tunnels {
  readonly tunnels: readonly TunnelPair[];
}

interface DynamicGrounds extends TunnelGrounds {
  readonly shape: DynamicShape;
}

/** What stars and trunks are made with. */
interface Making extends DynamicGrounds {
  /** Of the tunnels' own addresses. */
  readonly pools: WireguardInput["transit"];
  readonly memberOf: (host: ResolvedHost) => Member;
  readonly meet: Meet;
  readonly view: View;
  readonly endsOf: EndsOf;
}

/** An interface that is there, with its tunnels. */
interface Link {
  readonly end: TunnelEnd;
  readonly listenPort: UdpPort;
  readonly ends: Ends;
}

interface Made {
  readonly links: readonly Link[];
  readonly tunnels: readonly TunnelPair[];
  readonly unmet: readonly UnmetPair[];
  readonly diagnostics: readonly Diagnostic[];
}

/** Whatever may come; BGP decides where to send it. */
const ANYTHING = ["0.0.0.0/0", "::/0"] as unknown as readonly IpPrefix[];

/** A leaf as one hub sees it: all that is its own, on the way to nowhere else. */
function leafSeen({ owned }: Making, { host, addresses }: TunnelEnd): Seen {
  const own = must(owned.get(host.input.name), "every host has a list of prefixes");
  const allowedIps = [...addresses.map(({ address }) => hostPrefix(address)), ...exactAllowedIps(host, own)];
  return { endpoints: [], hasKeepalive: false, allowedIps };
}

/** A hub as all its leaves see it. It dials nobody: the way to it is kept open wherever it leads through. */
function hubSeen(hub: Member, sight: Sight): Seen {
  return { endpoints: endpointsOf(hub, sight), hasKeepalive: true, allowedIps: ANYTHING };
}

/** The leaves of a hub that dial it, each with its end of the tunnel: without that there is none. */
function dialling(making: Making, { hub, leaves }: Star, endAt: (host: ResolvedHost) => TunnelEnd) {
  const { meet, memberOf } = making;
  return new Map(
    leaves.map(memberOf).flatMap((leaf) => {
      const met = meet(leaf, memberOf(hub));
      return met?.sight.scope === undefined ? [] : [[leaf, { ...met, end: endAt(leaf.host) }] as const];
    }),
  );
}

function makeStar(making: Making, star: Star): Made {
  const { settings, memberOf, view, endsOf } = making;
  const { hub, leaves } = star;
  const endAt = (host: ResolvedHost): TunnelEnd => ({
    host,
    interface: interfaceName(settings, hub),
    addresses: transitAddresses(making.pools, hub.input, host.input),
    isPointToPoint: false,
    isHub: host === hub,
  });
  const joined = dialling(making, star, endAt);
  const sees = (leaf: Member) => must(joined.get(leaf), "a leaf that is asked about dials the hub");
  const [own, end] = [memberOf(hub), endAt(hub)];
  const ofHub = endsOf(own, [...joined.keys()], (leaf) => {
    const seen = () => leafSeen(making, sees(leaf).end);
    return { peer: view(leaf, `:leaf:${hub.input.name}`, seen), mtu: sees(leaf).mtu };
  });
  const ofLeaf = (leaf: Member): Result<Link> => {
    const { sight, mtu, end: far } = sees(leaf);
    const peer = view(own, `:hub${sight.way}`, () => hubSeen(own, sight));
    const { value: listenPort, diagnostics } = portAbove(leaf.host.listenPort, hub);
    return { value: { end: far, listenPort, ends: endsOf(leaf, [own], () => ({ peer, mtu })) }, diagnostics };
  };
  const made = [...joined.keys()].map(ofLeaf);
  const links = made.map(({ value }) => value);
  return {
    links: links.length > 0 ? [{ end, listenPort: hub.listenPort, ends: ofHub }, ...links] : [],
    tunnels: links.map((link) => [link.end, end]),
    unmet: [],
    diagnostics: [
      ...made.flatMap(({ diagnostics }) => diagnostics),
      ...(links.length < leaves.length ? [hubWithoutEndpoint(hub)] : []),
    ],
  };
}

/** One side of a trunk. */
function makeSide(making: Making, [from, to]: Trunk): Result<Link> {
  const { settings, meet, memberOf, view, endsOf } = making;
  const other = memberOf(to);
  const { sight, mtu } = must(meet(memberOf(from), other), "two that meet do so both ways");
  const listen = portAbove(from.listenPort, to);
  const dialled = endpointsOf(other, sight).map((endpoint) => ({ endpoint, port: portAbove(endpoint.port, from) }));
  const peer = view(other, `:trunk:${from.input.name}`, () => ({
    endpoints: dialled.map(({ endpoint, port }) => ({ ...endpoint, port: port.value })),
    hasKeepalive: sight.hasKeepalive,
    allowedIps: ANYTHING,
  }));
  const end = {
    host: from,
    interface: interfaceName(settings, to),
    addresses: transitAddresses(making.pools, from.input, to.input),
    isPointToPoint: true,
    isHub: false,
  };
  const ends = endsOf(memberOf(from), [other], () => ({ peer, mtu }));
  return {
    value: { end, listenPort: listen.value, ends },
    diagnostics: [...listen.diagnostics, ...dialled.flatMap(({ port }) => port.diagnostics)],
  };
}

function makeTrunk(making: Making, trunk: Trunk): Made {
  const { meet, memberOf } = making;
  const [a, b] = trunk;
  if (meet(memberOf(a), memberOf(b)) === undefined) return { links: [], tunnels: [], unmet: [trunk], diagnostics: [] };
  const [near, far] = [makeSide(making, [a, b]), makeSide(making, [b, a])];
  return {
    links: [near.value, far.value],
    tunnels: [[near.value.end, far.value.end]],
    unmet: [],
    diagnostics: [...near.diagnostics, ...far.diagnostics],
  };
}

/** The tunnels between all hosts. Pairs that cannot meet have none. */
export function resolveDynamicTunnels(
  topology: Topology,
  hosts: readonly ResolvedHost[],
  grounds: DynamicGrounds,
): Result<DynamicTunnels> {
  const { shape, settings, paths } = grounds;
  const running = hosts.filter(({ input }) => hasTunnels(input));
  const members = new Map(membersOf(running, paths).map((member) => [member.host, member]));
  const { view, peers, peerOf } = createViews(settings, () => false);
  const making: Making = {
    ...grounds,
    pools: topology.wireguard.transit,
    memberOf: (host) => must(members.get(host), "every host is a member"),
    meet: createMeet([...members.values()], paths),
    view,
    // One tunnel, one interface: there is no smaller peer.
    endsOf: createEndsOf(paths.underlay, false),
  };
  const made = [
    ...shape.stars.map((star) => makeStar(making, star)),
    ...shape.trunks.map((trunk) => makeTrunk(making, trunk)),
  ];
  const interfaces = new Map(hosts.map((host) => [host.input.name, [] as WireguardInterface[]]));
  for (const { end, listenPort, ends } of made.flatMap(({ links }) => links)) {
    const addresses = interfaceAddresses(end.addresses, end.isPointToPoint);
    const sorted = { ...ends, peers: ends.peers.toSorted(compareText) };
    const linkLocal = linkLocalOf(end.host.input.id, addresses);
    const own = { name: end.interface, addresses, linkLocal, listenPort, routedBy: "bgp" } as const;
    const link = toInterface(sorted, own, peerOf);
    must(interfaces.get(end.host.input.name), "every host has a list of interfaces").push(link);
  }
  const { transit } = shape;
  const value: DynamicTunnels = {
    peers: peers(),
    interfaces: new Map([...interfaces].map(([name, links]) => [name, sortedBy(links, (link) => link.name)])),
    tunnels: made.flatMap(({ tunnels }) => tunnels),
    relays: transit,
    merging: new Set(),
    // BGP chooses the way: it may be any.
    between: (names) =>
      names.length < 2 ? [] : [...transit].filter((name) => !names.includes(name)).sort(compareText),
  };
  const unmet = made.flatMap((each) => each.unmet);
  const diagnostics = [...made.flatMap((each) => each.diagnostics), ...unmetDiagnostics(unmet, topology, running)];
  return { value, diagnostics };
}
