/** Kernel settings that routing for guests and gateways needs, and the modules to load at boot. */
import { familyOf, type IpFamily } from "../base/ip.ts";
import { knows } from "../base/programs.ts";
import type { Bridge } from "../model/device.ts";
import { type Host, isOfSdn, isRedHat } from "../model/host.ts";
import { OVN_BRIDGE, ovnRolesOf } from "../model/ovn.ts";
import { restart } from "./after.ts";
import type { EmitContext, Emitter } from "./context.ts";
import { publicFile } from "./print.ts";
import { withAllLinks } from "./sdn.ts";
import type { View } from "./template.ts";

/**
 * The key of one interface: `-net.ipv4.conf.wg0.rp_filter`. A name with a dot would be read as two steps of the path;
 * systemd-sysctl takes slashes if one comes before the first dot, and then dots as they are (sysctl.d(5)). The dash: at boot
 * the interface is not there yet, which systemd-sysctl would warn of each time.
 */
function interfaceKey(family: IpFamily, name: string, setting: string): string {
  const separator = name.includes(".") ? "/" : ".";
  return `-${["net", `ipv${family}`, "conf", name, setting].join(separator)}`;
}

const OF_INTERFACE = /^net[./]ipv[46][./](?:conf|neigh)[./](?!(?:all|default)[./])/;

/** A key of the user's, marked as netgen's own are where it is one of an interface. */
const extraKey = (key: string): string => (OF_INTERFACE.test(key) ? `-${key}` : key);

/** Linux, include/net/neighbour.h and net/ipv4/arp.c: the soft limit of the neighbour table unless it is set. */
const DEFAULT_SOFT_LIMIT = 512;

/**
 * The limits of one family's neighbour table, or nothing where the kernel's hold the need. The rule: the soft limit is
 * the smallest power of two that is at least twice the need; the others keep the kernel's proportions of 1 to 4 to 8. The
 * dash: all namespaces share the tables, and the first alone has the keys (net/ipv4/arp.c, arp_init; net/ipv6/ndisc.c,
 * ndisc_init).
 */
function neighbourTable(family: IpFamily, count: number): readonly View[] {
  if (count <= DEFAULT_SOFT_LIMIT) return [];
  const soft = 2 ** Math.ceil(Math.log2(2 * count));
  const limits = { keepBelow: String(soft / 4), soft: String(soft), hard: String(soft * 2) };
  return [{ prefix: `-net.ipv${family}.neigh.default`, ...limits }];
}

function neighbourView({ ipv4, ipv6 }: Host["neighbourCount"]) {
  const neighbourTables = [...neighbourTable(4, ipv4), ...neighbourTable(6, ipv6)];
  const neighbourCounts = `${ipv4} by IPv4, ${ipv6} by IPv6`;
  return { hasManyNeighbours: neighbourTables.length > 0, neighbourCounts, neighbourTables };
}

const hasIpv4 = (bridge: Bridge): boolean => bridge.addresses.some(({ address }) => familyOf(address) === 4);

/**
 * Interfaces between which this host routes IPv4: the tunnels, the bridges on which it is the gateway, the VRFs. With several
 * tunnels, an answer may come by another one than it was asked for by, whoever forwards.
 */
function routedIpv4(host: Host): readonly string[] {
  if (!host.forwards.ipv4) return host.interfaces.length > 1 ? host.interfaces.map((each) => each.name) : [];
  const tunnels = host.interfaces.map(({ name }) => name);
  const gateways = host.bridges.filter(hasIpv4).map(({ link }) => link);
  return [...tunnels, ...gateways, ...host.vrfs.flatMap(({ name, bridge }) => [name, bridge])];
}

