/** A trace as SVG: hop under hop, and what is put around the packet as boxes around it, in the order in which it is on the wire. */
import { type Overhead, totalBytes } from "../../base/mtu.ts";
import type { FlowTrace, Hop, Trace } from "../../ways/trace.ts";
import { drawingStyle } from "../assets.generated.ts";
import { type Markup, markup, ownMarkup } from "../markup.ts";
import { backHeading, endInWords, fateOf, renderTrace, whereto } from "../trace.ts";
import { colourOf, shortened } from "./svg.ts";

/** What one layer puts around what it carries. */
interface Layer {
  readonly kind: "tunnel" | "vxlan";
  /** Innermost first. */
  readonly added: readonly Overhead[];
}

/** A hop with the layers that are around the packet when it leaves, the innermost first. */
interface Row {
  readonly hop: Hop;
  readonly layers: readonly Layer[];
}

/** What has got into VXLAN is in it until the host that the frames go to has it. */
function rowsOf(hops: readonly Hop[]): readonly Row[] {
  const rows: Row[] = [];
  let within: { readonly layer: Layer; readonly to: string } | undefined;
  for (const hop of hops) {
    const own: readonly Layer[] =
      hop.kind === "tunnel" || hop.kind === "vxlan" ? [{ kind: hop.kind, added: hop.added }] : [];
    rows.push({ hop, layers: hop.kind === "vxlan" || within === undefined ? own : [within.layer, ...own] });
    if (hop.kind === "vxlan") within = { layer: { kind: "vxlan", added: hop.added }, to: hop.to };
    else if (within?.to === hop.to) within = undefined;
  }
  return rows;
}

const [LEFT, BOXES, TOP, LINE] = [24, 424, 64, 18];
/** Of the text beside the boxes. */
const MOST_CHARACTERS = 53;
const CHARACTER = 7.3;
const SMALL_CHARACTER = 6.7;
const INNER_HEIGHT = 24;
/** A box is so much larger than what is in it, above and below. */
const FRAME = 5;

/** Rounded, so that no text depends on how a machine prints a fraction. */
const widthOf = (text: string, character = SMALL_CHARACTER): number => Math.ceil(text.length * character);

/** What stands behind what is carried: the sum that proves it, and what fills it up (WireGuard's data message). */
const isBehind = ({ what }: Overhead): boolean => what === "WireGuard tag" || what.startsWith("padding");

const inWords = (parts: readonly Overhead[]): string =>
  parts.map(({ what, bytes }) => `${what.replace(/ header$/, "").replace(/ to 16 bytes$/, "")} ${bytes}`).join(" · ");

/** A drawing that begins at the left of a line, and the room that it takes. */
interface Drawn {
  readonly width: number;
  readonly height: number;
  readonly at: (x: number, middle: number) => Markup;
}

function packetOf(bytes: number): Drawn {
  const text = `packet ${bytes}`;
  const width = widthOf(text) + 20;
  const at = (x: number, middle: number) =>
    markup`<rect class="packet" x="${x}" y="${middle - INNER_HEIGHT / 2}" width="${width}" height="${INNER_HEIGHT}" rx="3"/><text class="small" x="${x + 10}" y="${middle + 4}">${text}</text>`;
  return { width, height: INNER_HEIGHT, at };
}

const NAMES = { tunnel: "WireGuard", vxlan: "VXLAN" } as const;

function around(inner: Drawn, { kind, added }: Layer): Drawn {
  // Outermost first, as they are on the wire.
  const before = inWords(added.filter((each) => !isBehind(each)).toReversed());
  const behind = inWords(added.filter(isBehind));
  const [start, end] = [widthOf(before) + 20, behind === "" ? FRAME : widthOf(behind) + 20];
  const [width, height] = [start + inner.width + end, inner.height + 2 * FRAME];
  const at = (x: number, middle: number) =>
    markup`<g class="${colourOf(kind === "tunnel" ? 0 : 1)}"><title>${NAMES[kind]}: ${totalBytes(added)} bytes</title><rect class="header" x="${x}" y="${middle - height / 2}" width="${width}" height="${height}" rx="4"/><text class="small" x="${x + 10}" y="${middle + 4}">${before}</text>${
      behind !== "" &&
      markup`<text class="small" x="${x + start + inner.width + 10}" y="${middle + 4}">${behind}</text>`
    }</g>${inner.at(x + start, middle)}`;
  return { width, height, at };
}

