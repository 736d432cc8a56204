/** By which hosts a packet leaves the overlay, in which order, and which way it and its answer take there. Pure. */
import { must } from "../base/invariant.ts";
import { containsAddress, EVERYTHING, familyOf, type IpAddress, type IpPrefix } from "../base/ip.ts";
import type { Exit } from "../model/exit.ts";
import type { Host } from "../model/host.ts";
import { poolAddresses } from "../model/loopback.ts";
import { mtuTowards } from "../model/tunnel.ts";
import { exitOf, exitsOf, ownExitsOf, remoteExitsOf } from "./exits.ts";
import { lanRoutes, neighbourBy } from "./lan-routes.ts";
import type { Party } from "./party.ts";
import { gatewayHost, walkFromHost } from "./reach.ts";
import { acrossSegment } from "./segment.ts";
import { addressOf, isPassedOn } from "./station.ts";
import { type End, exactLeg, type Step, type Walk, type Way } from "./way.ts";
import type { Ways } from "./ways.ts";

/** What the route there is for: the prefix of a remote, or anything. */
function routeFor({ network }: Ways, { to, remote }: Asked): IpPrefix {
  const prefixes = network.remotes.filter(({ name }) => name === remote).flatMap((each) => each.prefixes);
  return prefixes.find((prefix) => containsAddress(prefix, to)) ?? EVERYTHING[familyOf(to)];
}

/** What is asked for: whose packet, and where to. */
export interface Asked {
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
  const isThere = link !== undefined && !ways.isCut(host.name, exit, "tunnel");
  return isThere ? step(link.name, mtuTowards(link, exit), "tunnel") : undefined;
}

/** What a host without WireGuard has a route for on its LAN: the gateway there decides. */
function onLan({ network }: Ways, own: Host, to: IpAddress): Deciding | undefined {
  const route = lanRoutes(network, own).find(({ prefix }) => containsAddress(prefix, to));
  const decides = route && neighbourBy(network, own, route);
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
export interface Choice {
  readonly exits: readonly Pick<Exit, "host" | "interface" | "hasSnat">[];
  /** Whether these are exits; else it leaves by the default route of the host that decides, whatever that is. */
  readonly isByExit: boolean;
  /** Whether exits are asked if they are open: an app asks nobody, and of its own default route a host knows nothing. */
  readonly isAsked: boolean;
  /** When there is no way out, or none of these is open; `undefined`: nobody asks. */
  readonly otherwise: End | undefined;
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
  const stopped = (kind: End["kind"]): Choice => ({
    exits: [],
    isByExit: false,
    isAsked: false,
    otherwise: { host, kind },
  });
  const exits = exitsFor(ways, decides, asked);
  if (exits.length > 0 && app !== undefined) return { exits, isByExit: true, isAsked: false, otherwise: undefined };
  if (exits.length > 0) return { exits, isByExit: true, isAsked: true, otherwise: { host, kind: "no-route" } };
  if (isKeptIn(decides, asked)) return stopped("no-route");
  if (station !== undefined && !forwards[family === 4 ? "ipv4" : "ipv6"]) return stopped("not-forwarded");
  const hasSnat = station === undefined || exitOf(ways, station, family) === decides;
  return { exits: [{ host, interface: uplink ?? "", hasSnat }], isByExit: false, isAsked: false, otherwise: undefined };
}

/** The ways of a packet and its answer by each exit that there is a tunnel to. */
function walksOf(ways: Ways, { decides, before }: Deciding, exits: Choice["exits"], asked: Asked) {
  return exits.flatMap((exit) => {
    const steps = towards(ways, decides, exit.host, asked);
    const host = must(ways.hosts.get(exit.host), "an exit is a host");
    return steps === undefined ? [] : [{ exit, steps: [...before, ...steps], back: walkBack(ways, host, asked) }];
  });
}

/** By whom a packet leaves, the preferred first, and what becomes of it else; `undefined`: it gets to no host that decides. */
export function waysOut(ways: Ways, asked: Asked) {
  const found = deciding(ways, asked);
  if (found === undefined) return undefined;
  const { exits, ...choice } = choiceOf(ways, found.decides, asked);
  return { ...choice, walks: walksOf(ways, found, exits, asked) };
}
