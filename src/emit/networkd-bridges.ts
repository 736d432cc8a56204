/** systemd-networkd's units for bridges, their VLANs and ports. */
import { broadcastAddress, familyOf, prefixOf } from "../base/ip.ts";
import { knows } from "../base/programs.ts";
import type { MtuBytes, VlanId } from "../base/units.ts";
import type { Bridge, DhcpServer, InterfaceAddress, VlanBridge } from "../model/device.ts";
import type { Host } from "../model/host.ts";
import type { VrfInstance } from "../model/vrf.ts";
import { ownBridge, remadeDevice, type Unit, unit } from "./networkd-unit.ts";

const isIpv6 = ({ address }: InterfaceAddress): boolean => familyOf(address) === 6;

const print = ({ address, lengthBits }: InterfaceAddress): string => `${address}/${lengthBits}`;

const broadcastOf = ({ address, lengthBits }: InterfaceAddress) => broadcastAddress(prefixOf(address, lengthBits));

/** The addresses that have a broadcast address, with that. */
const broadcastsView = (addresses: readonly InterfaceAddress[]) =>
  addresses
    .filter((each) => broadcastOf(each) !== undefined)
    .map((each, index) => ({ address: print(each), broadcast: broadcastOf(each) ?? "", isFirst: index === 0 }));

const NO_DHCP = {
  hasDhcp: false,
  server: "",
  offset: "",
  size: "",
  hasDns: false,
  dns: "",
  hasGuestMtu: false,
  guestMtu: "",
};

const NO_VLANS = { hasVlans: false, isVlan: false, vlans: [] };

/** A bridge by which the host itself is on no subnet; it has an MTU. */
const NO_SUBNET = {
  hasMtu: true,
  hasAddresses: false,
  isSharedGateway: false,
  isRouter: false,
  hasVrf: false,
  vrf: "",
  isIpv6Gateway: false,
  isSharedIpv6Gateway: false,
  addresses: [],
  broadcasts: [],
  sharedIpv6Addresses: [],
  ...NO_VLANS,
  ...NO_DHCP,
};

function dhcpView(dhcp: DhcpServer | undefined): typeof NO_DHCP {
  if (dhcp === undefined) return NO_DHCP;
  const { address, offset, size, dns, mtu } = dhcp;
  return {
    hasDhcp: true,
    server: print(address),
    offset: String(offset),
    size: String(size),
    hasDns: dns.length > 0,
    dns: dns.join(" "),
    hasGuestMtu: mtu !== undefined,
    guestMtu: String(mtu ?? ""),
  };
}

/** How the host itself is on a subnet. */
function linkView({ macAddress, mtu, addresses, isSharedGateway, vrf, dhcp }: Bridge) {
  const isIpv6Gateway = addresses.some(isIpv6);
  // Only IPv6 looks for duplicates unasked (systemd.network(5), DuplicateAddressDetection=).
  const isShared = (each: InterfaceAddress): boolean => isSharedGateway && isIpv6(each);
  const isPlain = (each: InterfaceAddress): boolean => !isShared(each) && broadcastOf(each) === undefined;
  return {
    ...NO_VLANS,
    macAddress,
    hasMtu: mtu !== undefined,
    mtu: String(mtu ?? ""),
    hasAddresses: addresses.length > 0,
    isSharedGateway,
    isRouter: false,
    hasVrf: vrf !== undefined,
    vrf: vrf ?? "",
    isIpv6Gateway,
    isSharedIpv6Gateway: isSharedGateway && isIpv6Gateway,
    addresses: addresses.filter(isPlain).map(print),
    broadcasts: broadcastsView(addresses),
    sharedIpv6Addresses: addresses.filter(isShared).map(print),
    ...dhcpView(dhcp),
  };
}

/** A port of a bridge, or with VLANs a trunk. */
function portUnit(name: string, bridge: string, mtu: MtuBytes | undefined, vlans: readonly VlanId[] = []): Unit {
  const view = { bridge, hasMtu: mtu !== undefined, mtu: String(mtu ?? ""), isTrunk: vlans.length > 0 };
  return unit(name, "network", ["port", { ...view, vlans: vlans.map(String) }]);
}

const existingBridgeUnit = (name: string, { programs }: Host): Unit =>
  unit(name, "netdev", ["existing-bridge", { givesMac: knows(programs, "networkd-mac-none") }]);

/** An existing bridge is left to its owner, addresses included; networkd only has to know it as a bridge to enslave to. */
function plainBridgeUnits(bridge: Bridge, host: Host): readonly Unit[] {
  const { name, mtu } = bridge;
  const ports = bridge.ports.map((port) => portUnit(port, name, mtu));
  if (!bridge.isExisting) return [...ownBridge(name, linkView(bridge)), ...ports];
  const isEnslavedTo = ports.length > 0 || host.vxlans.some((vxlan) => vxlan.bridge === name);
  return isEnslavedTo ? [existingBridgeUnit(name, host), ...ports] : [];
}

/** The device of a VLAN: the host's part of one subnet, as a bridge is that has no VLANs. */
function vlanUnits(bridge: Bridge): readonly Unit[] {
  if (bridge.isExisting) return [];
  const view = { ...linkView(bridge), isVlan: true, id: String(bridge.vlan) };
  const network = unit(bridge.link, "network", ["bridge", view]);
  // A larger MTU is refused until the bridge has it, and a reload says nothing of who comes first.
  const after = [...network.after, `networkctl reconfigure ${bridge.link}`];
  return [remadeDevice(bridge.link, ["vlan", view]), { ...network, after }];
}

/** An existing one has VLANs of its owner's besides, which networkd would take away: segments join it by a unit of their own. */
function vlanBridgeUnits({ name, isExisting, macAddress, mtu, vlans, trunks }: VlanBridge): readonly Unit[] {
  if (isExisting) return [];
  const view = {
    ...NO_SUBNET,
    macAddress,
    mtu: String(mtu),
    hasVlans: true,
    vlans: vlans.map(({ id, link, ...vlan }) => ({ id: String(id), link, macAddress: vlan.macAddress })),
  };
  return [...ownBridge(name, view), ...trunks.map((trunk) => portUnit(trunk.name, name, trunk.mtu, trunk.vlans))];
}

/** The bridges of a host's subnets, and what is the host's own on them. */
export const bridgeUnits = (host: Host): readonly Unit[] => [
  ...host.bridges.flatMap((each) => (each.vlan === undefined ? plainBridgeUnits(each, host) : vlanUnits(each))),
  ...host.vlanBridges.flatMap(vlanBridgeUnits),
];

/** The bridge that carries nothing but the VXLAN device of a VRF. */
export function routerBridgeUnits(instance: VrfInstance): readonly Unit[] {
  const { name: vrf, bridge, routerMac, vxlan } = instance;
  const broadcasts = broadcastsView(instance.bridgeAddresses);
  const own = { macAddress: routerMac, mtu: String(vxlan.mtu), isRouter: true, hasVrf: true, vrf, broadcasts };
  return ownBridge(bridge, { ...NO_SUBNET, ...own });
}
