/** A diagram as SVG: a part of the report, or a file by itself. */
import { drawingStyle } from "../assets.generated.ts";
import { type Markup, markup, ownMarkup } from "../markup.ts";
import { counted, type Diagram, mtuInWords, numberInWords } from "./diagram.ts";
import { gathered } from "./gather.ts";
import { KIND_IN_WORDS, type Layer } from "./layers.ts";
import { type Detail, layOut, MAX_CHARACTERS, type Picture, type PlacedGroup, type PlacedNode } from "./layout.ts";
import { exitPath, type Line, lanePath, linesOf } from "./lines.ts";

/** Colours of layers; after these they come again. */
const COLOURS = 8;
export const colourOf = (layer: number): string => `c${layer % COLOURS}`;

/** Where a host leads to within the page; `undefined`: nowhere. */
export type HrefOf = (host: string) => string | undefined;

/** A text that is longer than its place ends in three dots. */
export const shortened = (text: string, most: number): string =>
  text.length > most ? `${text.slice(0, most - 1)}…` : text;

/** What is written on a host. */
function texts({ node, x, y, width }: PlacedNode, detail: Detail, layers: readonly Layer[]): Markup {
  if (detail === "id") return markup`<text x="${x + width / 2}" y="${y + 16}">${node.id}</text>`;
  const name = shortened(node.host, MAX_CHARACTERS[detail]);
  if (detail === "name") return markup`<text x="${x + 10}" y="${y + 17}">${name}</text>`;
  const shown = node.layers.slice(0, 8);
  return markup`<text class="name" x="${x + 14}" y="${y + 18}">${name}</text><text class="address" x="${x + width - 12}" y="${y + 18}">${node.address}</text><text class="note" x="${x + 14}" y="${y + 34}">${shortened(node.notes.join(" · "), 40)}</text>${shown.map(
    (layer, index) =>
      markup`<circle class="${colourOf(layer)}" cx="${x + width - 16 - 10 * (shown.length - 1 - index)}" cy="${y + 31}" r="3.5"><title>${layers[layer]?.name}</title></circle>`,
  )}`;
}

function drawNode(placed: PlacedNode, detail: Detail, layers: readonly Layer[], hrefOf: HrefOf): Markup {
  const { node, x, y, width, height } = placed;
  const href = hrefOf(node.host);
  const words = detail === "id" ? node.notes : [node.address, ...node.notes];
  const title = [node.host, ...words].filter((part) => part !== "").join(", ");
  const radius = node.role === "app" ? height / 2 : 5;
  // Of very many each byte counts: these are round by their style.
  const round = detail !== "id" && markup` rx="${radius}"`;
  const role = node.role === "host" ? [] : [node.role];
  const names = ["node", ...role, ...node.layers.map((layer) => `in-${layer}`)].join(" ");
  const inner = markup`<title>${title}</title><rect x="${x}" y="${y}" width="${width}" height="${height}"${round}/>${texts(placed, detail, layers)}`;
  return href === undefined
    ? markup`<g class="${names}">${inner}</g>\n`
    : markup`<a class="${names}" href="${href}">${inner}</a>\n`;
}

function drawGroup({ group, x, y, width, height, nodes }: PlacedGroup, detail: Detail, rest: DrawOptions): Markup {
  const { title } = group;
  const heading =
    title === undefined
      ? undefined
      : markup`<text class="title" x="${x + 12}" y="${y + 20}">${title}<tspan class="count" dx="8">${counted(nodes.length, "host")}</tspan></text>`;
  const name = title === undefined ? "box alone" : "box";
  return markup`<g><rect class="${name}" x="${x}" y="${y}" width="${width}" height="${height}" rx="10"/>${heading}
${nodes.map((node) => drawNode(node, detail, rest.layers, rest.hrefOf))}</g>
`;
}

/** Lines with the words on them, up to so many. */
const MAX_LABELS = 16;

/** `alpha – beta: 1440 bytes`, `roz – wro: 12 tunnels, 1392 to 1440 bytes`. */
function lineInWords({ ends: [from, to], bundle }: Line): string {
  const ends = to === undefined ? from : `${from} – ${to}`;
  const count = bundle.count === 1 ? "" : `${counted(bundle.count, "tunnel")}, `;
  return `${ends}: ${count}${mtuInWords(bundle)} bytes`;
}

/** Width of a character and height of a line of the words on a line, as drawing.css has them, with room between. */
const LABEL = { character: 7, height: 14 };

const labelText = ({ bundle }: Line): string => `${numberInWords(bundle.count)} · ${mtuInWords(bundle)}`;

/** Those whose words do not lie over words before them; what is left out has them as its title. */
function readable(lines: readonly Line[]): readonly Line[] {
  const shown: Line[] = [];
  for (const line of lines) {
    const isFree = shown.every(
      (other) =>
        Math.abs(other.label.y - line.label.y) >= LABEL.height ||
        Math.abs(other.label.x - line.label.x) * 2 >=
          (labelText(other).length + labelText(line).length) * LABEL.character,
    );
    if (isFree) shown.push(line);
  }
  return shown;
}

