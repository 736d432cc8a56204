/** Who is who: the hosts of several files, told apart by their public keys. */
import { containsAddress, type IpAddress, prefixLengthBits } from "../base/ip.ts";
import { sortedBy } from "../base/text.ts";
import { type Finding, type HostFacts, note, type PeerFacts, type Place, question } from "./facts.ts";
import { byFrequency } from "./frequency.ts";

/** How another host's file has it. */
export interface View {
  readonly by: string;
  readonly peer: PeerFacts;
}

/** One host of the fleet, with or without a file of its own. */
export interface Member {
  /** As in {@link PeerFacts.identity}; unique. */
  readonly identity: string;
  readonly name: string | undefined;
  readonly publicKey: string | undefined;
  readonly facts: HostFacts | undefined;
  readonly views: readonly View[];
  readonly place: Place;
}

const isKey = (identity: string): boolean => !/^(?:name|file):/.test(identity);

interface Candidate {
  readonly identity: string;
  readonly lengthBits: number;
}

/** Public keys under which others have the addresses of a host, with the length of the prefix that has them. */
function candidatesFor(host: HostFacts, others: readonly HostFacts[]): readonly Candidate[] {
  const own = host.addresses.map(({ value }) => value.address);
  const listed = new Set(host.peers.map(({ identity }) => identity));
  const holds = (address: IpAddress, peer: PeerFacts): readonly Candidate[] =>
    peer.allowedIps
      .filter(({ value }) => containsAddress(value.prefix, address))
      .map(({ value }) => ({ identity: peer.identity, lengthBits: prefixLengthBits(value.prefix) }));
  return others
    .flatMap(({ peers }) => peers)
    .filter(({ identity }) => !listed.has(identity))
    .flatMap((peer) => own.flatMap((address) => holds(address, peer)));
}

/** The public key of a host whose file does not have it: what others call so, or where they send what is for its addresses. */
function deducedIdentity(host: HostFacts, hosts: readonly HostFacts[], taken: ReadonlySet<string>): string | undefined {
  const others = hosts.filter((each) => each !== host);
  const named = others.flatMap(({ peers }) => peers.filter(({ name }) => name !== undefined && name === host.name));
  const byName = new Set(named.map(({ identity }) => identity).filter((identity) => !taken.has(identity)));
  if (byName.size === 1) return [...byName][0];
  const candidates = candidatesFor(host, others).filter(({ identity }) => !taken.has(identity));
  const longest = Math.max(...candidates.map(({ lengthBits }) => lengthBits));
  const best = new Set(candidates.filter((each) => each.lengthBits === longest).map(({ identity }) => identity));
  return best.size === 1 ? [...best][0] : undefined;
}

/** Each host's file with its identity. */
function identified(hosts: readonly HostFacts[]): readonly (HostFacts & { readonly identity: string })[] {
  const taken = new Set(hosts.flatMap(({ identity }) => identity ?? []));
  return hosts.map((host) => {
    const identity = host.identity ?? deducedIdentity(host, hosts, taken) ?? `file:${host.place.file}`;
    taken.add(identity);
    return { ...host, identity };
  });
}

/** One file for each host: a second one of the same is told, and left out. */
function withoutTwins<Host extends HostFacts>(hosts: readonly Host[], findings: Finding[]): readonly Host[] {
  const first = new Map<string, Host>();
  for (const host of hosts) {
    const same = [`key ${host.identity}`, ...(host.name === undefined ? [] : [`name ${host.name}`])];
    const other = same.map((key) => first.get(key)).find((each) => each !== undefined);
    if (other === undefined) {
      for (const key of same) first.set(key, host);
      continue;
    }
    const what = other.identity === host.identity ? "the same key" : "the same name, and another key";
    findings.push(
      question(
        `${host.name ?? "this host"} has ${what} here and there: only the one of ${other.place.file} was taken. ` +
          "Two interfaces of one host are two fleets: import each by itself",
        host.place,
        other.place,
      ),
    );
  }
  return hosts.filter((host) => [...first.values()].includes(host));
}

