/** What the topology says of each host. */

import type { IpPrefix } from "../base/ip.ts";
import { type Block, type Entry, entry } from "./draft.ts";
import { type Finding, note, question, type Said } from "./facts.ts";
import type { Member } from "./fleet.ts";
import { byFrequency } from "./frequency.ts";
import type { Numbering } from "./pools.ts";

export const DEFAULT_PORT = 51_820;

/** Where others dial a host, the address that most of them have first. */
function endpointsOf({ facts, views }: Member): readonly Said<string>[] {
  const all = [
    ...(facts?.endpoint === undefined ? [] : [facts.endpoint]),
    ...views.flatMap(({ peer }) => peer.endpoint ?? []),
  ];
  const first = new Map([...all].reverse().map((said) => [said.value, said]));
  return byFrequency(all.map(({ value }) => value)).flatMap((value) => first.get(value) ?? []);
}

/** The port that most hosts listen on. */
export function commonPort(members: readonly Member[]): number {
  return byFrequency(members.flatMap(({ facts }) => facts?.listenPort ?? []))[0] ?? DEFAULT_PORT;
}

const portOf = (endpoint: string): number => Number(/:(\d+)$/.exec(endpoint)?.[1]);

export interface Context {
  readonly nameOf: (identity: string) => string;
  readonly numbers: ReadonlyMap<string, Numbering>;
  readonly behind: ReadonlyMap<string, readonly IpPrefix[]>;
  readonly port: number;
}

/** Where it is dialled; a second place is a question. */
function endpointOf(member: Member, name: string, findings: Finding[]): Said<string> | undefined {
  const [endpoint, other] = endpointsOf(member);
  if (endpoint !== undefined && other !== undefined) {
    const text = `${name} is dialled at ${endpoint.value} and at ${other.value}: the first was taken`;
    findings.push(question(`${text}; if one is on a LAN, say site: and lanEndpoint:`, endpoint.place, other.place));
  }
  return endpoint;
}

/** What netgen decides by itself: who keeps a tunnel alive. */
function tellKeepalive({ facts, views }: Member, name: string, isDialled: boolean): readonly Finding[] {
  if (facts === undefined) return [];
  const keepers = facts.peers.filter(({ keepalive }) => keepalive > 0);
  const unusual = keepers.find(({ keepalive }) => keepalive !== 25);
  const isNew = !isDialled && views.length > 0 && keepers.length === 0;
  return [
    ...(isNew
      ? [note(`${name} is dialled by nobody: netgen has it send something every 25 seconds`, facts.place)]
      : []),
    ...(unusual === undefined
      ? []
      : [
          note(
            `${name}: PersistentKeepalive = ${unusual.keepalive} becomes 25, or none where nobody needs it`,
            unusual.place,
          ),
        ]),
  ];
}

/** Where it is dialled, and whether it stands behind a router that forwards a port. */
function reachEntries(member: Member, { port, nameOf }: Context, findings: Finding[]): readonly Entry[] {
  const name = nameOf(member.identity);
  const endpoint = endpointOf(member, name, findings);
  findings.push(...tellKeepalive(member, name, endpoint !== undefined));
  const own = member.facts?.listenPort ?? port;
  const listening = own === port ? [] : [entry("listenPort", own)];
  if (endpoint === undefined) return listening;
  const keeper = member.facts?.peers.find(({ keepalive }) => keepalive > 0);
  const isForwarded = portOf(endpoint.value) !== own;
  const entries = [entry("endpoint", endpoint.value), ...listening];
  if (!isForwarded && keeper === undefined) return entries;
  const why = `a guess, as ${isForwarded ? "others dial another port than it listens on" : "it has PersistentKeepalive"}`;
  findings.push(note(`${name}: behindNat is ${why}`, keeper?.place ?? endpoint.place));
  return [...entries, entry("behindNat", true, why)];
}

/** The lines of the source that netgen has nothing for: they stand in the topology, so that nothing is lost. */
function restComments({ facts }: Member): readonly string[] {
  return (facts?.rest ?? []).map(({ value, place }) => `not taken over, ${place.file}:${place.line}: ${value}`);
}

export function hostBlock(member: Member, context: Context, findings: Finding[]): Block {
  const { identity, facts, publicKey, place } = member;
  const name = context.nameOf(identity);
  const { id = 0, pinned = [] } = context.numbers.get(identity) ?? {};
  const behind = context.behind.get(identity) ?? [];
  const asked = new Set(findings.map(({ places: [{ file, line }] }) => `${file}:${line}`));
  for (const { value, place: where } of facts?.rest ?? []) {
    if (asked.has(`${where.file}:${where.line}`)) continue;
    findings.push(note(`${name}: "${value}" was not taken over; it stands in the topology as a comment`, where));
  }
  if (publicKey === undefined) {
    findings.push(
      question(
        `${name}: its public key is not told; write what "wg show INTERFACE public-key" says there as publicKey, or have netgen keys generate make a new pair`,
        place,
      ),
    );
  }
  const from = facts === undefined ? `no file of its own: as ${place.file}:${place.line} has it` : `from ${place.file}`;
  return {
    name,
    comments: [from, ...restComments(member)],
    entries: [
      entry("id", id),
      ...(pinned.length === 0 ? [] : [entry("addresses", pinned)]),
      ...reachEntries(member, context, findings),
      ...(publicKey === undefined ? [] : [entry("publicKey", publicKey)]),
      ...(facts?.hasCredential ? [entry("keyStore", "credential")] : []),
      ...(behind.length === 0 ? [] : [entry("routes", behind)]),
    ],
  };
}
