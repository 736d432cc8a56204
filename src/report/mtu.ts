/** Explains every MTU: the path and the rule that chose it, each subtraction, who limits whom, and the ping that proves it. */
import { must } from "../base/invariant.ts";
import { familyOf, type IpAddress } from "../base/ip.ts";
import {
  geneveOverhead,
  type Overhead,
  pingPayload,
  tcpMss,
  totalBytes,
  vxlanOverhead,
  vxlanOverheadBytes,
} from "../base/mtu.ts";
import type { Cut, WireguardInterface } from "../model/device.ts";
import type { Host } from "../model/host.ts";
import type { Network } from "../model/network.ts";
import { indexPaths, type PathIndex } from "../model/path.ts";
import type { Segment } from "../model/segment.ts";
import { createMeeting, mtuTowards, tunnelBetween } from "../model/tunnel.ts";
import type { Vrf } from "../model/vrf.ts";
import { type ClusterRow, clusterRow } from "./kubernetes.ts";
import { type LanRow, lanRows } from "./lan.ts";
import { ovnCarriers } from "./ovn.ts";

/** A command that passes at the MTU; one byte more is refused. */
export interface Ping {
  /** The host to run it on; `undefined`: a guest of the segment. */
  readonly from: string | undefined;
  readonly size: number;
  readonly command: string;
}

/** One end of a tunnel: its interface has one MTU for all its peers, and a route may hold this one to less. */
export interface TunnelEnd {
  readonly host: string;
  readonly interface: string;
  readonly mtu: number;
  /** What the routes to the other end have; `undefined`: none of their own. */
  readonly routeMtu: number | undefined;
  readonly limitingPeer: string | undefined;
}

export interface TunnelRow {
  readonly kind: "tunnel";
  readonly between: readonly [string, string];
  readonly path: { readonly mtu: number; readonly rule: string };
  readonly outer: { readonly family: 4 | 6; readonly why: string };
  readonly subtractions: readonly Overhead[];
  /** What the path between the two would allow. */
  readonly mtu: number;
  /** What the two send each other: the smaller of both ends. */
  readonly effectiveMtu: number;
  readonly ends: readonly [TunnelEnd, TunnelEnd];
  /** What a VXLAN in it carries, netgen's or a CNI's such as flannel. */
  readonly vxlanMtu: { readonly ipv4: number; readonly ipv6: number };
  readonly mss: { readonly ipv4: number; readonly ipv6: number };
  readonly pings: readonly Ping[];
}

export interface SegmentRow {
  readonly kind: "segment";
  readonly name: string;
  /** `undefined`: of OVN, which gives its networks numbers of its own. */
  readonly vni: number | undefined;
  readonly members: readonly string[];
  readonly limitingPair: readonly [string, string];
  /** What the smallest tunnel on the ways between its members carries. */
  readonly tunnelMtu: number;
  /** What sets that: the interface of the first of the pair, or its route to the second. */
  readonly limit: "interface" | "route";
  readonly vtepFamily: 4 | 6;
  readonly subtractions: readonly Overhead[];
  readonly pin: number | undefined;
  readonly mtu: number;
  /** `undefined`: nothing is cut up. */
  readonly cut: CutRow | undefined;
  readonly mss: { readonly ipv4: number; readonly ipv6: number };
  readonly pings: readonly Ping[];
}

/** What is cut up in the tunnels, on purpose. */
export interface CutRow extends Cut {
  /** What the largest packet leaves as. */
  readonly fragments: readonly number[];
}

export interface MtuReport {
  readonly tunnels: readonly TunnelRow[];
  readonly segments: readonly SegmentRow[];
  readonly lans: readonly LanRow[];
  /** What pods have; `undefined`: no host is a node of Kubernetes. */
  readonly kubernetes: ClusterRow | undefined;
}

/** The interface of a host that leads to another. */
type Towards = (host: Host, to: Host) => WireguardInterface;

function towardsOf({ peers }: Network): Towards {
  const hostOf = new Map(peers.map(({ id, host }) => [id, host]));
  return ({ interfaces }, to) => {
    const [only] = interfaces;
    const leads = ({ peers: ids }: WireguardInterface): boolean => ids.some((id) => hostOf.get(id) === to.name);
    // Of the usual one a fleet's peers need not be read.
    return must(interfaces.length === 1 ? only : interfaces.find(leads), "peers have an interface between them");
  };
}

function pingTo(address: IpAddress, from: string, mtu: number): Ping {
  const size = pingPayload(mtu, familyOf(address));
  return { from, size, command: `ping -M do -s ${size} ${address}` };
}

/** Bytes of the largest packet that a host sends to another by the tunnel between them. */
const sends = (towards: Towards, from: Host, to: Host): number => mtuTowards(towards(from, to), to.name);

/** From the end with the smaller MTU: the other one would send a byte more, and the far kernel would take it. */
function tunnelPings(towards: Towards, a: Host, b: Host): readonly Ping[] {
  const [from, to] = sends(towards, a, b) <= sends(towards, b, a) ? [a, b] : [b, a];
  const mtu = sends(towards, from, to);
  return towards(to, from).addresses.map(({ address }) => pingTo(address, from.name, mtu));
}

function tunnelEnd(towards: Towards, host: Host, to: Host): TunnelEnd {
  const { name, mtu, limitingPeer } = towards(host, to);
  const sent = sends(towards, host, to);
  return { host: host.name, interface: name, mtu, routeMtu: sent < mtu ? sent : undefined, limitingPeer };
}