function drawTunnels(diagram: Diagram, picture: Picture): Markup {
  const { lines, spine } = linesOf(diagram, picture);
  const smallest = lines.reduce((least, { bundle }) => Math.min(least, bundle.smallestMtu), Number.POSITIVE_INFINITY);
  const narrow = new Set(lines.filter(({ bundle }) => bundle.smallestMtu === smallest));
  // What most are is nothing to be warned of.
  const isNarrow = (line: Line): boolean => narrow.size * 2 < lines.length && narrow.has(line);
  const hasLabels = lines.length <= MAX_LABELS && picture.detail !== "card";
  const nameOf = (line: Line): string => {
    const weight = Math.min(4, Math.floor(Math.log10(line.bundle.count)) + 1);
    return ["tunnel", `w${weight}`, ...(isNarrow(line) ? ["narrow"] : [])].join(" ");
  };
  const middle = picture.height / 2;
  return markup`<g class="tunnels">${lines.map((line) => markup`<path class="${nameOf(line)}" d="${line.path}"><title>${lineInWords(line)}</title></path>\n`)}${
    spine.length > 0 &&
    markup`<rect class="spine" x="${picture.spine - 5}" y="24" width="10" height="${picture.height - 48}" rx="5"/><text class="label" x="${picture.spine}" y="${middle}">${counted(
      spine.reduce((sum, { count }) => sum + count, 0),
      "tunnel",
    )}</text>`
  }${hasLabels && readable(lines).map((line) => markup`<text class="label" x="${line.label.x}" y="${line.label.y - 5}">${labelText(line)}</text>`)}</g>
`;
}

function drawLayer(layer: Layer, index: number, picture: Picture): Markup {
  const lane = picture.lanes[index];
  const end = picture.outside[index];
  const path = end ? exitPath(picture, end, layer.members) : lanePath(picture, lane ?? 0, layer.members);
  return markup`<g class="layer layer-${index} ${layer.kind} ${colourOf(index)}"><path d="${path}"><title>${layer.name}</title></path>${
    end &&
    markup`<rect x="${end.x}" y="${end.y}" width="${end.width}" height="${end.height}" rx="15"/><text x="${end.x + end.width / 2}" y="${end.y + 20}">${shortened(layer.name, MAX_CHARACTERS.card)}</text>`
  }</g>
`;
}

interface DrawOptions {
  readonly layers: readonly Layer[];
  readonly hrefOf: HrefOf;
}

/** A picture and all that stands in it; lines first, so that boxes lie over them. */
function draw(diagram: Diagram, picture: Picture, hrefOf: HrefOf): Markup {
  const { layers } = diagram;
  return markup`${drawTunnels(diagram, picture)}${layers.map((layer, index) => drawLayer(layer, index, picture))}${picture.groups.map((group) => drawGroup(group, picture.detail, { layers, hrefOf }))}`;
}

/** The diagram as a part of a page, which brings its colours. */
export function drawWithin(all: Diagram, hrefOf: HrefOf): Markup {
  const diagram = gathered(all);
  const picture = layOut(diagram);
  const { width, height, detail } = picture;
  return markup`<svg class="drawing ${detail}" role="group" aria-label="Diagram of ${diagram.name}" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">
${draw(diagram, picture, hrefOf)}</svg>`;
}

const LEGEND_LINE = 20;

function legend({ layers }: Diagram, y: number): Markup {
  return markup`${layers.map((layer, index) => {
    const line = y + index * LEGEND_LINE;
    return markup`<g class="legend ${colourOf(index)}"><circle cx="30" cy="${line - 4}" r="5"/><text x="44" y="${line}">${KIND_IN_WORDS[layer.kind]} ${layer.name}: ${layer.detail}</text></g>\n`;
  })}`;
}

/** The diagram as a file: light or dark as its reader likes, with nothing that has to be fetched. */
export function renderSvg(all: Diagram): string {
  const diagram = gathered(all);
  const picture = layOut(diagram);
  const height = picture.height + (diagram.layers.length > 0 ? (diagram.layers.length + 1) * LEGEND_LINE : 0);
  const { width, detail } = picture;
  const { text } =
    markup`<svg xmlns="http://www.w3.org/2000/svg" class="drawing ${detail}" role="img" aria-label="Diagram of ${diagram.name}" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">
<title>${diagram.name}</title>
<style>${ownMarkup(drawingStyle)}</style>
<rect class="ground" width="${width}" height="${height}"/>
${draw(diagram, picture, () => undefined)}${legend(diagram, picture.height + LEGEND_LINE)}</svg>
`;
  return text;
}
