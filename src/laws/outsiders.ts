/** Hosts without WireGuard: what they cannot be, and what they reach the overlay by. */
import { type Diagnostic, diagnostic } from "../base/diagnostic.ts";
import { familyOf } from "../base/ip.ts";
import { originSpan } from "../model/origin.ts";
import { hasTunnels, hostsByName, lacksLanAddress } from "../topology/hosts.ts";
import type { HostInput, SiteInput, Topology } from "../topology/topology.ts";
import { type Role, rolesOf } from "./roles.ts";

/** The same of what every host with tunnels can be. */
function tunnelRolesOf({ hosts, wireguard }: Topology): readonly Role[] {
  return [
    ...hosts.flatMap(({ name: value, origin: { listenPort: span } }) =>
      span === undefined ? [] : [{ host: { value, span }, role: "given a listenPort" }],
    ),
    ...hosts.flatMap(({ name: value, kubernetes, origin }) =>
      kubernetes === undefined
        ? []
        : [{ host: { value, span: originSpan(origin, "kubernetes") }, role: "a node of Kubernetes" }],
    ),
    ...wireguard.links.flatMap(({ hosts: ends, span }) =>
      ends.map((value) => ({ host: { value, span }, role: "linked" })),
    ),
  ];
}

/** Whoever is named for what only tunnels can do has them. */
export function rolesNeedWireguard(topology: Topology): readonly Diagnostic[] {
  const hosts = hostsByName(topology);
  return [...rolesOf(topology), ...tunnelRolesOf(topology)].flatMap(({ host, role }) => {
    const named = hosts.get(host.value);
    if (named === undefined || hasTunnels(named)) return [];
    const related = [{ message: `${host.value} runs none`, span: originSpan(named.origin, "wireguard") }];
    return [diagnostic("wireguard-needed", { host: host.value, role }, host.span, related)];
  });
}

/** A host without WireGuard, with its site. */
interface Outsider {
  readonly host: HostInput;
  readonly site: SiteInput | undefined;
}

function outsidersOf({ hosts, sites }: Topology): readonly Outsider[] {
  const named = new Map(sites.map((site) => [site.name, site]));
  return hosts
    .filter((host) => !hasTunnels(host))
    .map((host) => ({ host, site: host.site === undefined ? undefined : named.get(host.site) }));
}

/** The gateways of a site are more than one, have no address in common, and no router chooses. */
const isUndecided = ({ gateways, vrrp, lanRouter }: SiteInput): boolean =>
  gateways.length > 1 && vrrp === undefined && lanRouter === undefined;

function lanAddressMissing(host: HostInput, why: string): readonly Diagnostic[] {
  if (!lacksLanAddress(host)) return [];
  return [diagnostic("lan-address-missing", { host: host.name, why }, originSpan(host.origin, "lanEndpoint"))];
}

/** A host without WireGuard sends to its neighbours by the LAN, and not by a gateway, to which they would be on the wrong side. */
export function neighboursCanBeSentTo(topology: Topology): readonly Diagnostic[] {
  const bySite = new Map(outsidersOf(topology).map(({ host, site }) => [site?.name, host.name]));
  const sites = new Map(topology.sites.map((site) => [site.name, site]));
  return topology.hosts.filter(hasTunnels).flatMap((host) => {
    const outsider = host.site === undefined ? undefined : bySite.get(host.site);
    const site = sites.get(host.site ?? "");
    // Of gateways see gatewaysCanBeSentTo.
    if (outsider === undefined || site?.gateways.some(({ value }) => value === host.name) !== false) return [];
    return lanAddressMissing(host, `${outsider}, which runs no WireGuard, sends to it by the LAN`);
  });
}

/** A gateway knows where on the LAN a host without WireGuard is. */
export function outsidersCanBeSentTo(topology: Topology): readonly Diagnostic[] {
  return outsidersOf(topology).flatMap(({ host }) =>
    lanAddressMissing(host, "the gateway sends it what is meant for it"),
  );
}

/** What lies behind a host without WireGuard is sent there by the LAN, in the IP version of its address on that. */
export function routesBehindOutsidersCanBeSent(topology: Topology): readonly Diagnostic[] {
  return outsidersOf(topology).flatMap(({ host: { name: host, lanEndpoint, routes } }) => {
    if (lanEndpoint?.kind !== "address") return [];
    const { address } = lanEndpoint;
    return routes
      .filter(({ value }) => familyOf(value) !== familyOf(address))
      .map(({ value: prefix, span }) => {
        const params = { prefix, host, address, family: familyOf(prefix) };
        return diagnostic("route-without-family", params, span);
      });
  });
}

/** A host without WireGuard stands in a site with a gateway. */
export function outsidersHaveGateways(topology: Topology): readonly Diagnostic[] {
  return outsidersOf(topology).flatMap(({ host, site }) => {
    if (site !== undefined && site.gateways.length > 0) return [];
    const where = host.site === undefined ? "it stands in no site" : `${host.site} has no gateway`;
    return [diagnostic("host-without-gateway", { host: host.name, where }, originSpan(host.origin, "wireguard"))];
  });
}

/** Several gateways share an address where a host without WireGuard has to send to one. */
export function gatewaysOfOutsidersAreOne(topology: Topology): readonly Diagnostic[] {
  return outsidersOf(topology).flatMap(({ host, site }) => {
    if (site === undefined || !isUndecided(site)) return [];
    const params = { host: host.name, site: site.name, count: site.gateways.length };
    return [diagnostic("gateways-without-vrrp", params, originSpan(site.origin, "gateways"))];
  });
}

/** A host without WireGuard knows where on the LAN its gateways are. */
export function gatewaysCanBeSentTo(topology: Topology): readonly Diagnostic[] {
  const hosts = hostsByName(topology);
  return outsidersOf(topology).flatMap(({ host, site }) => {
    if (site === undefined || isUndecided(site)) return [];
    const gateways = site.gateways.flatMap(({ value }) => hosts.get(value) ?? []).filter(hasTunnels);
    const why = `${host.name}, which runs no WireGuard, sends to it`;
    return gateways.flatMap((gateway) => lanAddressMissing(gateway, why));
  });
}
