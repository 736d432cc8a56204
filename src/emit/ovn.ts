/** OVN over the tunnels: what a chassis tells Open vSwitch, what the central has in its databases, and the unit of both. */

import { must } from "../base/invariant.ts";
import { formatAddressAndPort, hostAddress, type IpPrefix, parsePrefix, prefixLengthBits } from "../base/ip.ts";
import type { Host } from "../model/host.ts";
import { OVN_BRIDGE, type Ovn, type OvnNetwork, ovnRolesOf, SOUTHBOUND_PORT } from "../model/ovn.ts";
import { RELOAD_UNITS, reload } from "./after.ts";
import { type EmitContext, type Emitter, ownPath, ownUnit } from "./context.ts";
import type { OutputFile } from "./file.ts";
import { publicFile, scriptFile } from "./print.ts";

const unitOf = (context: EmitContext): string => ownUnit(context, "ovn.service");

/** Between a gateway's kernel and its logical router. No host sends it to another one: each has the same. */
const LINK = must(parsePrefix("169.254.77.0/30"), "a prefix").prefix as IpPrefix;
const linkAddress = (offset: number): string => must(hostAddress(LINK, offset), "a /30 has two hosts");
const LINK_VIEW = {
  host: linkAddress(1),
  router: linkAddress(2),
  bits: String(prefixLengthBits(LINK)),
  bridge: OVN_BRIDGE,
};

const behind = ({ networks }: Ovn, host: string): readonly OvnNetwork[] =>
  networks.filter(({ gateway }) => gateway === host);

function networkView({ mtu }: Ovn, { name, prefix, address, mac, gateway }: OvnNetwork) {
  const bits = String(prefixLengthBits(prefix));
  const hasGateway = gateway !== undefined;
  return { name, prefix, address, bits, mac, mtu: String(mtu.bytes), hasGateway, gateway: gateway ?? "" };
}

function chassisFile(host: Host, context: EmitContext, ovn: Ovn): OutputFile {
  const prefixes = behind(ovn, host.name).map(({ prefix }) => prefix);
  const view = {
    name: host.name,
    address: must(host.vtep, "a chassis has an address"),
    remote: `tcp:${formatAddressAndPort(ovn.centralAddress, SOUTHBOUND_PORT)}`,
    link: LINK_VIEW,
    isGateway: prefixes.length > 0,
    prefixes,
    kept: prefixes.join(" "),
  };
  const script = { path: ownPath(context, "ovn-chassis"), template: "ovn/ovn-chassis.njk", view };
  return scriptFile(host, context, { ...script, after: [reload(unitOf(context))] });
}

function northboundFile(host: Host, context: EmitContext, ovn: Ovn): OutputFile {
  const bound = formatAddressAndPort(ovn.centralAddress, 0).replace(/:0$/, "");
  const view = {
    target: `ptcp:${SOUTHBOUND_PORT}:${bound}`,
    link: LINK_VIEW,
    routers: ovn.chassis.filter((name) => behind(ovn, name).length > 0),
    networks: ovn.networks.map((network) => networkView(ovn, network)),
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