/** What a row is made with besides the two hosts. */
interface Between {
  readonly paths: PathIndex;
  readonly towards: Towards;
  readonly meeting: ReturnType<typeof createMeeting>;
}

function tunnelRow({ paths, towards, meeting }: Between, a: Host, b: Host): TunnelRow {
  const tunnel = must(tunnelBetween(paths, a.reach, b.reach, meeting(a, b)), "peers have a tunnel between them");
  const effectiveMtu = Math.min(sends(towards, a, b), sends(towards, b, a));
  return {
    kind: "tunnel",
    between: [a.name, b.name],
    path: { mtu: tunnel.path.mtu, rule: tunnel.path.rule },
    outer: { family: tunnel.outer, why: tunnel.why },
    subtractions: tunnel.subtractions,
    mtu: tunnel.mtu,
    effectiveMtu,
    ends: [tunnelEnd(towards, a, b), tunnelEnd(towards, b, a)],
    vxlanMtu: {
      ipv4: effectiveMtu - vxlanOverheadBytes(4, false),
      ipv6: effectiveMtu - vxlanOverheadBytes(6, false),
    },
    mss: { ipv4: tcpMss(effectiveMtu, 4), ipv6: tcpMss(effectiveMtu, 6) },
    pings: tunnelPings(towards, a, b),
  };
}

/** What the report says of a segment, and of the VXLAN network of a VRF as if it were one. */
export type Carrier = Pick<
  Segment,
  "name" | "members" | "prefixes" | "mtu" | "fragments" | "vtepFamily" | "isTagged"
> & {
  readonly vni: number | undefined;
};

/** The pings that a guest can send to a guest on another host. */
function segmentPings({ prefixes, mtu }: Carrier): readonly Ping[] {
  const families = new Set(prefixes.map(familyOf));
  if (families.size === 0) families.add(4);
  return [...families].sort().map((family) => {
    const size = pingPayload(mtu.bytes, family);
    const command = `ping -M do -s ${size} <IPv${family} address of a guest on another host>`;
    return { from: undefined, size, command };
  });
}

function cutRow({ name, members, fragments }: Carrier, hosts: ReadonlyMap<string, Host>): CutRow | undefined {
  const device = hosts.get(members[0] ?? "")?.vxlans.find(({ segment }) => segment === name);
  return device?.cut && fragments && { ...device.cut, fragments };
}

/** The row of one segment, or of the VXLAN network of a VRF. */
export function segmentRow(segment: Carrier, hosts: ReadonlyMap<string, Host>): SegmentRow {
  const { vni, vtepFamily, isTagged } = segment;
  const subtractions = vni === undefined ? geneveOverhead(vtepFamily) : vxlanOverhead(vtepFamily, isTagged);
  const tunnelMtu = segment.mtu.computed + totalBytes(subtractions);
  const limiting = must(hosts.get(segment.mtu.limitingPair[0]), "members are hosts");
  const cut = cutRow(segment, hosts);
  // TCP is held to what leaves whole.
  const whole = cut?.wholeMtu ?? segment.mtu.bytes;
  const isHeld = limiting.interfaces.every(({ mtu }) => tunnelMtu < mtu);
  return {
    kind: "segment",
    name: segment.name,
    vni: segment.vni,
    members: segment.members,
    limitingPair: segment.mtu.limitingPair,
    tunnelMtu,
    limit: isHeld ? "route" : "interface",
    vtepFamily: segment.vtepFamily,
    subtractions,
    pin: segment.mtu.pin,
    mtu: segment.mtu.bytes,
    cut,
    mss: { ipv4: tcpMss(whole, 4), ipv6: tcpMss(whole, 6) },
    pings: segmentPings(segment),
  };
}

/** The VXLAN network of a VRF as if it were a segment. */
export const carrierOf = (vrf: Vrf): Carrier => ({
  ...vrf,
  name: `VRF ${vrf.name}`,
  isTagged: false,
  fragments: undefined,
});

/** Gives the function that makes the row of two hosts that have a tunnel. */
export function createTunnelRow(network: Network): (a: Host, b: Host) => TunnelRow {
  const paths = indexPaths(network.underlay, network.sites);
  const between = { paths, towards: towardsOf(network), meeting: createMeeting(network) };
  return (a, b) => tunnelRow(between, a, b);
}

/**
 * A row for each pair of peers (by name), each segment (by VNI), VRF and network of OVN (by name) that has members, and each
 * host without WireGuard.
 */
export function reportMtu(network: Network): MtuReport {
  const hosts = new Map(network.hosts.map((host) => [host.name, host]));
  const peers = new Map(network.peers.map((peer) => [peer.id, peer]));
  const rowOf = createTunnelRow(network);
  // A standby has the tunnels of the host that it stands by for.
  const seen = new Set(network.peers.map(({ host }) => host));
  const tunnels = network.hosts
    .filter(({ name }) => seen.has(name))
    .flatMap((host) =>
      host.interfaces
        .flatMap((link) => link.peers)
        .map((id) => must(hosts.get(must(peers.get(id), "an id names a peer").host), "a peer is a host"))
        .filter((other) => host.name < other.name)
        .map((other) => rowOf(host, other)),
    );
  const carriers = [...network.segments, ...network.vrfs.map(carrierOf), ...ovnCarriers(network)];
  const lans = network.hosts.flatMap(lanRows);
  return {
    tunnels,
    segments: carriers.filter(({ members }) => members.length > 0).map((each) => segmentRow(each, hosts)),
    lans,
    kubernetes: network.kubernetes && clusterRow(network.kubernetes),
  };
}
