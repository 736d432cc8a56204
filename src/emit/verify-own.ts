/** What can be looked at on a host alone to know whether it is as the network promises: links, addresses, rules, routes. */
import { FAMILIES, familyOf, type IpAddress, type IpPrefix, prefixOf } from "../base/ip.ts";
import { allAddresses, type VxlanDevice } from "../model/device.ts";
import type { Host, OwnedPrefix } from "../model/host.ts";
import { poolAddresses } from "../model/loopback.ts";
import { isLasting } from "../model/unit.ts";
import type { EmitContext } from "./context.ts";
import { cutRoutes } from "./cut.ts";
import { contentOf } from "./file.ts";
import { emitFrr } from "./frr.ts";
import { ovnWays } from "./ovn.ts";
import { ruleTables } from "./rule-chains.ts";
import { emitSysctl } from "./sysctl.ts";
import { unitsOf } from "./units.ts";
import { addressWithin, type Line } from "./verify-ways.ts";
import { wireguardUnit } from "./wireguard.ts";

/** Of two that share a key one alone has tunnels, and it may be the other. */
export const isSilent = ({ vrrp }: Host): boolean => vrrp?.isExclusive === true;

function unitLines(host: Host, context: EmitContext): readonly Line[] {
  const tunnels = isSilent(host) ? host.interfaces.map(wireguardUnit) : [];
  const all = unitsOf(host, context);
  const units = all.filter((unit) => !tunnels.includes(unit) && isLasting(unit, all));
  return units.map((unit) => ["unit", unit, `systemctl is-active ${unit}`, "active"]);
}

function tableLines(host: Host, context: EmitContext): readonly Line[] {
  return ruleTables(host, context).flatMap(({ name: table, chains }): readonly Line[] => [
    ["table", table, "nft list tables", `table ${table}`],
    ...chains.map(({ name, rules }): Line => {
      const chain = `${table} ${name}`;
      return ["rules", chain, `rules ${chain}`, String(rules)];
    }),
  ]);
}

// ── Links ───────────────────────────────────────────────────────────────────────────────────────────────────────────

const allVxlans = (host: Host): readonly VxlanDevice[] => [...host.vxlans, ...host.vrfs.map(({ vxlan }) => vxlan)];

/** All of a link in one line, if it is up. */
export const looks = (name: string): string => `ip -d -o link show dev ${name} up`;

function linkLines(host: Host): readonly Line[] {
  const links = [
    ...(isSilent(host) ? [] : host.interfaces),
    ...allVxlans(host),
    ...host.bridges.filter(({ isExisting }) => !isExisting).map(({ link, mtu }) => ({ name: link, mtu })),
  ];
  return [
    ...links.map(({ name, mtu }): Line => ["link", name, looks(name), mtu === undefined ? `${name}:` : `mtu ${mtu}`]),
    ...host.vrfs.flatMap(({ name, bridge, table }): readonly Line[] => [
      ["link", bridge, looks(bridge), `${bridge}:`],
      ["vrf", name, looks(name), `vrf table ${table}`],
      ...FAMILIES.map((family): Line => {
        const last = `ip -${family} route show table ${table} type unreachable`;
        return ["vrf", `${name} ends, IPv${family}`, last, "unreachable default"];
      }),
    ]),
  ];
}

/** Which bridge or VRF a link is a port of, and which of a bridge's VLANs it is in. */
function memberLines(host: Host): readonly Line[] {
  const member = (port: string, of: string): Line => ["member", `${port} ${of}`, looks(port), `master ${of}`];
  const vlan = (port: string, id: number, how = ""): Line => {
    return ["vlan", `${port} ${id}`, `bridge vlan show dev ${port}`, `${id}${how}`];
  };
  const vlans = host.vlanBridges.filter(({ isExisting }) => !isExisting);
  return [
    ...allVxlans(host).map(({ name, bridge }) => member(name, bridge)),
    ...host.bridges.flatMap(({ name, ports }) => ports.map((port) => member(port, name))),
    ...host.bridges.flatMap(({ link, vrf }) => (vrf === undefined ? [] : [member(link, vrf)])),
    ...host.vrfs.map(({ name, bridge }) => member(bridge, name)),
    ...host.vxlans.flatMap(({ name, vlan: id }) => (id === undefined ? [] : [vlan(name, id, " PVID Egress Untagged")])),
    ...vlans.flatMap(({ trunks }) => trunks.flatMap((trunk) => trunk.vlans.map((id) => vlan(trunk.name, id)))),
  ];
}

function addressLines(host: Host): readonly Line[] {
  const isOnTunnel = host.interfaces.some(({ addresses }) => addresses === poolAddresses(host));
  const tunnels = isSilent(host) ? [] : host.interfaces;
  const all = [
    ...tunnels.map((tunnel) => ({ name: tunnel.name, addresses: allAddresses(tunnel) })),
    ...(isOnTunnel ? [] : [{ name: "lo", addresses: poolAddresses(host) }]),
    ...host.bridges.map(({ link, addresses }) => ({ name: link, addresses })),
  ];
  return all.flatMap(({ name, addresses }) =>
    addresses.map(({ address, lengthBits }): Line => {
      const text = `${address}/${lengthBits}`;
      return ["address", `${name} ${text}`, `ip -br address show dev ${name}`, text];
    }),
  );
}

