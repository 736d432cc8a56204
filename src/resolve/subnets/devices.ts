/** The bridges and vxlan devices of one host. */
import { must } from "../../base/invariant.ts";
import { familyOf, type IpAddress, type IpFamily } from "../../base/ip.ts";
import { vxlanPacketBytes } from "../../base/mtu.ts";
import { type MtuBytes, mtuBytes, type VlanId, type Vni } from "../../base/units.ts";
import type { Bridge, Cut, Flooding, VxlanDevice } from "../../model/device.ts";
import type { Segment } from "../../model/segment.ts";
import { hasSdn } from "../../topology/hosts.ts";
import type { ResolvedHost } from "../hosts/hosts.ts";
import { dhcpServer, routerAdvertisement } from "./guest-configuration.ts";
import { routedBridgeMac, segmentBridgeMac, vxlanMac } from "./mac.ts";
import type { ResolvedSubnet } from "./subnets.ts";

/** The address that a host's VXLAN and BGP packets come from: IPv4 where there is one, which costs 20 bytes less. */
export function vtepAddress(host: ResolvedHost): IpAddress | undefined {
  return (host.addresses.find((each) => familyOf(each.address) === 4) ?? host.addresses[0])?.address;
}

function ports(subnet: ResolvedSubnet, host: string): readonly string[] {
  const own = subnet.input.ports.filter((each) => each.host.value === host);
  return own.flatMap((each) => each.interfaces.map((port) => port.value)).sort();
}

/** The bridge of all segments that have a VLAN, and no bridge that the user names. */
const VLAN_BRIDGE = "br-vlan";

/** What a subnet's bridge on a host is called when the user does not say. */
export function bridgeName({ input }: ResolvedSubnet, host: ResolvedHost): string {
  if (input.bridge !== undefined) return input.bridge.name;
  if (hasSdn(host.input)) return input.name;
  if (input.vlan !== undefined) return VLAN_BRIDGE;
  return input.vxlan === undefined ? `br-${input.name}` : `br${input.vxlan.vni}`;
}

/** An MTU that a check has still to judge. */
function deviceMtu(bytes: number): MtuBytes {
  return must(mtuBytes(bytes), "the smallest path that the schema allows is larger than any overhead");
}

/**
 * The bridge of a routed subnet on one of its owners, or `undefined` where the bridge is another program's; `tunnelMtu`: the
 * smallest of the host's tunnels.
 */
export function routedBridge(
  subnet: ResolvedSubnet,
  host: ResolvedHost,
  tunnelMtu: MtuBytes | undefined,
): Bridge | undefined {
  const { input } = subnet;
  const { name } = host.input;
  if (input.isExternal || input.container !== undefined || !subnet.owned.has(name)) return undefined;
  const addresses = subnet.gatewayAddresses.get(name) ?? [];
  const enslaved = ports(subnet, name);
  // Nothing but a route: whoever has the addresses has the interface too.
  if (addresses.length === 0 && enslaved.length === 0 && input.bridge === undefined) return undefined;
  const bridge = bridgeName(subnet, host);
  return {
    name: bridge,
    vlan: undefined,
    link: bridge,
    subnet: input.name,
    isExisting: input.bridge?.isExisting ?? false,
    macAddress: routedBridgeMac(input.name, host.input.id),
    // Routing answers with "fragmentation needed" and the clamp lowers the MSS: the subnet itself keeps its own MTU.
    mtu: undefined,
    addresses,
    isSharedGateway: false,
    ports: enslaved,
    // Within the subnet guests could send more, but they know one size only.
    dhcp: dhcpServer(subnet, name, tunnelMtu),
    advertisement: routerAdvertisement(subnet, name, tunnelMtu),
    vrf: input.vrf?.value,
    origin: input.origin,
  };
}

/** The device of a VLAN: of netgen's by its VNI, on a bridge of others' as ifupdown and ip-link(8) customarily call it. */
const vlanLink = (bridge: string, vlan: VlanId, vni: Vni | undefined): string =>
  vni === undefined ? `${bridge}.${vlan}` : `vl${vni}`;

/** The bridge that is the local end of a segment. */
export function segmentBridge(segment: Segment, subnet: ResolvedSubnet, host: ResolvedHost): Bridge {
  const { gatewayMac } = segment;
  // Who pins the MAC has the same gateway elsewhere.
  const isElsewhere = segment.members.length > 1 || gatewayMac !== undefined;
  const isSharedGateway = segment.gateway.kind === "shared" && isElsewhere;
  const { vlan } = subnet.input;
  const isExisting = subnet.input.bridge?.isExisting ?? false;
  const name = bridgeName(subnet, host);
  return {
    name,
    vlan,
    link: vlan === undefined ? name : vlanLink(name, vlan, isExisting ? undefined : segment.vni),
    subnet: segment.name,
    isExisting,
    macAddress: gatewayMac ?? segmentBridgeMac(segment.vni, host.input.id, isSharedGateway),
    mtu: deviceMtu(segment.mtu.bytes),
    addresses: subnet.gatewayAddresses.get(host.input.name) ?? [],
    isSharedGateway,
    ports: ports(subnet, host.input.name),
    dhcp: dhcpServer(subnet, host.input.name, deviceMtu(segment.mtu.bytes)),
    advertisement: routerAdvertisement(subnet, host.input.name, deviceMtu(segment.mtu.bytes)),
    vrf: segment.vrf,
    origin: segment.origin,
  };
}

/** How a segment's VXLAN device is told where frames go; `vteps`: the addresses of all members. */
export const segmentFlooding =
  ({ suppressesNeighbors }: Segment, vteps: readonly IpAddress[], hasEvpn: boolean) =>
  (local: IpAddress): Flooding =>
    hasEvpn
      ? { kind: "evpn", suppressesNeighbors }
      : { kind: "static", remotes: vteps.filter((address) => address !== local) };

/** How a segment's packets are cut up where the largest of them does not fit. */
export function cutOf({ mtu, fragments, vtepFamily: family, isTagged }: Segment): Cut | undefined {
  if (fragments === undefined || fragments.length === 1) return undefined;
  return { wholeMtu: deviceMtu(mtu.computed), packetBytes: vxlanPacketBytes(mtu.bytes, family, isTagged) };
}

interface VxlanSource {
  /** How it is told where frames go, by its own address. */
  readonly floodingFrom: (local: IpAddress) => Flooding;
}

/** The vxlan device of a segment or a VRF on one host. */
export function vxlanDevice(
  segment: Pick<Segment, "name" | "vni" | "mtu" | "origin">,
  host: ResolvedHost,
  { name, floodingFrom, ...place }: Pick<VxlanDevice, "name" | "bridge" | "vlan" | "port" | "cut"> & VxlanSource,
): VxlanDevice {
  const local = must(vtepAddress(host), "a VTEP has an address");
  return {
    name,
    segment: segment.name,
    vni: segment.vni,
    macAddress: vxlanMac(segment.vni, host.input.id),
    local,
    mtu: deviceMtu(segment.mtu.bytes),
    ...place,
    flooding: floodingFrom(local),
    origin: segment.origin,
  };
}

/** IPv4 where every member has an IPv4 address; with pools common to all hosts that is all or none. */
export function vtepFamily(vteps: readonly IpAddress[]): IpFamily {
  return vteps.every((address) => familyOf(address) === 4) ? 4 : 6;
}
