/** Routes by the LAN of a site with gateways: to what is behind neighbours, and by the gateways to the overlay. */
import { must } from "../base/invariant.ts";
import { comparePrefixes, familyOf, hostPrefix, type IpPrefix } from "../base/ip.ts";
import { mtuBytes } from "../base/units.ts";
import type { LanRoute, OwnedPrefix } from "../model/host.ts";
import type { OverlayPrefix } from "../model/network.ts";
import { type PathIndex, pathBetween } from "../model/path.ts";
import { hasTunnels, lanAddress } from "../topology/hosts.ts";
import type { Lan } from "../topology/lans.ts";
import type { HostInput } from "../topology/topology.ts";
import type { ResolvedHost } from "./hosts/hosts.ts";
import type { Interfaces } from "./tunnels/tunnels.ts";

/** What routes by a LAN are made of. */
export interface LanParts {
  readonly lans: readonly Lan[];
  readonly prefixes: readonly OverlayPrefix[];
  readonly interfaces: Interfaces;
  readonly paths: PathIndex;
  readonly hosts: ReadonlyMap<string, ResolvedHost>;
  readonly owned: ReadonlyMap<string, readonly OwnedPrefix[]>;
}

/** Routes to prefixes by a neighbour on the LAN, of the family by which it is reached. */
function routesBy(neighbour: HostInput, prefixes: readonly IpPrefix[]): readonly LanRoute[] {
  const via = lanAddress(neighbour);
  if (via === undefined) return [];
  return prefixes
    .filter((prefix) => familyOf(prefix) === familyOf(via))
    .map((prefix) => ({ prefix, via, mtu: undefined }));
}

/** Routes to what lies behind the hosts without WireGuard of a LAN, but for the host itself. */
function neighbourRoutes({ outsiders }: Lan, host: string): readonly LanRoute[] {
  return outsiders
    .filter(({ name }) => name !== host)
    .flatMap((neighbour) =>
      routesBy(
        neighbour,
        neighbour.routes.map(({ value }) => value),
      ),
    );
}

/** Routes to the hosts with WireGuard of the LAN that are no gateways: these answer by the LAN, not by the gateway. */
function insiderRoutes({ site, gateways }: Lan, { hosts, owned }: LanParts): readonly LanRoute[] {
  const insiders = [...hosts.values()].filter(
    ({ input }) => input.site === site && hasTunnels(input) && !gateways.includes(input.name),
  );
  return insiders.flatMap(({ input, addresses }) => {
    const behind = must(owned.get(input.name), "every host has a list of prefixes");
    return routesBy(input, [
      ...addresses.map(({ address }) => hostPrefix(address)),
      ...behind.map(({ prefix }) => prefix),
    ]);
  });
}

/** What surely gets from a host by a gateway into the overlay: the smallest tunnel of one, or the way there by the LAN. */
function overlayMtu(host: ResolvedHost, { gateways }: Lan, { interfaces, hosts, paths }: LanParts) {
  const tunnels = gateways.flatMap((name) => must(interfaces.get(name), "every host has a list of interfaces"));
  const wayThere = gateways.map((name) => {
    return pathBetween(paths, host.reach, must(hosts.get(name), "a gateway is a host").reach, "lan").mtu;
  });
  return mtuBytes(Math.min(...tunnels.map((each) => each.mtu), ...wayThere));
}

/** Routes to all of the overlay that is not on the LAN or behind it. */
function overlayRoutes(host: ResolvedHost, lan: Lan, parts: LanParts): readonly LanRoute[] {
  const { nextHop: via } = lan;
  if (via === undefined) return [];
  const mtu = overlayMtu(host, lan, parts);
  const names = new Set(lan.outsiders.map(({ name }) => name));
  const isHere = ({ use }: OverlayPrefix): boolean =>
    (use.kind === "lan" && use.site === lan.site) || (use.kind === "route" && names.has(use.host));
  return parts.prefixes
    .filter((each) => familyOf(each.prefix) === familyOf(via) && !isHere(each))
    .map(({ prefix }) => ({ prefix, via, mtu }));
}

/** The routes by the LAN of one host: to what is behind neighbours, and without WireGuard to all of the overlay. */
export function lanRoutesOf(host: ResolvedHost, parts: LanParts): readonly LanRoute[] {
  const { input } = host;
  const lan = parts.lans.find(({ site }) => site === input.site);
  if (lan === undefined) return [];
  const direct = hasTunnels(input) ? [] : insiderRoutes(lan, parts);
  const known = new Set(direct.map(({ prefix }) => prefix));
  const others = hasTunnels(input) ? [] : overlayRoutes(host, lan, parts).filter(({ prefix }) => !known.has(prefix));
  const routes = [...neighbourRoutes(lan, input.name), ...direct, ...others];
  return routes.sort((a, b) => comparePrefixes(a.prefix, b.prefix));
}
