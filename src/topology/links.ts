/** Links as a graph of names. */
import { must } from "../base/invariant.ts";
import type { WireguardInput } from "./topology.ts";

/** Who is linked with whom, by name. */
export type Neighbours = ReadonlyMap<string, ReadonlySet<string>>;

/** The neighbours of each of some hosts. Links with others, and of a host with itself, are left out. */
export function linkNeighbours(names: readonly string[], links: WireguardInput["links"]): Neighbours {
  const neighbours = new Map(names.map((name) => [name, new Set<string>()]));
  for (const {
    hosts: [a, b],
  } of links) {
    if (a === b || !neighbours.has(a) || !neighbours.has(b)) continue;
    neighbours.get(a)?.add(b);
    neighbours.get(b)?.add(a);
  }
  return neighbours;
}

/** The neighbours of one host. */
export const neighboursOf = (neighbours: Neighbours, name: string): ReadonlySet<string> =>
  must(neighbours.get(name), "every host has a set of neighbours");

/** The hosts that are reached from one, itself the first, without going through another. */
export function reachedFrom(neighbours: Neighbours, start: string, without?: string): readonly string[] {
  const reached = new Set([start]);
  for (const name of reached) {
    for (const next of neighboursOf(neighbours, name)) if (next !== without) reached.add(next);
  }
  return [...reached];
}
