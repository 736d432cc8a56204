/** Gateways and the sites that they lead out of. */
import { type Diagnostic, diagnostic } from "../base/diagnostic.ts";
import { originSpan } from "../model/origin.ts";
import { hasTunnels, hostsByName } from "../topology/hosts.ts";
import { routingClass } from "../topology/routing-class.ts";
import type { Topology } from "../topology/topology.ts";

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

/** Inside a site only a mesh is led to the gateway: other shapes say themselves who has a tunnel with whom. */
export function gatewaysNeedMesh(topology: Topology): readonly Diagnostic[] {
  const { sites, wireguard, hosts } = topology;
  const shape = wireguard.shape ?? "mesh";
  if (shape === "mesh" && wireguard.hubs.length === 0) return [];
  if (routingClass(topology).kind === "dynamic") return [];
  return sites.flatMap(({ name, gateways, origin }) => {
    const names = gateways.map(({ value }) => value);
    const inside = hosts.find((host) => host.site === name && hasTunnels(host) && !names.includes(host.name));
    if (names.length === 0 || inside === undefined) return [];
    const params = { site: name, shape: shape === "mesh" ? "mesh with relays" : shape, host: inside.name };
    return [diagnostic("gateway-without-mesh", params, originSpan(origin, "gateways"))];
  });
}