function routingView(host: Host, { network: { ovn } }: EmitContext) {
  const routed = routedIpv4(host);
  const uplink = host.acceptsRa ? host.uplink : undefined;
  return {
    forwardsIpv4: host.forwards.ipv4,
    forwardsIpv6: host.forwards.ipv6,
    acceptsRouterAdvertisements: uplink !== undefined,
    acceptRa: uplink === undefined ? "" : interfaceKey(6, uplink, "accept_ra"),
    routesIpv4: routed.length > 0,
    // Where BGP routes, a tunnel to a hub takes anything.
    checksSources: host.interfaces.every(({ routedBy }) => routedBy === "file"),
    // What guests of OVN send comes in by its bridge, and what is for them goes out by another port.
    reversePath: [...routed, ...(ovnRolesOf(ovn, host.name).sharesGateway ? [OVN_BRIDGE] : [])].map((name) =>
      interfaceKey(4, name, "rp_filter"),
    ),
    sendRedirects: routed.map((name) => interfaceKey(4, name, "send_redirects")),
    acceptRedirects: routed.map((name) => interfaceKey(4, name, "accept_redirects")),
  };
}

function gatewayView(host: Host) {
  const gateways = host.bridges.filter(hasIpv4);
  const shared = gateways.filter((bridge) => bridge.isSharedGateway);
  const evpn = new Set(host.vxlans.filter(({ flooding }) => flooding.kind === "evpn").map(({ segment }) => segment));
  const announced = gateways.filter(({ subnet }) => evpn.has(subnet));
  return {
    sharesGateways: shared.length > 0,
    sharedGateways: shared.map(({ link }) => ({
      arpIgnore: interfaceKey(4, link, "arp_ignore"),
      arpAnnounce: interfaceKey(4, link, "arp_announce"),
    })),
    learnsNeighbours: announced.length > 0,
    arpAccept: announced.map(({ link }) => interfaceKey(4, link, "arp_accept")),
  };
}

/** What Proxmox's SDN asks of its nodes and does not set. */
function sdnView(host: Host, context: EmitContext) {
  const { vrfs } = withAllLinks(host, context);
  return { isOfSdn: isOfSdn(host), leavesZones: isOfSdn(host) && vrfs.some(({ exit }) => exit !== undefined) };
}

function settingsView(host: Host, context: EmitContext) {
  return {
    ...sdnView(host, context),
    ...routingView(host, context),
    ...neighbourView(host.neighbourCount),
    ...gatewayView(host),
    // Red Hat has that link whatever systemd it has.
    readsSysctlConf: knows(host.programs, "sysctl-conf") || isRedHat(host.platform),
    hasExtra: host.extra.sysctl.length > 0,
    extra: host.extra.sysctl.map(({ key, value }) => ({ key: extraKey(key), value })),
  };
}

/** The file for /etc/sysctl.d, on hosts that have a line in it. */
export const emitSysctl: Emitter = (host: Host, context: EmitContext) => {
  const settings = settingsView(host, context);
  const isNeeded = [
    settings.forwardsIpv4,
    settings.forwardsIpv6,
    settings.routesIpv4,
    settings.hasManyNeighbours,
    settings.learnsNeighbours,
    settings.sharesGateways,
    settings.isOfSdn,
    settings.hasExtra,
  ].includes(true);
  if (!isNeeded) return [];
  const path = `etc/sysctl.d/90-netgen${context.fleet}.conf`;
  const after = [restart("systemd-sysctl.service")];
  return [publicFile(host, context, { path, template: "sysctl/90-netgen.conf.njk", view: settings, after })];
};

// ── Modules ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** True for the keys that only the module br_netfilter has, in either spelling of sysctl.d(5). */
function isBridgeFilterKey({ key }: { readonly key: string }): boolean {
  return key.replaceAll("/", ".").startsWith("net.bridge.bridge-nf-");
}

/** The file for /etc/modules-load.d, on hosts that need a module. */
export const emitModules: Emitter = (host: Host, context: EmitContext) => {
  const view = {
    hasTunnel: host.interfaces.length > 0,
    hasVxlan: host.vxlans.length > 0 || host.vrfs.length > 0,
    hasVrf: host.vrfs.length > 0,
    hasVlans: host.vlanBridges.some(({ isExisting }) => !isExisting),
    filtersBridges: isOfSdn(host) || host.extra.sysctl.some(isBridgeFilterKey),
  };
  if (!Object.values(view).includes(true)) return [];
  const path = `etc/modules-load.d/netgen${context.fleet}.conf`;
  const after = [restart("systemd-modules-load.service")];
  return [publicFile(host, context, { path, template: "modules/netgen.conf.njk", view, after })];
};
