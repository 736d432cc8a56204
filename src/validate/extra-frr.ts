/** Raw lines for FRR: a list of those of `router bgp`, or lists by the block that they are for. */
import type { BgpLines, FrrLines, RouteMapLines, VrfLines } from "../model/extra.ts";
import { linesAt, reportTwice } from "./extra-lines.ts";
import { type FrrBlock, frrReason } from "./frr-lines.ts";
import { member, members, type Node, type Reader } from "./reader.ts";

export interface FrrLinesInput extends FrrLines {
  readonly vrfs: ReadonlyMap<string, VrfLines>;
}

export const NO_FRR_LINES: FrrLinesInput = {
  global: [],
  bgp: [],
  ipv4: [],
  ipv6: [],
  evpn: [],
  routeMaps: [],
  vrfs: new Map(),
};

const linesOf = (reader: Reader, list: Node, block: FrrBlock): readonly string[] =>
  linesAt(reader, list, (line) => frrReason(line, block));

const bgpLinesAt = (reader: Reader, node: Node): BgpLines => ({
  bgp: linesOf(reader, member(node, "bgp"), "bgp"),
  ipv4: linesOf(reader, member(node, "ipv4"), "ipv4"),
  ipv6: linesOf(reader, member(node, "ipv6"), "ipv6"),
  evpn: linesOf(reader, member(node, "evpn"), "evpn"),
});

/** FRR knows an entry by its name and number: the second of two would change the first. */
function routeMapsAt(reader: Reader, mapping: Node): readonly RouteMapLines[] {
  const seen = new Map<string, Node>();
  return members(mapping).flatMap(([entry, node]) => {
    if (reader.broken.has(node.pointer)) return [];
    const place = entry.replace(/ (?:permit|deny) /, " ");
    const first = seen.get(place);
    seen.set(place, first ?? node);
    if (first !== undefined) reportTwice(reader, { key: entry, what: "the same entry", node, first });
    return [{ entry, lines: linesOf(reader, node, "routeMap") }];
  });
}

const vrfLinesAt = (reader: Reader, node: Node): VrfLines => ({
  ...bgpLinesAt(reader, node),
  vrf: linesOf(reader, member(node, "vrf"), "vrf"),
});

export function frrLinesAt(reader: Reader, node: Node): FrrLinesInput {
  if (Array.isArray(node.value)) return { ...NO_FRR_LINES, bgp: linesOf(reader, node, "bgp") };
  return {
    global: linesOf(reader, member(node, "global"), "global"),
    ...bgpLinesAt(reader, node),
    routeMaps: routeMapsAt(reader, member(node, "routeMaps")),
    vrfs: new Map(members(member(node, "vrfs")).map(([name, each]) => [name, vrfLinesAt(reader, each)])),
  };
}
