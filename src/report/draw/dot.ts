/** A diagram in the language of Graphviz: https://graphviz.org/doc/info/lang.html. */
import { must } from "../../base/invariant.ts";
import type { Diagram } from "./diagram.ts";

/** A quoted string; of a backslash only its own doubling means nothing else. */
const escaped = (text: string): string => text.replace(/[\\"]/g, "\\$&");
const quoted = (text: string): string => `"${escaped(text)}"`;

/** Every host, its site as a cluster, and every tunnel with what it carries; Graphviz decides where they stand. */
export function renderDot({ name, groups, links }: Diagram): string {
  const ids = new Map(groups.flatMap(({ nodes }) => nodes).map(({ host }, index) => [host, `n${index}`]));
  const idOf = (host: string): string => must(ids.get(host), "a host is drawn");
  const clusters = groups.flatMap(({ title, nodes }, index) => {
    const lines = nodes.map(({ host, address, role }) => {
      const shape = role === "hub" || role === "gateway" ? ", penwidth=2" : role === "lan" ? ", style=dashed" : "";
      // The line break is dot's own.
      const label = [host, address].filter((line) => line !== "").map(escaped);
      return `${idOf(host)} [label="${label.join("\\n")}"${shape}];`;
    });
    if (title === undefined) return lines.map((line) => `  ${line}`);
    return [
      `  subgraph cluster_${index} {`,
      `    label=${quoted(title)};`,
      ...lines.map((line) => `    ${line}`),
      "  }",
    ];
  });
  const edges = links.map(({ between: [a, b], mtu }) => `  ${idOf(a)} -- ${idOf(b)} [label=${quoted(String(mtu))}];`);
  return [
    `graph ${quoted(name)} {`,
    // The one of its layouts for links without a direction that draws clusters.
    "  layout=fdp;",
    "  node [shape=box, fontname=monospace];",
    "  edge [fontname=monospace, fontsize=10];",
    ...clusters,
    ...edges,
    "}",
    "",
  ].join("\n");
}
