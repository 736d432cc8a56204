/**
 * systemd-networkd: the loopback's addresses, vxlan devices, bridges and their ports, VRFs. Only keys that systemd 249
 * knows, or the host's own version: it ignores any other.
 */
import { familyOf, type IpPrefix } from "../base/ip.ts";
import { knows } from "../base/programs.ts";
import { compareText } from "../base/text.ts";
import { VXLAN_PORT, type VxlanDevice } from "../model/device.ts";
import type { Host } from "../model/host.ts";
import { unicastOf } from "../model/loopback.ts";
import type { VrfInstance } from "../model/vrf.ts";
import { RELOAD_UNITS, restart } from "./after.ts";
import type { EmitContext, Emitter } from "./context.ts";
import { cutUnits } from "./cut.ts";
import type { OutputFile } from "./file.ts";
import { bridgeUnits, routerBridgeUnits } from "./networkd-bridges.ts";
import { bothRemade, RELOAD, type Unit } from "./networkd-unit.ts";
import { type PrintedFile, publicFile } from "./print.ts";
import { WORST_METRIC } from "./routes.ts";
import { joiningDevices } from "./vlans.ts";

function unmanaged(name: string): Unit {
  return { order: "05", file: `${name}.network`, template: "unmanaged.network.njk", view: { name }, after: [RELOAD] };
}

/** The host's own addresses, where they are those of no tunnel. */
function loopbackUnits(host: Host): readonly Unit[] {
  const addresses = (unicastOf(host)?.loopback ?? []).map(({ address, lengthBits }) => `${address}/${lengthBits}`);
  if (addresses.length === 0) return [];
  return [{ order: "05", file: "lo.network", template: "loopback.network.njk", view: { addresses }, after: [RELOAD] }];
}

interface VxlanUse {
  /** Its packets come from an address that is no tunnel's. */
  readonly isFromLoopback: boolean;
  /** It is a VRF's. */
  readonly carriesRouted: boolean;
  /** By a unit of its own: the bridge and its VLANs are another program's. */
  readonly isJoined: boolean;
  /** networkd takes a link out of a bridge that its file does not name, unless it is told. */
  readonly takesOut: boolean;
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
    isInVlan: device.vlan !== undefined && !use.isJoined,
    vlan: String(device.vlan ?? ""),
    ...use,
    isFromLoopback: use.isFromLoopback && device.cut === undefined,
    isCut: device.cut !== undefined,
    isEvpn: flooding.kind === "evpn",
    isEvpnPort: flooding.kind === "evpn" && !use.isJoined,
    suppressesNeighbors: flooding.kind === "evpn" && flooding.suppressesNeighbors,
    isStatic: flooding.kind === "static",
    remotes: remotes.map((address, index) => ({ address, isFirst: index === 0 })),
  };
  return bothRemade(name, "vxlan", view);
}

const numbered = (prefixes: readonly IpPrefix[]) => prefixes.map((prefix, index) => ({ prefix, isFirst: index === 0 }));

function vrfDeviceUnits(vrf: VrfInstance, { bridges }: Host): readonly Unit[] {
  const { name, table, prefixes, unreachable, exit, ownAddresses, leaks } = vrf;
  const entrances = prefixes.filter((prefix) => exit?.families.includes(familyOf(prefix)));
  const ofOthers = leaks.flatMap((leak) => leak.prefixes);
  const view = {
    table: String(table),
    metric: WORST_METRIC,
    hasAddresses: ownAddresses.length > 0,
    addresses: ownAddresses.map(({ address, lengthBits }) => `${address}/${lengthBits}`),
    own: numbered(unreachable),
    entrances: numbered(entrances),
    others: numbered(ofOthers),
    leaks: leaks.map((leak) => ({ vrf: leak.vrf, table: String(leak.table), prefixes: numbered(prefixes) })),
  };
  const subnets = bridges.filter((bridge) => bridge.vrf === name && !bridge.isExisting).map(({ link }) => link);
  return bothRemade(name, "vrf", view, [...subnets, vrf.bridge]);
}

const vrfUnits = (vrf: VrfInstance, host: Host, use: Omit<VxlanUse, "carriesRouted" | "isJoined">): readonly Unit[] => [
  ...vrfDeviceUnits(vrf, host),
  ...routerBridgeUnits(vrf),
  ...vxlanUnits(vrf.vxlan, { ...use, carriesRouted: true, isJoined: false }),
];

function linkUnits(host: Host, context: EmitContext): readonly Unit[] {
  const ofHost = {
    isFromLoopback: unicastOf(host) !== undefined,
    takesOut: knows(host.programs, "networkd-keep-master"),
  };
  const joining = new Set(joiningDevices(host));
  const use = (vxlan: VxlanDevice) => ({ ...ofHost, carriesRouted: false, isJoined: joining.has(vxlan) });
  return [
    ...loopbackUnits(host),
    ...host.vxlans.flatMap((vxlan) => vxlanUnits(vxlan, use(vxlan))),
    ...bridgeUnits(host),
    ...host.vrfs.flatMap((vrf) => vrfUnits(vrf, host, ofHost)),
    ...cutUnits(host, context),
  ];
}

function unitFile(host: Host, context: EmitContext, { order, file, template, ...rest }: Unit): OutputFile {
  const path = `etc/systemd/network/${order}-netgen${context.fleet}-${file}`;
  return publicFile(host, context, { path, template: `systemd-networkd/${template}`, ...rest });
}

const settings = ({ programs }: Host, { fleet }: EmitContext): PrintedFile => ({
  path: `etc/systemd/networkd.conf.d/10-netgen${fleet}.conf`,
  template: "systemd-networkd/networkd.conf.njk",
  view: { keepsNextHops: knows(programs, "networkd-foreign-next-hops") },
  after: [restart("systemd-networkd.service")],
});

const waitOnline = ({ fleet }: EmitContext): PrintedFile => ({
  path: `etc/systemd/system/systemd-networkd-wait-online.service.d/10-netgen${fleet}.conf`,
  template: "systemd-networkd/wait-online.conf.njk",
  // Of several drop-ins each has a say: a fleet's knows the links of all.
  view: { own: fleet === "" ? "-netgen-" : '"-netgen[0-9]*-"' },
  after: [RELOAD_UNITS],
});

const allUnits = (host: Host, context: EmitContext): readonly Unit[] => [
  ...host.interfaces.map(({ name }) => unmanaged(name)),
  ...linkUnits(host, context),
];

/** Every link that is networkd's to configure, or wg-quick's; the loopback is everybody's. Sorted. */
export function configuredLinks(host: Host, context: EmitContext): readonly string[] {
  const networks = allUnits(host, context).filter(({ file }) => file.endsWith(".network"));
  const names = new Set(networks.map(({ file }) => file.slice(0, -".network".length)));
  names.delete("lo");
  return [...names].sort(compareText);
}

/** networkd's units for a host's links; what it must leave alone; and no waiting for links that never count as online. */
export const emitNetworkd: Emitter = (host, context) => {
  // Another fleet may have links where this one has none.
  const isAwaited = networkdUnits(host, context).length > 0 || context.fleet !== "";
  return [
    ...allUnits(host, context).map((each) => unitFile(host, context, each)),
    ...[settings(host, context), ...(isAwaited ? [waitOnline(context)] : [])].map((file) =>
      publicFile(host, context, file),
    ),
  ];
};

/** Units of {@link emitNetworkd} that the host has to enable: networkd itself, where it has a link to look after. */
export function networkdUnits(host: Host, context: EmitContext): readonly string[] {
  return linkUnits(host, context).length > 0 ? ["systemd-networkd.service"] : [];
}
