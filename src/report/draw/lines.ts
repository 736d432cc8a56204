/** The lines of a diagram: where each begins and ends, and how it gets there. */
import { type Bundle, bundlesOf, type Diagram } from "./diagram.ts";
import type { Box, Picture, Side } from "./layout.ts";

/** Bundles between sites up to which each has a line of its own; more of them meet in one. */
const MAX_BUNDLES = 24;

/** Groups up to which each has a line of its own to the spine. */
const MAX_SPINE_LINES = 60;

/** A point from which a line leaves to one side: 1 to the right, -1 to the left. */
interface Port {
  readonly x: number;
  readonly y: number;
  readonly direction: 1 | -1;
}

type Placed = Box & { readonly side: Side };

/** Where a box turns to who stands at another side: always to the middle. */
function portOf(box: Placed, other: Side): Port {
  const y = box.y + box.height / 2;
  const isRight = box.side === "left" || (box.side === "middle" && other !== "left");
  return isRight ? { x: box.x + box.width, y, direction: 1 } : { x: box.x, y, direction: -1 };
}

/** At most so far do curves between two of one side come out. */
const REACH = 150;

const rounded = (value: number): string => String(Math.round(value * 10) / 10);

/** A curve from one port to another, as a path of SVG; it arrives from `by`, or the way that the port turns. */
function curve(from: Port, to: Port, by?: { readonly x: number; readonly y: number }): string {
  const isOpposite = from.direction !== to.direction;
  const reach = isOpposite
    ? Math.abs(to.x - from.x) / 2
    : Math.min(REACH, 36 + Math.abs(to.y - from.y) * 0.3) + Math.abs(to.x - from.x) / 2;
  const points = [
    [from.x + from.direction * reach, from.y],
    by === undefined ? [to.x + to.direction * reach, to.y] : [by.x, by.y],
    [to.x, to.y],
  ];
  const ends = points.map((point) => point.map(rounded).join(" "));
  return `M${rounded(from.x)} ${rounded(from.y)}C${ends.join(" ")}`;
}

/** A line of the diagram, and what it stands for. */
export interface Line {
  readonly path: string;
  readonly bundle: Bundle;
  /** What it joins; `undefined`: all that meet in the spine. */
  readonly ends: readonly [string, string | undefined];
  /** Where a word may stand on it. */
  readonly label: { readonly x: number; readonly y: number };
}

function lineBetween(a: Placed, b: Placed, bundle: Bundle, ends: Line["ends"]): Line {
  const [from, to] = [portOf(a, b.side), portOf(b, a.side)];
  const bulge = from.direction === to.direction ? 45 * from.direction : 0;
  return { path: curve(from, to), bundle, ends, label: { x: (from.x + to.x) / 2 + bulge, y: (from.y + to.y) / 2 } };
}

/** One line a tunnel, where each host is drawn with all that is known of it. */
function tunnelLines({ links }: Diagram, { groups }: Picture): readonly Line[] {
  const placed = new Map(
    groups.flatMap(({ nodes, side }) => nodes.map((node) => [node.node.host, { ...node, side }] as const)),
  );
  return links.flatMap(({ between, mtu }) => {
    const [a, b] = between.map((host) => placed.get(host));
    const bundle: Bundle = { between: [0, 0], count: 1, smallestMtu: mtu, largestMtu: mtu };
    return a && b ? [lineBetween(a, b, bundle, between)] : [];
  });
}

/** What a group is called. */
const titleOf = ({ group }: Picture["groups"][number]): string => group.title ?? group.nodes[0]?.host ?? "";

export interface Lines {
  readonly lines: readonly Line[];
  /** What meets in the spine; none of it has lines of its own. */
  readonly spine: readonly Bundle[];
}

/** A bundle with another in it. */
function joined(bundle: Bundle, other: Bundle): Bundle {
  return {
    ...bundle,
    count: bundle.count + other.count,
    smallestMtu: Math.min(bundle.smallestMtu, other.smallestMtu),
    largestMtu: Math.max(bundle.largestMtu, other.largestMtu),
  };
}

