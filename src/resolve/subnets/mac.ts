/**
 * MAC addresses, all locally administered unicast (IEEE 802, bit 1 of the first byte set, bit 0 clear). The first byte is
 * the role, so that no two kinds of interface can collide; then the VNI (3 bytes) and the host's id (2 bytes).
 */
import { addressToInteger, familyOf, type IpAddress } from "../../base/ip.ts";
import { hashText } from "../../base/text.ts";
import type { Vni } from "../../base/units.ts";

const ROLE_SEGMENT_BRIDGE = 0x02;
const ROLE_ROUTED_BRIDGE = 0x12;
const ROLE_ROUTER = 0x22;
const ROLE_ROUTER_PORT = 0x0a;
const ROLE_VLAN_BRIDGE = 0x32;
// The highest such byte: a bridge takes the lowest MAC of its ports, and must never take a vxlan's (libvirt does the same
// for its taps).
const ROLE_VXLAN = 0xfe;

const format = (bytes: readonly number[]): string => bytes.map((byte) => byte.toString(16).padStart(2, "0")).join(":");

const fromNumbers = (role: number, vni: number, id: number): string =>
  format([role, (vni >> 16) & 0xff, (vni >> 8) & 0xff, vni & 0xff, (id >> 8) & 0xff, id & 0xff]);

export function vxlanMac(vni: Vni, hostId: number): string {
  return fromNumbers(ROLE_VXLAN, vni, hostId);
}

/** The MAC of a segment's bridge on one host; a gateway shared by all members has the same one everywhere, that of id 0. */
export function segmentBridgeMac(vni: Vni, hostId: number, isSharedGateway: boolean): string {
  return fromNumbers(ROLE_SEGMENT_BRIDGE, vni, isSharedGateway ? 0 : hostId);
}

/** What has no VNI: 24 bits of its name's hash, folded, take the place. */
function fromName(role: number, name: string, id: number): string {
  const hash = hashText(name);
  const folded = (hash ^ (hash >>> 24)) & 0xffffff;
  return fromNumbers(role, folded, id);
}

/** The MAC of a routed subnet's bridge, which never leaves its own host. */
export function routedBridgeMac(subnet: string, hostId: number): string {
  return fromName(ROLE_ROUTED_BRIDGE, subnet, hostId);
}

/**
 * The MAC of a port of a logical router of OVN's: its IPv4 address, as no network has one twice, or where it has none the
 * hash of its IPv6 address, marked by the second byte.
 */
export function routerPortMac(address: IpAddress): string {
  if (familyOf(address) === 4) {
    const number = Number(addressToInteger(address));
    return fromNumbers(ROLE_ROUTER_PORT, number >>> 16, number & 0xffff);
  }
  const hash = hashText(address);
  return fromNumbers(ROLE_ROUTER_PORT, (6 << 16) | (hash >>> 16), hash & 0xffff);
}

/** The MAC of a bridge with VLANs, each of which has a device with a MAC of its own. */
export function vlanBridgeMac(bridge: string, hostId: number): string {
  return fromName(ROLE_VLAN_BRIDGE, bridge, hostId);
}

/** The MAC by which the other instances of a VRF address this one's routed packets; each host has its own. */
export function routerMac(vni: Vni, hostId: number): string {
  return fromNumbers(ROLE_ROUTER, vni, hostId);
}
