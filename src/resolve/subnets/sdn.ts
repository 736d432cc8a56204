/**
 * What is called and numbered as Proxmox's SDN does where that makes a host's segments: a VRF is a zone of EVPN, a segment is a
 * vnet, whose bridge has its name (pve-network, PVE/Network/SDN/Zones/EvpnPlugin.pm and VxlanPlugin.pm).
 */
import type { Vni } from "../../base/units.ts";
import type { Segment } from "../../model/segment.ts";
import { hostsByName } from "../../topology/hosts.ts";
import type { Topology } from "../../topology/topology.ts";
import { segmentBridgeMac } from "./mac.ts";

export const vnetDevice = (vnet: string): string => `vxlan_${vnet}`;
export const zoneBridge = (zone: string): string => `vrfbr_${zone}`;
export const zoneDevice = (zone: string): string => `vrfvx_${zone}`;

/** A zone has one MAC for all its gateways, and would invent another one in each cluster. */
export function withZoneMacs(segments: readonly Segment[], topology: Topology): readonly Segment[] {
  const hosts = hostsByName(topology);
  const vnis = new Map<string, Vni>(topology.vrfs.map(({ name, vni }) => [name, vni]));
  return segments.map((segment): Segment => {
    const vni = segment.vrf === undefined ? undefined : vnis.get(segment.vrf);
    const isOfSdn = segment.members.some((name) => hosts.get(name)?.proxmox === "sdn");
    return vni !== undefined && isOfSdn ? { ...segment, gatewayMac: segmentBridgeMac(vni, 0, true) } : segment;
  });
}