/** All bundles of each group together, by its index. */
function ofGroups(bundles: readonly Bundle[]): ReadonlyMap<number, Bundle> {
  const totals = new Map<number, Bundle>();
  for (const bundle of bundles) {
    for (const index of bundle.between) {
      const known = totals.get(index);
      totals.set(index, known === undefined ? bundle : joined(known, bundle));
    }
  }
  return totals;
}

/** Very many lines of which none can be told from the next, as one. */
function asOne(lines: readonly Line[]): readonly Line[] {
  const [first, ...others] = lines;
  if (first === undefined) return [];
  const bundle = others.reduce((all, line) => joined(all, line.bundle), first.bundle);
  const path = lines.map((line) => line.path).join("");
  return [
    { ...first, path, bundle: { ...bundle, count: bundle.count / lines.length }, ends: ["each site", undefined] },
  ];
}

/** The lines of all tunnels: each its own, or those between two groups as one; of very many groups all in one spine. */
export function linesOf(diagram: Diagram, picture: Picture): Lines {
  if (picture.detail === "card") return { lines: tunnelLines(diagram, picture), spine: [] };
  const { groups, spine } = picture;
  const bundles = bundlesOf(diagram).filter(({ between: [a, b] }) => a !== b);
  const isOuter = ({ between }: Bundle): boolean => between.every((index) => groups[index]?.side !== "middle");
  const outer = bundles.filter(isOuter);
  const meeting = outer.length > MAX_BUNDLES ? outer : [];
  const own = meeting.length > 0 ? bundles.filter((bundle) => !isOuter(bundle)) : bundles;
  const straight = own.flatMap((bundle) => {
    const [a, b] = bundle.between.map((index) => groups[index]);
    return a && b ? [lineBetween(a, b, bundle, [titleOf(a), titleOf(b)])] : [];
  });
  const totals = ofGroups(meeting);
  const toSpine = groups.flatMap((group, index): readonly Line[] => {
    const bundle = totals.get(index);
    if (bundle === undefined) return [];
    const port = portOf(group, "right");
    const label = { x: (port.x + spine) / 2, y: port.y };
    const path = `M${rounded(port.x)} ${rounded(port.y)}H${rounded(spine)}`;
    return [{ path, bundle, ends: [titleOf(group), undefined], label }];
  });
  return { lines: [...straight, ...(toSpine.length > MAX_SPINE_LINES ? asOne(toSpine) : toSpine)], spine: meeting };
}

/** The hosts of a layer where each is drawn with all that is known of it, else the boxes that have some of them. */
function placesOf({ groups, detail }: Picture, members: ReadonlySet<string>): readonly Placed[] {
  return groups.flatMap((group): readonly Placed[] => {
    const nodes = group.nodes.filter(({ node }) => members.has(node.host));
    if (detail === "card") return nodes.map((node) => ({ ...node, side: group.side }));
    return nodes.length === 0 ? [] : [group];
  });
}

/** At most so far above and below the middle of a host do the lines of lanes end, so that they are told apart. */
const SPREAD = 14;

/** The line of a segment or VRF: down its lane, and from there to all that is in it. */
export function lanePath(picture: Picture, lane: number, members: ReadonlySet<string>): string {
  const lanes = picture.lanes.filter((each) => each !== undefined);
  const [first = lane, last = lane] = [Math.min(...lanes), Math.max(...lanes)];
  const offset = last === first ? 0 : SPREAD * (((lane - first) / (last - first)) * 2 - 1);
  const ports = placesOf(picture, members)
    .map((box) => portOf(box, box.side === "middle" ? "left" : "right"))
    .map((port) => ({ ...port, y: port.y + offset }));
  const heights = ports.map(({ y }) => y);
  const x = rounded(lane);
  const down = `M${x} ${rounded(Math.min(...heights))}V${rounded(Math.max(...heights))}`;
  return down + ports.map((port) => `M${x} ${rounded(port.y)}H${rounded(port.x)}`).join("");
}

/** The lines from those who lead out to where that ends. */
export function exitPath(picture: Picture, end: Box, members: ReadonlySet<string>): string {
  const x = end.x + end.width / 2;
  return placesOf(picture, members)
    .map((box) => curve(portOf(box, "right"), { x, y: end.y, direction: 1 }, { x, y: end.y - 80 }))
    .join("");
}
