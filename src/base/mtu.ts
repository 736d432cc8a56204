/**
 * MTU arithmetic: which bytes each layer costs, and where each number comes from. Everything is an IP MTU: the size of
 * the largest IP packet, IP header included, Ethernet header not.
 */
import type { IpFamily } from "./ip.ts";

/** IPv4 header without options, RFC 791 §3.1. */
export const IPV4_HEADER_BYTES = 20;
/** IPv6 header without extension headers, RFC 8200 §3. */
export const IPV6_HEADER_BYTES = 40;
/** UDP header, RFC 768. */
export const UDP_HEADER_BYTES = 8;
/** WireGuard data message: type and reserved 4, receiver index 4, counter 8 (drivers/net/wireguard/messages.h). */
export const WIREGUARD_HEADER_BYTES = 16;
/** WireGuard authentication tag, Poly1305, RFC 8439 §2.8. */
export const WIREGUARD_TAG_BYTES = 16;
/** VXLAN header, RFC 7348 §5. */
export const VXLAN_HEADER_BYTES = 8;
/** Geneve header without options, RFC 8926 §3.4. */
export const GENEVE_HEADER_BYTES = 8;
/** The one option that OVN sends, of its ports: 4 bytes of header, 4 of data (ovn-architecture(7), "Tunnel Encapsulations"). */
export const OVN_OPTION_BYTES = 8;
/** Inner Ethernet header that VXLAN carries, RFC 7348 §5; the outer one is no part of an IP MTU. */
export const ETHERNET_HEADER_BYTES = 14;
/** One IEEE 802.1Q tag inside the segment. */
export const VLAN_TAG_BYTES = 4;
/** TCP header without options, RFC 9293 §3.1; what an MSS leaves out (RFC 6691). */
export const TCP_HEADER_BYTES = 20;
/** ICMP and ICMPv6 echo header, RFC 792 and RFC 4443 §4.1. */
export const ICMP_HEADER_BYTES = 8;
/** Smallest MTU of a link that carries IPv6, RFC 8200 §5. Linux takes IPv6 off an interface below it. */
export const IPV6_MINIMUM_MTU = 1280;

const ipHeaderBytes = (family: IpFamily): number => (family === 4 ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES);

/** One thing that is taken off, for the explanation of a sum. */
export interface Overhead {
  readonly what: string;
  readonly bytes: number;
}

/** What WireGuard takes off the path: 60 bytes over IPv4, 80 over IPv6. */
export function wireguardOverhead(outer: IpFamily): readonly Overhead[] {
  return [
    { what: `IPv${outer} header`, bytes: ipHeaderBytes(outer) },
    { what: "UDP header", bytes: UDP_HEADER_BYTES },
    { what: "WireGuard header", bytes: WIREGUARD_HEADER_BYTES },
    { what: "WireGuard tag", bytes: WIREGUARD_TAG_BYTES },
  ];
}

/** What VXLAN takes off the link below: 50 bytes with IPv4 VTEPs, 70 with IPv6, 4 more where frames are tagged. */
export function vxlanOverhead(vtep: IpFamily, isTagged: boolean): readonly Overhead[] {
  const fixed = [
    { what: `IPv${vtep} header`, bytes: ipHeaderBytes(vtep) },
    { what: "UDP header", bytes: UDP_HEADER_BYTES },
    { what: "VXLAN header", bytes: VXLAN_HEADER_BYTES },
    { what: "inner Ethernet header", bytes: ETHERNET_HEADER_BYTES },
  ];
  return isTagged ? [...fixed, { what: "inner VLAN tag", bytes: VLAN_TAG_BYTES }] : fixed;
}

/** What Geneve as OVN sends it takes off the link below: 58 bytes between IPv4 addresses, 78 between IPv6. */
export function geneveOverhead(chassis: IpFamily): readonly Overhead[] {
  return [
    { what: `IPv${chassis} header`, bytes: ipHeaderBytes(chassis) },
    { what: "UDP header", bytes: UDP_HEADER_BYTES },
    { what: "Geneve header", bytes: GENEVE_HEADER_BYTES },
    { what: "OVN's option", bytes: OVN_OPTION_BYTES },
    { what: "inner Ethernet header", bytes: ETHERNET_HEADER_BYTES },
  ];
}

