/** OVN over the tunnels: what a chassis tells Open vSwitch, what the central has in its databases, and the unit of both. */

import { must } from "../base/invariant.ts";
import {
  familyOf,
  formatAddressAndPort,
  hostAddress,
  type IpFamily,
  type IpPrefix,
  networkAddress,
  parsePrefix,
  prefixLengthBits,
} from "../base/ip.ts";
import type { Host } from "../model/host.ts";
import {
  isShared,
  OVN_BRIDGE,
  OVN_ENTRY,
  type Ovn,
  type OvnNetwork,
  type OvnPrefix,
  ovnRolesOf,
  SOUTHBOUND_PORT,
} from "../model/ovn.ts";
import { RELOAD_UNITS, reload } from "./after.ts";
import { type EmitContext, type Emitter, ownPath, ownUnit } from "./context.ts";
import type { OutputFile } from "./file.ts";
import { publicFile, scriptFile } from "./print.ts";

const unitOf = (context: EmitContext): string => ownUnit(context, "ovn.service");

/** Between a gateway's kernel and logical routers. No host sends it to another one: each has the same. */
const linkOf = (text: string) => {
  const link = must(parsePrefix(text), "a prefix").prefix as IpPrefix;
  const address = (offset: number) => must(hostAddress(link, offset), "a /30 has two hosts");
  return { host: address(1), router: address(2), bits: String(prefixLengthBits(link)) };
};

export const OVN_LINK = {
  ...linkOf("169.254.77.0/30"),
  routerMac: "0a:00:00:00:00:02",
  host6: "fe80::77:1",
  // What OVN gives the port with that MAC: its modified EUI-64 (RFC 4291, Appendix A).
  router6: "fe80::800:ff:fe00:2",
  // Of routers that move from gateway to gateway. They all have one address: each asks for the kernel, and nobody for them.
  shared: linkOf("169.254.77.4/30"),
  // Of each such router's port that gateways send to, by its MAC. As a prefix of its own it leads nowhere.
  inside: "169.254.77.9/32",
  mac: "0a:00:00:00:00:01",
  bridge: OVN_BRIDGE,
  entry: OVN_ENTRY,
};

/** Of the ports by which gateways send to routers that move. */
const ENTRY_SWITCH = "netgen.entry";

/** The networks that a host is a gateway of. */
export const networksBehind = ({ networks }: Ovn, host: string): readonly OvnNetwork[] =>
  networks.filter(({ gateways }) => gateways.includes(host));

/** What a gateway leads to guests, and by which link. */
export const ovnWays = (host: Host, { network: { ovn } }: EmitContext) =>
  ovn === undefined
    ? []
    : networksBehind(ovn, host.name).flatMap((network) => {
        const link = isShared(network) ? OVN_ENTRY : OVN_BRIDGE;
        return network.prefixes.map(({ prefix }) => ({ prefix, link }));
      });

/** The logical router of a network, which is that of its gateway, or one that moves from gateway to gateway. */
export const routerOf = (network: OvnNetwork): string =>
  isShared(network) ? `ha.${network.name}` : `gw.${network.gateways[0] ?? ""}`;

/** On the switch of {@link ENTRY_SWITCH}: the port of a host, and that of a router. */
export const entryOf = (host: string): string => `entry.${host}`;
const entryPortOf = (network: OvnNetwork): string => `${routerOf(network)}.entry`;

const ofFamily = ({ prefixes }: OvnNetwork, family: IpFamily): OvnPrefix | undefined =>
  prefixes.find(({ prefix }) => familyOf(prefix) === family);
export const hasFamily =
  (family: IpFamily) =>
  (network: OvnNetwork): boolean =>
    ofFamily(network, family) !== undefined;

const withLength = ({ prefix, address }: OvnPrefix): string => `${address}/${prefixLengthBits(prefix)}`;

/** Where the southbound database is asked, and where it listens, in the words of Open vSwitch. */
export const southboundOf = ({ centralAddress }: Ovn) => ({
  remote: `tcp:${formatAddressAndPort(centralAddress, SOUTHBOUND_PORT)}`,
  target: `ptcp:${SOUTHBOUND_PORT}:${formatAddressAndPort(centralAddress, 0).replace(/:0$/, "")}`,
});

