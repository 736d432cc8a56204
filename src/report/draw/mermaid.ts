/** A diagram for Mermaid, which GitHub, GitLab and many wikis draw: https://mermaid.js.org/syntax/flowchart.html. */
import { must } from "../../base/invariant.ts";
import { type Bundle, bundlesOf, counted, type Diagram, mtuInWords, type Node } from "./diagram.ts";
import { gathered } from "./gather.ts";
import { endsOutside, type Layer } from "./layers.ts";

/** What it draws unless it is told otherwise (`maxEdges`, `maxTextSize`): GitHub tells it nothing. */
export const MAX_EDGES = 500;
export const MAX_TEXT = 50_000;

/** A text in quotes; Mermaid has entities of its own, and takes Markdown and HTML for what they are. */
const quoted = (text: string): string =>
  `"${text.replace(/[^\p{L}\p{N} .,:/_()-]/gu, (character) => `#${character.codePointAt(0)};`)}"`;

const graph = (lines: readonly string[]): string =>
  ["flowchart LR", ...lines.map((line) => `  ${line}`), ""].join("\n");

/** What lies outside, from whatever a host is drawn as: each leads there once. */
const waysOut = (layers: readonly Layer[], idOf: (host: string) => string): readonly string[] =>
  layers.flatMap((layer, index) => {
    if (!endsOutside(layer)) return [];
    const ends = new Set([...layer.members].map(idOf));
    return [`x${index}([${quoted(layer.name)}])`, ...[...ends].map((id) => `${id} -.- x${index}`)];
  });

const layersOf = (layers: readonly Layer[], node: Node): readonly string[] =>
  node.layers.flatMap((index) => layers[index] ?? []).flatMap((layer) => (endsOutside(layer) ? [] : [layer.name]));

/** Every host with its segments and VRFs, every tunnel, and all outside that they lead to. */
function inFull({ groups, links, layers }: Diagram): string {
  const ids = new Map(groups.flatMap(({ nodes }) => nodes).map(({ host }, index) => [host, `n${index}`]));
  const idOf = (host: string): string => must(ids.get(host), "a host is drawn");
  const nodes = groups.flatMap(({ title, nodes: all }, index) => {
    const lines = all.map((node) => {
      const over = layersOf(layers, node);
      const label = quoted(over.length === 0 ? node.host : `${node.host}: ${over.join(", ")}`);
      return `${idOf(node.host)}${node.role === "hub" ? `{{${label}}}` : `[${label}]`}`;
    });
    return title === undefined
      ? lines
      : [`subgraph g${index}[${quoted(title)}]`, ...lines.map((line) => `  ${line}`), "end"];
  });
  return graph([
    ...nodes,
    ...links.map(({ between: [a, b], mtu }) => `${idOf(a)} ---|${mtu}| ${idOf(b)}`),
    ...waysOut(layers, idOf),
  ]);
}

/** Sites with the number of their hosts, and between two of them all tunnels as one. */
function inBundles(diagram: Diagram): string {
  const nodes = diagram.groups.map(({ title, nodes: all }, index) => {
    const name = title ?? all[0]?.host ?? "";
    return `g${index}[${quoted(`${name}: ${counted(all.length, "host")}`)}]`;
  });
  const bundles = bundlesOf(diagram);
  const homes = new Map(diagram.groups.flatMap(({ nodes: all }, index) => all.map(({ host }) => [host, `g${index}`])));
  const words = (bundle: Bundle): string => quoted(`${counted(bundle.count, "tunnel")}, ${mtuInWords(bundle)}`);
  return graph([
    ...nodes,
    ...bundles.map((bundle) => `g${bundle.between[0]} ---|${words(bundle)}| g${bundle.between[1]}`),
    ...waysOut(diagram.layers, (host) => must(homes.get(host), "a host is drawn")),
  ]);
}

/** Whether it draws all of a text. A name that looks like a line counts as one, which does no harm. */
const isFit = (text: string): boolean =>
  text.length <= MAX_TEXT && [...text.matchAll(/ (?:---\||-\.-)/g)].length <= MAX_EDGES;

/** A flowchart that Mermaid draws as it is; `undefined`: even of sites there are too many for it. */
export function renderMermaid(diagram: Diagram): string | undefined {
  // Of very many tunnels the text alone would be megabytes.
  const full = diagram.links.length <= MAX_EDGES ? inFull(diagram) : undefined;
  if (full !== undefined && isFit(full)) return full;
  const text = inBundles(gathered(diagram));
  return isFit(text) ? text : undefined;
}
