/** What a site's gateways, and hosts without WireGuard, have to have for their keys to mean anything. */
import { type Diagnostic, diagnostic } from "../base/diagnostic.ts";
import type { Span } from "../base/source.ts";
import { originSpan } from "../model/origin.ts";
import { hasTunnels, lanAddress } from "../topology/hosts.ts";
import { routingClass } from "../topology/routing-class.ts";
import type { HostInput, Located, SiteInput, Topology } from "../topology/topology.ts";
import { checkPairs } from "./pair-checks.ts";

type Hosts = ReadonlyMap<string, HostInput>;

function checkGateways(site: SiteInput, hosts: Hosts, found: Diagnostic[]): void {
  for (const { value, span } of site.gateways) {
    const host = hosts.get(value);
    if (host === undefined || host.site === site.name) continue;
    const stands = host.site === undefined ? "in no site" : `in ${host.site}`;
    const related = [{ message: `${value} is here`, span: originSpan(host.origin, "site") }];
    found.push(diagnostic("gateway-outside-site", { host: value, site: site.name, stands }, span, related));
  }
}

/** A host where only one with WireGuard will do. */
interface Role {
  readonly host: Located<string>;
  readonly role: string;
}

function rolesOf({ sites, subnets, vrfs, hosts, wireguard, bgp }: Topology): readonly Role[] {
  const members = subnets.flatMap(({ name, members: list }) =>
    list === "all" ? [] : list.map((host) => ({ host, role: `a member of ${name}` })),
  );
  const as = (role: string, names: readonly Located<string>[]): readonly Role[] =>
    names.map((host) => ({ host, role }));
  return [
    ...sites.flatMap(({ name, gateways }) => as(`a gateway of ${name}`, gateways)),
    ...members,
    ...vrfs.flatMap(({ name, exits }) => exits.map(({ host }) => ({ host, role: `an exit of ${name}` }))),
    ...hosts.flatMap(({ name: value, routes }) =>
      routes.flatMap(({ vrf, span }) => (vrf ? [{ host: { value, span }, role: `a member of ${vrf.value}` }] : [])),
    ),
    ...as("a hub", wireguard.hubs),
    ...wireguard.links.flatMap(({ hosts, span }) => hosts.map((value) => ({ host: { value, span }, role: "linked" }))),
    ...as("a route reflector", bgp?.routeReflectors ?? []),
  ];
}

function checkRoles(topology: Topology, hosts: Hosts, found: Diagnostic[]): void {
  for (const { host, role } of rolesOf(topology)) {
    const named = hosts.get(host.value);
    if (named === undefined || hasTunnels(named)) continue;
    const related = [{ message: `${host.value} runs none`, span: originSpan(named.origin, "wireguard") }];
    found.push(diagnostic("wireguard-needed", { host: host.value, role }, host.span, related));
  }
}

function lacksLanAddress(host: HostInput, why: string, found: Diagnostic[]): boolean {
  if (lanAddress(host) !== undefined) return false;
  const params = { host: host.name, why };
  found.push(diagnostic("lan-address-missing", params, originSpan(host.origin, "lanEndpoint")));
  return true;
}

function checkOutsider(host: HostInput, topology: Topology, hosts: Hosts, found: Diagnostic[]): void {
  const site = topology.sites.find(({ name }) => name === host.site);
  const gateways = (site?.gateways ?? []).flatMap(({ value }) => hosts.get(value) ?? []);
  const span: Span = originSpan(host.origin, "wireguard");
  lacksLanAddress(host, "the gateway sends it what is meant for it", found);
  if (site === undefined || site.gateways.length === 0) {
    const where = host.site === undefined ? "it stands in no site" : `${host.site} has no gateway`;
    found.push(diagnostic("host-without-gateway", { host: host.name, where }, span));
    return;
  }
  if (site.gateways.length > 1 && site.vrrp === undefined) {
    const params = { host: host.name, site: site.name, count: site.gateways.length };
    found.push(diagnostic("gateways-without-vrrp", params, originSpan(site.origin, "gateways")));
    return;
  }
  for (const gateway of gateways.filter(hasTunnels)) {
    lacksLanAddress(gateway, `${host.name}, which runs no WireGuard, sends to it`, found);
  }
}

/** Inside a site only a mesh is led to the gateway: other shapes say themselves who has a tunnel with whom. */
function checkShape({ sites, wireguard, hosts }: Topology, found: Diagnostic[]): void {
  const shape = wireguard.shape ?? "mesh";
  if (shape === "mesh" && wireguard.hubs.length === 0) return;
  for (const { name, gateways, origin } of sites) {
    const names = gateways.map(({ value }) => value);
    const inside = hosts.find((host) => host.site === name && hasTunnels(host) && !names.includes(host.name));
    if (names.length === 0 || inside === undefined) continue;
    const params = { site: name, shape: shape === "mesh" ? "mesh with relays" : shape, host: inside.name };
    found.push(diagnostic("gateway-without-mesh", params, originSpan(origin, "gateways")));
  }
}

/** Reports what is wrong about gateways, the hosts behind them, and pairs that share an address. */
export function checkSites(topology: Topology, found: Diagnostic[]): void {
  const hosts = new Map(topology.hosts.map((host) => [host.name, host]));
  for (const site of topology.sites) checkGateways(site, hosts, found);
  checkRoles(topology, hosts, found);
  if (routingClass(topology).kind === "static") checkShape(topology, found);
  for (const host of topology.hosts) if (!hasTunnels(host)) checkOutsider(host, topology, hosts, found);
  checkPairs(topology, found);
}
