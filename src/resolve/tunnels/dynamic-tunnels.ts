/** The tunnels of the dynamic class: an interface for each hub, and one for each host that is joined as an equal. */
import { type Diagnostic, diagnostic } from "../../base/diagnostic.ts";
import { must } from "../../base/invariant.ts";
import { hostPrefix, type IpPrefix } from "../../base/ip.ts";
import { compareText, sortedBy } from "../../base/text.ts";
import { mtuBytes, type UdpPort } from "../../base/units.ts";
import type { WireguardInterface } from "../../model/device.ts";
import type { OwnedPrefix } from "../../model/host.ts";
import { originSpan } from "../../model/origin.ts";
import type { Endpoint, Peer } from "../../model/reach.ts";
import { KEEPALIVE_SECONDS, type PathIndex } from "../../model/tunnel.ts";
import type { WireguardInput } from "../../topology/topology.ts";
import type { ResolvedHost } from "../hosts/hosts.ts";
import { reportPair } from "../joins/cannot-meet.ts";
import { createMeet, type Meet, membersOf, type Sight } from "../joins/meetings.ts";
import { exactAllowedIps } from "../joins/prefixes-behind.ts";
import type { DynamicShape, Star, Trunk } from "../joins/stars-and-trunks.ts";
import type { TransitAddress, TransitOf } from "./transit-addresses.ts";
import { interfaceName, placed, portAbove } from "./tunnel-ends.ts";
import type { InterfaceSettings, Tunnels } from "./tunnels.ts";

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

export interface DynamicOptions {
  readonly shape: DynamicShape;
  readonly wireguardShape: WireguardInput["shape"];
  readonly settings: InterfaceSettings;
  readonly paths: PathIndex;
  readonly transit: TransitOf;
  /** What is behind each host, by its name. */
  readonly owned: ReadonlyMap<string, readonly OwnedPrefix[]>;
  readonly found: Diagnostic[];
}

/** Whatever may come; BGP decides where to send it. */
const ANYTHING = ["0.0.0.0/0", "::/0"] as unknown as readonly IpPrefix[];

// ── Interfaces in the making ────────────────────────────────────────────────────────────────────────────────────────

interface Draft {
  readonly end: TunnelEnd;
  readonly listenPort: UdpPort;
  readonly peers: string[];
  mtu: number;
  limitingPeer: string | undefined;
}

function draft(end: TunnelEnd, listenPort: UdpPort): Draft {
  return { end, listenPort, peers: [], mtu: Number.POSITIVE_INFINITY, limitingPeer: undefined };
}

function join(drafted: Draft, peer: Peer, mtu: number): void {
  drafted.peers.push(peer.id);
  if (mtu < drafted.mtu) [drafted.mtu, drafted.limitingPeer] = [mtu, peer.host];
}

function finished({ end, listenPort, peers, mtu, limitingPeer }: Draft): WireguardInterface {
  return {
    name: end.interface,
    addresses: placed(end.addresses, end.isPointToPoint),
    listenPort,
    mtu: must(mtuBytes(mtu), "the smallest path that the schema allows is larger than any overhead"),
    limitingPeer,
    smallerPeers: [],
    table: "off",
    peers: [...peers].sort(),
  };
}

// ── Views ───────────────────────────────────────────────────────────────────────────────────────────────────────────

type Views = Map<string, Peer>;

function view(views: Views, peer: Peer): Peer {
  const known = views.get(peer.id) ?? peer;
  views.set(peer.id, known);
  return known;
}

const endpointOf = ({ reach }: ResolvedHost, { scope }: Sight): Endpoint | undefined =>
  scope && (scope === "lan" ? reach.lanEndpoint : reach.endpoint);

interface Making extends DynamicOptions {
  readonly meet: (from: ResolvedHost, to: ResolvedHost) => ReturnType<Meet>;
  readonly views: Views;
}

/** A hub as all its leaves see it. */
function hubView({ views, settings }: Making, hub: ResolvedHost, sight: Sight): Peer {
  const { name } = hub.input;
  return view(views, {
    id: sight.scope === "lan" ? `${name}:hub:lan` : `${name}:hub`,
    host: name,
    publicKey: hub.publicKey,
    endpoint: endpointOf(hub, sight),
    // A hub dials nobody: the way to it is kept open wherever it leads through.
    keepaliveSeconds: KEEPALIVE_SECONDS,
    allowedIps: ANYTHING,
    hasPresharedKey: settings.hasPresharedKeys,
  });
}

