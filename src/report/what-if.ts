/** `netgen what-if`: what a loss does, in words and as data. */
import { listInWords } from "../base/text.ts";
import type { Course, Flow } from "../ways/flows.ts";
import type { Loss } from "../ways/loss.ts";
import { type FlowClass, lostCount, type MovedClass, movedCount, type WhatIf } from "../ways/what-if.ts";

const targetOf = (flow: Flow): string => (flow.kind === "between" ? flow.to.name : (flow.remote ?? "outside"));

const byHosts = (hosts: readonly string[]): string => (hosts.length === 0 ? "directly" : `by ${listInWords(hosts)}`);

/** The hosts between both ends; on its way out the last one is that by which it leaves. */
const passed = ({ there, exit }: Course): readonly string[] => there.slice(1, exit === undefined ? -1 : undefined);

/** `guests of vms with each other: 12`. */
function classInWords({ ends: [from, to], count }: FlowClass): string {
  const who = from === to ? `${from} with each other` : `${from} and ${to}`;
  return `${who}: ${count}`;
}

const flowInWords = (flow: Flow): string => `${flow.from.name} -> ${targetOf(flow)} by IPv${flow.family}`;

const lostLine = (each: FlowClass): string =>
  `    ${classInWords(each)}, as ${flowInWords(each.example)}, ${byHosts(passed(each.before))} before`;

const REASONS = {
  bgp: "BGP chooses anew",
  exit: "another way out is open",
  vrrp: "the other host has the shared address",
};

function movedLine(each: MovedClass): string {
  const { by, withinMs, before, after, example } = each;
  const way = `${byHosts(passed(after))}, not ${byHosts(passed(before))}`;
  return `    ${classInWords(each)}, ${REASONS[by]} within ${withinMs / 1000} s, as ${flowInWords(example)}: ${way}`;
}

const flows = (count: number): string => (count === 1 ? "1 flow" : `${count} flows`);

/** What a loss does, for people. */
export function renderWhatIf(result: WhatIf): string {
  const { loss, all, gone, lost, moved } = result;
  const [lostFlows, movedFlows] = [lostCount(result), movedCount(result)];
  const rest = all - gone - lostFlows - movedFlows;
  return [
    `without ${loss.kind} ${loss.name}: of ${flows(all)} that work`,
    ...(gone === 0 ? [] : [`  ${gone} begin or end there, and are gone with it`]),
    lostFlows === 0 ? "  nothing else is lost" : `  ${lostFlows} more are lost`,
    ...lost.map(lostLine),
    ...(movedFlows === 0 ? [] : [`  ${movedFlows} go another way`, ...moved.map(movedLine)]),
    `  ${rest} notice nothing`,
    "",
  ].join("\n");
}

/** Kinds of ends that are named in one line. */
const MOST_KINDS = 3;

/** What is lost, in a word. */
export const LOSSES = { host: "host", site: "site", link: "tunnel", interface: "interface" } as const;

/** `1 host`, `12 tunnels`: how many there are of each kind. */
export function countsOf(results: readonly WhatIf[]): readonly string[] {
  const kinds = new Map<Loss["kind"], number>();
  for (const { loss } of results) kinds.set(loss.kind, (kinds.get(loss.kind) ?? 0) + 1);
  return [...kinds].map(([kind, count]) => `${count} ${LOSSES[kind]}${count === 1 ? "" : "s"}`);
}

/** The kinds of ends that most flows have: of three of them each with how many. */
export function mostOf(classes: readonly FlowClass[]): string {
  const sorted = classes.toSorted((a, b) => b.count - a.count);
  const rest = sorted.length - MOST_KINDS;
  const more = rest > 0 ? [`${rest} more ${rest === 1 ? "kind" : "kinds"}`] : [];
  return [...sorted.slice(0, MOST_KINDS).map(classInWords), ...more].join("; ");
}

/** Many losses by what they do to others, each list the worst first. */
export interface Judged {
  /** Single points of failure. */
  readonly points: readonly WhatIf[];
  /** What is taken over, all of it. */
  readonly replaced: readonly WhatIf[];
  /** Tunnels whose own two ends alone lose what goes between them. */
  readonly parting: readonly WhatIf[];
  readonly unfelt: readonly WhatIf[];
}

/** Tells losses apart by what they do. */
export function judged(results: readonly WhatIf[]): Judged {
  const harmful = results.filter((each) => lostCount(each) > 0);
  return {
    points: worstFirst(harmful.filter((each) => lostCount(each) > each.parted)),
    parting: harmful.filter((each) => lostCount(each) === each.parted),
    replaced: worstFirst(results.filter((each) => lostCount(each) === 0 && movedCount(each) > 0)),
    unfelt: results.filter((each) => lostCount(each) + movedCount(each) === 0),
  };
}

/** What each of many losses does, the worst first, for people. */
export function renderEach(results: readonly WhatIf[]): string {
  const line = (result: WhatIf): string => {
    const { loss, lost, moved } = result;
    const [lostFlows, movedFlows] = [lostCount(result), movedCount(result)];
    const what = mostOf(lostFlows > 0 ? lost : moved);
    const also = lostFlows > 0 && movedFlows > 0 ? `; ${movedFlows} go another way` : "";
    return `  ${LOSSES[loss.kind]} ${loss.name}: ${lostFlows > 0 ? lostFlows : movedFlows} (${what})${also}`;
  };
  const { points, replaced, parting, unfelt } = judged(results);
  return [
    points.length === 0
      ? "no single point of failure"
      : "single points of failure, and how many flows of others they take",
    ...points.map(line),
    ...(replaced.length === 0
      ? []
      : ["taken over, and how many flows of others go another way", ...replaced.map(line)]),
    ...(parting.length === 0 ? [] : [`felt by its own two ends alone: ${listInWords(countsOf(parting))}`]),
    ...(unfelt.length === 0 ? [] : [`felt by nobody else: ${listInWords(countsOf(unfelt))}`]),
    "",
  ].join("\n");
}

const harm = (result: WhatIf): readonly [number, number] => [lostCount(result), movedCount(result)];

/** What takes most from others first; of equals in the order given. */
export const worstFirst = (results: readonly WhatIf[]): readonly WhatIf[] =>
  results.toSorted((a, b) => harm(b)[0] - harm(a)[0] || harm(b)[1] - harm(a)[1]);

const flowData = (flow: Flow, course: Course) => ({
  from: flow.from.name,
  to: targetOf(flow),
  family: flow.family,
  there: course.there,
  back: course.back,
  exit: course.exit,
});

/** The same as data; what is lost or moved by kinds of ends, with one flow of each. */
export function whatIfData(result: WhatIf) {
  const { loss, all, gone, lost, parted, moved } = result;
  const classData = ({ ends, count, example, before }: FlowClass) => ({
    ends,
    count,
    example: flowData(example, before),
  });
  return {
    down: { kind: loss.kind, name: loss.name },
    flows: all,
    gone,
    lost: lost.map(classData),
    parted,
    moved: moved.map((each) => ({
      ...classData(each),
      by: each.by,
      withinMs: each.withinMs,
      after: flowData(each.example, each.after),
    })),
  };
}
