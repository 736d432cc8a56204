/** Ways out of the overlay, to an address that is nobody's in it: by which exits, in which order, and how answers come back. Pure. */
import { must } from "../base/invariant.ts";
import { containsAddress, familyOf, type IpAddress, type IpPrefix, parsePrefix } from "../base/ip.ts";
import type { Exit } from "../model/exit.ts";
import type { Host } from "../model/host.ts";
import { poolAddresses } from "../model/loopback.ts";
import { mtuTowards } from "../model/tunnel.ts";
import { exitOf, exitsOf, ownExitsOf, remoteExitsOf } from "./exits.ts";
import { lanRoutes, neighbourAt } from "./lan-routes.ts";
import type { Party } from "./party.ts";
import { gatewayHost, walkFromHost } from "./reach.ts";
import { acrossSegment } from "./segment.ts";
import { addressOf, isPassedOn } from "./station.ts";
import { ETHERNET_MTU } from "./subnet-routes.ts";
import { type FlowEnd, orEthernet, type Trace, traceOf } from "./trace.ts";
import { type End, exactLeg, narrowest, type Step, type Walk, type Way } from "./way.ts";
import type { Ways } from "./ways.ts";

/** One way out, with the packet's way to it and that of an answer. */
export interface WayOut extends Pick<Exit, "host" | "hasSnat"> {
  /** By which it leaves there; `undefined`: by the host's default route, whatever that is. */
  readonly interface: string | undefined;
  readonly there: Trace;
  readonly back: Trace;
}

/** How a packet leaves, and what becomes of it where it cannot. */
export interface Leaving {
  readonly from: FlowEnd;
  readonly to: IpAddress;
  /** The remote that it is for; `undefined`: anything else. */
  readonly remote: string | undefined;
  readonly bytes: number;
  /** The preferred first, each taken while none before it is open. */
  readonly ways: readonly WayOut[];
  /** Whether exits are asked if they are open: an app asks nobody, and of its own default route a host knows nothing. */
  readonly isAsked: boolean;
  /** When there is no way out, or none of these is open; `undefined`: nobody asks. */
  readonly otherwise: End | undefined;
}

/** Whether an address is outside: no prefix of the overlay has it, nor the LAN of a site. */
export function isOutside({ network }: Ways, to: IpAddress): boolean {
  const isIn = (prefix: IpPrefix): boolean => containsAddress(prefix, to);
  const isOverlay = network.prefixes.some(({ prefix, use }) => use.kind !== "remote" && isIn(prefix));
  return !isOverlay && !network.sites.some(({ lan }) => lan.some(isIn));
}

/** What the route there is for: the prefix of a remote, or anything. */
function routeFor({ network }: Ways, { to, remote }: Asked): IpPrefix {
  const prefixes = network.remotes.filter(({ name }) => name === remote).flatMap((each) => each.prefixes);
  const anything = must(parsePrefix(familyOf(to) === 4 ? "0.0.0.0/0" : "::/0"), "it is a prefix").prefix;
  return prefixes.find((prefix) => containsAddress(prefix, to)) ?? anything;
}

/** What is asked for: whose packet, and where to. */
interface Asked {
  readonly party: Party;
  readonly source: IpAddress;
  readonly to: IpAddress;
  readonly remote: string | undefined;
}

/** The host that decides by which exit it leaves, and the way there. */
interface Deciding {
  readonly decides: Host;
  readonly before: Way;
}

/** The exits of whoever asks, from the host that decides; where it goes to a remote, those that lead there. */
function exitsFor(ways: Ways, decides: Host, { party: { station }, to, remote }: Asked): readonly Exit[] {
  const family = familyOf(to);
  const { remotes } = ways.network;
  const { app } = decides;
  if (remote !== undefined && app !== undefined) {
    const told = app.remotes.filter(({ prefixes }) => prefixes.some((prefix) => containsAddress(prefix, to)));
    return remotes
      .filter(({ name }) => name === remote)
      .flatMap(({ exits }) => exits.filter(({ host }) => told.some((each) => each.host === host)));
  }
  if (remote !== undefined) return remoteExitsOf(ways.network, decides, remote, family);
  return station === undefined ? ownExitsOf(ways.network, decides, family) : exitsOf(ways, station, family);
}

/** The step from the host that decides to an exit; `undefined`: no tunnel leads there. */
function towards(ways: Ways, host: Host, exit: string, asked: Asked): Way | undefined {
  if (host.name === exit) return [];
  const { station } = asked.party;
  const route = routeFor(ways, asked);
  const step = (via: string, bytes: number, kind: Step["kind"]): Way => [
    { ...exactLeg(host, via, bytes), kind, to: exit, route },
  ];
  const instance = host.vrfs.find(({ name }) => name === station?.vrf);
  if (instance !== undefined) return step(instance.bridge, instance.vxlan.mtu, "vxlan");
  const all = [host.egress?.exits ?? [], ...(host.egress?.remotes ?? []).map(({ exits }) => exits)].flat();
  const way = all.find((each) => each.host === exit)?.way;
  const name = way?.kind === "tunnel" ? way.interface : host.app && host.interfaces[0]?.name;
  const link = host.interfaces.find((each) => each.name === name);
  return link && step(link.name, mtuTowards(link, exit), "tunnel");
}

