/** The way that BGP chooses from a host to another, as the model promises it. Pure. */
import { grouped } from "../base/grouped.ts";
import { must } from "../base/invariant.ts";
import { compareAddresses, containsPrefix, type IpAddress, type IpPrefix, parseAddress } from "../base/ip.ts";
import { once, onceByKey } from "../base/once.ts";
import type { UnicastNeighbour } from "../model/bgp.ts";
import type { WireguardInterface } from "../model/device.ts";
import type { Host } from "../model/host.ts";
import { unicastOf } from "../model/loopback.ts";
import { takenFrom } from "../model/peer.ts";

/** The session by which a host sends what belongs to another one, or to any of several; `undefined`: by none. */
export type NextHop = (from: Host, ...to: readonly Host[]) => UnicastNeighbour | undefined;

/** What it says is preferred least. */
const isDrained = ({ bgp }: Host): boolean => bgp.kind === "routing" && bgp.isDrained;

const neighboursOf = (host: Host): readonly UnicastNeighbour[] => unicastOf(host)?.neighbours ?? [];

/** Whoever has clients passes on what it hears. */
const isTransit = (host: Host): boolean => neighboursOf(host).some(({ isClient }) => isClient);

const routerId = ({ bgp }: Host): IpAddress =>
  must(bgp.kind === "none" ? undefined : parseAddress(bgp.routerId), "whoever announces has a router ID");
const byRouterId = (a: Host, b: Host): number => (a === b ? 0 : compareAddresses(routerId(a), routerId(b)));

/** What a host knows of the way to some owners' prefixes. */
interface Path {
  /** Who said it; `undefined`: the prefixes are its own. */
  readonly neighbour: UnicastNeighbour | undefined;
  readonly preference: number;
  /** Neither the owner nor anyone on the way is drained. */
  readonly isClear: boolean;
  /** The length of the AS path. */
  readonly systems: number;
  /** MED: tunnels inside an AS, where there is more than one. */
  readonly inside: number;
  readonly isExternal: boolean;
  /** Who brought it into the AS. */
  readonly router: Host;
  /** The length of the cluster list. */
  readonly reflections: number;
}

/** BGP's own local preference, RFC 4271's and everyone's; and what a drained host says, RFC 8326 §4. */
const [USUAL, LEAST] = [100, 0];

const addressIn = ({ neighbour }: Path): IpAddress => must(neighbour, "own prefixes are not asked for").address;

/**
 * The better one first, by RFC 4271 §9.1.2.2 as FRR has it with `always-compare-med` and `compare-routerid`, and RFC 4456 §9: the
 * router that began it, then the shorter list of clusters, then the neighbour that says it.
 */
const byChoice = (a: Path, b: Path): number =>
  b.preference - a.preference ||
  a.systems - b.systems ||
  a.inside - b.inside ||
  Number(b.isExternal) - Number(a.isExternal) ||
  byRouterId(a.router, b.router) ||
  a.reflections - b.reflections ||
  compareAddresses(addressIn(a), addressIn(b));

const ownPath = (owner: Host): Path => ({
  neighbour: undefined,
  preference: USUAL,
  isClear: !isDrained(owner),
  systems: 0,
  inside: 0,
  isExternal: false,
  router: owner,
  reflections: 0,
});

/** The paths of some owners' prefixes, by the host that has chosen them. */
interface Chosen {
  readonly hosts: ReadonlyMap<string, Host>;
  readonly owners: ReadonlySet<string>;
  readonly paths: Map<string, Path>;
}

/** What a host hears from one neighbour of what that has chosen. */
function heardFrom(host: Host, neighbour: UnicastNeighbour, teller: Host, told: Path): Path {
  const isExternal = host.bgp.kind !== "none" && host.bgp.asn !== neighbour.asn;
  const isBegun = isExternal || told.isExternal || told.neighbour === undefined;
  // A leaf prefers one hub to another before it counts tunnels.
  const isCounted = unicastOf(host)?.hasSeveralSystems === true && !isExternal && neighbour.preference === undefined;
  const isClear = told.isClear && !isDrained(teller);
  return {
    neighbour,
    preference: isClear ? (neighbour.preference ?? USUAL) : LEAST,
    isClear,
    systems: told.systems + Number(isExternal),
    inside: told.inside + Number(isCounted),
    isExternal,
    router: isBegun ? teller : told.router,
    reflections: isBegun ? 0 : told.reflections + 1,
  };
}

/** What a host has heard from its neighbours; who passes nothing on speaks of its own. */
function heardBy(host: Host, { hosts, owners, paths }: Chosen): readonly Path[] {
  const neighbours = neighboursOf(host);
  const heard = neighbours.flatMap((neighbour) => {
    const [teller, told] = [hosts.get(neighbour.host), paths.get(neighbour.host)];
    if (teller === undefined || told === undefined || !(owners.has(teller.name) || isTransit(teller))) return [];
    return [heardFrom(host, neighbour, teller, told)];
  });
  // What a hub has itself is left to the shortest way.
  const isNearby = neighbours.some((each) => owners.has(each.host) && each.preference !== undefined);
  return isNearby ? heard.map((path) => ({ ...path, preference: Math.min(path.preference, USUAL) })) : heard;
}

const bestOf = (host: Host, chosen: Chosen): Path | undefined => [...heardBy(host, chosen)].sort(byChoice)[0];

