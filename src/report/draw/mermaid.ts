/** A diagram for Mermaid, which GitHub, GitLab and many wikis draw: https://mermaid.js.org/syntax/flowchart.html. */
import { must } from "../../base/invariant.ts";
import { type Bundle, bundlesOf, counted, type Diagram, mtuInWords } from "./diagram.ts";
import { gathered } from "./gather.ts";

/** What it draws unless it is told otherwise (`maxEdges`, `maxTextSize`): GitHub tells it nothing. */
export const MAX_EDGES = 500;
export const MAX_TEXT = 50_000;

/** A text in quotes; Mermaid has entities of its own, and takes Markdown and HTML for what they are. */
const quoted = (text: string): string =>
  `"${text.replace(/[^\p{L}\p{N} .,:/_()-]/gu, (character) => `#${character.codePointAt(0)};`)}"`;

const graph = (lines: readonly string[]): string =>
  ["flowchart LR", ...lines.map((line) => `  ${line}`), ""].join("\n");

/** Every host and every tunnel. */
function inFull({ groups, links }: Diagram): string {
  const ids = new Map(groups.flatMap(({ nodes }) => nodes).map(({ host }, index) => [host, `n${index}`]));
  const idOf = (host: string): string => must(ids.get(host), "a host is drawn");
  const nodes = groups.flatMap(({ title, nodes: all }, index) => {
    const lines = all.map(
      ({ host, role }) => `${idOf(host)}${role === "hub" ? `{{${quoted(host)}}}` : `[${quoted(host)}]`}`,
    );
    return title === undefined
      ? lines
      : [`subgraph g${index}[${quoted(title)}]`, ...lines.map((line) => `  ${line}`), "end"];
  });
  return graph([...nodes, ...links.map(({ between: [a, b], mtu }) => `${idOf(a)} ---|${mtu}| ${idOf(b)}`)]);
}

/** Sites with the number of their hosts, and between two of them all tunnels as one. */
function inBundles(diagram: Diagram): string {
  const nodes = diagram.groups.map(({ title, nodes: all }, index) => {
    const name = title ?? all[0]?.host ?? "";
    return `g${index}[${quoted(`${name}: ${counted(all.length, "host")}`)}]`;
  });
  const bundles = bundlesOf(diagram);
  const words = (bundle: Bundle): string => quoted(`${counted(bundle.count, "tunnel")}, ${mtuInWords(bundle)}`);
  return graph([
    ...nodes,
    ...bundles.map((bundle) => `g${bundle.between[0]} ---|${words(bundle)}| g${bundle.between[1]}`),
  ]);
}

/** A flowchart that Mermaid draws as it is; `undefined`: even of sites there are too many for it. */
export function renderMermaid(diagram: Diagram): string | undefined {
  const fits = (edges: number, text: string): boolean => edges <= MAX_EDGES && text.length <= MAX_TEXT;
  if (diagram.links.length <= MAX_EDGES) {
    const text = inFull(diagram);
    if (fits(diagram.links.length, text)) return text;
  }
  const bundled = gathered(diagram);
  const text = inBundles(bundled);
  return fits(bundlesOf(bundled).length, text) ? text : undefined;
}
