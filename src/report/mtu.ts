/** Explains every MTU: the path and the rule that chose it, each subtraction, who limits whom, and the ping that proves it. */

import { must } from "../base/invariant.ts";
import { familyOf, type IpAddress } from "../base/ip.ts";
import {
  type Overhead,
  pingPayload,
  tcpMss,
  vxlanOverhead,
  vxlanOverheadBytes,
  wireguardOverhead,
} from "../base/mtu.ts";
import type { Host, Network, Segment, WireguardInterface } from "../model/network.ts";
import { indexPaths, meeting, type PathIndex, tunnelBetween } from "../model/tunnel.ts";

/** A command that passes at the MTU; one byte more is refused. */
export interface Ping {
  /** The host to run it on; `undefined`: a guest of the segment. */
  readonly from: string | undefined;
  readonly size: number;
  readonly command: string;
}

/** One end of a tunnel: its interface has one MTU for all its peers. */
export interface TunnelEnd {
  readonly host: string;
  readonly interface: string;
  readonly mtu: number;
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
  /** What their interfaces carry: the smaller of the two. */
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
  readonly vni: number;
  readonly members: readonly string[];
  readonly limitingPair: readonly [string, string];
  /** The smallest WireGuard MTU of its members. */
  readonly tunnelMtu: number;
  readonly vtepFamily: 4 | 6;
  readonly subtractions: readonly Overhead[];
  readonly pin: number | undefined;
  readonly mtu: number;
  readonly mss: { readonly ipv4: number; readonly ipv6: number };
  readonly pings: readonly Ping[];
}

export interface MtuReport {
  readonly tunnels: readonly TunnelRow[];
  readonly segments: readonly SegmentRow[];
}

const onlyInterface = (host: Host): WireguardInterface =>
  must(host.interfaces[0], "a host of the static class has one interface");

function pingTo(address: IpAddress, from: string, mtu: number): Ping {
  const size = pingPayload(mtu, familyOf(address));
  return { from, size, command: `ping -M do -s ${size} ${address}` };
}

/** From the end with the smaller MTU: the other one would send a byte more, and the far kernel would take it. */
function tunnelPings(a: Host, b: Host): readonly Ping[] {
  const [from, to] = onlyInterface(a).mtu <= onlyInterface(b).mtu ? [a, b] : [b, a];
  const { mtu } = onlyInterface(from);
  return onlyInterface(to).addresses.map(({ address }) => pingTo(address, from.name, mtu));
}

function tunnelEnd(host: Host): TunnelEnd {
  const { name, mtu, limitingPeer } = onlyInterface(host);
  return { host: host.name, interface: name, mtu, limitingPeer };
}

function tunnelRow(paths: PathIndex, a: Host, b: Host): TunnelRow {
  const tunnel = must(
    tunnelBetween(paths, a.reach, b.reach, meeting(a.reach, b.reach)),
    "peers have a tunnel between them",
  );
  const ends = [tunnelEnd(a), tunnelEnd(b)] as const;
  const effectiveMtu = Math.min(ends[0].mtu, ends[1].mtu);
  return {
    kind: "tunnel",
    between: [a.name, b.name],
    path: { mtu: tunnel.path.mtu, rule: tunnel.path.rule },
    outer: { family: tunnel.outer, why: tunnel.why },
    subtractions: wireguardOverhead(tunnel.outer),
    mtu: tunnel.mtu,
    effectiveMtu,
    ends,
    vxlanMtu: {
      ipv4: effectiveMtu - vxlanOverheadBytes(4, false),
      ipv6: effectiveMtu - vxlanOverheadBytes(6, false),
    },
    mss: { ipv4: tcpMss(effectiveMtu, 4), ipv6: tcpMss(effectiveMtu, 6) },
    pings: tunnelPings(a, b),
  };
}

/** The pings that a guest can send to a guest on another host. */
function segmentPings({ prefixes, mtu }: Segment): readonly Ping[] {
  const families = new Set(prefixes.map(familyOf));
  if (families.size === 0) families.add(4);
  return [...families].sort().map((family) => {
    const size = pingPayload(mtu.bytes, family);
    const command = `ping -M do -s ${size} <IPv${family} address of a guest on another host>`;
    return { from: undefined, size, command };
  });
}

