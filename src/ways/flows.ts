/** Everything that works in a network: who speaks with whom, and whom it passes. Pure. */
import { must } from "../base/invariant.ts";
import { FAMILIES, type IpFamily } from "../base/ip.ts";
import { once, onceByKey } from "../base/once.ts";
import type { Speaker } from "../model/bgp.ts";
import type { Exit } from "../model/exit.ts";
import type { Host } from "../model/host.ts";
import { poolAddresses } from "../model/loopback.ts";
import { exitOf, exitsOf, ownExitsOf, remoteExitsOf } from "./exits.ts";
import { hearersOf } from "./hears.ts";
import { type Party, stationParty, walkFromParty } from "./party.ts";
import { passageOf } from "./passage.ts";
import { gatewayHost, walkFromHost } from "./reach.ts";
import { acrossSegment } from "./segment.ts";
import { addressOf, type Station } from "./station.ts";
import { exactLeg, type Step, type Walk } from "./way.ts";
import type { Ways } from "./ways.ts";

/** Two that speak with each other, or one that leaves: for a remote, or for anywhere else. */
export type Flow =
  | { readonly kind: "between"; readonly from: Party; readonly to: Party; readonly family: IpFamily }
  | { readonly kind: "leaving"; readonly from: Party; readonly remote: string | undefined; readonly family: IpFamily };

/** Where a flow goes when all that is there works. */
export interface Course {
  /** The hosts that it passes there, both ends among them, and those that the answer does. */
  readonly there: readonly string[];
  readonly back: readonly string[];
  /** By which host it leaves; `undefined`: it does not. */
  readonly exit: string | undefined;
  /** From where to where frames go, or a VRF's packets: what one has to have heard of the other. */
  readonly heard: readonly Heard[];
}

/** A host, and whom it has to have heard of. */
type Heard = readonly [host: string, of: string];

// ── Who hears of whom ───────────────────────────────────────────────────────────────────────────────────────────────

/** Whether both ends of a session reach each other. */
function isAlive(ways: Ways, host: Host, { updateSource: source }: Speaker, other: string): boolean {
  const there = must(ways.hosts.get(other), "the neighbours of a network are its hosts");
  const to = must(there.vtep, "a speaker has an address to speak from");
  const walks = [
    walkFromHost(ways, host, { source, to, vrf: undefined }),
    walkFromHost(ways, there, { source: to, to: source, vrf: undefined }),
  ];
  return walks.every(({ end }) => end.kind === "arrived");
}

/** The hosts with those of their sessions that are up. */
const speaking = once((ways: Ways): readonly Host[] =>
  ways.network.hosts.map((host) => {
    const { bgp } = host;
    if (bgp.kind === "none") return host;
    return {
      ...host,
      bgp: { ...bgp, neighbours: bgp.neighbours.filter((each) => isAlive(ways, host, bgp, each.host)) },
    };
  }),
);

const hearers = onceByKey<Ways, ReadonlySet<string>>();

/** Whether a host knows what lies behind another one: BGP says so, or the files do. */
function hasHeard(ways: Ways, host: string, of: string): boolean {
  if (ways.network.bgp.kind === "none") return true;
  return hearers(ways, of, () => hearersOf(speaking(ways), of)).has(host);
}

/** What of a course is heard by hosts of it, all of which have to. */
export const isHeard = (ways: Ways, heard: readonly Heard[]): boolean =>
  heard.every(([host, of]) => hasHeard(ways, host, of));

/** A stretch of a course. */
type Stretch = Pick<Course, "there" | "heard">;

function stretchOf(ways: Ways, walk: Walk): Stretch | undefined {
  const heard = walk.steps.flatMap(({ kind, host, to }): readonly Heard[] => (kind === "vxlan" ? [[host, to]] : []));
  const there = isHeard(ways, heard) ? passageOf(ways, walk) : undefined;
  return there && { there, heard };
}

// ── Courses ─────────────────────────────────────────────────────────────────────────────────────────────────────────

const stationsByName = once(({ stations }: Ways) => new Map(stations.map((station) => [station.name, station])));

/** A party as these ways have it, whose gateways may be others. */
function partyNow(ways: Ways, { name, station }: Party): Party {
  if (station === undefined) return hostParty(must(ways.hosts.get(name), "the host is there"));
  return stationParty(must(stationsByName(ways).get(station.name), "the station is there"));
}

const hostParty = (host: Host): Party => ({
  name: host.name,
  host: host.name,
  addresses: poolAddresses(host),
  station: undefined,
});

function between(ways: Ways, a: Party, b: Party, family: IpFamily): Course | undefined {
  const [here, to] = [addressOf(a, family), addressOf(b, family)];
  if (here === undefined || to === undefined) return undefined;
  const there = stretchOf(ways, walkFromParty(ways, a, here, to));
  const back = there && stretchOf(ways, walkFromParty(ways, b, to, here));
  return (
    there && back && { there: there.there, back: back.there, exit: undefined, heard: [...there.heard, ...back.heard] }
  );
}

