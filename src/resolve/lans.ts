/** Routes by the LAN of a site with gateways: to what is behind neighbours, and by the gateways to the overlay. */
import { must } from "../base/invariant.ts";
import { comparePrefixes, familyOf, hostPrefix } from "../base/ip.ts";
import { mtuBytes } from "../base/units.ts";
import type { LanRoute, OwnedPrefix } from "../model/host.ts";
import type { OverlayPrefix, SiteRoute } from "../model/network.ts";
import { type PathIndex, pathBetween } from "../model/path.ts";
import { hasTunnels, lanAddress } from "../topology/hosts.ts";
import type { Lan } from "../topology/lans.ts";
import type { ResolvedHost } from "./hosts/hosts.ts";
import type { Interfaces } from "./tunnels/tunnels.ts";

/** What routes by a LAN are made of. */
export interface LanParts {
  readonly lans: readonly Lan[];
  readonly siteRoutes: ReadonlyMap<string, readonly SiteRoute[]>;
  readonly interfaces: Interfaces;
  readonly paths: PathIndex;
  readonly hosts: ReadonlyMap<string, ResolvedHost>;
}

/** What those of a site are made of. */
interface SiteParts {
  readonly prefixes: readonly OverlayPrefix[];
  readonly hosts: ReadonlyMap<string, ResolvedHost>;
  readonly owned: ReadonlyMap<string, readonly OwnedPrefix[]>;
}

/** What is sent to the hosts themselves: what is behind those without WireGuard, and those with it that are no gateways. */
function directRoutes({ site, gateways, outsiders }: Lan, { hosts, owned }: SiteParts): readonly SiteRoute[] {
  const behind = outsiders.flatMap(({ name: host, routes }) => routes.map(({ value: prefix }) => ({ prefix, host })));
  const insiders = [...hosts.values()].filter(
    ({ input }) => input.site === site && hasTunnels(input) && !gateways.includes(input.name),
  );
  // These answer by the LAN, not by the gateway.
  const own = insiders.flatMap(({ input: { name: host }, addresses }) => {
    const prefixes = must(owned.get(host), "every host has a list of prefixes").map(({ prefix }) => prefix);
    return [...addresses.map(({ address }) => hostPrefix(address)), ...prefixes].map((prefix) => ({ prefix, host }));
  });
  return [...behind, ...own];
}

/** What the LAN has to send to whom: all of the overlay that is not on the LAN itself, whoever is there. */
function routesOfSite(lan: Lan, parts: SiteParts): readonly SiteRoute[] {
  const direct = directRoutes(lan, parts);
  const host = must(lan.gateways[0], "a site with a LAN has a gateway");
  const overlay = parts.prefixes
    .filter(({ use }) => !(use.kind === "lan" && use.site === lan.site))
    .map(({ prefix }) => ({ prefix, host }));
  // Of equal ones the first is left: by the host that has it.
  const known = new Map([...direct, ...overlay].reverse().map((route) => [route.prefix, route]));
  return [...known.values()].sort((a, b) => comparePrefixes(a.prefix, b.prefix));
}

/** The same of each site with gateways, by its name. */
export const siteRoutes = (lans: readonly Lan[], parts: SiteParts): ReadonlyMap<string, readonly SiteRoute[]> =>
  new Map(lans.map((lan) => [lan.site, routesOfSite(lan, parts)]));

/** What surely gets from a host by a gateway into the overlay: the smallest tunnel of one, or the way there by the LAN. */
function overlayMtu(host: ResolvedHost, { gateways }: Lan, { interfaces, hosts, paths }: LanParts) {
  const tunnels = gateways.flatMap((name) => must(interfaces.get(name), "every host has a list of interfaces"));
  const wayThere = gateways.map((name) => {
    return pathBetween(paths, host.reach, must(hosts.get(name), "a gateway is a host").reach, "lan").mtu;
  });
  return mtuBytes(Math.min(...tunnels.map((each) => each.mtu), ...wayThere));
}

/**
 * The routes by the LAN of one host: to what is behind neighbours, and without WireGuard to all of the overlay; each of the
 * IP version of the address that it leads to.
 */
export function lanRoutesOf(host: ResolvedHost, parts: LanParts): readonly LanRoute[] {
  const { name, site } = host.input;
  const lan = parts.lans.find((each) => each.site === site);
  if (lan === undefined) return [];
  const isOutsider = !hasTunnels(host.input);
  const mtu = isOutsider ? overlayMtu(host, lan, parts) : undefined;
  const outsiders = new Set(lan.outsiders.map((each) => each.name));
  return must(parts.siteRoutes.get(lan.site), "a site with gateways has routes").flatMap(
    (route): readonly LanRoute[] => {
      const neighbour = must(parts.hosts.get(route.host), "a route leads to a host").input;
      const isGateway = lan.gateways.includes(neighbour.name);
      const via = isGateway ? lan.nextHop : (lan.router ?? lanAddress(neighbour));
      const isSent = neighbour.name !== name && (isOutsider || outsiders.has(neighbour.name));
      if (!isSent || via === undefined || familyOf(via) !== familyOf(route.prefix)) return [];
      return [{ prefix: route.prefix, via, mtu: isGateway ? mtu : undefined }];
    },
  );
}
