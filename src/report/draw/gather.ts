/** Very many small sites, brought together: a picture of 500 boxes of one host each is 10,000 pixels high, and shows nothing. */
import { type Diagram, type Group, halves, MAX_DETAILED_HOSTS, type Node } from "./diagram.ts";

/** Hosts above which it is not each by name. */
export const MAX_NAMED_HOSTS = 120;

const isSmall = ({ title, nodes, isCentral }: Group): boolean =>
  title !== undefined && nodes.length === 1 && !isCentral;

/** The host of a small site, which says where it is. */
const withSite = ({ title, nodes }: Group): readonly Node[] =>
  nodes.map((node) => ({ ...node, notes: [title ?? "", ...node.notes] }));

/** The same with all sites of one host as two boxes, where hosts are not drawn by name and there are very many of these. */
export function gathered(diagram: Diagram): Diagram {
  const { groups } = diagram;
  const small = groups.filter(isSmall);
  const hosts = groups.reduce((sum, { nodes }) => sum + nodes.length, 0);
  if (hosts <= MAX_NAMED_HOSTS || small.length <= MAX_DETAILED_HOSTS) return diagram;
  const others = groups.filter((group) => !isSmall(group));
  const nodes = small.flatMap(withSite).sort((a, b) => a.id - b.id);
  return { ...diagram, groups: [...others, ...halves("sites of one host", nodes)] };
}
