/** systemd-networkd: vxlan devices, bridges and their ports. Only keys that systemd 252 knows: it ignores any other. */
import { familyOf } from "../base/ip.ts";
import type { Bridge, Host, InterfaceAddress, VxlanDevice } from "../model/network.ts";
import type { EmitContext, Emitter } from "./context.ts";
import type { OutputFile } from "./file.ts";
import { type PrintedFile, publicFile } from "./print.ts";
import type { View } from "./template.ts";

interface Unit {
  /** Below etc/systemd/network. */
  readonly file: string;
  readonly template: string;
  readonly view: View;
}

// 05 and 20: of several .network files that match a link the first one wins, and catch-alls are customarily 70 to 99.
const fileName = (order: "05" | "20", name: string, kind: "netdev" | "network"): string =>
  `${order}-netgen-${name}.${kind}`;

function unit(name: string, kind: "netdev" | "network", [template, view]: readonly [string, View]): Unit {
  return { file: fileName("20", name, kind), template: `${template}.${kind}.njk`, view: { ...view, name } };
}

function unmanaged(name: string): Unit {
  return { file: fileName("05", name, "network"), template: "unmanaged.network.njk", view: { name } };
}

function vxlanUnits({ name, flooding, ...device }: VxlanDevice): readonly Unit[] {
  const remotes = flooding.kind === "static" ? flooding.remotes : [];
  const view = {
    vni: String(device.vni),
    macAddress: device.macAddress,
    local: device.local,
    port: String(device.port),
    mtu: String(device.mtu),
    bridge: device.bridge,
    isEvpn: flooding.kind === "evpn",
    isStatic: flooding.kind === "static",
    remotes: remotes.map((address, index) => ({ address, isFirst: index === 0 })),
  };
  return [unit(name, "netdev", ["vxlan", view]), unit(name, "network", ["vxlan", view])];
}

const isIpv6 = ({ address }: InterfaceAddress): boolean => familyOf(address) === 6;

function ownBridgeUnits({ name, macAddress, mtu, addresses, isSharedGateway }: Bridge): readonly Unit[] {
  const isIpv6Gateway = addresses.some(isIpv6);
  // Only IPv6 looks for duplicates unasked (systemd.network(5), DuplicateAddressDetection=).
  const isShared = (each: InterfaceAddress): boolean => isSharedGateway && isIpv6(each);
  const print = (each: InterfaceAddress): string => `${each.address}/${each.lengthBits}`;
  const view = {
    macAddress,
    hasMtu: mtu !== undefined,
    mtu: String(mtu ?? ""),
    hasAddresses: addresses.length > 0,
    isSharedGateway,
    isIpv6Gateway,
    isSharedIpv6Gateway: isSharedGateway && isIpv6Gateway,
    addresses: addresses.filter((each) => !isShared(each)).map(print),
    sharedIpv6Addresses: addresses.filter(isShared).map(print),
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

function linkUnits(host: Host): readonly Unit[] {
  return [...host.vxlans.flatMap(vxlanUnits), ...host.bridges.flatMap((bridge) => bridgeUnits(bridge, host))];
}

function unitFile(host: Host, context: EmitContext, { file, template, view }: Unit): OutputFile {
  const path = `etc/systemd/network/${file}`;
  return publicFile(host, context, { path, template: `systemd-networkd/${template}`, view });
}

const SETTINGS: PrintedFile = {
  path: "etc/systemd/networkd.conf.d/10-netgen.conf",
  template: "systemd-networkd/networkd.conf.njk",
  view: {},
};
const WAIT_ONLINE: PrintedFile = {
  path: "etc/systemd/system/systemd-networkd-wait-online.service.d/10-netgen.conf",
  template: "systemd-networkd/wait-online.conf.njk",
  view: {},
};

/** networkd's units for a host's links; what it must leave alone; and no waiting for links that never count as online. */
export const emitNetworkd: Emitter = (host, context) => {
  const links = linkUnits(host);
  const units = [...host.interfaces.map(({ name }) => unmanaged(name)), ...links];
  const isAlone = host.networkManager === "other" && links.length > 0;
  return [
    ...units.map((each) => unitFile(host, context, each)),
    ...[SETTINGS, ...(isAlone ? [WAIT_ONLINE] : [])].map((file) => publicFile(host, context, file)),
  ];
};

/** Units of {@link emitNetworkd} that the host has to enable: networkd itself, where it has a link to look after. */
export function networkdUnits(host: Host): readonly string[] {
  return linkUnits(host).length > 0 ? ["systemd-networkd.service"] : [];
}