/** What most of those who have it as a peer call it. */
function nameByOthers(views: readonly View[]): string | undefined {
  return byFrequency(views.flatMap(({ peer }) => peer.name ?? []))[0];
}

function memberOf(identity: string, facts: HostFacts | undefined, views: readonly View[]): readonly Member[] {
  const place = facts?.place ?? views[0]?.peer.place;
  if (place === undefined) return [];
  const name = facts?.name ?? nameByOthers(views);
  return [{ identity, name, publicKey: isKey(identity) ? identity : undefined, facts, views, place }];
}

/** A second host of a name gets a number. */
function withOwnNames(members: readonly Member[], findings: Finding[]): readonly Member[] {
  const taken = new Map<string, Member>();
  return members.map((member) => {
    const { name, place } = member;
    const other = name === undefined ? undefined : taken.get(name);
    let own = name;
    for (let number = 2; own !== undefined && taken.has(own); number += 1) own = `${name}-${number}`;
    if (own !== undefined) taken.set(own, member);
    if (other !== undefined)
      findings.push(note(`two hosts are called ${name}: this one is ${own} now`, place, other.place));
    return { ...member, name: own };
  });
}

/** The hosts of the fleet: those with a file of their own first, each group in the order of names and keys. */
export function gatherFleet(hosts: readonly HostFacts[], findings: Finding[]): readonly Member[] {
  const known = withoutTwins(identified(hosts), findings);
  const views = new Map<string, View[]>();
  for (const host of known) {
    for (const peer of host.peers) {
      if (peer.identity === host.identity) {
        findings.push(note("this peer is the host itself, which WireGuard passes over", peer.place));
        continue;
      }
      views.set(peer.identity, [...(views.get(peer.identity) ?? []), { by: host.identity, peer }]);
    }
  }
  const withFile = known.flatMap((host) => memberOf(host.identity, host, views.get(host.identity) ?? []));
  const files = new Set(known.map(({ identity }) => identity));
  const without = [...views].flatMap(([identity, seen]) =>
    files.has(identity) ? [] : memberOf(identity, undefined, seen),
  );
  const order = ({ name, identity }: Member): string => `${name ?? "~"} ${identity}`;
  return withOwnNames([...sortedBy(withFile, order), ...sortedBy(without, order)], findings);
}

/** Two hosts of which each has the other as a peer, and their words on it. */
interface Pair {
  readonly names: readonly [string, string];
  readonly peers: readonly [PeerFacts, PeerFacts];
}

function tellPresharedKeys({ names: [a, b], peers: [mine, theirs] }: Pair): readonly Finding[] {
  const [own, other] = [mine.preshared, theirs.preshared];
  const isBoth = own !== undefined && other !== undefined;
  // Of a key in a file of its own nobody knows which it is.
  if (own === other || (isBoth && [own, other].includes("file"))) return [];
  const how = isBoth ? "each has another" : "only one of them has one";
  return [question(`${a} and ${b} share no preshared key: ${how}`, mine.place, theirs.place)];
}

/** What is said of two hosts with files of which only one has the other as a peer, or whose preshared keys differ. */
export function tellPairs(members: readonly Member[], nameOf: (identity: string) => string, findings: Finding[]): void {
  const order = new Map(members.map(({ identity }, index) => [identity, index]));
  const viewsBy = new Map(
    members.map(({ identity, views }) => [identity, new Map(views.map((view) => [view.by, view]))]),
  );
  for (const { identity, views, facts } of members) {
    for (const { by, peer } of views.filter(() => facts !== undefined)) {
      const back = viewsBy.get(by)?.get(identity)?.peer;
      const names = [nameOf(by), nameOf(identity)] as const;
      if (back === undefined && facts !== undefined) {
        const text = `${names[0]} has ${names[1]} as a peer, and ${names[1]} has not ${names[0]}: no packet passes`;
        findings.push(question(text, peer.place, facts.place));
      } else if (back !== undefined && (order.get(by) ?? 0) < (order.get(identity) ?? 0)) {
        findings.push(...tellPresharedKeys({ names, peers: [peer, back] }));
      }
    }
  }
}
