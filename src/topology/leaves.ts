/** Where there are several ways: the hosts that others lead, and that pass nothing on. */
import type { HostInput, Topology } from "./topology.ts";

/** Gives the function that names the gateways a host is behind, in the order of its site; none for the gateways themselves. */
export function createGatewaysBefore({ sites }: Topology): (host: HostInput) => readonly string[] {
  const gateways = new Map(sites.map((site) => [site.name, site.gateways.map(({ value }) => value)]));
  return ({ name, site }) => {
    const own = gateways.get(site ?? "") ?? [];
    return own.includes(name) ? [] : own;
  };
}

/** Gives the function that names the hubs in the order in which a spoke of several prefers them. */
export function createHubsOf({ wireguard, sites }: Topology): (host: HostInput) => readonly string[] {
  const hubs = wireguard.hubs.map(({ value }) => value);
  const ofSites = new Map(sites.map((site) => [site.name, site.hubs]));
  return (host) => {
    const preferred = host.hubs.length > 0 ? host.hubs : (ofSites.get(host.site ?? "") ?? []);
    const first = preferred.map(({ value }) => value).filter((name) => hubs.includes(name));
    return first.length === 0 ? hubs : [...new Set([...first, ...hubs])];
  };
}

/** Gives the function that tells leaves: whoever is behind gateways, and spokes that are no gateways. */
export function createIsLeaf(topology: Topology): (host: HostInput) => boolean {
  const { wireguard, sites } = topology;
  const gatewaysBefore = createGatewaysBefore(topology);
  const leaders = new Set([...wireguard.hubs, ...sites.flatMap((site) => site.gateways)].map(({ value }) => value));
  return (host) => gatewaysBefore(host).length > 0 || (wireguard.shape === "hub-and-spoke" && !leaders.has(host.name));
}