function networkView({ mtu }: Ovn, network: OvnNetwork) {
  const { name, prefixes, mac, gateways, entryMac, exitMac } = network;
  const [ipv4, ipv6] = [ofFamily(network, 4), ofFamily(network, 6)];
  return {
    name,
    title: prefixes.map(({ prefix }) => prefix).join(" and "),
    // Of IPv4; none: it has none.
    subnet: ipv4?.prefix ?? "",
    address: ipv4?.address ?? "",
    dhcpRouter: ipv4 === undefined || gateways.length === 0 ? "" : ` router=${ipv4.address}`,
    ipv6: ipv6 === undefined ? "" : networkAddress(ipv6.prefix),
    addresses: prefixes.map(withLength).join(" "),
    mac,
    entryMac,
    exitMac,
    mtu: String(mtu.bytes),
    hasGateway: gateways.length > 0,
    isShared: isShared(network),
    router: routerOf(network),
    entryPort: entryPortOf(network),
    gateways: gateways.join(" "),
  };
}

function chassisFile(host: Host, context: EmitContext, ovn: Ovn): OutputFile {
  const networks = networksBehind(ovn, host.name);
  const own = networks.filter((network) => !isShared(network)).flatMap(({ prefixes }) => prefixes);
  const shared = networks
    .filter(isShared)
    .flatMap(({ prefixes, entryMac }) => prefixes.map((each) => ({ ...each, entryMac })));
  const view = {
    name: host.name,
    address: must(host.vtep, "a chassis has an address"),
    remote: southboundOf(ovn).remote,
    link: OVN_LINK,
    entry: entryOf(host.name),
    isGateway: networks.length > 0,
    hasIpv6: networks.some(hasFamily(6)),
    routes: own.map(({ prefix }) => ({
      prefix,
      router: familyOf(prefix) === 4 ? OVN_LINK.router : OVN_LINK.router6,
    })),
    sharesGateway: shared.length > 0,
    shared,
    mtu: String(ovn.mtu.bytes),
    kept: networks.flatMap(({ prefixes }) => prefixes.map(({ prefix }) => prefix)).join(" "),
  };
  const script = { path: ownPath(context, "ovn-chassis"), template: "ovn/ovn-chassis.njk", view };
  return scriptFile(host, context, { ...script, after: [reload(unitOf(context))] });
}

function northboundFile(host: Host, context: EmitContext, ovn: Ovn): OutputFile {
  const shared = ovn.networks.filter(isShared);
  const routers = ovn.chassis.flatMap((name) => {
    const own = networksBehind(ovn, name).filter((network) => !isShared(network));
    return own.length === 0 ? [] : [{ name, hasIpv6: own.some(hasFamily(6)) }];
  });
  const entries = ovn.chassis.filter((name) => networksBehind(ovn, name).some(isShared)).map(entryOf);
  const view = {
    target: southboundOf(ovn).target,
    link: OVN_LINK,
    entrySwitch: ENTRY_SWITCH,
    routers,
    sharesGateways: shared.length > 0,
    entries: entries.join(" "),
    entryPorts: [...entries, ...shared.map(entryPortOf)].join(" "),
    networks: ovn.networks.map((network) => networkView(ovn, network)),
    keptRouters: [...routers.map(({ name }) => `gw.${name}`), ...shared.map(routerOf)].join(" "),
    keptSwitches: [
      ...routers.map(({ name }) => `edge.${name}`),
      ...(shared.length > 0 ? [ENTRY_SWITCH] : []),
      ...shared.map((network) => `${routerOf(network)}.edge`),
    ].join(" "),
  };
  const script = { path: ownPath(context, "ovn-nb"), template: "ovn/ovn-nb.njk", view };
  return scriptFile(host, context, { ...script, after: [reload(unitOf(context))] });
}

/** The scripts and their unit, on hosts that have a part in OVN. */
export const emitOvn: Emitter = (host, context) => {
  const { ovn } = context.network;
  const { isChassis, isCentral } = ovnRolesOf(ovn, host.name);
  if (ovn === undefined || !(isChassis || isCentral)) return [];
  const own = unitOf(context);
  const unit = {
    path: `etc/systemd/system/${own}`,
    template: "ovn/netgen-ovn.service.njk",
    view: { isChassis, isCentral, tunnels: host.interfaces.map(({ name }) => `wg-quick@${name}.service`).join(" ") },
    after: [RELOAD_UNITS, reload(own)],
  };
  return [
    ...(isChassis ? [chassisFile(host, context, ovn)] : []),
    ...(isCentral ? [northboundFile(host, context, ovn)] : []),
    publicFile(host, context, unit),
  ];
};

/** The unit of {@link emitOvn} that the host has to enable. */
export function ovnUnits(host: Host, context: EmitContext): readonly string[] {
  const { isChassis, isCentral } = ovnRolesOf(context.network.ovn, host.name);
  return isChassis || isCentral ? [unitOf(context)] : [];
}
