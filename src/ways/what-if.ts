/** What a loss does to a network: which flows worked before and do not after, and which go another way. Pure. */
import { grouped } from "../base/grouped.ts";
import { once } from "../base/once.ts";
import { type Course, courseOf, type Flow, isHeard, type Working, workingFlows } from "./flows.ts";
import { type Loss, waysWithout } from "./loss.ts";
import { type Moved, type Takeover, takeoverOf } from "./takeover.ts";
import type { Ways } from "./ways.ts";

/** Flows between the same kinds of ends, with one of them. */
export interface FlowClass {
  /** Who speaks with whom: `guests of vms` and `guests of web`, `hosts` twice, `hosts` and `outside`. */
  readonly ends: readonly [string, string];
  readonly count: number;
  readonly example: Flow;
  readonly before: Course;
}

/** Flows that go another way. */
export interface MovedClass extends FlowClass, Takeover {
  /** The hosts of the example's new way that it did not pass before; none: only in another order, or fewer of them. */
  readonly instead: readonly string[];
  readonly after: Course;
}

export interface WhatIf {
  readonly loss: Loss;
  /** Flows that work before. */
  readonly all: number;
  /** Of these, what begins or ends on what is down. */
  readonly gone: number;
  readonly lost: readonly FlowClass[];
  /** Of what is lost, what goes between the two ends of a tunnel that is down: everybody else has other ways. */
  readonly parted: number;
  readonly moved: readonly MovedClass[];
}

/** How many flows a loss takes from others. */
export const lostCount = ({ lost }: WhatIf): number => lost.reduce((sum, { count }) => sum + count, 0);

export const movedCount = ({ moved }: WhatIf): number => moved.reduce((sum, { count }) => sum + count, 0);

const endName = (flow: Flow, end: "from" | "to"): string => {
  if (end === "to" && flow.kind === "leaving") return flow.remote ?? "outside";
  const party = end === "to" && flow.kind === "between" ? flow.to : flow.from;
  return party.station === undefined ? "hosts" : `guests of ${party.station.subnet}`;
};

function endsOf(flow: Flow): readonly [string, string] {
  const [from, to] = [endName(flow, "from"), endName(flow, "to")];
  return flow.kind === "between" && to < from ? [to, from] : [from, to];
}

const hostsOf = (flow: Flow): readonly string[] =>
  flow.kind === "between" ? [flow.from.host, flow.to.host] : [flow.from.host];

const passes = ({ there, back }: Course): readonly string[] => [...new Set([...there, ...back])];

/** All flows; by each host those that begin or end there, and those that pass it on their way. */
interface Index {
  readonly all: readonly Working[];
  readonly ending: ReadonlyMap<string, readonly Working[]>;
  readonly passing: ReadonlyMap<string, readonly Working[]>;
}

function add(to: Map<string, Working[]>, host: string, working: Working): void {
  const known = to.get(host);
  if (known === undefined) to.set(host, [working]);
  else known.push(working);
}

const indexOf = once((ways: Ways): Index => {
  const all = workingFlows(ways);
  const [ending, passing] = [new Map<string, Working[]>(), new Map<string, Working[]>()];
  for (const working of all) {
    const ends = hostsOf(working.flow);
    for (const host of ends) add(ending, host, working);
    for (const host of passes(working.course)) if (!ends.includes(host)) add(passing, host, working);
  }
  return { all, ending, passing };
});

const isOneSystem = once(({ network }: Ways): boolean => {
  const systems = network.hosts.flatMap(({ bgp }) => (bgp.kind === "none" ? [] : [bgp.asn]));
  return new Set(systems).size <= 1;
});

/** Flows that may go elsewhere: they pass what is down. Where there are several ASes, others may as well. */
function touchedBy(ways: Ways, { hosts, tunnels, lans, exits, yielding }: Loss): ReadonlySet<Working> {
  const { all, ending, passing } = indexOf(ways);
  if (!isOneSystem(ways)) return new Set(all);
  const at = (host: string): readonly Working[] => [...(ending.get(host) ?? []), ...(passing.get(host) ?? [])];
  const apart = [...tunnels, ...lans].flatMap(([a, b]) => at(a).filter(({ course }) => passes(course).includes(b)));
  const closed = exits.flatMap(({ host }) => at(host).filter(({ course }) => course.exit === host));
  const shared = yielding.filter((host) => ways.hosts.get(host)?.vrrp !== undefined).flatMap(at);
  return new Set([...hosts.flatMap((host) => passing.get(host) ?? []), ...apart, ...closed, ...shared]);
}

