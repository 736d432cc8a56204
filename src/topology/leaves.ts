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

/** Gives the function that tells leaves: whoever is behind gateways, and spokes that are no gateways. */
export function createIsLeaf(topology: Topology): (host: HostInput) => boolean {
  const { wireguard, sites } = topology;
  const gatewaysBefore = createGatewaysBefore(topology);
  const leaders = new Set([...wireguard.hubs, ...sites.flatMap((site) => site.gateways)].map(({ value }) => value));
  return (host) => gatewaysBefore(host).length > 0 || (wireguard.shape === "hub-and-spoke" && !leaders.has(host.name));
}
