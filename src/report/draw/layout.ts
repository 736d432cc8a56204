/**
 * Where everything in a diagram stands. Groups are boxes in columns at both sides, those by which others meet in between; all
 * lines run in the gaps, where there is nothing to cross. Lengths in pixels of CSS. The same diagram, the same picture;
 * time grows with the number of hosts.
 */
import { type Diagram, type Group, MAX_DETAILED_HOSTS, type Node } from "./diagram.ts";
import { MAX_NAMED_HOSTS } from "./gather.ts";
import { endsOutside } from "./layers.ts";

/** A rectangle; `x` and `y` are its upper left corner. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export type Side = "left" | "middle" | "right";

export interface PlacedNode extends Box {
  readonly node: Node;
}

export interface PlacedGroup extends Box {
  readonly group: Group;
  readonly side: Side;
  readonly nodes: readonly PlacedNode[];
}

/** How much of a host is shown: two lines of text, its name, or its id. */
export type Detail = "card" | "name" | "id";

export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly detail: Detail;
  /** In the order of {@link Diagram.groups}. */
  readonly groups: readonly PlacedGroup[];
  /** Where the line of each segment and VRF runs down, by its index among {@link Diagram.layers}; `undefined`: a way out. */
  readonly lanes: readonly (number | undefined)[];
  /** Where each way out ends, likewise. */
  readonly outside: readonly (Box | undefined)[];
  /** The middle of the gap in which tunnels meet. */
  readonly spine: number;
}

const MARGIN = 24;
const PADDING = 10;
const TITLE_HEIGHT = 30;
const COLUMN_GAP = 28;
const BOX_GAP = 16;
/** Between boxes on one side and what stands opposite: room for curves. */
const GAP = { card: 190, name: 170, id: 170 };
const LANE_GAP = 16;
const MAX_LANES = 12;
const OUTSIDE = { height: 30, gap: 20, above: 44 };
/** Of 12 pixels of a monospaced font, rounded up. */
const CHARACTER = 7.4;
/** Height of boxes from which a side gets one more column. */
const TALL = 900;
/** At each side: a page is scrolled down more gladly than across. */
const MAX_COLUMNS = 2;
/** Of a name that is shown; the rest is in its title. */
export const MAX_CHARACTERS = { card: 24, name: 18 };

export const detailOf = (hosts: number): Detail =>
  hosts <= MAX_DETAILED_HOSTS ? "card" : hosts <= MAX_NAMED_HOSTS ? "name" : "id";

/** A cell of the grid in a box, the space to the next one included. */
interface Cell {
  readonly width: number;
  readonly height: number;
  readonly gap: number;
}

const longest = (texts: readonly string[]): number => texts.reduce((most, { length }) => Math.max(most, length), 0);

function cellOf(detail: Detail, nodes: readonly Node[]): Cell {
  if (detail === "id") {
    const characters = longest(nodes.map(({ id }) => String(id)));
    return { width: Math.max(26, Math.ceil(characters * 6.2) + 8), height: 24, gap: 3 };
  }
  const names = Math.min(longest(nodes.map(({ host }) => host)), MAX_CHARACTERS[detail]);
  if (detail === "name") return { width: Math.ceil(names * CHARACTER) + 22, height: 26, gap: 5 };
  const firstLine = names + 2 + longest(nodes.map(({ address }) => address));
  const secondLine = Math.min(longest(nodes.map(({ notes }) => notes.join(" · "))), 40) * 0.85;
  return { width: Math.ceil(Math.max(firstLine, secondLine, 18) * CHARACTER) + 32, height: 44, gap: 6 };
}

/** Columns of cells in a box, so that it is not much taller than wide; a card has a free face at both sides. */
function columnsOf(detail: Detail, count: number, isOnly: boolean): number {
  if (detail === "card") return 1;
  const many = detail === "id" ? Math.sqrt(count * 0.62) : Math.sqrt(count / 6);
  const most = detail === "id" ? 12 : 3;
  return Math.max(1, Math.ceil(isOnly ? many * 1.8 : Math.min(many, most)));
}

/** A group with its size, before it has a place. */
interface Sized {
  readonly group: Group;
  readonly columns: number;
  readonly width: number;
  readonly height: number;
}

function sized(group: Group, detail: Detail, cell: Cell, isOnly: boolean): Sized {
  const { title, nodes } = group;
  const columns = Math.min(nodes.length, columnsOf(detail, nodes.length, isOnly));
  const rows = Math.ceil(nodes.length / columns);
  const inner = columns * (cell.width + cell.gap) - cell.gap;
  const heading = title === undefined ? 0 : Math.ceil((title.length + 14) * 6.8);
  return {
    group,
    columns,
    width: Math.max(inner, heading) + 2 * PADDING,
    height:
      rows * (cell.height + cell.gap) - cell.gap + PADDING * 2 + (title === undefined ? 0 : TITLE_HEIGHT - PADDING),
  };
}

/** Boxes below each other. */
interface Column {
  readonly boxes: Sized[];
  height: number;
}

const widthOf = ({ boxes }: Column): number => boxes.reduce((most, { width }) => Math.max(most, width), 0);

/** Each box into the column that is the shortest so far; columns from left to right. */
function filled(boxes: readonly Sized[], count: number): readonly Column[] {
  const columns = Array.from({ length: count }, (): Column => ({ boxes: [], height: 0 }));
  for (const box of boxes) {
    const shortest = columns.reduce((least, each) => (each.height < least.height ? each : least));
    shortest.boxes.push(box);
    shortest.height += box.height + BOX_GAP;
  }
  return columns;
}