/** What a host without WireGuard has a route for on its LAN: the gateway there decides. */
function onLan({ network }: Ways, own: Host, to: IpAddress): Deciding | undefined {
  const route = lanRoutes(network, own).find(({ prefix }) => containsAddress(prefix, to));
  const decides = route && neighbourAt(network, route.via);
  return decides && { decides, before: [{ ...route.leg, kind: "lan", to: decides.name, route: route.prefix }] };
}

/** From whoever sends to the host that decides how it leaves; `undefined`: it does not get there. */
function deciding(ways: Ways, { party: { host, station }, to }: Asked): Deciding | undefined {
  const own = must(ways.hosts.get(host), "a party is on a host");
  if (station === undefined) return onLan(ways, own, to) ?? { decides: own, before: [] };
  const gateway = isPassedOn(station, to) ? gatewayHost(ways, station, familyOf(to)) : undefined;
  const before = gateway && acrossSegment(ways, own, gateway.name, station.subnet);
  return gateway && before && { decides: gateway, before };
}

/** An answer's way from where it comes in: WireGuard takes it from the exit that is taken as if it were the exit's own. */
function walkBack(ways: Ways, exit: Host, { party: { station }, source }: Asked): Walk {
  const own = addressOf({ addresses: poolAddresses(exit) }, familyOf(source));
  return walkFromHost(ways, exit, { source: own ?? source, to: source, vrf: station?.vrf });
}

/** By whom it leaves, and what becomes of it else. */
interface Choice extends Pick<Leaving, "isAsked" | "otherwise"> {
  readonly exits: readonly Pick<Exit, "host" | "interface" | "hasSnat">[];
}

/** Whether a host keeps to itself what it has no exit for, and does not send it by its default route. */
function isKeptIn({ egress }: Host, { party: { station }, source, remote }: Asked): boolean {
  if (remote !== undefined || station?.vrf !== undefined) return true;
  if (station === undefined) return egress?.own !== undefined;
  return egress?.prefixes.some((prefix) => containsAddress(prefix, source)) ?? false;
}

function choiceOf(ways: Ways, decides: Host, asked: Asked): Choice {
  const { station } = asked.party;
  const family = familyOf(asked.to);
  const { name: host, app, forwards, uplink } = decides;
  const stopped = (kind: End["kind"]): Choice => ({ exits: [], isAsked: false, otherwise: { host, kind } });
  const exits = exitsFor(ways, decides, asked);
  if (exits.length > 0 && app !== undefined) return { exits, isAsked: false, otherwise: undefined };
  if (exits.length > 0) return { exits, isAsked: true, otherwise: { host, kind: "no-route" } };
  if (isKeptIn(decides, asked)) return stopped("no-route");
  if (station !== undefined && !forwards[family === 4 ? "ipv4" : "ipv6"]) return stopped("not-forwarded");
  const hasSnat = station === undefined || exitOf(ways, station, family) === decides;
  return { exits: [{ host, interface: uplink ?? "", hasSnat }], isAsked: false, otherwise: undefined };
}

/** The ways of a packet and its answer by each exit that there is a tunnel to. */
function walksOf(ways: Ways, { decides, before }: Deciding, exits: Choice["exits"], asked: Asked) {
  return exits.flatMap((exit) => {
    const steps = towards(ways, decides, exit.host, asked);
    const host = must(ways.hosts.get(exit.host), "an exit is a host");
    return steps === undefined ? [] : [{ exit, steps: [...before, ...steps], back: walkBack(ways, host, asked) }];
  });
}

/** The remote that an address is in, for whoever is in no VRF. */
const remoteOf = ({ network }: Ways, { station }: Party, to: IpAddress): string | undefined =>
  station?.vrf === undefined
    ? network.remotes.find(({ prefixes }) => prefixes.some((prefix) => containsAddress(prefix, to)))?.name
    : undefined;

/**
 * How a packet of a party leaves to an address outside; `bytes`: its size, `undefined`: the largest that gets out and is
 * answered. `undefined`: the party has no address of that family.
 */
export function traceLeaving(ways: Ways, party: Party, to: IpAddress, bytes: number | undefined): Leaving | undefined {
  const source = addressOf(party, familyOf(to));
  if (source === undefined) return undefined;
  const remote = remoteOf(ways, party, to);
  const asked = { party, source, to, remote };
  const leaving = { from: { name: party.name, host: party.host, address: source }, to, remote };
  const found = deciding(ways, asked);
  if (found === undefined) {
    const end = { host: party.host, kind: "no-gateway" } as const;
    return { ...leaving, bytes: bytes ?? ETHERNET_MTU, ways: [], isAsked: false, otherwise: end };
  }
  const { exits, isAsked, otherwise } = choiceOf(ways, found.decides, asked);
  const walks = walksOf(ways, found, exits, asked);
  const least = walks.flatMap(({ steps, back }) => [narrowest(steps, "bytes"), narrowest(back.steps, "bytes")]);
  const size = bytes ?? orEthernet(Math.min(...least));
  const trace = (walk: Walk, isOwn: boolean): Trace => traceOf(ways, walk, { isOwn, source, bytes: size });
  return {
    ...leaving,
    bytes: size,
    ways: walks.map(({ exit, steps, back }) => ({
      host: exit.host,
      interface: exit.interface || undefined,
      hasSnat: exit.hasSnat,
      there: trace({ steps, end: { host: exit.host, kind: "outside" } }, party.station === undefined),
      back: trace(back, false),
    })),
    isAsked,
    otherwise,
  };
}
