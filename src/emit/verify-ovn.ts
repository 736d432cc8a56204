/** What can be looked at on a host that has a part in OVN: what Open vSwitch was told and has made of it, and the central's databases. */
import { must } from "../base/invariant.ts";
import { once } from "../base/once.ts";
import type { Host } from "../model/host.ts";
import { isShared, type Ovn, type OvnNetwork, ovnRolesOf } from "../model/ovn.ts";
import type { EmitContext } from "./context.ts";
import { entryOf, hasFamily, networksBehind, OVN_LINK, routerOf, southboundOf } from "./ovn.ts";
import { layOut, piecesOf, type Strip } from "./shared.ts";
import { isSilent, looks } from "./verify-own.ts";
import { type Line, textOf } from "./verify-ways.ts";

/**
 * Seconds. A program of theirs asks again for as long as a daemon that is there says nothing. The lines share commands, each of
 * which is run once, so that the worst of hosts keeps verify for a minute.
 */
const ASKS = "--timeout=5";
const LIST = `${ASKS} --bare`;

/** Those of other bridges stand in the same text, with commas between them. */
const MAPPINGS = `bash -c ovs-vsctl~${ASKS}~get~open_vswitch~.~external_ids:ovn-bridge-mappings|tr~',"'~'~'`;

const vtepOf = (name: string, { hosts }: EmitContext) => must(hosts.get(name)?.vtep, "a chassis has an address");

// ── What is the host's own ──────────────────────────────────────────────────────────────────────────────────────────

function toldLines(host: Host, context: EmitContext, ovn: Ovn): readonly Line[] {
  const told = [
    `system-id=${host.name}`,
    "ovn-encap-type=geneve",
    `ovn-encap-ip=${vtepOf(host.name, context)}`,
    "ovn-set-local-ip=true",
    `ovn-remote=${southboundOf(ovn).remote}`,
  ];
  return [
    ["ovn", "ovs-vswitchd", `ovs-appctl ${ASKS} version`, "ovs-vswitchd"],
    ...told.map((words): Line => ["ovn", words, `ovs-vsctl ${LIST} --columns=external_ids list open_vswitch`, words]),
  ];
}

/** The bridge between the kernel and logical routers; and the port by which one of several gateways sends to guests. */
function linkLines(networks: readonly OvnNetwork[], { mtu }: Ovn): readonly Line[] {
  const { bridge, entry, mac, host, host6, bits, shared } = OVN_LINK;
  const entered = networks.filter(isShared);
  const link = (name: string): Line => ["link", name, looks(name), `mtu ${mtu.bytes}`];
  const address = (text: string): Line => ["address", `${bridge} ${text}`, `ip -br address show dev ${bridge}`, text];
  if (networks.length === 0) return [];
  return [
    link(bridge),
    ["mac", bridge, `/sys/class/net/${bridge}/address`, mac],
    ["ovn", `netgen:${bridge}`, MAPPINGS, `netgen:${bridge}`],
    address(`${host}/${bits}`),
    ...(networks.some(hasFamily(6)) ? [address(`${host6}/64`)] : []),
    ...(entered.length > 0 ? [address(`${shared.host}/${shared.bits}`), link(entry)] : []),
    // It goes with the link, and nobody would answer for the router's address.
    ...entered.flatMap(({ prefixes, entryMac }) =>
      prefixes.map(({ address: router }): Line => {
        const words = `${router} lladdr ${entryMac} PERMANENT`;
        return ["ovn", `${entry} ${router}`, `ip neighbour show dev ${entry}`, words];
      }),
    ),
  ];
}

// ── What ovn-controller makes of the southbound database ────────────────────────────────────────────────────────────

/** A line for each chassis, of which every other one has all but its own. */
const geneveStrip = once((context: EmitContext): Strip => {
  // A port that the switch could not make has the number -1: where its kernel lacks the module, for one.
  const ports = `ovs-vsctl ${LIST} --columns=options find interface type=geneve ofport!=-1`;
  return layOut(
    (context.network.ovn?.chassis ?? []).map((name) => {
      const address = vtepOf(name, context);
      return [name, textOf(["ovn", `geneve ${address} ${name}`, ports, `remote_ip=${address}`])];
    }),
  );
});

/** The ports that lead to the other chassis. */
export function geneveLines(host: Host, context: EmitContext): readonly Uint8Array[] {
  const { ovn } = context.network;
  if (ovn === undefined || !ovnRolesOf(ovn, host.name).isChassis || isSilent(host)) return [];
  const others = ovn.chassis.filter((name) => name !== host.name);
  return piecesOf(geneveStrip(context), others);
}