/** What a row's packet comes to, and of how much. */
function totalOf({ sizes, sent, path }: Hop): string {
  const less = path?.translation === undefined ? "" : ` less ${path.translation.bytes} (${path.translation.what})`;
  const of = path === undefined ? "" : ` of ${path.mtu} (${path.rule})${less}`;
  const cut = sizes.length > 1 ? `, the first of ${sent.join(" and ")}` : "";
  return `= ${sent[0]}${of}${cut}`;
}

/** Lines and boxes one under the other, with the width and the height that they take. */
interface Block {
  readonly width: number;
  readonly height: number;
  readonly content: Markup;
}

function drawRow({ hop, layers }: Row, y: number): Block {
  const [first = 0] = hop.sizes;
  const bytes = first - layers.slice(0, -1).reduce((sum, { added }) => sum + totalBytes(added), 0);
  const drawn = layers.reduce(around, packetOf(bytes));
  const height = Math.max(3 * LINE + 12, drawn.height + 16);
  const middle = y + height / 2;
  const clamp = hop.mss === undefined ? "" : `, MSS ${hop.mss}`;
  const total = totalOf(hop);
  const end = BOXES + drawn.width;
  const lines = [
    markup`<text class="name" x="${LEFT + 14}" y="${middle - 12}">${shortened(`${hop.host} ${hop.via}`, MOST_CHARACTERS)}</text>`,
    markup`<text class="small" x="${LEFT + 14}" y="${middle + 5}">${shortened(whereto(hop), MOST_CHARACTERS)}</text>`,
    markup`<text class="small" x="${LEFT + 14}" y="${middle + 21}">takes ${hop.limit} at most${clamp}</text>`,
  ];
  return {
    width: end + 10 + widthOf(total),
    height: height + 8,
    content: markup`<g class="hop"><title>${hop.host} ${hop.via}: ${whereto(hop)}</title><rect class="box" x="${LEFT}" y="${y}" width="${BOXES - LEFT - 12}" height="${height}" rx="6"/>${lines}${drawn.at(BOXES, middle)}<text class="small" x="${end + 10}" y="${middle + 4}">${total}</text></g>
`,
  };
}

function drawTrace(heading: string, { hops, end, above }: Trace, family: 4 | 6, top: number): Block {
  const blocks: Markup[] = [markup`<text class="title" x="${LEFT}" y="${top}">${heading}</text>\n`];
  let [y, width] = [top + 14, LEFT + widthOf(heading, CHARACTER)];
  for (const row of rowsOf(hops)) {
    const block = drawRow(row, y);
    blocks.push(block.content);
    y += block.height;
    width = Math.max(width, block.width);
  }
  const said = [
    { text: `it ${fateOf(end, family)}`, isWell: end.kind === "arrived" || end.kind === "outside" },
    ...(above === undefined
      ? []
      : [{ text: `one of ${above.bytes} bytes ${fateOf(above.refusal, family)}`, isWell: true }]),
  ];
  for (const { text, isWell } of said) {
    y += LINE;
    blocks.push(markup`<text${!isWell && markup` class="refused"`} x="${LEFT}" y="${y}">${text}</text>\n`);
    width = Math.max(width, LEFT + widthOf(text, CHARACTER));
  }
  return { width, height: y - top, content: markup`${blocks}` };
}

/** The trace as a file: light or dark as its reader likes; its description is the trace in words. */
export function renderTraceSvg(trace: FlowTrace): string {
  const { from, to, bytes, family } = trace;
  const title = `${endInWords(from)} → ${endInWords(to)}`;
  const what = `${bytes} bytes of IPv${family} that may not be cut up`;
  const there = drawTrace("there", trace.there, family, TOP + 2 * LINE);
  const second = TOP + 2 * LINE + there.height + 2 * LINE;
  const back = drawTrace(backHeading(trace), trace.back, family, second);
  const width = Math.max(there.width, back.width, LEFT + widthOf(title, CHARACTER + 1)) + LEFT;
  const height = second + back.height + LEFT;
  const { text } =
    markup`<svg xmlns="http://www.w3.org/2000/svg" class="drawing" role="img" aria-labelledby="title" aria-describedby="words" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">
<title id="title">Trace ${title}</title>
<desc id="words">${renderTrace(trace)}</desc>
<style>${ownMarkup(drawingStyle)}</style>
<rect class="ground" width="${width}" height="${height}"/>
<text class="title" x="${LEFT}" y="32">${title}</text>
<text class="small" x="${LEFT}" y="52">${what}</text>
${there.content}${back.content}</svg>
`;
  return text;
}
