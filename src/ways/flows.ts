/** Everything that works in a network: who speaks with whom, and whom it passes. Pure. */
import { must } from "../base/invariant.ts";
import { EVERYTHING, FAMILIES, familyOf, type IpAddress, type IpFamily, networkAddress } from "../base/ip.ts";
import { once, onceByKey } from "../base/once.ts";
import type { Speaker } from "../model/bgp.ts";
import type { Host } from "../model/host.ts";
import { hearersOf } from "./hears.ts";
import { hostParty, type Party, stationParty, walkFromParty } from "./party.ts";
import { passageOf } from "./passage.ts";
import { walkFromHost } from "./reach.ts";
import { addressOf, type Station } from "./station.ts";
import type { Walk } from "./way.ts";
import type { Ways } from "./ways.ts";
import { waysOut } from "./ways-out.ts";

/** One that leaves: for a remote, or for anywhere else. */
interface Leaving {
  readonly kind: "leaving";
  readonly from: Party;
  readonly remote: string | undefined;
  readonly family: IpFamily;
}

/** Two that speak with each other, or one that leaves. */
export type Flow =
  | { readonly kind: "between"; readonly from: Party; readonly to: Party; readonly family: IpFamily }
  | Leaving;

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

function between(ways: Ways, a: Party, b: Party, family: IpFamily): Course | undefined {
  const [here, to] = [addressOf(a, family), addressOf(b, family)];
  if (here === undefined || to === undefined) return undefined;
  const there = stretchOf(ways, walkFromParty(ways, a, here, to));
  const back = there && stretchOf(ways, walkFromParty(ways, b, to, here));
  return (
    there && back && { there: there.there, back: back.there, exit: undefined, heard: [...there.heard, ...back.heard] }
  );
}

/** An address that a flow is for: of the remote, or of anything, of which no prefix but a default holds the first one. */
function targetOf({ network }: Ways, { remote, family }: Leaving): IpAddress | undefined {
  if (remote === undefined) return networkAddress(EVERYTHING[family]);
  const prefixes = network.remotes.flatMap((each) => (each.name === remote ? each.prefixes : []));
  const prefix = prefixes.find((each) => familyOf(each) === family);
  return prefix && networkAddress(prefix);
}

/** By the first exit that is reached; with none, as the gateway of a station leaves, behind its own address. */
function leaving(ways: Ways, flow: Leaving): Course | undefined {
  const { from: party, family, remote } = flow;
  const [source, to] = [addressOf(party, family), targetOf(ways, flow)];
  const found = source && to && waysOut(ways, { party, source, to, remote });
  if (!found) return undefined;
  for (const { exit, steps, back: walk } of found.walks) {
    const isBehind = party.station !== undefined && exit.hasSnat;
    const there = stretchOf(ways, { steps, end: { host: exit.host, kind: "arrived" } });
    const back = there && stretchOf(ways, walk);
    if (there === undefined || back === undefined || !(found.isByExit || isBehind)) continue;
    return { there: there.there, back: back.there, exit: exit.host, heard: [...there.heard, ...back.heard] };
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
  const hosts = ways.network.hosts.map((host) => hostParty(host)).filter(({ addresses }) => addresses.length > 0);
  return [
    ...pairs(ways, stations),
    ...pairs(ways, hosts),
    ...[...stations, ...hosts].flatMap((from) => leavings(ways, from)),
  ];
}
