/** A mesh with hubs: who cannot meet is relayed by the first hub that both can meet. */
import { must } from "../../base/invariant.ts";
import { comparePrefixes } from "../../base/ip.ts";
import { compareText } from "../../base/text.ts";
import { DIRECT, type Grounds, type Joins } from "./joins.ts";
import type { Meet, Member } from "./meetings.ts";

const nameOf = ({ host }: Member): string => host.input.name;

/** Gives the hub that relays a pair; `undefined`: they need none, or there is none. */
function createRelayOf(hubs: readonly Member[], meet: Meet): (a: Member, b: Member) => Member | undefined {
  return (a, b) => {
    if (a === b || meet(a, b) !== undefined) return undefined;
    // If one of the two is a hub itself, it is none for both: it does not meet the other.
    return hubs.find((hub) => meet(a, hub) !== undefined && meet(b, hub) !== undefined);
  };
}

/** Everyone has a tunnel with everyone it can meet, and sends the first hub in common what is behind that. */
export function relayJoins(
  members: readonly Member[],
  hubs: readonly Member[],
  { meet, exact }: Pick<Grounds, "exact"> & { readonly meet: Meet },
): Joins {
  const relayOf = createRelayOf(hubs, meet);
  const exactOf = (member: Member) => must(exact.get(nameOf(member)), "every host has a list of prefixes");
  const relaysOf = (some: readonly Member[]): ReadonlySet<string> => {
    const relays = some.flatMap((a) => some.map((b) => relayOf(a, b)).filter((relay) => relay !== undefined));
    return new Set(relays.map(nameOf));
  };
  return {
    ...DIRECT,
    neighboursOf: (from) => members.filter((to) => relayOf(from, to) === undefined),
    loadOf: (from, to) => {
      const behind = hubs.includes(to) ? members.filter((member) => relayOf(from, member) === to) : [];
      if (behind.length === 0) return undefined;
      return { suffix: `@${nameOf(from)}`, allowedIps: [to, ...behind].flatMap(exactOf).sort(comparePrefixes) };
    },
    relays: relaysOf(members),
    between: (names) => {
      const some = members.filter((member) => names.includes(nameOf(member)));
      return [...relaysOf(some)].filter((name) => !names.includes(name)).sort(compareText);
    },
  };
}