/** A leaf as one hub sees it: all that is its own, on the way to nowhere else. */
function leafView({ views, settings, transit, owned }: Making, hub: ResolvedHost, leaf: ResolvedHost): Peer {
  const { name } = leaf.input;
  const own = must(owned.get(name), "every host has a list of prefixes");
  return view(views, {
    id: `${name}:leaf:${hub.input.name}`,
    host: name,
    publicKey: leaf.publicKey,
    endpoint: undefined,
    keepaliveSeconds: 0,
    allowedIps: [...transit(hub, leaf).map(({ address }) => hostPrefix(address)), ...exactAllowedIps(leaf, own)],
    hasPresharedKey: settings.hasPresharedKeys,
  });
}

/** The other end of a trunk. */
function trunkView({ views, settings, found }: Making, [from, to]: Trunk, sight: Sight): Peer {
  const endpoint = endpointOf(to, sight);
  return view(views, {
    id: `${to.input.name}:trunk:${from.input.name}`,
    host: to.input.name,
    publicKey: to.publicKey,
    endpoint: endpoint && { ...endpoint, port: portAbove(endpoint.port, from, found) },
    keepaliveSeconds: sight.hasKeepalive ? KEEPALIVE_SECONDS : 0,
    allowedIps: ANYTHING,
    hasPresharedKey: settings.hasPresharedKeys,
  });
}

// ── Tunnels ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Interfaces made, with the tunnels between them. */
interface Made {
  readonly drafts: readonly Draft[];
  readonly tunnels: readonly TunnelPair[];
}

function makeStar(making: Making, { hub, leaves }: Star): Made {
  const { settings, transit, meet, found } = making;
  const end = (host: ResolvedHost): TunnelEnd => ({
    host,
    interface: interfaceName(settings, hub),
    addresses: transit(hub, host),
    isPointToPoint: false,
    isHub: host === hub,
  });
  const own = draft(end(hub), settings.listenPort);
  const tunnels: TunnelPair[] = [];
  let undialled = 0;
  const drafts = leaves.flatMap((leaf) => {
    const met = meet(leaf, hub);
    if (met?.sight.scope === undefined) {
      undialled += 1;
      return [];
    }
    const far = draft(end(leaf), portAbove(settings.listenPort, hub, found));
    join(far, hubView(making, hub, met.sight), met.mtu);
    join(own, leafView(making, hub, leaf), met.mtu);
    tunnels.push([far.end, own.end]);
    return [far];
  });
  const { name, origin } = hub.input;
  if (undialled > 0) found.push(diagnostic("hub-without-endpoint", { hub: name }, originSpan(origin)));
  return { drafts: own.peers.length > 0 ? [own, ...drafts] : [], tunnels };
}

function makeTrunk(making: Making, [a, b]: Trunk): Made {
  const { settings, transit, meet, found, wireguardShape } = making;
  const half = ([from, to]: Trunk): Draft | undefined => {
    const met = meet(from, to);
    if (met === undefined) return undefined;
    const end = {
      host: from,
      interface: interfaceName(settings, to),
      addresses: transit(from, to),
      isPointToPoint: true,
      isHub: false,
    };
    const made = draft(end, portAbove(settings.listenPort, to, found));
    join(made, trunkView(making, [from, to], met.sight), met.mtu);
    return made;
  };
  const [near, far] = [half([a, b]), half([b, a])];
  if (near === undefined || far === undefined) {
    reportPair(a, b, { found, shape: wireguardShape });
    return { drafts: [], tunnels: [] };
  }
  return { drafts: [near, far], tunnels: [[near.end, far.end]] };
}

/** The tunnels between all hosts. Pairs that cannot meet are reported and have none. */
export function resolveDynamicTunnels(hosts: readonly ResolvedHost[], options: DynamicOptions): DynamicTunnels {
  const members = new Map(membersOf(hosts, options.paths).map((member) => [member.host, member]));
  const meet = createMeet([...members.values()], options.paths);
  const memberOf = (host: ResolvedHost) => must(members.get(host), "every host is a member");
  const making: Making = {
    ...options,
    views: new Map(),
    meet: (from, to) => meet(memberOf(from), memberOf(to)),
  };
  const made = [
    ...options.shape.stars.map((star) => makeStar(making, star)),
    ...options.shape.trunks.map((trunk) => makeTrunk(making, trunk)),
  ];
  const interfaces = new Map(hosts.map((host) => [host.input.name, [] as WireguardInterface[]]));
  for (const drafted of made.flatMap(({ drafts }) => drafts)) {
    must(interfaces.get(drafted.end.host.input.name), "every host has a list of interfaces").push(finished(drafted));
  }
  const { transit } = options.shape;
  return {
    peers: sortedBy([...making.views.values()], (peer) => peer.id),
    interfaces: new Map([...interfaces].map(([name, links]) => [name, sortedBy(links, (link) => link.name)])),
    tunnels: made.flatMap(({ tunnels }) => tunnels),
    relays: transit,
    merging: new Set(),
    // BGP chooses the way: it may be any.
    between: (names) =>
      names.length < 2 ? [] : [...transit].filter((name) => !names.includes(name)).sort(compareText),
  };
}
