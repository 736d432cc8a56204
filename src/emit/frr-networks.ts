/** The part of FRR's configuration that says who may speak of which VXLAN networks. */
import { grouped } from "../base/grouped.ts";
import type { IpAddress } from "../base/ip.ts";
import { derivedAdministrator, type RouteTarget } from "../base/route-target.ts";
import type { BgpNeighbour } from "../model/bgp.ts";
import type { Host } from "../model/host.ts";
import { type Member, membersToldApart } from "../model/members.ts";
import { entryNumber } from "./frr-lists.ts";

/** A target as FRR prints it, in a regular expression. */
const inPattern = (target: RouteTarget): string => `RT:${target.replaceAll(".", "\\.")}`;

/**
 * All extended communities of a route, as FRR prints them: each word is one of these targets, or no target. Others than
 * its own must not be among them, or it would be imported there as well.
 */
function patternOf({ asn, vnis, targets }: Member): string {
  // What is derived has the AS number in common.
  const derived = vnis.length === 0 ? [] : [`RT:${derivedAdministrator(asn)}:(${vnis.join("|")})`];
  return `^((${[...derived, ...targets.map(inPattern), "[^R ][^ ]*", "R[^T ][^ ]*"].join("|")})( |$))*$`;
}

/** A route-map that takes only what is of some VXLAN networks. */
interface NetworksMap {
  /** In capitals, like all names of netgen's own in FRR. */
  readonly name: string;
  readonly targets: string;
}

/** The route-map of each neighbour that is told apart, by address: one for all that are in the same networks. */
function networksMaps(host: Host): ReadonlyMap<IpAddress, NetworksMap> {
  const alike = grouped(membersToldApart(host), patternOf);
  return new Map(
    [...alike].flatMap(([targets, members], index) => {
      const map = { name: `NETWORKS-${index + 1}`, targets };
      return members.map(({ address }) => [address, map] as const);
    }),
  );
}

/** The map that most of a group have, so that few need a line of their own; nothing where one has none. */
function commonMap(maps: readonly (NetworksMap | undefined)[]): NetworksMap | undefined {
  if (maps.includes(undefined)) return undefined;
  const [most] = [...grouped(maps, (map) => map)].sort(([, one], [, other]) => other.length - one.length);
  return most?.[0];
}

/** What the templates show of it: of groups of neighbours, by name, the route-map that the group has, and who has another. */
export function networksView(host: Host, groups: ReadonlyMap<string, readonly BgpNeighbour[]>) {
  const maps = networksMaps(host);
  const networks = [...new Set(maps.values())].map(({ name, targets }) => {
    return { name, targets, number: entryNumber(targets) };
  });
  const inGroups = [...groups].map(([group, neighbours]) => {
    const own = neighbours.map(({ address }) => ({ address, map: maps.get(address) }));
    const common = commonMap(own.map(({ map }) => map));
    const exceptions = own.flatMap(({ address, map }) =>
      map === undefined || map === common ? [] : [{ address, importMap: map.name }],
    );
    return { group, map: common?.name, exceptions };
  });
  return {
    hasNetworks: networks.length > 0,
    networks,
    groupMaps: new Map(inGroups.map(({ group, map }) => [group, map])),
    exceptions: inGroups.flatMap(({ exceptions }) => exceptions),
  };
}
