/** Hub and spoke: every other host has one tunnel, with the hub, and sends everything there. */
import { must } from "../../base/invariant.ts";
import { comparePrefixes, type IpPrefix, isMoreSpecific, mergePrefixes, prefixesWithout } from "../../base/ip.ts";
import { DIRECT, type Grounds, type Joins, type Load } from "./joins.ts";
import type { Member } from "./meetings.ts";

const nameOf = ({ host }: Member): string => host.input.name;

/**
 * What is other hosts' inside what is a spoke's own. Just that, not the pool or the subnet that it is of: the hub would send
 * back what nobody has of these, as to it all of the wider prefix is the spoke's.
 */
function partsOfOthers(spoke: string, own: readonly IpPrefix[], { exact, outer }: Grounds): readonly IpPrefix[] {
  const wide = outer.filter((prefix) => own.includes(prefix));
  if (wide.length === 0) return [];
  const others = [...exact].flatMap(([name, prefixes]) => (name === spoke ? [] : prefixes));
  return [...new Set(others)].filter((prefix) => wide.some((each) => isMoreSpecific(prefix, each)));
}

/**
 * What a spoke sends to the hub: the parents of all prefixes, merged, without what is its own as a whole: a route of equal
 * length into the tunnel would take the place of its own. Its part of a larger prefix, a slice or one that lies in another,
 * needs no such care, as the longer prefix wins. Most spokes of a fleet so have the same few prefixes, however many there are.
 */
function createSpokeLoad(grounds: Grounds): (spoke: string) => Load {
  const { exact, parents, outer } = grounds;
  const declared = new Set(parents);
  const merged = mergePrefixes(parents);
  const shared: Load = { suffix: ":all", allowedIps: merged };
  return (spoke) => {
    const own = must(exact.get(spoke), "every host has a list of prefixes").filter((prefix) => declared.has(prefix));
    const whole = own.filter((prefix) => !outer.some((each) => isMoreSpecific(prefix, each)));
    const parts = partsOfOthers(spoke, own, grounds);
    if (whole.length + parts.length === 0) return shared;
    const allowedIps = [...prefixesWithout(merged, whole), ...parts].sort(comparePrefixes);
    return { suffix: `@${spoke}`, allowedIps };
  };
}

/** The spokes' ways through a hub. */
export function hubJoins(members: readonly Member[], hub: Member, grounds: Grounds): Joins {
  const spokes = members.filter((member) => member !== hub);
  const toHub = [hub];
  const spokeLoad = createSpokeLoad(grounds);
  const isRelay = spokes.length > 1;
  return {
    ...DIRECT,
    neighboursOf: (from) => (from === hub ? spokes : toHub),
    loadOf: (from) => (from === hub || !isRelay ? undefined : spokeLoad(nameOf(from))),
    relays: new Set(isRelay ? [nameOf(hub)] : []),
    merging: new Set(isRelay ? spokes.map(nameOf) : []),
    between: (names) => (names.length > 1 && !names.includes(nameOf(hub)) ? [nameOf(hub)] : []),
  };
}
