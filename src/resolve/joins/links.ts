/** Links: tunnels between the pairs named and no others; a host between two others passes on what they send each other. */
import { must } from "../../base/invariant.ts";
import { comparePrefixes } from "../../base/ip.ts";
import { compareText } from "../../base/text.ts";
import { linkNeighbours, type Neighbours, neighboursOf, reachedFrom } from "../../topology/links.ts";
import type { WireguardInput } from "../../topology/topology.ts";
import { DIRECT, type Grounds, type Joins } from "./joins.ts";
import type { Member } from "./meetings.ts";

/** Who lies between some hosts: what is left of the tree when its ends are cut off until each end is one of them. */
function between(neighbours: Neighbours, names: readonly string[]): readonly string[] {
  const wanted = new Set(names);
  const degree = new Map([...neighbours].map(([name, others]) => [name, others.size]));
  const ends = [...degree].filter(([name, size]) => size < 2 && !wanted.has(name)).map(([name]) => name);
  for (const end of ends) {
    degree.delete(end);
    for (const name of neighboursOf(neighbours, end)) {
      const size = (degree.get(name) ?? 0) - 1;
      if (degree.has(name)) degree.set(name, size);
      if (size === 1 && !wanted.has(name)) ends.push(name);
    }
  }
  return [...degree.keys()].filter((name) => !wanted.has(name)).sort(compareText);
}

/** The ways along links that form no ring. */
export function linkJoins(
  members: readonly Member[],
  links: WireguardInput["links"],
  { exact }: Pick<Grounds, "exact">,
): Joins {
  const byName = new Map(members.map((member) => [member.host.input.name, member]));
  const neighbours = linkNeighbours([...byName.keys()], links);
  const linked = (name: string): readonly Member[] =>
    [...neighboursOf(neighbours, name)].sort(compareText).map((each) => must(byName.get(each), "a link joins members"));
  return {
    ...DIRECT,
    neighboursOf: ({ host }) => linked(host.input.name),
    loadOf: (from, to) => {
      const own = from.host.input.name;
      const behind = reachedFrom(neighbours, to.host.input.name, own);
      if (behind.length === 1) return undefined;
      const prefixes = behind.flatMap((name) => must(exact.get(name), "every host has a list of prefixes"));
      return { suffix: `@${own}`, allowedIps: prefixes.sort(comparePrefixes) };
    },
    relays: new Set([...neighbours].filter(([, others]) => others.size > 1).map(([name]) => name)),
    between: (names) => between(neighbours, names),
  };
}
