import { type Diagnostic, diagnostic } from "../base/diagnostic.ts";
import { must } from "../base/invariant.ts";
import { hostPrefix, type IpPrefix } from "../base/ip.ts";
import { wireguardOverheadBytes } from "../base/mtu.ts";
import type { Span } from "../base/source.ts";
import { sortedBy } from "../base/text.ts";
import { mtuBytes, type UdpPort } from "../base/units.ts";
import type { Peer, Reach, WireguardInterface } from "../model/network.ts";
import { originSpan } from "../model/origin.ts";
import {
  type Dial,
  KEEPALIVE_SECONDS,
  type Meeting,
  meeting,
  needsKeepalive,
  outerFamily,
  type PathIndex,
  tunnelBetween,
} from "../model/tunnel.ts";
import type { ResolvedHost } from "./hosts.ts";

/** What all interfaces of the static class share. */
export interface InterfaceSettings {
  readonly name: string;
  readonly listenPort: UdpPort;
  readonly hasPresharedKeys: boolean;
}

export interface Peering {
  readonly peers: readonly Peer[];
  /** By host name. */
  readonly interfaces: ReadonlyMap<string, WireguardInterface>;
}

// A mesh of n hosts that forgot its endpoints has n²/2 such pairs: enough is enough.
const MAX_PAIRS_REPORTED = 50;

function reportPair(a: ResolvedHost, b: ResolvedHost, found: Diagnostic[]): void {
  const names = { host: a.input.name, other: b.input.name };
  const related = [{ message: `${names.other} is here`, span: originSpan(b.input.origin) }];
  const span = originSpan(a.input.origin);
  const site = a.reach.site;
  const isNat = site !== undefined && site === b.reach.site && (a.reach.endpoint ?? b.reach.endpoint) !== undefined;
  found.push(
    isNat
      ? diagnostic("pair-behind-one-nat", { ...names, site }, span, related)
      : diagnostic("pair-cannot-meet", names, span, related),
  );
}

/** How one host of a pair sees the other. */
interface Sight {
  /** What sets this view of the other apart from its plain one, in the peer's id. */
  readonly suffix: string;
  readonly scope: Dial["scope"] | undefined;
  readonly hasKeepalive: boolean;
}

function sightOf(from: Reach, to: Reach, meeting: Meeting): Sight {
  const hasKeepalive = needsKeepalive(from, meeting);
  const scope = meeting.there?.scope;
  const isPassive = scope === undefined && to.endpoint !== undefined;
  const way = isPassive ? ":passive" : scope === "lan" ? ":lan" : "";
  return { suffix: hasKeepalive ? `${way}:keepalive` : way, scope, hasKeepalive };
}

/** What a host makes of another; `undefined`: they cannot meet. */
type Encounter = { readonly mtu: number; readonly sight: Sight } | undefined;

function encounter(from: Reach, to: Reach, paths: PathIndex): Encounter {
  const way = meeting(from, to);
  const tunnel = tunnelBetween(paths, from, to, way);
  return tunnel && { mtu: tunnel.mtu, sight: sightOf(from, to, way) };
}

/** All about a host that decides how it meets another: two of a kind meet any third alike, unless a path names one of them. */
function kindOf({ reach }: ResolvedHost, { underlay }: PathIndex, named: ReadonlySet<string>): string {
  const { site = "", endpoint, lanEndpoint, isBehindNat, name } = reach;
  const families = [endpoint, lanEndpoint].map((each) => each && outerFamily(each, underlay.ipVersion).family);
  return `${site} ${families} ${isBehindNat} ${named.has(name) ? name : ""}`;
}

/** A host of the mesh. */
interface Member {
  readonly host: ResolvedHost;
  /** Its kind as a number from 0: what two kinds make of each other is worked out once. */
  readonly kind: number;
  /** The ids of the views of it, by their suffix. */
  readonly ids: Map<string, string>;
}

function membersOf(hosts: readonly ResolvedHost[], paths: PathIndex): readonly Member[] {
  const named = new Set(paths.underlay.paths.flatMap((path) => path.between));
  const numbers = new Map<string, number>();
  return hosts.map((host) => {
    const name = kindOf(host, paths, named);
    const kind = numbers.get(name) ?? numbers.size;
    numbers.set(name, kind);
    return { host, kind, ids: new Map() };
  });
}

/** Collects views: each host once per way of being seen, however many see it that way. */
function createViews(allowedIps: ReadonlyMap<string, readonly IpPrefix[]>, hasPresharedKey: boolean) {
  const views: Peer[] = [];
  const view = ({ host: target, ids }: Member, { suffix, scope, hasKeepalive }: Sight): string => {
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
      allowedIps: must(allowedIps.get(host), "every host has a list of AllowedIPs"),
      hasPresharedKey,
    });
    return id;
  };
  return { views, view };
}

