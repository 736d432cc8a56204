/** The table of MTUs with the sums that give them; many tunnels with the same sum are one row. */
import { grouped } from "../../base/grouped.ts";
import { type Overhead, totalBytes } from "../../base/mtu.ts";
import { numberInWords } from "../draw/diagram.ts";
import { type Markup, markup, type Piece } from "../markup.ts";
import type { MtuReport, Ping, SegmentRow, TunnelRow } from "../mtu.ts";
import { hostLink, hostLinks, table } from "./parts.ts";

/** Tunnels up to which each has a row of its own. */
const MAX_ROWS = 60;

function sum(start: number, subtractions: readonly Overhead[]): Piece {
  const terms = subtractions.map(
    ({ what, bytes }) => markup` <span class="term">− ${bytes} <small>${what}</small></span>`,
  );
  return [String(start), terms, markup` = <b>${start - totalBytes(subtractions)}</b>`];
}

const pings = (all: readonly Ping[]): readonly Markup[] =>
  all.map(
    ({ from, command }) => markup`<div><code>${command}</code>${from !== undefined && [" on ", hostLink(from)]}</div>`,
  );

/** Two tunnels with the same key have the same sum. */
const keyOf = ({ path, outer, subtractions, mtu, effectiveMtu }: TunnelRow): string =>
  JSON.stringify([effectiveMtu, mtu, path, outer.family, subtractions]);

function tunnelCells([first, ...others]: readonly [TunnelRow, ...TunnelRow[]]): readonly Piece[] {
  const [a, b] = first.between;
  const { path, outer, subtractions, mtu, effectiveMtu, vxlanMtu, mss } = first;
  const limits = first.ends.filter((end) => end.mtu < mtu && end.routeMtu === undefined);
  const held = limits.map(
    ({ interface: name, host, limitingPeer, mtu: bytes }) =>
      markup`<div><small>${name} on ${host} has ${bytes}${limitingPeer !== undefined && [", for its way to ", limitingPeer]}</small></div>`,
  );
  return [
    [
      hostLink(a),
      " – ",
      hostLink(b),
      others.length > 0 && markup`<div><small>and ${numberInWords(others.length)} more alike</small></div>`,
    ],
    markup`<b>${effectiveMtu}</b>`,
    [
      sum(path.mtu, subtractions),
      markup`<div><small>${path.rule}; ${outer.why}</small></div>`,
      others.length === 0 && held,
    ],
    `${vxlanMtu.ipv4} / ${vxlanMtu.ipv6}`,
    `${mss.ipv4} / ${mss.ipv6}`,
    pings(first.pings),
  ];
}

function segmentCells(row: SegmentRow): readonly Piece[] {
  const [host, peer] = row.limitingPair;
  const pin = row.pin !== undefined && markup`<div><small>pinned to ${row.pin} by the topology</small></div>`;
  const cut =
    row.cut !== undefined &&
    markup`<div><small>above ${row.cut.wholeMtu} cut up on purpose: the largest leaves as ${row.cut.fragments.join(" and ")}</small></div>`;
  return [
    [row.name, row.vni !== undefined && markup`<div><small>VNI ${row.vni}</small></div>`],
    markup`<b>${row.mtu}</b>`,
    [sum(row.tunnelMtu, row.subtractions), pin, cut],
    host === peer ? hostLink(host) : [hostLink(host), " towards ", hostLink(peer)],
    `${row.mss.ipv4} / ${row.mss.ipv6}`,
    [hostLinks(row.members), pings(row.pings)],
  ];
}

/** Every MTU, and why. */
export function mtuProof({ tunnels, segments, lans }: MtuReport): Piece {
  const groups =
    tunnels.length > MAX_ROWS ? [...grouped(tunnels, keyOf).values()] : tunnels.map((tunnel) => [tunnel] as const);
  const rows = groups.flatMap(([first, ...others]) => (first === undefined ? [] : [tunnelCells([first, ...others])]));
  const ofTunnels = ["tunnel", "bytes", "sum", "VXLAN in it, IPv4 / IPv6", "TCP MSS, IPv4 / IPv6", "proven by"];
  const ofSegments = ["segment", "bytes", "sum", "narrowest", "TCP MSS, IPv4 / IPv6", "members; proven by"];
  return [
    table("Tunnels", ofTunnels, rows),
    table("Segments and VRFs", ofSegments, segments.map(segmentCells)),
    table(
      "By the LAN",
      ["host", "bytes", "by the gateway's address", "VXLAN in it, IPv4 / IPv6", "TCP MSS, IPv4 / IPv6"],
      lans.map(({ host, mtu, via, vxlanMtu, mss }) => [
        hostLink(host),
        markup`<b>${mtu}</b>`,
        via,
        `${vxlanMtu.ipv4} / ${vxlanMtu.ipv6}`,
        `${mss.ipv4} / ${mss.ipv6}`,
      ]),
    ),
  ];
}
