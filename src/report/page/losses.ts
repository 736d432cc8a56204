/** What the loss of a host, site or tunnel does, in the page: single points of failure, and what takes over from the others. */
import { grouped } from "../../base/grouped.ts";
import { listInWords } from "../../base/text.ts";
import { type Bounds, type Each, whatIfEach } from "../../ways/each.ts";
import type { Loss } from "../../ways/loss.ts";
import type { Ways } from "../../ways/ways.ts";
import { lostCount, movedCount, type WhatIf } from "../../ways/what-if.ts";
import { counted, numberInWords } from "../draw/diagram.ts";
import { type Markup, markup, type Piece } from "../markup.ts";
import { countsOf, judged, LOSSES, mostOf } from "../what-if.ts";
import { hostLink, hostLinks, separated, table } from "./parts.ts";

/** Some ten seconds each: pairs of 500 hosts with two subnets are within, and as a rule their hosts and sites; their tunnels are not. */
const BOUNDS: Bounds = { pairs: 1_000_000, work: 2_000_000 };

/** What the page says of losses, asked as `netgen what-if --each` does, of as many kinds as there is time for. */
export const lossesFor = (ways: Ways): Each => whatIfEach(ways, ["host", "site", "link"], BOUNDS);

/** Rows of a table; of more there is the number. */
const MAX_ROWS = 20;
/** Losses that are alike of which each is named. */
const MAX_ALIKE = 6;

/** What is down, with links to its hosts. */
function lossName({ kind, name, hosts, tunnels }: Loss): Piece {
  if (kind === "host") return hostLink(name);
  if (kind === "site") return [`${name} (`, hostLinks(hosts), ")"];
  return tunnels.map(([a, b]) => [hostLink(a), " – ", hostLink(b)]);
}

function alike(all: readonly WhatIf[]): Piece {
  const more = all.length - MAX_ALIKE;
  const shown = all.slice(0, more > 1 ? MAX_ALIKE / 2 : all.length);
  const names = separated(shown.map(({ loss }) => lossName(loss)));
  return [names, shown.length < all.length && ` and ${numberInWords(all.length - shown.length)} more alike`];
}

const withinOf = ({ moved }: WhatIf): string => `${Math.max(...moved.map(({ withinMs }) => withinMs)) / 1000} s`;

/** The hosts that take over what goes another way. */
const standIns = ({ moved }: WhatIf): readonly string[] => [...new Set(moved.flatMap(({ instead }) => instead))].sort();

function insteadOf(result: WhatIf): Piece {
  const hosts = standIns(result);
  return hosts.length === 0 ? "those who are on the way already" : hostLinks(hosts);
}

/** Losses of one kind that do the same to others and are taken over by the same, in the order of the first of each. */
const groupsOf = (results: readonly WhatIf[]) => [
  ...grouped(results, (each) =>
    JSON.stringify([each.loss.kind, mostOf(each.lost), mostOf(each.moved), withinOf(each), standIns(each)]),
  ).values(),
];

/** Losses that are alike, of which the first speaks for all. */
type Alike = readonly [WhatIf, ...WhatIf[]];

const named = (all: Alike): Piece => [markup`<small>${LOSSES[all[0].loss.kind]}</small> `, alike(all)];

function pointRow(all: Alike, hasMoved: boolean): readonly Piece[] {
  const [first] = all;
  const movedFlows = movedCount(first);
  const moved = movedFlows > 0 && [counted(movedFlows, "flow"), " within ", withinOf(first), " by ", insteadOf(first)];
  return [
    named(all),
    markup`<b>${numberInWords(lostCount(first))}</b>`,
    mostOf(first.lost),
    ...(hasMoved ? [moved] : []),
  ];
}

function replacedRow(all: Alike): readonly Piece[] {
  const [first] = all;
  return [named(all), numberInWords(movedCount(first)), mostOf(first.moved), withinOf(first), insteadOf(first)];
}

/** Rows with what stands below them. */
interface Rows {
  readonly rows: readonly (readonly Piece[])[];
  readonly more: Piece;
}

function rowsOf(results: readonly WhatIf[], rowOf: (all: Alike) => readonly Piece[]): Rows {
  const groups = groupsOf(results);
  const shown = groups.slice(0, MAX_ROWS).flatMap(([first, ...others]) => (first ? [rowOf([first, ...others])] : []));
  const rest = groups.slice(MAX_ROWS).flat().length;
  return {
    rows: shown,
    more:
      rest > 0 &&
      markup`<p>And ${numberInWords(rest)} more that do less: <code>netgen what-if --each</code> names them.</p>
`,
  };
}

function unaskedPart({ unasked }: Each): Markup | undefined {
  if (unasked.length === 0) return undefined;
  const names = listInWords(unasked.map((kind) => `${LOSSES[kind]}s`));
  const commands = unasked.map((kind) => markup`<code>netgen what-if --each ${kind}</code>`);
  return markup`<p>The loss of single ${names} is not worked out here, as there are too many: ask ${separated(commands, " and ")}, or for one of them with <code>--down</code>.</p>
`;
}

/** What every loss does; `undefined`: nothing was asked for. */
export function lossesPart(each: Each): Piece {
  const { results, unasked } = each;
  if (results.length + unasked.length === 0) return undefined;
  const { points, replaced, parting, unfelt } = judged(results);
  const hasMoved = points.some((point) => movedCount(point) > 0);
  const harmful = rowsOf(points, (all) => pointRow(all, hasMoved));
  const taken = rowsOf(replaced, replacedRow);
  const headings = ["without", "flows of others lost", "between", ...(hasMoved ? ["go another way"] : [])];
  const quiet = [
    parting.length > 0 && `${listInWords(countsOf(parting))} felt by its own two ends alone`,
    unfelt.length > 0 && `${listInWords(countsOf(unfelt))} felt by nobody else`,
  ].filter((words) => words !== false);
  return [
    results.length > 0 &&
      markup`<p>Each is down in turn, and the way of every flow asked for again: what begins or ends there is not counted. ${points.length === 0 && markup`<b>No single point of failure.</b>`}</p>
`,
    table("Not taken over", headings, harmful.rows),
    harmful.more,
    table("Taken over", ["without", "flows that go another way", "between", "within", "by"], taken.rows),
    taken.more,
    quiet.length > 0 &&
      markup`<p>${quiet.join("; ")}.</p>
`,
    unaskedPart(each),
  ];
}

/** What others lose with each host, by its name; of those who lose nothing there is none. */
export function lossOfHosts({ results }: Each): ReadonlyMap<string, string> {
  const { points } = judged(results.filter(({ loss }) => loss.kind === "host"));
  return new Map(points.map((point) => [point.loss.name, `others lose ${counted(lostCount(point), "flow")}`]));
}
