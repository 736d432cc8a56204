/** `netgen mtu` in words. */
import { CNI_OVERHEAD_BYTES, type Overhead, totalBytes } from "../base/mtu.ts";
import type { ClusterRow } from "./kubernetes.ts";
import type { LanRow } from "./lan.ts";
import type { MtuReport, Ping, SegmentRow, TunnelEnd, TunnelRow } from "./mtu.ts";

/** `1500 - 20 (IPv4 header) - … = 1440`. */
export function sumInWords(start: number, subtractions: readonly Overhead[]): string {
  const terms = subtractions.map(({ what, bytes }) => ` - ${bytes} (${what})`);
  return `${start}${terms.join("")} = ${start - totalBytes(subtractions)}`;
}

const field = (name: string, text: string): string => `  ${name.padEnd(9)} ${text}`;

const pingLines = (pings: readonly Ping[]): readonly string[] =>
  pings.map(({ from, command }, index) => {
    const where = from === undefined ? "in a guest" : `on ${from}`;
    return field(index === 0 ? "prove" : "", `${where}: ${command}`);
  });

const vxlanInWords = ({ ipv4, ipv6 }: TunnelRow["vxlanMtu"]): string =>
  `${ipv4} between IPv4 addresses, ${ipv6} between IPv6 (a CNI such as flannel too)`;

const mssInWords = ({ ipv4, ipv6 }: TunnelRow["mss"]): string => `${ipv4} for IPv4, ${ipv6} for IPv6`;

function endInWords({ host, interface: name, mtu, routeMtu, limitingPeer }: TunnelEnd): string {
  if (routeMtu !== undefined) return `${name} on ${host} ${mtu}, and ${routeMtu} in its routes to the other`;
  return `${name} on ${host} ${mtu}${limitingPeer === undefined ? "" : `, limited by the path to ${limitingPeer}`}`;
}

function tunnelLines(row: TunnelRow): readonly string[] {
  return [
    `tunnel ${row.between.join(" - ")}: ${row.effectiveMtu} bytes`,
    field("path", `${row.path.mtu} (${row.path.rule})`),
    field("outer", `IPv${row.outer.family}: ${row.outer.why}`),
    field("sum", sumInWords(row.path.mtu, row.subtractions)),
    field("interface", row.ends.map(endInWords).join("; ")),
    field("VXLAN", vxlanInWords(row.vxlanMtu)),
    field("TCP MSS", mssInWords(row.mss)),
    ...pingLines(row.pings),
    "",
  ];
}

/** What is cut up on purpose, what that costs, and where it fails. */
function cutLines({ cut, name, mtu }: SegmentRow): readonly string[] {
  if (cut === undefined) return [];
  const { wholeMtu, packetBytes, fragments } = cut;
  const sent = fragments.reduce((sum, bytes) => sum + bytes, 0);
  const sizes = fragments.join(" and ");
  return [
    field(
      "cut",
      `on purpose (fragment of ${name}), in the tunnel: above ${wholeMtu} bytes each packet is ${fragments.length}`,
    ),
    field("", `${mtu} bytes are ${packetBytes} with VXLAN, and leave as ${sizes}, ${sent} together`),
    field("price", "twice the packets, and one lost is both lost; TCP is spared: its MSS is that of what is whole"),
    field("fails", "where a flood of fragments fills the memory of the host that puts them together; see docs/mtu.md"),
  ];
}

function segmentLines(row: SegmentRow): readonly string[] {
  const [host, peer] = row.limitingPair;
  const why =
    row.limit === "route" ? `whose routes to ${peer} have it` : `whose interface is limited by the path to ${peer}`;
  const limit = host === peer ? host : `${host}, ${why}`;
  const among = row.members.includes(host) ? "its members" : "the hosts that pass on what its members send each other";
  return [
    `segment ${row.name}${row.vni === undefined ? "" : ` (VNI ${row.vni})`}: ${row.mtu} bytes on ${row.members.join(", ")}`,
    field("tunnel", `${row.tunnelMtu}, the smallest of ${among}: ${limit}`),
    field("outer", `IPv${row.vtepFamily}: the addresses of the ${row.vni === undefined ? "chassis" : "VTEPs"}`),
    field("sum", sumInWords(row.tunnelMtu, row.subtractions)),
    ...(row.pin === undefined ? [] : [field("pin", `${row.pin} (mtu of ${row.name})`)]),
    ...cutLines(row),
    field("TCP MSS", mssInWords(row.mss)),
    ...pingLines(row.pings),
    "",
  ];
}

function lanLines(row: LanRow): readonly string[] {
  return [
    `lan ${row.host} - ${row.via}: ${row.mtu} bytes`,
    field("route", `${row.mtu}: what the LAN and the tunnels of the gateway carry`),
    field("VXLAN", vxlanInWords(row.vxlanMtu)),
    field("TCP MSS", mssInWords(row.mss)),
    "",
  ];
}

/** Where a CNI is told of MTU, and what it means by it. */
const CNI_WORDS: Readonly<Record<ClusterRow["cni"], (setting: number) => string>> = {
  flannel: (mtu) =>
    `Backend.MTU: ${mtu} in net-conf.json, the link's: flannel takes ${CNI_OVERHEAD_BYTES} off itself, over IPv6 too`,
  cilium: (mtu) => `MTU: ${mtu} in Helm's values, the link's: Cilium takes its tunnel's share off itself`,
  calico: (mtu) => `calicoNetwork.mtu: ${mtu}, the pods' own: Calico takes nothing off`,
};

function clusterLines(row: ClusterRow | undefined): readonly string[] {
  if (row === undefined) return [];
  return [
    `kubernetes (${row.cni}): ${row.podMtu} bytes for pods`,
    field("tunnel", `${row.tunnelMtu}, the smallest on the ways between nodes`),
    field("sum", sumInWords(row.tunnelMtu, row.subtractions)),
    field("setting", CNI_WORDS[row.cni](row.setting)),
    "",
  ];
}

/** The report for people. */
export function renderMtu({ tunnels, segments, lans, kubernetes }: MtuReport): string {
  if (tunnels.length + segments.length === 0) return "no tunnel and no segment: a host alone has no path to explain\n";
  return [
    ...tunnels.flatMap(tunnelLines),
    ...segments.flatMap(segmentLines),
    ...lans.flatMap(lanLines),
    ...clusterLines(kubernetes),
  ].join("\n");
}
