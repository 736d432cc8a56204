/** Hub and spoke: every other host has one tunnel, with the hub, and sends everything there. */
import { must } from "../../base/invariant.ts";
import { mergePrefixes, prefixesWithout } from "../../base/ip.ts";
import { DIRECT, type Grounds, type Joins, type Load } from "./joins.ts";
import type { Member } from "./meetings.ts";

const nameOf = ({ host }: Member): string => host.input.name;

/**
 * What a spoke sends to the hub: the parents of all prefixes, merged, without what is its own as a whole: a route of equal
 * length into the tunnel would take the place of its own. Its slice of a larger prefix needs no such care, as the longer
 * prefix wins. Most spokes of a fleet so have the same few prefixes, however many spokes there are.
 */
function createSpokeLoad({ exact, parents }: Grounds): (spoke: string) => Load {
  const declared = new Set(parents);
  const merged = mergePrefixes(parents);
  const shared: Load = { suffix: ":all", allowedIps: merged };
  return (spoke) => {
    const own = must(exact.get(spoke), "every host has a list of prefixes").filter((prefix) => declared.has(prefix));
    if (own.length === 0) return shared;
    return { suffix: `@${spoke}`, allowedIps: prefixesWithout(merged, own) };
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