/** The host that decides how a party leaves, and the way there; `undefined`: it does not get there. */
function deciding(ways: Ways, { host, station }: Party, family: IpFamily) {
  const own = must(ways.hosts.get(host), "a party is on a host");
  if (station === undefined) return { decides: own, before: { there: [own.name], heard: [] } };
  const decides = gatewayHost(ways, station, family);
  const steps = decides && acrossSegment(ways, own, decides.name, station.subnet);
  const before = decides && steps && stretchOf(ways, { steps, end: { host: decides.name, kind: "arrived" } });
  return decides && before && { decides, before };
}

/** From a host to an exit, in a VRF or by a tunnel; `undefined`: it does not get there. */
function towards(
  ways: Ways,
  [host, exit]: readonly [Host, Host],
  vrf: string | undefined,
  family: IpFamily,
): Stretch | undefined {
  if (host === exit) return { there: [host.name], heard: [] };
  const instance = host.vrfs.find(({ name }) => name === vrf);
  if (instance !== undefined) {
    const leg = exactLeg(host, instance.bridge, instance.vxlan.mtu);
    const step: Step = { ...leg, kind: "vxlan", to: exit.name, route: undefined };
    return stretchOf(ways, { steps: [step], end: { host: exit.name, kind: "arrived" } });
  }
  const [source, to] = [host, exit].map((each) => addressOf({ addresses: poolAddresses(each) }, family));
  return source && to && stretchOf(ways, walkFromHost(ways, host, { source, to, vrf: undefined }));
}

function exitsFor(ways: Ways, decides: Host, { from: { station }, remote, family }: Flow & { kind: "leaving" }) {
  if (remote !== undefined) return remoteExitsOf(ways.network, decides, remote, family);
  return station === undefined ? ownExitsOf(ways.network, decides, family) : exitsOf(ways, station, family);
}

/** By the first exit that is reached; with none, as the gateway of a station leaves, behind its own address. */
function leaving(ways: Ways, flow: Flow & { kind: "leaving" }): Course | undefined {
  const { from, family, remote } = flow;
  const found = deciding(ways, from, family);
  if (found === undefined) return undefined;
  const { decides, before } = found;
  const exits: readonly Pick<Exit, "host">[] = exitsFor(ways, decides, flow);
  const own = exits.length === 0 && remote === undefined && from.station && exitOf(ways, from.station, family);
  for (const { host } of own ? [{ host: own.name }] : exits) {
    const exit = must(ways.hosts.get(host), "an exit is a host");
    const there = towards(ways, [decides, exit], from.station?.vrf, family);
    const back = there && towards(ways, [exit, decides], from.station?.vrf, family);
    if (back === undefined || there === undefined) continue;
    return {
      there: [...before.there, ...there.there.slice(1)],
      back: [...back.there, ...before.there.toReversed().slice(1)],
      exit: host,
      heard: [...before.heard, ...there.heard, ...back.heard],
    };
  }
  return undefined;
}

/** Where a flow, whose ends are there, goes by these ways; `undefined`: it does not work. */
export function courseOf(ways: Ways, flow: Flow): Course | undefined {
  const from = partyNow(ways, flow.from);
  if (flow.kind === "leaving") return leaving(ways, { ...flow, from });
  return between(ways, from, partyNow(ways, flow.to), flow.family);
}

// ── All of them ─────────────────────────────────────────────────────────────────────────────────────────────────────

/** A flow that works. */
export interface Working {
  readonly flow: Flow;
  readonly course: Course;
}

/** Two of each, on different hosts, by the first IP version by which they speak. */
function pairs(ways: Ways, parties: readonly Party[]): readonly Working[] {
  return parties.flatMap((from, index) =>
    parties.slice(index + 1).flatMap((to) => {
      if (from.host === to.host || (from.station?.vrf === undefined) !== (to.station?.vrf === undefined)) return [];
      for (const family of FAMILIES) {
        const course = between(ways, from, to, family);
        if (course !== undefined) return [{ flow: { kind: "between", from, to, family } as const, course }];
      }
      return [];
    }),
  );
}

function leavings(ways: Ways, from: Party): readonly Working[] {
  const remotes = from.station?.vrf === undefined ? ways.network.remotes.map(({ name }) => name) : [];
  return [undefined, ...remotes].flatMap((remote) =>
    FAMILIES.flatMap((family) => {
      const flow = { kind: "leaving", from, remote, family } as const;
      const course = addressOf(from, family) && leaving(ways, flow);
      return course ? [{ flow, course }] : [];
    }),
  );
}

/** Every two stations that speak, every two hosts, and whoever leaves by somebody else. */
export function workingFlows(ways: Ways): readonly Working[] {
  const stations = ways.stations.map((station: Station) => stationParty(station));
  const hosts = ways.network.hosts.map(hostParty).filter(({ addresses }) => addresses.length > 0);
  return [
    ...pairs(ways, stations),
    ...pairs(ways, hosts),
    ...[...stations, ...hosts].flatMap((from) => leavings(ways, from)),
  ];
}
