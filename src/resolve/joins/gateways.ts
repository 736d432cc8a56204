/** A mesh in which the hosts of some sites have tunnels with each other and with the gateway of their site alone. */
import { must } from "../../base/invariant.ts";
import { comparePrefixes, type IpPrefix } from "../../base/ip.ts";
import { compareText } from "../../base/text.ts";
import { DIRECT, type Joins, type Load } from "./joins.ts";
import type { Member } from "./meetings.ts";

/** What gateways are to the hosts of a mesh. */
export interface GatewayGrounds {
  /** The name of the gateway by the site. */
  readonly gateways: ReadonlyMap<string, string>;
  /** Everything that leads to a host, by its name: its addresses and the prefixes that it owns. */
  readonly exact: ReadonlyMap<string, readonly IpPrefix[]>;
  /** The same of a gateway, without what its own site reaches by the LAN. */
  readonly beyondLan: ReadonlyMap<string, readonly IpPrefix[]>;
}

/** A member with the site that it is inside of; `undefined`: everyone reaches it directly. */
interface Place {
  readonly site: string | undefined;
  readonly isGateway: boolean;
}

/** The prefixes of all members, apart by the site that has a gateway. */
function prefixesBySite(members: readonly Member[], { exact, gateways }: GatewayGrounds) {
  const bySite = new Map<string, IpPrefix[]>([...gateways.keys(), ""].map((site) => [site, []]));
  for (const { host } of members) {
    const site = gateways.has(host.input.site ?? "") ? (host.input.site as string) : "";
    const own = must(exact.get(host.input.name), "every host has a list of prefixes");
    must(bySite.get(site), "every site with a gateway has a list").push(...own);
  }
  return bySite;
}

/** Each once. One that lies in another stays: between the two may be one that leads elsewhere. */
const distinct = (prefixes: readonly IpPrefix[]): readonly IpPrefix[] => [...new Set(prefixes)].sort(comparePrefixes);

/** What the gateways carry: for the hosts of their own site all others, for all others those of the site. */
function createLoads(members: readonly Member[], grounds: GatewayGrounds) {
  const bySite = prefixesBySite(members, grounds);
  const inward = new Map<string, Load>();
  const outward = new Map<string, Load>();
  for (const [site, gateway] of grounds.gateways) {
    const own = must(bySite.get(site), "every site with a gateway has a list");
    const others = [...bySite].flatMap(([name, prefixes]) => (name === site ? [] : prefixes));
    const direct = must(grounds.beyondLan.get(gateway), "every gateway has prefixes of its own");
    inward.set(site, { suffix: ":site", allowedIps: distinct(own) });
    outward.set(site, { suffix: ":gateway", allowedIps: distinct([...direct, ...others]) });
  }
  return { inward, outward };
}

/** The gateways of the sites of which only some of the hosts are inside. */
function gatewaysBetween(
  names: readonly string[],
  members: readonly Member[],
  gateways: GatewayGrounds["gateways"],
): readonly string[] {
  const hosts = members.map(({ host }) => host.input).filter(({ name }) => names.includes(name));
  const isBetween = ([site, gateway]: readonly [string, string]): boolean =>
    !names.includes(gateway) && hosts.some((host) => host.site === site) && hosts.some((host) => host.site !== site);
  return [...gateways]
    .filter(isBetween)
    .map(([, gateway]) => gateway)
    .sort(compareText);
}

/** The ways of a mesh with gateways. A site whose gateway is its only host with WireGuard is as in any mesh. */
export function gatewayJoins(members: readonly Member[], grounds: GatewayGrounds): Joins {
  const { gateways } = grounds;
  const places = new Map<Member, Place>(
    members.map((member) => {
      const { name, site } = member.host.input;
      const gateway = site === undefined ? undefined : gateways.get(site);
      return [member, { site: gateway === undefined ? undefined : site, isGateway: gateway === name }];
    }),
  );
  const placeOf = (member: Member): Place => must(places.get(member), "every member has a place");
  const outside = members.filter((member) => placeOf(member).site === undefined || placeOf(member).isGateway);
  const { inward, outward } = createLoads(members, grounds);
  return {
    ...DIRECT,
    neighboursOf: (from) => {
      const { site, isGateway } = placeOf(from);
      if (site === undefined) return outside;
      const isNeighbour = (to: Member): boolean => placeOf(to).site === site || (isGateway && outside.includes(to));
      return members.filter(isNeighbour);
    },
    loadOf: (from, to) => {
      const { site, isGateway } = placeOf(to);
      if (!isGateway || site === undefined) return undefined;
      return (placeOf(from).site === site ? outward : inward).get(site);
    },
    relays: new Set(gateways.values()),
    between: (names) => gatewaysBetween(names, members, gateways),
  };
}
