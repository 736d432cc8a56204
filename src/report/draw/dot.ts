/** A diagram in the language of Graphviz: https://graphviz.org/doc/info/lang.html. */
import { must } from "../../base/invariant.ts";
import type { Diagram, Node } from "./diagram.ts";
import { endsOutside, type Layer } from "./layers.ts";

/** A quoted string; of a backslash only its own doubling means nothing else. */
const escaped = (text: string): string => text.replace(/[\\"]/g, "\\$&");
const quoted = (text: string): string => `"${escaped(text)}"`;

/** What lies over a host, for the line below its address. */
const overlaysOf = (layers: readonly Layer[], node: Node): string =>
  node.layers
    .flatMap((index) => layers[index] ?? [])
    .flatMap((layer) => (endsOutside(layer) ? [] : [layer.name]))
    .join(" ");

/** Every host with its segments and VRFs, its site as a cluster, every tunnel with what it carries, and all outside that they lead to; Graphviz decides where they stand. */
export function renderDot({ name, groups, links, layers }: Diagram): string {
  const ids = new Map(groups.flatMap(({ nodes }) => nodes).map(({ host }, index) => [host, `n${index}`]));
  const idOf = (host: string): string => must(ids.get(host), "a host is drawn");
  const clusters = groups.flatMap(({ title, nodes }, index) => {
    const lines = nodes.map((node) => {
      const { host, address, role } = node;
      const shape = role === "hub" || role === "gateway" ? ", penwidth=2" : role === "lan" ? ", style=dashed" : "";
      // The line break is dot's own.
      const label = [host, address, overlaysOf(layers, node)].filter((line) => line !== "").map(escaped);
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
  const ways = layers.flatMap((layer, index) =>
    endsOutside(layer)
      ? [
          `  x${index} [label=${quoted(layer.name)}, shape=ellipse, style=dashed];`,
          ...[...layer.members].map((host) => `  ${idOf(host)} -- x${index} [style=dashed];`),
        ]
      : [],
  );
  return [
    `graph ${quoted(name)} {`,
    // The one of its layouts for links without a direction that draws clusters.
    "  layout=fdp;",
    "  node [shape=box, fontname=monospace];",
    "  edge [fontname=monospace, fontsize=10];",
    ...clusters,
    ...edges,
    ...ways,
    "}",
    "",
  ].join("\n");
}
