/** Gateways and the sites that they lead out of. */
import { type Diagnostic, diagnostic } from "../base/diagnostic.ts";
import { familyOf, type IpAddress } from "../base/ip.ts";
import { originSpan } from "../model/origin.ts";
import { hasTunnels, hostsByName, lanAddress } from "../topology/hosts.ts";
import { routingClass } from "../topology/routing-class.ts";
import type { HostInput, SiteInput, Topology } from "../topology/topology.ts";

/** A gateway stands in the site that it is one of. */
export function gatewaysStandInTheirSites(topology: Topology): readonly Diagnostic[] {
  const hosts = hostsByName(topology);
  return topology.sites.flatMap((site) =>
    site.gateways.flatMap(({ value, span }) => {
      const host = hosts.get(value);
      if (host === undefined || host.site === site.name) return [];
      const stands = host.site === undefined ? "in no site" : `in ${host.site}`;
      const related = [{ message: `${value} is here`, span: originSpan(host.origin, "site") }];
      return [diagnostic("gateway-outside-site", { host: value, site: site.name, stands }, span, related)];
    }),
  );
}

const PROVIDERS_ROUTER = "give the provider's own router, in many networks the first address";

/** What keeps a router from being that of a site's LAN, and the way out; of several things the first. */
function unfitness(router: IpAddress, { name: site, gateways, vrrp }: SiteInput, hosts: readonly HostInput[]) {
  if (gateways.length === 0) {
    return { why: `${site} has no gateway to send to`, advice: 'name a host, as "gateways: [alpha]", or take it out' };
  }
  if (vrrp !== undefined) {
    const why = `the gateways share ${vrrp.address.address} by VRRP, which takes one Ethernet`;
    return { why, advice: "take vrrp out: the router is told which gateway to send to" };
  }
  for (const host of hosts) {
    const address = lanAddress(host);
    if (address === router) return { why: `it is ${host.name}'s own address`, advice: PROVIDERS_ROUTER };
    if (address !== undefined && familyOf(address) !== familyOf(router)) {
      const why = `${host.name} is on the LAN at ${address}, which is IPv${familyOf(address)}`;
      return { why, advice: PROVIDERS_ROUTER };
    }
  }
  return undefined;
}

/** What routes on a LAN is none of its hosts, and has somebody to send to. */
export function lanRoutersAreFit({ sites, hosts }: Topology): readonly Diagnostic[] {
  return sites.flatMap((site) => {
    const { name, lanRouter: router } = site;
    if (router === undefined) return [];
    const own = hosts.filter((host) => host.site === name);
    const unfit = unfitness(router, site, own);
    if (unfit === undefined) return [];
    return [diagnostic("lan-router-unfit", { router, site: name, ...unfit }, originSpan(site.origin, "lanRouter"))];
  });
}

/** Whether the shape itself says whom a host has a tunnel with, besides the gateways of its site. */
function createIsNamed({
  wireguard: { hubs, links },
}: Topology): (host: string, gateways: readonly string[]) => boolean {
  const names = new Set(hubs.map(({ value }) => value));
  return (host, gateways) =>
    names.has(host) ||
    links.some(({ hosts: ends }) => ends.includes(host) && ends.some((end) => end !== host && !gateways.includes(end)));
}

/**
 * Inside a site only a mesh is led to the gateway: other shapes say themselves who has a tunnel with whom. Where there are
 * several ways, all whom the shape does not name are led to the gateways.
 */
export function gatewaysNeedMesh(topology: Topology): readonly Diagnostic[] {
  const { sites, wireguard, hosts } = topology;
  const shape = wireguard.shape ?? "mesh";
  if (shape === "mesh" && wireguard.hubs.length === 0) return [];
  const isNamed = routingClass(topology).kind === "dynamic" ? createIsNamed(topology) : () => true;
  return sites.flatMap(({ name, gateways, origin }) => {
    const names = gateways.map(({ value }) => value);
    if (names.length === 0) return [];
    const inside = hosts.filter((host) => host.site === name && hasTunnels(host) && !names.includes(host.name));
    const led = inside.find((host) => isNamed(host.name, names));
    if (led === undefined) return [];
    const params = { site: name, shape: shape === "mesh" ? "mesh with relays" : shape, host: led.name };
    return [diagnostic("gateway-without-mesh", params, originSpan(origin, "gateways"))];
  });
}