/** A host alone has no path to measure by: what a first peer would get over the default path. */
function mtuWithoutPeers({ underlay }: PathIndex): number {
  return underlay.pathMtu - wireguardOverheadBytes(underlay.ipVersion === 4 ? 4 : 6);
}

/** One host's part of the mesh. */
interface Half {
  readonly peers: readonly string[];
  readonly mtu: number;
  readonly limitingPeer: string | undefined;
}

interface Meeter {
  readonly paths: PathIndex;
  readonly view: (target: Member, sight: Sight) => string;
  readonly refuse: (from: Member, to: Member) => void;
}

/** Gives a function that lets one host meet all others. A mesh of n hosts has n² such encounters, of few kinds. */
function createMesh(members: readonly Member[], { paths, view, refuse }: Meeter): (from: Member) => Half {
  const known: Map<number, Encounter>[] = members.map(() => new Map());
  const meet = (from: Member, to: Member): Encounter => {
    const row = must(known[from.kind], "there are no more kinds than members");
    if (!row.has(to.kind)) row.set(to.kind, encounter(from.host.reach, to.host.reach, paths));
    return row.get(to.kind);
  };
  return (from) => {
    const peers: string[] = [];
    let [mtu, limitingPeer]: [number, string | undefined] = [mtuWithoutPeers(paths), undefined];
    for (const to of members) {
      const met = to === from ? undefined : meet(from, to);
      if (met === undefined) {
        refuse(from, to);
        continue;
      }
      peers.push(view(to, met.sight));
      if (limitingPeer === undefined || met.mtu < mtu) [mtu, limitingPeer] = [met.mtu, to.host.input.name];
    }
    return { peers, mtu, limitingPeer };
  };
}

/** As many as can be held at once, each with all others: some 50 million tunnels. Larger fleets have hubs. */
const MAX_MESH_HOSTS = 10_000;

function reportSize(hosts: number, { found, span }: MeshOptions): void {
  if (hosts <= MAX_MESH_HOSTS) return;
  const params = { hosts, count: (hosts * (hosts - 1)) / 2, limit: MAX_MESH_HOSTS };
  found.push(diagnostic("mesh-too-large", params, span));
}

/** What a mesh is made with. */
interface MeshOptions {
  readonly settings: InterfaceSettings;
  readonly paths: PathIndex;
  readonly found: Diagnostic[];
  /** Where the shape of the network was asked for. */
  readonly span: Span;
}

function exactAllowedIps(host: ResolvedHost, owned: readonly IpPrefix[]): readonly IpPrefix[] {
  return [...host.addresses.map((each) => hostPrefix(each.address)), ...owned];
}

/**
 * The mesh: everyone peers with everyone; each side gets its own view of the other. Pairs that cannot meet are reported and
 * have no tunnel.
 */
export function resolveMesh(
  hosts: readonly ResolvedHost[],
  owned: ReadonlyMap<string, readonly IpPrefix[]>,
  options: MeshOptions,
): Peering {
  const { settings, paths, found } = options;
  const allowedIps = new Map(
    hosts.map((host) => [
      host.input.name,
      exactAllowedIps(host, must(owned.get(host.input.name), "every host has a list of prefixes")),
    ]),
  );
  const { views, view } = createViews(allowedIps, settings.hasPresharedKeys);
  const members = membersOf(hosts, paths);
  let unmet = 0;
  const refuse = ({ host: a }: Member, { host: b }: Member): void => {
    // Each pair comes by from both sides, and each host meets itself.
    if (a.input.name < b.input.name && unmet++ < MAX_PAIRS_REPORTED) reportPair(a, b, found);
  };
  reportSize(members.length, options);
  const meetAll = createMesh(members.length > MAX_MESH_HOSTS ? [] : members, { paths, view, refuse });
  const interfaces = new Map(
    members.map((member) => [member.host.input.name, toInterface(member.host, meetAll(member), settings)]),
  );
  return { peers: sortedBy(views, (peer) => peer.id), interfaces };
}

function toInterface(
  host: ResolvedHost,
  { peers, mtu, limitingPeer }: Half,
  settings: InterfaceSettings,
): WireguardInterface {
  return {
    name: settings.name,
    addresses: host.addresses,
    listenPort: settings.listenPort,
    mtu: must(mtuBytes(mtu), "the smallest path that the schema allows is larger than any overhead"),
    limitingPeer,
    table: "auto",
    peers,
  };
}