function segmentRow(segment: Segment, hosts: ReadonlyMap<string, Host>): SegmentRow {
  const subtractions = vxlanOverhead(segment.vtepFamily, segment.isTagged);
  const links = segment.members.map((name) => onlyInterface(must(hosts.get(name), "members are hosts")));
  return {
    kind: "segment",
    name: segment.name,
    vni: segment.vni,
    members: segment.members,
    limitingPair: segment.mtu.limitingPair,
    tunnelMtu: links.reduce((least, link) => Math.min(least, link.mtu), Number.POSITIVE_INFINITY),
    vtepFamily: segment.vtepFamily,
    subtractions,
    pin: segment.mtu.pin,
    mtu: segment.mtu.bytes,
    mss: { ipv4: tcpMss(segment.mtu.bytes, 4), ipv6: tcpMss(segment.mtu.bytes, 6) },
    pings: segmentPings(segment),
  };
}

/** A row for each pair of peers (by name) and each segment that has members (by VNI). */
export function reportMtu(network: Network): MtuReport {
  const hosts = new Map(network.hosts.map((host) => [host.name, host]));
  const peers = new Map(network.peers.map((peer) => [peer.id, peer]));
  const paths = indexPaths(network.underlay, network.sites);
  const tunnels = network.hosts.flatMap((host) =>
    onlyInterface(host)
      .peers.map((id) => must(hosts.get(must(peers.get(id), "an id names a peer").host), "a peer is a host"))
      .filter((other) => host.name < other.name)
      .map((other) => tunnelRow(paths, host, other)),
  );
  const segments = network.segments.filter((segment) => segment.members.length > 0);
  return { tunnels, segments: segments.map((segment) => segmentRow(segment, hosts)) };
}

function sumInWords(start: number, subtractions: readonly Overhead[]): string {
  const terms = subtractions.map(({ what, bytes }) => ` - ${bytes} (${what})`);
  return `${start}${terms.join("")} = ${start - subtractions.reduce((sum, { bytes }) => sum + bytes, 0)}`;
}

const field = (name: string, text: string): string => `  ${name.padEnd(9)} ${text}`;

const pingLines = (pings: readonly Ping[]): readonly string[] =>
  pings.map(({ from, command }, index) => {
    const where = from === undefined ? "in a guest" : `on ${from}`;
    return field(index === 0 ? "prove" : "", `${where}: ${command}`);
  });

const mssInWords = ({ ipv4, ipv6 }: TunnelRow["mss"]): string => `${ipv4} for IPv4, ${ipv6} for IPv6`;

function endInWords({ host, interface: name, mtu, limitingPeer }: TunnelEnd): string {
  return `${name} on ${host} ${mtu}${limitingPeer === undefined ? "" : `, limited by the path to ${limitingPeer}`}`;
}

function tunnelLines(row: TunnelRow): readonly string[] {
  return [
    `tunnel ${row.between.join(" - ")}: ${row.effectiveMtu} bytes`,
    field("path", `${row.path.mtu} (${row.path.rule})`),
    field("outer", `IPv${row.outer.family}: ${row.outer.why}`),
    field("sum", sumInWords(row.path.mtu, row.subtractions)),
    field("interface", row.ends.map(endInWords).join("; ")),
    field(
      "VXLAN",
      `${row.vxlanMtu.ipv4} between IPv4 addresses, ${row.vxlanMtu.ipv6} between IPv6 (a CNI such as flannel too)`,
    ),
    field("TCP MSS", mssInWords(row.mss)),
    ...pingLines(row.pings),
    "",
  ];
}

function segmentLines(row: SegmentRow): readonly string[] {
  const [host, peer] = row.limitingPair;
  const limit = host === peer ? host : `${host}, whose interface is limited by the path to ${peer}`;
  return [
    `segment ${row.name} (VNI ${row.vni}): ${row.mtu} bytes on ${row.members.join(", ")}`,
    field("tunnel", `${row.tunnelMtu}, the smallest of its members: ${limit}`),
    field("outer", `IPv${row.vtepFamily}: the addresses of the VTEPs`),
    field("sum", sumInWords(row.tunnelMtu, row.subtractions)),
    ...(row.pin === undefined ? [] : [field("pin", `${row.pin} (mtu of ${row.name})`)]),
    field("TCP MSS", mssInWords(row.mss)),
    ...pingLines(row.pings),
    "",
  ];
}

/** The report for people. */
export function renderMtu({ tunnels, segments }: MtuReport): string {
  if (tunnels.length + segments.length === 0) return "no tunnel and no segment: a host alone has no path to explain\n";
  return [...tunnels.flatMap(tunnelLines), ...segments.flatMap(segmentLines)].join("\n");
}
