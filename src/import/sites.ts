/** Hosts that stand on one LAN, told by how they are dialled: from there at a private address, from elsewhere at another place. */
import { containsAddress, type IpAddress, type IpPrefix, parseAddress } from "../base/ip.ts";
import { type Finding, note } from "./facts.ts";
import type { Member, View } from "./fleet.ts";
import type { Behind } from "./owners.ts";

/** RFC 1918, RFC 4193. */
const PRIVATE = [
  "10.0.0.0/8",
  "172.16.0.0/12",
  "192.168.0.0/16",
  "fc00::/7",
] as readonly string[] as readonly IpPrefix[];

/** The address that a host is dialled at first; `undefined`: at none, or at a name. */
const dialledAt = ({ peer: { endpoints } }: View): IpAddress | undefined =>
  parseAddress(endpoints[0]?.value.replace(/:\d+$/, "").replace(/[[\]]/g, "") ?? "");

function isPrivate(view: View): boolean {
  const address = dialledAt(view);
  return address !== undefined && PRIVATE.some((range) => containsAddress(range, address));
}

/** A site, and the hosts that stand in it by their identities. */
export interface Site {
  readonly name: string;
  readonly members: ReadonlySet<string>;
  /** What others send to one of them, and in which they dial each other. */
  readonly lan: readonly IpPrefix[];
  /** To whom they send it. */
  readonly gateways: readonly string[];
}

/** Those who dial a host at a private address, where others dial it elsewhere. */
function neighboursOf({ views }: Member): readonly string[] {
  const dialled = views.filter(({ peer }) => peer.endpoints.length > 0);
  const near = dialled.filter(isPrivate);
  return near.length < dialled.length ? near.map(({ by }) => by) : [];
}

/** Whoever is on a LAN with one is with all that this one is with. */
function groupsOf(members: readonly Member[]): readonly ReadonlySet<string>[] {
  const groups = new Map<string, Set<string>>();
  for (const member of members) {
    const neighbours = neighboursOf(member);
    const all = [member.identity, ...neighbours].flatMap((each) => [each, ...(groups.get(each) ?? [])]);
    const group = new Set(all);
    if (neighbours.length > 0) for (const each of group) groups.set(each, group);
  }
  return [...new Set(groups.values())];
}

/** The LAN, where it is behind one of its hosts for all others. */
function lanOf(group: readonly Member[], behind: Behind): Pick<Site, "lan" | "gateways"> {
  const identities = new Set(group.map(({ identity }) => identity));
  const near = group.flatMap(({ views }) =>
    views.filter(({ by }) => identities.has(by)).flatMap((view) => dialledAt(view) ?? []),
  );
  const owned = group.flatMap(({ identity }) => {
    const whole = (behind.get(identity) ?? []).filter((route) => typeof route === "string");
    const lans = whole.filter((route) => near.some((address) => containsAddress(route, address)));
    return lans.map((prefix) => ({ prefix, identity }));
  });
  return {
    lan: owned.map(({ prefix }) => prefix),
    gateways: [...new Set(owned.map(({ identity }) => identity))],
  };
}

interface Surroundings {
  /** The names of all hosts. */
  readonly hosts: ReadonlySet<string>;
  readonly behind: Behind;
}

/** The sites, each under a name that no host has. */
export function sitesOf(
  members: readonly Member[],
  { hosts, behind }: Surroundings,
  findings: Finding[],
): readonly Site[] {
  const taken = new Set(hosts);
  return groupsOf(members).flatMap((group) => {
    let name = "lan";
    for (let number = 2; taken.has(name); number += 1) name = `lan${number}`;
    taken.add(name);
    const own = members.filter(({ identity }) => group.has(identity));
    const [first] = own;
    if (first === undefined) return [];
    const text = `the site ${name} is a guess: its hosts dial each other at private addresses, and others dial them elsewhere`;
    findings.push(note(text, first.place));
    return [{ name, members: group, ...lanOf(own, behind) }];
  });
}
