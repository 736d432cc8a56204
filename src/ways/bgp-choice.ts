/** The way that BGP chooses from a host to another, as the model promises it. Pure. */
import { grouped } from "../base/grouped.ts";
import { must } from "../base/invariant.ts";
import { compareAddresses, containsPrefix, type IpAddress, type IpPrefix, parseAddress } from "../base/ip.ts";
import type { UnicastNeighbour } from "../model/bgp.ts";
import type { WireguardInterface } from "../model/device.ts";
import type { Host } from "../model/host.ts";
import { unicastOf } from "../model/loopback.ts";
import { takenFrom } from "../model/peer.ts";

/** The session by which a host sends what belongs to another one, or to any of several; `undefined`: by none. */
export type NextHop = (from: Host, ...to: readonly Host[]) => UnicastNeighbour | undefined;

/** Whoever has clients passes on what it hears. */
const isTransit = (host: Host): boolean => unicastOf(host)?.neighbours.some(({ isClient }) => isClient) ?? false;

/** What it says is preferred least. */
const isDrained = ({ bgp }: Host): boolean => bgp.kind === "routing" && bgp.isDrained;

const neighboursOf = (host: Host): readonly UnicastNeighbour[] => unicastOf(host)?.neighbours ?? [];

/** How far something is, and whose it is there. */
interface Distance {
  readonly tunnels: number;
  readonly owner: Host;
  /** Neither the owner nor anyone on the way is drained. */
  readonly isClear: boolean;
}

const routerId = ({ bgp }: Host): IpAddress =>
  must(bgp.kind === "none" ? undefined : parseAddress(bgp.routerId), "whoever announces has a router ID");
const byRouterId = (a: Host, b: Host): number => (a === b ? 0 : compareAddresses(routerId(a), routerId(b)));

/** What has been said of some owners' prefixes, by the host that heard it. */
type Distances = Map<string, Distance>;

/** Tells those who have heard nothing yet of one owner: `levels` begin, each as many tunnels away as its place says. */
function spread(hosts: ReadonlyMap<string, Host>, distances: Distances, owner: Host, isClear: boolean): void {
  const levels: Host[][] = [];
  for (const [name, { owner: of, tunnels }] of distances) {
    const host = of === owner ? hosts.get(name) : undefined;
    if (host !== undefined && isDrained(host) !== isClear) levels[tunnels] = [...(levels[tunnels] ?? []), host];
  }
  const passesOn = (host: Host): boolean => (host === owner || isTransit(host)) && !(isClear && isDrained(host));
  for (let tunnels = 0; tunnels < levels.length; tunnels++) {
    const told = (levels[tunnels] ?? []).filter(passesOn).flatMap(neighboursOf);
    const names = new Set(told.map(({ host }) => host).filter((name) => !distances.has(name)));
    const fresh = [...names].flatMap((name) => hosts.get(name) ?? []);
    for (const { name } of fresh) distances.set(name, { tunnels: tunnels + 1, owner, isClear });
    if (fresh.length > 0) levels[tunnels + 1] = [...(levels[tunnels + 1] ?? []), ...fresh];
  }
}

/**
 * From each host to the one of some that it is told of: what nobody drained says before all else, then of several the router
 * that has the lowest identifier, and nobody passes on what is not its own choice (RFC 4456 §9). Nobody is passed through
 * who passes nothing on.
 */
function distancesTo(hosts: ReadonlyMap<string, Host>, to: readonly Host[]): Distances {
  const owners = [...to].sort(byRouterId);
  const distances: Distances = new Map(
    owners.map((owner) => [owner.name, { tunnels: 0, owner, isClear: !isDrained(owner) }]),
  );
  for (const isClear of [true, false]) {
    for (const owner of owners) spread(hosts, distances, owner, isClear);
  }
  return distances;
}

/** BGP's own local preference, RFC 4271's and everyone's; and what a drained host says, RFC 8326 §4. */
const [USUAL, LEAST] = [100, 0];

/** Gives the function that knows all ways between these hosts. */
export function createNextHop(hosts: ReadonlyMap<string, Host>): NextHop {
  const known = new Map<string, Distances>();
  const distances = (to: readonly Host[]): Distances => {
    const key = to.map(({ name }) => name).join(" ");
    const found = known.get(key) ?? distancesTo(hosts, to);
    known.set(key, found);
    return found;
  };
  return (from, ...to) => {
    const far = distances(to);
    const isOwner = (name: string): boolean => to.some((each) => each.name === name);
    const usable = neighboursOf(from).flatMap((neighbour) => {
      const other = hosts.get(neighbour.host);
      const distance = far.get(neighbour.host);
      if (other === undefined || distance === undefined || !(isOwner(neighbour.host) || isTransit(other))) return [];
      return [{ neighbour, ...distance, isClear: distance.isClear && !isDrained(other) }];
    });
    // What a hub has itself is left to the shortest way.
    const isNearby = neighboursOf(from).some(({ host, preference }) => isOwner(host) && preference !== undefined);
    const worth = ({ isClear, neighbour: { preference = USUAL } }: (typeof usable)[number]): number =>
      isClear ? (isNearby ? USUAL : preference) : LEAST;
    // RFC 4456 §9: the router that began it, then the shorter list of clusters, then the neighbour that says it.
    const [best] = usable.sort(
      (a, b) =>
        worth(b) - worth(a) ||
        byRouterId(a.owner, b.owner) ||
        a.tunnels - b.tunnels ||
        compareAddresses(a.neighbour.address, b.neighbour.address),
    );
    return best?.neighbour;
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

/**
 * What others announce to a host, each with the neighbour and the interface by which it sends there. Nothing that the host
 * announces itself: BGP has no better way to that; and nothing that it does not take, as the LAN that it is on.
 */
export function announcedTo({ hosts, nextHop }: Choices, host: Host) {
  const announced = [...hosts.values()].flatMap((owner) => announcedBy(owner).map((prefix) => ({ prefix, owner })));
  const { accepted = [], refused = [] } = unicastOf(host) ?? {};
  const holds = (list: readonly IpPrefix[], prefix: IpPrefix) => list.some((each) => containsPrefix(each, prefix));
  return [...grouped(announced, ({ prefix }) => prefix)].flatMap(([prefix, group]) => {
    if (!holds(accepted, prefix) || holds(refused, prefix)) return [];
    const announcing = group.map(({ owner }) => owner);
    const next = announcing.includes(host) ? undefined : nextHop(host, ...announcing);
    return next === undefined ? [] : [{ prefix, peer: next.host, link: linkOf(host, next) }];
  });
}
