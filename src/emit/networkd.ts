/**
 * systemd-networkd: the loopback's addresses, vxlan devices, bridges and their ports, VRFs. Only keys that systemd 252 knows:
 * it ignores any other.
 */
import { broadcastAddress, familyOf, type IpPrefix, prefixOf } from "../base/ip.ts";
import { knows } from "../base/programs.ts";
import { type Bridge, type DhcpServer, type InterfaceAddress, VXLAN_PORT, type VxlanDevice } from "../model/device.ts";
import type { Host } from "../model/host.ts";
import { unicastOf } from "../model/loopback.ts";
import type { VrfInstance } from "../model/vrf.ts";
import { RELOAD_UNITS, restart } from "./after.ts";
import type { EmitContext, Emitter } from "./context.ts";
import type { OutputFile } from "./file.ts";
import { type PrintedFile, publicFile } from "./print.ts";
import { WORST_METRIC } from "./routes.ts";
import type { View } from "./template.ts";

interface Unit {
  /** Below etc/systemd/network. */
  readonly file: string;
  readonly template: string;
  readonly view: View;
  readonly after: readonly string[];
}

const RELOAD = "networkctl reload";

// 05 and 20: of several .network files that match a link the first one wins, and catch-alls are customarily 70 to 99.
const fileName = (order: "05" | "20", name: string, kind: "netdev" | "network"): string =>
  `${order}-netgen-${name}.${kind}`;

function unit(name: string, kind: "netdev" | "network", [template, view]: readonly [string, View]): Unit {
  const file = fileName("20", name, kind);
  return { file, template: `${template}.${kind}.njk`, view: { ...view, name }, after: [RELOAD] };
}

/**
 * networkd never changes the VNI, the port or the learning of a device that exists (nor do older ones anything else), so
 * a vxlan goes first, and so does a VRF, whose table has to change. Never a bridge: guests hang on it, and it may be the
 * user's.
 */
function remadeDevice(name: string, print: readonly [string, View]): Unit {
  return { ...unit(name, "netdev", print), after: [`networkctl delete ${name}`, RELOAD] };
}

function unmanaged(name: string): Unit {
  return { file: fileName("05", name, "network"), template: "unmanaged.network.njk", view: { name }, after: [RELOAD] };
}

/** The host's own addresses, where they are those of no tunnel. */
function loopbackUnits(host: Host): readonly Unit[] {
  const addresses = (unicastOf(host)?.loopback ?? []).map(({ address, lengthBits }) => `${address}/${lengthBits}`);
  if (addresses.length === 0) return [];
  const file = fileName("05", "lo", "network");
  return [{ file, template: "loopback.network.njk", view: { addresses }, after: [RELOAD] }];
}

/** `isFromLoopback`: its packets come from an address that is no tunnel's. `carriesRouted`: it is a VRF's. */
interface VxlanUse {
  readonly isFromLoopback: boolean;
  readonly carriesRouted: boolean;
}

function vxlanUnits({ name, flooding, ...device }: VxlanDevice, use: VxlanUse): readonly Unit[] {
  const remotes = flooding.kind === "static" ? flooding.remotes : [];
  const view = {
    vni: String(device.vni),
    macAddress: device.macAddress,
    local: device.local,
    isUsualPort: device.port === VXLAN_PORT,
    port: String(device.port),
    mtu: String(device.mtu),
    bridge: device.bridge,
    ...use,
    isEvpn: flooding.kind === "evpn",
    suppressesNeighbors: flooding.kind === "evpn" && flooding.suppressesNeighbors,
    isStatic: flooding.kind === "static",
    remotes: remotes.map((address, index) => ({ address, isFirst: index === 0 })),
  };
  return [remadeDevice(name, ["vxlan", view]), unit(name, "network", ["vxlan", view])];
}

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

