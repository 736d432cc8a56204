/** What a loss does to a network: which flows worked before and do not after, and which go another way. Pure. */
import { grouped } from "../base/grouped.ts";
import { once } from "../base/once.ts";
import { type Course, courseOf, type Flow, type Working, workingFlows } from "./flows.ts";
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

/** All flows, and by each host those that pass it. */
interface Index {
  readonly all: readonly Working[];
  readonly byHost: ReadonlyMap<string, ReadonlySet<Working>>;
}

const indexOf = once((ways: Ways): Index => {
  const all = workingFlows(ways);
  const byHost = new Map<string, Set<Working>>();
  for (const working of all) {
    for (const host of passes(working.course)) {
      const known = byHost.get(host);
      if (known === undefined) byHost.set(host, new Set([working]));
      else known.add(working);
    }
  }
  return { all, byHost };
});

/** Whether a loss can change what flows do that do not pass it: who passes on what BGP says may be gone. */
function isFelt({ network, hosts }: Ways, { hosts: gone, tunnels }: Loss): boolean {
  if (network.bgp.kind === "none") return false;
  const speaks = (name: string): boolean => {
    const bgp = hosts.get(name)?.bgp;
    return bgp !== undefined && bgp.kind !== "none" && bgp.isReflector;
  };
  const systems = new Set(network.hosts.flatMap(({ bgp }) => (bgp.kind === "none" ? [] : [bgp.asn])));
  return systems.size > 1 || tunnels.length > 0 || gone.some(speaks);
}

/** The flows that a loss can concern. */
function touchedBy(ways: Ways, loss: Loss): Iterable<Working> {
  const { all, byHost } = indexOf(ways);
  if (isFelt(ways, loss)) return all;
  const places = [
    loss.hosts,
    ...[...loss.tunnels, ...loss.lans].map(([host]) => [host]),
    loss.exits.map(({ host }) => host),
  ];
  return new Set(places.flat().flatMap((host) => [...(byHost.get(host) ?? [])]));
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

/** What a loss does, once all have noticed it. */
export function whatIf(ways: Ways, loss: Loss): WhatIf {
  const gone = new Set(loss.hosts);
  const touched = [...touchedBy(ways, loss)];
  const staying = touched.filter(({ flow }) => !hostsOf(flow).some((host) => gone.has(host)));
  const rest = staying.length === 0 ? ways : waysWithout(ways, loss);
  const lost: Working[] = [];
  const moved: Moved[] = [];
  for (const working of staying) {
    const after = courseOf(rest, working.flow);
    if (after === undefined) lost.push(working);
    else if (!isSame(working.course, after)) moved.push({ ...working, after });
  }
  const takeover = (each: Moved): Takeover => takeoverOf(ways.network, loss, each);
  const { all } = indexOf(ways);
  return {
    loss,
    all: all.length,
    gone: all.filter(({ flow }) => hostsOf(flow).some((host) => gone.has(host))).length,
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