/** Whether what hosts say may not be passed on any more: a reflector is gone, or the way to one. */
function isSilenced({ network, hosts }: Ways, { hosts: gone, tunnels }: Loss): boolean {
  const isReflector = (name: string): boolean => {
    const bgp = hosts.get(name)?.bgp;
    return bgp !== undefined && bgp.kind !== "none" && bgp.isReflector;
  };
  return network.bgp.kind !== "none" && (tunnels.length > 0 || gone.some(isReflector));
}

/** What has to be asked again when something is down, and what is gone with it. */
function askedAgain(ways: Ways, loss: Loss) {
  const { all, ending } = indexOf(ways);
  const gone = new Set(loss.hosts.flatMap((host) => ending.get(host) ?? []));
  const touched = new Set([...touchedBy(ways, loss)].filter((each) => !gone.has(each)));
  const hearing = isSilenced(ways, loss)
    ? all.filter((each) => each.course.heard.length > 0 && !touched.has(each) && !gone.has(each))
    : [];
  return { all, gone, touched, hearing };
}

/** How much work a loss is: flows that are asked again, and peers, whose tables are made anew for that; 0: nobody passes it. */
export function workOf(ways: Ways, loss: Loss): number {
  const { touched, hearing } = askedAgain(ways, loss);
  const asked = touched.size + hearing.length;
  return asked === 0 ? 0 : asked + ways.network.peers.length;
}

/** What becomes of all flows. */
export interface Fates {
  readonly all: readonly Working[];
  /** They begin or end on what is down. */
  readonly gone: ReadonlySet<Working>;
  readonly lost: readonly Working[];
  readonly moved: readonly Moved[];
}

/** What a loss does to each flow, once all have noticed it. */
export function fatesOf(ways: Ways, loss: Loss): Fates {
  const { all, gone, touched, hearing } = askedAgain(ways, loss);
  const [lost, moved]: readonly [Working[], Moved[]] = [[], []];
  // Most hosts are on nobody else's way: of those nothing has to be worked out.
  if (touched.size + hearing.length === 0) return { all, gone, lost, moved };
  const rest = waysWithout(ways, loss);
  for (const working of touched) {
    const after = courseOf(rest, working.flow);
    if (after === undefined) lost.push(working);
    else if (!isSame(working.course, after)) moved.push({ ...working, after });
  }
  lost.push(...hearing.filter(({ course }) => !isHeard(rest, course.heard)));
  return { all, gone, lost, moved };
}

const isSame = (a: Course, b: Course): boolean =>
  a.exit === b.exit && a.there.join(" ") === b.there.join(" ") && a.back.join(" ") === b.back.join(" ");

const byEnds = ({ flow }: Working): string => endsOf(flow).join(" and ");

const classOf = (group: readonly Working[], { flow, course }: Working): FlowClass => ({
  ends: endsOf(flow),
  count: group.length,
  example: flow,
  before: course,
});

/** Groups of flows, each with its first. */
const groupsOf = <T extends Working>(flows: readonly T[], keyOf: (each: T) => string) =>
  [...grouped(flows, keyOf).values()].flatMap((group) => group.slice(0, 1).map((first) => ({ group, first })));

/** What a loss does, by kinds of flows. */
export function whatIf(ways: Ways, loss: Loss): WhatIf {
  const { all, gone, lost, moved } = fatesOf(ways, loss);
  const takeover = (each: Moved): Takeover => takeoverOf(ways.network, loss, each);
  return {
    loss,
    all: all.length,
    gone: gone.size,
    parted: lost.filter(({ flow }) => loss.tunnels.some((ends) => hostsOf(flow).every((host) => ends.includes(host))))
      .length,
    lost: groupsOf(lost, byEnds).map(({ group, first }) => classOf(group, first)),
    moved: groupsOf(moved, (each) => `${byEnds(each)} ${takeover(each).by} ${each.after.exit ?? ""}`).map(
      ({ group, first }) => {
        const before = passes(first.course);
        const instead = passes(first.after).filter((host) => !before.includes(host));
        return { ...classOf(group, first), ...takeover(first), instead, after: first.after };
      },
    ),
  };
}
