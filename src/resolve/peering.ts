import { type Diagnostic, diagnostic } from "../base/diagnostic.ts";
import { must } from "../base/invariant.ts";
import { hostPrefix, type IpPrefix } from "../base/ip.ts";
import { wireguardOverheadBytes } from "../base/mtu.ts";
import { sortedBy } from "../base/text.ts";
import { mtuBytes, type UdpPort } from "../base/units.ts";
import type { Peer, WireguardInterface } from "../model/network.ts";
import { originSpan } from "../model/origin.ts";
import {
  type Dial,
  KEEPALIVE_SECONDS,
  type Meeting,
  meeting,
  needsKeepalive,
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

/** What sets a view of a host apart from its plain one, in the peer's id. */
function viewSuffix(target: ResolvedHost, there: Dial | undefined, hasKeepalive: boolean): string {
  const isPassive = there === undefined && target.reach.endpoint !== undefined;
  const way = isPassive ? ":passive" : there?.scope === "lan" ? ":lan" : "";
  return hasKeepalive ? `${way}:keepalive` : way;
}

/** Collects views: each host once per way of being seen, however many see it that way. */
function createViews(allowedIps: ReadonlyMap<string, readonly IpPrefix[]>, hasPresharedKey: boolean) {
  const views = new Map<string, Peer>();
  const view = (target: ResolvedHost, there: Dial | undefined, hasKeepalive: boolean): string => {
    const host = target.input.name;
    const id = host + viewSuffix(target, there, hasKeepalive);
    if (!views.has(id)) {
      views.set(id, {
        id,
        host,
        publicKey: target.publicKey,
        endpoint: there?.endpoint,
        keepaliveSeconds: hasKeepalive ? KEEPALIVE_SECONDS : 0,
        allowedIps: must(allowedIps.get(host), "every host has a list of AllowedIPs"),
        hasPresharedKey,
      });
    }
    return id;
  };
  return { views, view };
}

/** One host's half of the mesh while it is being put together. */
interface Half {
  readonly host: ResolvedHost;
  readonly peers: string[];
  mtu: number;
  limitingPeer: string | undefined;
}

function addPeer(half: Half, other: ResolvedHost, id: string, mtu: number): void {
  half.peers.push(id);
  if (half.limitingPeer !== undefined && half.mtu <= mtu) return;
  half.mtu = mtu;
  half.limitingPeer = other.input.name;
}

/** A host alone has no path to measure by: what a first peer would get over the default path. */
function mtuWithoutPeers({ underlay }: PathIndex): number {
  return underlay.pathMtu - wireguardOverheadBytes(underlay.ipVersion === 4 ? 4 : 6);
}

/** Every pair of hosts, the first before the second by name. */
function* pairs(halves: readonly Half[]): Generator<readonly [Half, Half]> {
  for (const [index, a] of halves.entries()) {
    for (let other = index + 1; other < halves.length; other++) yield [a, halves[other] as Half];
  }
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
  { settings, paths, found }: { settings: InterfaceSettings; paths: PathIndex; found: Diagnostic[] },
): Peering {
  const allowedIps = new Map(
    hosts.map((host) => [
      host.input.name,
      exactAllowedIps(host, must(owned.get(host.input.name), "every host has a list of prefixes")),
    ]),
  );
  const { views, view } = createViews(allowedIps, settings.hasPresharedKeys);
  const halves = hosts.map((host): Half => ({ host, peers: [], mtu: mtuWithoutPeers(paths), limitingPeer: undefined }));
  let unmet = 0;
  for (const [a, b] of pairs(halves)) {
    const way = meeting(a.host.reach, b.host.reach);
    const tunnel = tunnelBetween(paths, a.host.reach, b.host.reach, way);
    if (tunnel === undefined) {
      if (unmet++ < MAX_PAIRS_REPORTED) reportPair(a.host, b.host, found);
      continue;
    }
    const back: Meeting = { there: way.back, back: way.there };
    addPeer(a, b.host, view(b.host, way.there, needsKeepalive(a.host.reach, way)), tunnel.mtu);
    addPeer(b, a.host, view(a.host, way.back, needsKeepalive(b.host.reach, back)), tunnel.mtu);
  }
  const interfaces = new Map(halves.map((half) => [half.host.input.name, toInterface(half, settings)]));
  return { peers: sortedBy(views.values(), (peer) => peer.id), interfaces };
}

function toInterface({ host, peers, mtu, limitingPeer }: Half, settings: InterfaceSettings): WireguardInterface {
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
