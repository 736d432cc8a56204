/** Why addresses and MTUs are what they are. */
import { containsAddress, hostAddress, type IpAddress } from "../../base/ip.ts";
import type { InterfaceAddress, WireguardInterface } from "../../model/device.ts";
import type { Host } from "../../model/host.ts";
import type { Network } from "../../model/network.ts";
import type { Segment } from "../../model/segment.ts";
import type { Vrf } from "../../model/vrf.ts";
import { type Carrier, carrierOf, type SegmentRow, segmentRow, type TunnelRow } from "../mtu.ts";
import { sumInWords } from "../mtu-text.ts";
import { type Fact, fact, type Known } from "./description.ts";

export const addressText = ({ address, lengthBits }: InterfaceAddress): string => `${address}/${lengthBits}`;

/** The address that a host's number has in the pool, or one that was chosen. */
export function whyOfPool({ prefixes }: Network, { id }: Host, address: IpAddress): string {
  const pool = prefixes.find(({ use, prefix }) => use.kind === "pool" && containsAddress(prefix, address))?.prefix;
  if (pool === undefined) return "no pool has it";
  return hostAddress(pool, id) === address
    ? `number ${id} of the pool ${pool}, as its id is ${id}`
    : `pinned, in the pool ${pool}: its id alone would make it ${hostAddress(pool, id)}`;
}

/** The sum of a tunnel: the path, and what is taken off it. */
export const tunnelSum = ({ path, subtractions }: TunnelRow): string =>
  sumInWords(path.mtu, subtractions).replace(/^\d+/, `$& (${path.rule})`);

/** Why an interface has its MTU: by its peer that sets it. */
export function whyOfTunnels({ hosts, tunnelRow }: Known, host: Host, { limitingPeer }: WireguardInterface): string {
  const peer = limitingPeer === undefined ? undefined : hosts.get(limitingPeer);
  if (peer === undefined) return "no peer limits it";
  return `${tunnelSum(tunnelRow(host, peer))}, by the path to ${peer.name}`;
}

function limitOf({ limitingPair: [host, peer], limit, tunnelMtu }: SegmentRow): string {
  if (host === peer) return `the interface of ${host}`;
  const what =
    limit === "route" ? `the routes of ${host} to ${peer}` : `the interface of ${host}, by the path to ${peer}`;
  return `${tunnelMtu} (${what})`;
}

function mtuFacts(known: Known, carrier: Carrier): readonly Fact[] {
  if (carrier.members.length === 0) return [];
  const row = segmentRow(carrier, known.hosts);
  const sum = sumInWords(row.tunnelMtu, row.subtractions).replace(/^\d+/, limitOf(row));
  const why = row.pin === undefined ? sum : `as it is written; the tunnels carry ${sum}`;
  const { cut } = row;
  return [
    fact("MTU", row.mtu, why),
    fact("TCP MSS", `${row.mss.ipv4} for IPv4, ${row.mss.ipv6} for IPv6`, "clamped on the way"),
    ...(cut === undefined
      ? []
      : [fact("cut up", `above ${cut.wholeMtu} bytes, to ${cut.fragments.join(" and ")}`, "fragment: true")]),
  ];
}

/** The MTU of a segment, or of a VRF's VXLAN network. */
export const segmentMtu = (known: Known, segment: Segment): readonly Fact[] => mtuFacts(known, segment);
export const vrfMtu = (known: Known, vrf: Vrf): readonly Fact[] => mtuFacts(known, carrierOf(vrf));
