/** Ways by the LAN of a site: to its gateway, and to what is behind a neighbour. Pure. */
import type { IpAddress, IpPrefix } from "../base/ip.ts";
import type { Host } from "../model/host.ts";
import type { Network } from "../model/network.ts";
import { exactLeg, type Leg } from "./way.ts";

/** A route to a neighbour, and what of it limits a packet. */
export interface NeighbourRoute {
  readonly kind: "lan";
  readonly prefix: IpPrefix;
  readonly via: IpAddress;
  readonly leg: Leg;
}

/** How a leg by the LAN is called: no interface of netgen's, and nothing is clamped there. */
export const LAN_LEG = "the LAN";

/** The routes of a host by its LAN, each with its leg. */
export function lanRoutes(network: Network, host: Host): readonly NeighbourRoute[] {
  const site = network.sites.find(({ name }) => name === host.reach.site);
  const bytes = site?.lanMtu ?? network.underlay.pathMtu;
  return host.lanRoutes.map(({ prefix, via, mtu }) => ({
    kind: "lan",
    prefix,
    via,
    leg: exactLeg(host, LAN_LEG, mtu ?? bytes),
  }));
}

/** Who has next what a host sends by a route on its LAN: whoever its router knows for that, else who answers there. */
export function neighbourBy(
  network: Network,
  { reach }: Host,
  { prefix, via }: Pick<NeighbourRoute, "prefix" | "via">,
) {
  const site = network.sites.find(({ name }) => name === reach.site);
  if (site?.lanRouter !== via) return neighbourAt(network, via);
  const known = site.routes.find((route) => route.prefix === prefix);
  return network.hosts.find(({ name }) => name === known?.host);
}

/** Who answers at an address of a LAN; of those that share it, the one that is to be the master. */
function neighbourAt({ hosts }: Network, address: IpAddress): Host | undefined {
  const alone = hosts.find(
    ({ reach: { lanEndpoint }, vrrp }) =>
      vrrp === undefined && lanEndpoint?.kind === "address" && lanEndpoint.address === address,
  );
  const sharing = hosts.flatMap((host) => (host.vrrp === undefined ? [] : [{ host, ...host.vrrp }]));
  const answering = sharing.filter(({ source, address: shared }) => [source, shared.address].includes(address));
  return alone ?? answering.sort((a, b) => b.priority - a.priority)[0]?.host;
}