/** It may also say "not connected". */
function connectionLine(ovn: Ovn): Line {
  const { remote } = southboundOf(ovn);
  return ["ovn", `connected ${remote}`, `ovn-appctl ${ASKS} -t ovn-controller connection-status`, "^ connected"];
}

/** The port by which a network's router is left, and that which leads from there to the bridge. */
function exitOf(network: OvnNetwork) {
  const [first = ""] = network.gateways;
  return isShared(network)
    ? { port: `${routerOf(network)}.out`, localnet: `${routerOf(network)}.edge.net` }
    : { port: `out.${first}`, localnet: `edge.${first}.net` };
}

const unique = (all: readonly string[]): readonly string[] => [...new Set(all)];

/** Routers are joined with the bridge, as the mapping says; and OVN has the port by which one of several gateways sends to guests. */
function joinLines({ name }: Host, networks: readonly OvnNetwork[]): readonly Line[] {
  const { bridge, entry } = OVN_LINK;
  const isOf = `external_ids:iface-id=${entryOf(name)} external_ids:ovn-installed=true`;
  const entryLine: Line = [
    "ovn",
    `${entry} ${entryOf(name)}`,
    `ovs-vsctl ${LIST} --columns=name find interface ${isOf}`,
    entry,
  ];
  return [
    ...unique(networks.map((network) => exitOf(network).localnet)).map((port): Line => {
      return ["ovn", `${bridge} ${port}`, `ovs-vsctl ${ASKS} list-ports ${bridge}`, `patch-${port}-to-br-int`];
    }),
    ...(networks.some(isShared) ? [entryLine] : []),
  ];
}

// ── The central ─────────────────────────────────────────────────────────────────────────────────────────────────────

/** The databases and northd, by this host's own way to them; and the southbound one by that of the chassis as well. */
function centralLines(context: EmitContext, ovn: Ovn): readonly Line[] {
  const { remote, target } = southboundOf(ovn);
  const mtu = `mtu=${ovn.mtu.bytes}`;
  const exits = ovn.networks.filter(({ gateways }) => gateways.length > 0);
  const portsOf = (networks: readonly OvnNetwork[]) => unique(networks.map((network) => exitOf(network).port));
  const bound = (type: string): string =>
    `ovn-sbctl ${LIST} --columns=logical_port find port_binding type=${type} chassis!=[]`;
  return [
    ["ovn", `southbound ${remote}`, `ovn-sbctl ${LIST} --db=${remote} --columns=target list connection`, target],
    ["ovn", "northd", `ovn-appctl ${ASKS} -t ovn-northd status`, "Status: active"],
    ...ovn.chassis.map((name): Line => {
      const address = vtepOf(name, context);
      const encaps = `ovn-sbctl ${LIST} --columns=chassis_name,ip,type list encap`;
      return ["ovn", `chassis ${address} ${name}`, encaps, `${name} ${address} geneve`];
    }),
    ...ovn.networks.map(({ name }): Line => {
      return ["ovn", `switch ${name}`, `ovn-nbctl ${LIST} --columns=name list logical_switch`, name];
    }),
    ...ovn.networks.filter(hasFamily(4)).map(({ name }): Line => {
      const options = `ovn-nbctl ${LIST} --columns=external_ids find dhcp_options options:${mtu}`;
      return ["ovn", `dhcp ${mtu} ${name}`, options, `netgen=${name}`];
    }),
    ...exits.filter(hasFamily(6)).map((network): Line => {
      const ports = `ovn-nbctl ${LIST} --columns=name find logical_router_port ipv6_ra_configs:${mtu}`;
      return ["ovn", `announced ${mtu} ${network.name}`, ports, `${routerOf(network)}.${network.name}`];
    }),
    ...portsOf(exits.filter((each) => !isShared(each))).map((port): Line => {
      return ["ovn", `bound ${port}`, bound("l3gateway"), port];
    }),
    ...portsOf(exits.filter(isShared)).map((port): Line => {
      return ["ovn", `bound ${port}`, bound("chassisredirect"), `cr-${port}`];
    }),
  ];
}

/** What a host promises of OVN, beside its unit, the ways to guests and {@link geneveLines}. */
export function ovnLines(host: Host, context: EmitContext): readonly Line[] {
  const { ovn } = context.network;
  const { isChassis, isCentral } = ovnRolesOf(ovn, host.name);
  if (ovn === undefined) return [];
  const networks = networksBehind(ovn, host.name);
  const own = [...(isChassis ? toldLines(host, context, ovn) : []), ...linkLines(networks, ovn)];
  if (isSilent(host)) return own;
  return [
    ...own,
    ...(isChassis ? [connectionLine(ovn)] : []),
    ...joinLines(host, networks),
    ...(isCentral ? centralLines(context, ovn) : []),
  ];
}