/** Each host chooses from what its neighbours have chosen, and whoever passes things on says so, until nobody changes its mind. */
function pathsTo(hosts: ReadonlyMap<string, Host>, to: readonly Host[]): Chosen {
  const paths = new Map(to.map((owner) => [owner.name, ownPath(owner)]));
  const chosen = { hosts, owners: new Set(paths.keys()), paths };
  const asked = to.flatMap(neighboursOf).map(({ host }) => host);
  // The list goes on to what is put into it meanwhile.
  for (const name of asked) {
    const host = chosen.owners.has(name) ? undefined : hosts.get(name);
    const best = host && bestOf(host, chosen);
    const known = paths.get(name);
    if (host === undefined || best === undefined || (known && byChoice(best, known) === 0)) continue;
    paths.set(name, best);
    if (isTransit(host)) asked.push(...neighboursOf(host).map((each) => each.host));
  }
  return chosen;
}

/** Gives the function that knows all ways between these hosts. */
export function createNextHop(hosts: ReadonlyMap<string, Host>): NextHop {
  const known = new Map<string, Chosen>();
  return (from, ...to) => {
    const key = to.map(({ name }) => name).join(" ");
    const chosen = known.get(key) ?? pathsTo(hosts, to);
    known.set(key, chosen);
    return bestOf(from, chosen)?.neighbour;
  };
}

/** Hosts, and what BGP chooses between them. */
interface Choices {
  readonly hosts: ReadonlyMap<string, Host>;
  readonly nextHop: NextHop;
}

const linkOf = (host: Host, next: UnicastNeighbour): WireguardInterface =>
  must(
    host.interfaces.find(({ name }) => name === next.interface),
    `a session of ${host.name} is over an interface of its own`,
  );

/** The tunnels from a host to another, as BGP chooses them; `undefined`: there is no way. */
function tunnelsBetween({ hosts, nextHop }: Choices, from: Host, to: Host) {
  const tunnels: { readonly host: Host; readonly next: UnicastNeighbour }[] = [];
  for (let host = from; host !== to; ) {
    const next = nextHop(host, to);
    const following = next && hosts.get(next.host);
    if (next === undefined || following === undefined) return undefined;
    if (tunnels.some((tunnel) => tunnel.host === host)) return undefined;
    tunnels.push({ host, next });
    host = following;
  }
  return tunnels;
}

/** The hosts between two others, as BGP chooses them; `undefined`: there is no way. */
export function hostsBetween(choices: Choices, from: Host, to: Host): readonly string[] | undefined {
  return tunnelsBetween(choices, from, to)
    ?.slice(1)
    .map(({ host }) => host.name);
}

/** What the tunnels from a host to another carry, in bytes; `undefined` where there is none. */
export function roomBetween(choices: Choices, from: Host, to: string): number | undefined {
  const target = choices.hosts.get(to);
  if (unicastOf(from) === undefined || target === undefined) return from.interfaces[0]?.mtu;
  const tunnels = tunnelsBetween(choices, from, target);
  return tunnels && Math.min(...tunnels.map(({ host, next }) => linkOf(host, next).mtu));
}

/** What a host announces, with all that others' speakers may say to it. */
const announcedBy = (host: Host): readonly IpPrefix[] =>
  host.bgp.kind === "routing" ? [...host.bgp.unicast.announced, ...takenFrom(host.bgp.peers)] : [];

/** All that is announced, by those who do. */
const announcements = once((hosts: ReadonlyMap<string, Host>) => {
  const all = [...hosts.values()].flatMap((owner) => announcedBy(owner).map((prefix) => ({ prefix, owner })));
  const byPrefix = [...grouped(all, ({ prefix }) => prefix)].map(([prefix, group]) => ({
    prefix,
    owners: group.map(({ owner }) => owner),
  }));
  return [...grouped(byPrefix, ({ owners }) => owners.map(({ name }) => name).join(" ")).values()];
});

const holds = (list: readonly IpPrefix[], prefix: IpPrefix): boolean =>
  list.some((each) => containsPrefix(each, prefix));

const takings = onceByKey<ReadonlyMap<string, Host>, ReadonlySet<IpPrefix>>();

/** What a host takes of all that is announced. Most take the same. */
function takenOf(hosts: ReadonlyMap<string, Host>, host: Host): ReadonlySet<IpPrefix> {
  const { accepted = [], refused = [] } = unicastOf(host) ?? {};
  return takings(hosts, `${accepted.join(" ")} but ${refused.join(" ")}`, () => {
    const all = announcements(hosts).flatMap((group) => group.map(({ prefix }) => prefix));
    return new Set(all.filter((prefix) => holds(accepted, prefix) && !holds(refused, prefix)));
  });
}

/**
 * What others announce to a host, each with the neighbour and the interface by which it sends there. Nothing that the host
 * announces itself: BGP has no better way to that; and nothing that it does not take, as the LAN that it is on.
 */
export function announcedTo({ hosts, nextHop }: Choices, host: Host) {
  const taken = takenOf(hosts, host);
  return announcements(hosts).flatMap((group) => {
    const prefixes = group.filter(({ prefix }) => taken.has(prefix)).map(({ prefix }) => prefix);
    const { owners } = must(group[0], "a group has one");
    const next = prefixes.length === 0 || owners.includes(host) ? undefined : nextHop(host, ...owners);
    if (next === undefined) return [];
    const link = linkOf(host, next);
    return prefixes.map((prefix) => ({ prefix, peer: next.host, link }));
  });
}