/** What sets a VXLAN device apart from others, and this host's bridges from other hosts'. */
function identityLines(host: Host): readonly Line[] {
  const bridges = host.bridges.filter(({ isExisting }) => !isExisting);
  return [
    // Between its local address and its ports would be the link that it hangs on.
    ...allVxlans(host).map(({ name, vni, local }): Line => {
      return ["vxlan", name, looks(name), `vxlan id ${vni} local ${local} srcport`];
    }),
    ...host.vxlans.flatMap(({ name, flooding }): readonly Line[] => {
      if (flooding.kind === "static") return [];
      const words = `neigh_suppress ${flooding.suppressesNeighbors ? "on" : "off"}`;
      return [["vxlan", `${name} ${words}`, looks(name), words]];
    }),
    ...bridges.map(({ link, macAddress }): Line => ["mac", link, `/sys/class/net/${link}/address`, macAddress]),
  ];
}

/** How large the packets are that VXLAN hands over to be cut up. */
function cutLines(host: Host, context: EmitContext): readonly Line[] {
  const routes = cutRoutes(host, context);
  return routes.map(({ pool, table, mtu }): Line => {
    return ["cut", pool, `ip route show table ${table} ${pool}`, `mtu ${mtu}`];
  });
}

// ── Kernel settings, rules, what is the host's own ──────────────────────────────────────────────────────────────────

/** sysctl.d(5): if the first separator is a dot, dots become slashes and slashes dots; else both stay. */
function procPath(key: string): string {
  if (/^[^./]*\//.test(key)) return key;
  return key.replace(/[./]/g, (separator) => (separator === "." ? "/" : "."));
}

const FRR_CONF = /\/frr\.conf(\.snippet)?$/;
const POLICY = /(?<=^ *)neighbor \S+ (?:prefix-list|route-map) \S+ (?:in|out)$/gm;

/** The keys of the host's file in sysctl.d, of which the last line counts; one that the kernel does not have is passed over. */
function sysctlLines(host: Host, context: EmitContext): readonly Line[] {
  const texts = emitSysctl(host, context).map((file) => new TextDecoder().decode(contentOf(file)));
  const set = texts.flatMap((text) => [...text.matchAll(/^-?([^#;=\s]+) *= *(.*\S)/gm)]);
  const values = new Map(set.map(([, key = "", value = ""]) => [procPath(key), value]));
  return [...values].map(([path, value]) => ["sysctl", path, `/proc/sys/${path}`, value]);
}

/** As ip writes a prefix in rules: without the length of a single address. */
const bare = (prefix: IpPrefix): string => prefix.replace(familyOf(prefix) === 4 ? /\/32$/ : /\/128$/, "");

/** Which filter FRR has for what a neighbour says, and for what it is told. What stands in a filter is not asked for. */
function policyLines(host: Host, context: EmitContext): readonly Line[] {
  const texts = emitFrr(host, context).filter(({ path }) => FRR_CONF.test(path));
  const lines = texts.flatMap((file) => new TextDecoder().decode(contentOf(file)).match(POLICY) ?? []);
  return [...new Set(lines)].map((line) => [
    "policy",
    line.replace("neighbor ", ""),
    "vtysh -c show~running-config",
    line,
  ]);
}

/** The rules by which packets leave by exits, as etc/netgen/egress sets them. */
function ruleLines({ egress }: Host, { number }: EmitContext): readonly Line[] {
  if (egress === undefined) return [];
  const rule = (prefix: IpPrefix, words: string): Line => {
    return ["rule", words, `ip -N -${familyOf(prefix)} rule show`, `${words} lookup ${number}`];
  };
  const remotes = egress.remotes.filter(({ own }) => own === undefined);
  return [
    ...egress.prefixes.map((prefix) => rule(prefix, `from ${bare(prefix)}`)),
    ...remotes.flatMap(({ prefixes }) => prefixes.map((prefix) => rule(prefix, `from all to ${bare(prefix)}`))),
  ];
}

/** By which link what is on the host itself leads: the bridge of a subnet, OVN's; of what others' links carry, no tunnel. */
function ownLines(host: Host, context: EmitContext): readonly Line[] {
  const addresses = new Set<IpAddress>(
    host.bridges.flatMap((bridge) => bridge.addresses.map(({ address }) => address)),
  );
  const bridged = host.bridges.flatMap(({ link, vrf, addresses: own }) =>
    own.map(({ address, lengthBits }) => ({ prefix: prefixOf(address, lengthBits), link, vrf })),
  );
  const known = new Set(bridged.map(({ prefix }) => prefix));
  const line = (prefix: IpPrefix, name: string, words: string, table = ""): readonly Line[] => {
    const address = addressWithin(prefix, context);
    if (address === undefined || addresses.has(address)) return [];
    return [["own", `${prefix} ${name}`, `ip route get ${address}${table}`, words]];
  };
  const ofOthers = ({ prefix, use }: OwnedPrefix): boolean =>
    use.kind !== "peer" && use.kind !== "ovn" && !known.has(prefix);
  return [
    ...bridged.flatMap(({ prefix, link, vrf }) =>
      line(prefix, link, `dev ${link}`, vrf === undefined ? "" : ` vrf ${vrf}`),
    ),
    ...ovnWays(host, context).flatMap(({ prefix, link }) => line(prefix, link, `dev ${link}`)),
    ...host.ownedPrefixes
      .filter(ofOthers)
      .flatMap(({ prefix }) => host.interfaces.flatMap(({ name }) => line(prefix, `not ${name}`, `! dev ${name}`))),
  ];
}

/** What is on the host itself, whatever others do. */
export const linesOfHost = (host: Host, context: EmitContext): readonly Line[] => [
  ...unitLines(host, context),
  ...tableLines(host, context),
  ...linkLines(host),
  ...memberLines(host),
  ...identityLines(host),
  ...addressLines(host),
  ...cutLines(host, context),
  ...policyLines(host, context),
  ...sysctlLines(host, context),
  ...ruleLines(host, context),
  ...ownLines(host, context),
];
