/** Hosts that stand on one LAN, told by how they are dialled: from there at a private address, from elsewhere at another place. */
import { containsAddress, type IpPrefix, parseAddress } from "../base/ip.ts";
import { type Finding, note } from "./facts.ts";
import type { Member, View } from "./fleet.ts";

/** RFC 1918, RFC 4193. */
const PRIVATE = [
  "10.0.0.0/8",
  "172.16.0.0/12",
  "192.168.0.0/16",
  "fc00::/7",
] as readonly string[] as readonly IpPrefix[];

function isPrivate({ peer: { endpoints } }: View): boolean {
  const address = parseAddress(endpoints[0]?.value.replace(/:\d+$/, "").replace(/[[\]]/g, "") ?? "");
  return address !== undefined && PRIVATE.some((range) => containsAddress(range, address));
}

/** A site, and the hosts that stand in it by their identities. */
export interface Site {
  readonly name: string;
  readonly members: ReadonlySet<string>;
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

/** The sites, each under a name that no host has. */
export function sitesOf(members: readonly Member[], hosts: ReadonlySet<string>, findings: Finding[]): readonly Site[] {
  const taken = new Set(hosts);
  return groupsOf(members).flatMap((group) => {
    let name = "lan";
    for (let number = 2; taken.has(name); number += 1) name = `lan${number}`;
    taken.add(name);
    const [first] = members.filter(({ identity }) => group.has(identity));
    if (first === undefined) return [];
    const text = `the site ${name} is a guess: its hosts dial each other at private addresses, and others dial them elsewhere`;
    findings.push(note(text, first.place));
    return [{ name, members: group }];
  });
}