function ownBridgeUnits({ name, macAddress, mtu, addresses, isSharedGateway, vrf, dhcp }: Bridge): readonly Unit[] {
  const isIpv6Gateway = addresses.some(isIpv6);
  // Only IPv6 looks for duplicates unasked (systemd.network(5), DuplicateAddressDetection=).
  const isShared = (each: InterfaceAddress): boolean => isSharedGateway && isIpv6(each);
  const isPlain = (each: InterfaceAddress): boolean => !isShared(each) && broadcastOf(each) === undefined;
  const view = {
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
  return [unit(name, "netdev", ["bridge", view]), unit(name, "network", ["bridge", view])];
}

function portUnit(port: string, { name, mtu }: Bridge): Unit {
  return unit(port, "network", ["port", { bridge: name, hasMtu: mtu !== undefined, mtu: String(mtu ?? "") }]);
}

/** An existing bridge is left to its owner, addresses included; networkd only has to know it as a bridge to enslave to. */
function bridgeUnits(bridge: Bridge, host: Host): readonly Unit[] {
  const ports = bridge.ports.map((port) => portUnit(port, bridge));
  if (!bridge.isExisting) return [...ownBridgeUnits(bridge), ...ports];
  const isEnslavedTo = ports.length > 0 || host.vxlans.some((vxlan) => vxlan.bridge === bridge.name);
  return isEnslavedTo ? [unit(bridge.name, "netdev", ["existing-bridge", {}]), ...ports] : [];
}

const numbered = (prefixes: readonly IpPrefix[]) => prefixes.map((prefix, index) => ({ prefix, isFirst: index === 0 }));

function vrfDeviceUnits({ name, table, prefixes, unreachable, exit }: VrfInstance): readonly Unit[] {
  const entrances = prefixes.filter((prefix) => exit?.families.includes(familyOf(prefix)));
  const view = {
    table: String(table),
    metric: WORST_METRIC,
    own: numbered(unreachable),
    entrances: numbered(entrances),
  };
  return [remadeDevice(name, ["vrf", view]), unit(name, "network", ["vrf", view])];
}

/** The bridge that carries nothing but the VXLAN device of a VRF. */
function routerBridgeUnits({ name: vrf, bridge, routerMac, vxlan }: VrfInstance): readonly Unit[] {
  const view = {
    macAddress: routerMac,
    hasMtu: true,
    mtu: String(vxlan.mtu),
    hasAddresses: false,
    isSharedGateway: false,
    isRouter: true,
    hasVrf: true,
    vrf,
    isIpv6Gateway: false,
    isSharedIpv6Gateway: false,
    addresses: [],
    broadcasts: [],
    sharedIpv6Addresses: [],
    ...NO_DHCP,
  };
  return [unit(bridge, "netdev", ["bridge", view]), unit(bridge, "network", ["bridge", view])];
}

const vrfUnits = (vrf: VrfInstance, isFromLoopback: boolean): readonly Unit[] => [
  ...vrfDeviceUnits(vrf),
  ...routerBridgeUnits(vrf),
  ...vxlanUnits(vrf.vxlan, { isFromLoopback, carriesRouted: true }),
];

function linkUnits(host: Host): readonly Unit[] {
  const isFromLoopback = unicastOf(host) !== undefined;
  return [
    ...loopbackUnits(host),
    ...host.vxlans.flatMap((vxlan) => vxlanUnits(vxlan, { isFromLoopback, carriesRouted: false })),
    ...host.bridges.flatMap((bridge) => bridgeUnits(bridge, host)),
    ...host.vrfs.flatMap((vrf) => vrfUnits(vrf, isFromLoopback)),
  ];
}

function unitFile(host: Host, context: EmitContext, { file, template, ...rest }: Unit): OutputFile {
  const path = `etc/systemd/network/${file}`;
  return publicFile(host, context, { path, template: `systemd-networkd/${template}`, ...rest });
}

const settings = ({ programs }: Host): PrintedFile => ({
  path: "etc/systemd/networkd.conf.d/10-netgen.conf",
  template: "systemd-networkd/networkd.conf.njk",
  view: { keepsNextHops: knows(programs, "networkd-foreign-next-hops") },
  after: [restart("systemd-networkd.service")],
});
const WAIT_ONLINE: PrintedFile = {
  path: "etc/systemd/system/systemd-networkd-wait-online.service.d/10-netgen.conf",
  template: "systemd-networkd/wait-online.conf.njk",
  view: {},
  after: [RELOAD_UNITS],
};

/** networkd's units for a host's links; what it must leave alone; and no waiting for links that never count as online. */
export const emitNetworkd: Emitter = (host, context) => {
  const links = linkUnits(host);
  const units = [...host.interfaces.map(({ name }) => unmanaged(name)), ...links];
  return [
    ...units.map((each) => unitFile(host, context, each)),
    ...[settings(host), ...(links.length > 0 ? [WAIT_ONLINE] : [])].map((file) => publicFile(host, context, file)),
  ];
};

/** Units of {@link emitNetworkd} that the host has to enable: networkd itself, where it has a link to look after. */
export function networkdUnits(host: Host): readonly string[] {
  return linkUnits(host).length > 0 ? ["systemd-networkd.service"] : [];
}