const columnsNeeded = (boxes: readonly Sized[]): number => {
  const height = boxes.reduce((sum, box) => sum + box.height + BOX_GAP, 0);
  return 2 * Math.max(1, Math.min(MAX_COLUMNS, Math.round(height / 2 / TALL)));
};

/** A column with its place. */
interface PlacedColumn {
  readonly side: Side;
  readonly x: number;
  readonly column: Column;
}

/** What stands beside what, from left to right, and how wide all of it is. */
function abreast(diagram: Diagram, detail: Detail, boxes: readonly Sized[]) {
  const outer = boxes.filter(({ group }) => !group.isCentral);
  const columns = filled(outer, columnsNeeded(outer));
  const middle = filled(
    boxes.filter(({ group }) => group.isCentral),
    1,
  );
  const lanes = Math.min(MAX_LANES, diagram.layers.filter((layer) => !endsOutside(layer)).length);
  const gap = GAP[detail] + lanes * LANE_GAP;
  const placed: PlacedColumn[] = [];
  let x = MARGIN;
  const put = (side: Side, column: Column, space: number): void => {
    if (column.boxes.length === 0) return;
    if (placed.length > 0) x += space;
    placed.push({ side, x, column });
    x += widthOf(column);
  };
  const half = columns.length / 2;
  for (const column of columns.slice(0, half)) put("left", column, COLUMN_GAP);
  const endOfLeft = x;
  for (const column of middle) put("middle", column, gap);
  for (const [index, column] of columns.slice(half).entries()) {
    put("right", column, index > 0 ? COLUMN_GAP : middle[0]?.boxes.length ? GAP[detail] : gap);
  }
  // What has nothing opposite has its own lines there.
  const isOpen = placed.length === 1 && (detail === "card" || lanes > 0);
  return { placed, width: x + (isOpen ? gap : MARGIN), gap: { start: endOfLeft, width: gap } };
}

function placedGroup(box: Sized, side: Side, cell: Cell, { x, y, width }: Omit<Box, "height">): PlacedGroup {
  const { group, columns, height } = box;
  const isAlone = group.title === undefined;
  const top = y + (isAlone ? 0 : TITLE_HEIGHT);
  const padding = isAlone ? 0 : PADDING;
  // The only column of a box is as wide as the box.
  const wide = columns === 1 ? width - 2 * padding : cell.width;
  const nodes = group.nodes.map((node, index) => ({
    node,
    x: x + padding + (index % columns) * (cell.width + cell.gap),
    y: top + Math.floor(index / columns) * (cell.height + cell.gap),
    width: wide,
    height: cell.height,
  }));
  return { group, side, nodes, x, y, width, height };
}

/** What lies outside, in a row below all else. */
function outsideOf({ layers }: Diagram, width: number, y: number): readonly (Box | undefined)[] {
  const widths = layers.map((layer) =>
    endsOutside(layer) ? Math.ceil(Math.min(layer.name.length, MAX_CHARACTERS.card) * CHARACTER) + 28 : 0,
  );
  const all = widths.filter((each) => each > 0);
  let x = Math.max(MARGIN, (width - all.reduce((sum, each) => sum + each + OUTSIDE.gap, -OUTSIDE.gap)) / 2);
  return widths.map((each) => {
    if (each === 0) return undefined;
    const box = { x, y, width: each, height: OUTSIDE.height };
    x += each + OUTSIDE.gap;
    return box;
  });
}

/** Gives everything in a diagram its place. */
export function layOut(diagram: Diagram): Picture {
  const { groups, layers } = diagram;
  const nodes = groups.flatMap((group) => group.nodes);
  const detail = detailOf(nodes.length);
  const cell = cellOf(detail, nodes);
  const boxes = groups.map((group) => sized(group, detail, cell, groups.length === 1));
  const { placed, width, gap } = abreast(diagram, detail, boxes);
  const tallest = placed.reduce((most, { column }) => Math.max(most, column.height - BOX_GAP), 0);
  const found = new Map<Group, PlacedGroup>();
  for (const { side, x, column } of placed) {
    let y = MARGIN + (tallest - column.height + BOX_GAP) / 2;
    for (const box of column.boxes) {
      found.set(box.group, placedGroup(box, side, cell, { x, y, width: widthOf(column) }));
      y += box.height + BOX_GAP;
    }
  }
  const outside = outsideOf(diagram, width, MARGIN + tallest + OUTSIDE.above);
  const ends = outside.filter((box) => box !== undefined).map((box) => box.x + box.width + MARGIN);
  let lane = 0;
  const lanes = layers.map((layer) => (endsOutside(layer) ? undefined : lane++ % MAX_LANES));
  const used = Math.min(lane, MAX_LANES);
  const firstLane = gap.start + (gap.width - (used - 1) * LANE_GAP) / 2;
  return {
    width: Math.ceil(Math.max(width, ...ends)),
    height: Math.ceil(tallest + 2 * MARGIN + (ends.length > 0 ? OUTSIDE.above + OUTSIDE.height : 0)),
    detail,
    groups: groups.flatMap((group) => found.get(group) ?? []),
    lanes: lanes.map((index) => (index === undefined ? undefined : firstLane + index * LANE_GAP)),
    outside,
    spine: gap.start + gap.width / 2,
  };
}