/** How IPv4 gets through an access that carries IPv6 alone. */
export type Translation = "ds-lite" | "464xlat";

/** What such an access takes off the path of an IPv4 packet. */
export function translationOverhead(translation: Translation): Overhead {
  return translation === "ds-lite"
    ? { what: "IPv6 header around it, DS-Lite", bytes: IPV6_HEADER_BYTES } // RFC 6333 §5.3
    : { what: "IPv6 header in the place of IPv4's, 464XLAT", bytes: IPV6_HEADER_BYTES - IPV4_HEADER_BYTES }; // RFC 7915 §4.1
}

export function totalBytes(overheads: readonly Overhead[]): number {
  return overheads.reduce((sum, overhead) => sum + overhead.bytes, 0);
}

/** 60 or 80: the bytes that WireGuard takes off a path. */
export function wireguardOverheadBytes(outer: IpFamily): number {
  return outer === 4 ? WIREGUARD_BYTES_IPV4 : WIREGUARD_BYTES_IPV6;
}

/** 50 or 70, and 4 more where frames are tagged: the bytes that VXLAN takes off the link below it. */
export function vxlanOverheadBytes(vtep: IpFamily, isTagged: boolean): number {
  return totalBytes(vxlanOverhead(vtep, isTagged));
}

const WIREGUARD_BYTES_IPV4 = totalBytes(wireguardOverhead(4));
const WIREGUARD_BYTES_IPV6 = totalBytes(wireguardOverhead(6));

/** What each fragment but the last carries is a multiple of this, RFC 791 §3.2. */
const FRAGMENT_UNIT_BYTES = 8;

/**
 * Sizes in bytes of the IPv4 packets that one leaves as where so much fits, header included, as Linux cuts it
 * (net/ipv4/ip_output.c, ip_do_fragment): all full but the last. What fits is whole: itself alone.
 */
export function fragmentSizes(packetBytes: number, mtu: number): readonly number[] {
  if (packetBytes <= mtu) return [packetBytes];
  const room = mtu - IPV4_HEADER_BYTES;
  const full = IPV4_HEADER_BYTES + room - (room % FRAGMENT_UNIT_BYTES);
  return [full, ...fragmentSizes(packetBytes - full + IPV4_HEADER_BYTES, mtu)];
}

/** What flannel takes off the MTU that it is told, over IPv6 too (pkg/backend/vxlan/device.go), and Cilium off its own. */
export const CNI_OVERHEAD_BYTES = vxlanOverheadBytes(4, false);

/** Largest TCP segment that fits an MTU: 40 bytes less for IPv4, 60 for IPv6. */
export function tcpMss(mtu: number, family: IpFamily): number {
  return mtu - ipHeaderBytes(family) - TCP_HEADER_BYTES;
}

/** Largest `ping -s` that fits an MTU unfragmented: 28 bytes less for IPv4, 48 for IPv6. */
export function pingPayload(mtu: number, family: IpFamily): number {
  return mtu - ipHeaderBytes(family) - ICMP_HEADER_BYTES;
}

/**
 * Size of the outer IP packet that WireGuard makes of an inner one. The plaintext is padded to a multiple of 16 but never
 * past the MTU (drivers/net/wireguard/send.c, calculate_skb_padding).
 */
export function wireguardPacketBytes(innerBytes: number, mtu: number, outer: IpFamily): number {
  const padded = Math.min(Math.ceil(innerBytes / 16) * 16, mtu);
  return Math.max(padded, innerBytes) + wireguardOverheadBytes(outer);
}

/** Size of the outer IP packet that VXLAN makes of an inner IP packet. */
export function vxlanPacketBytes(innerBytes: number, vtep: IpFamily, isTagged: boolean): number {
  return innerBytes + vxlanOverheadBytes(vtep, isTagged);
}
