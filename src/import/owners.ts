/** Whose a prefix is: a packet for it is followed from file to file, to the host that hands it to no peer. */
import {
  collapsePrefixes,
  comparePrefixes,
  containsPrefix,
  hostPrefix,
  type IpPrefix,
  networkAddress,
  overlaps,
  prefixesWithout,
  prefixLengthBits,
  prefixOf,
} from "../base/ip.ts";
import { type Finding, note, type Place, question } from "./facts.ts";
import type { Member } from "./fleet.ts";

/** A prefix, and where those who send to it do. */
export interface Claim {
  readonly prefix: IpPrefix;
  readonly owner: string;
  readonly place: Place;
}

interface Entry {
  readonly prefix: IpPrefix;
  readonly to: string;
  readonly place: Place;
}

interface Table {
  readonly entries: ReadonlyMap<IpPrefix, Entry>;
  /** Those that occur, the longest first. */
  readonly lengths: readonly number[];
  /** The host's addresses: what is for them goes no further. */
  readonly own: ReadonlySet<IpPrefix>;
}

/** By the identity of the host; those without a file have none. */
export type Tables = ReadonlyMap<string, Table>;
const NOTHING: Table = { entries: new Map(), lengths: [], own: new Set() };

/** The AllowedIPs of each file, in its order. */
function entriesOf({ facts }: Member): readonly Entry[] {
  return (facts?.peers ?? []).flatMap(({ allowedIps, identity }) =>
    allowedIps.map(({ value, place }) => ({ prefix: value.prefix, to: identity, place })),
  );
}

function tableOf(member: Member): Table {
  const entries = new Map(entriesOf(member).map((entry) => [entry.prefix, entry]));
  const lengths = [...new Set([...entries.keys()].map(prefixLengthBits))].sort((a, b) => b - a);
  const own = new Set((member.facts?.addresses ?? []).map(({ value }) => hostPrefix(value.address)));
  return { entries, lengths, own };
}

/** What each file sends to whom, as the kernel has it: of equal prefixes the last. */
export function tablesOf(members: readonly Member[]): Tables {
  const withFile = members.filter(({ facts }) => facts !== undefined);
  return new Map(withFile.map((member) => [member.identity, tableOf(member)]));
}

/** Prefixes that stand at two peers of one file. */
export function tellDoubles(
  members: readonly Member[],
  nameOf: (identity: string) => string,
  findings: Finding[],
): void {
  for (const member of members) {
    const table = new Map<IpPrefix, Entry>();
    for (const entry of entriesOf(member)) {
      const { prefix, to, place } = entry;
      const earlier = table.get(prefix);
      table.set(prefix, entry);
      if (earlier === undefined || earlier.to === to) continue;
      const [first, last] = [nameOf(earlier.to), nameOf(to)];
      const text = `${prefix} stands at two peers, ${first} and ${last}: WireGuard sends to the last one, ${last}`;
      findings.push(question(text, earlier.place, place));
    }
  }
}

/** The peer that a host sends a prefix to, by the longest that holds it; none of those that have had it. */
export function nextFor(tables: Tables, at: string, prefix: IpPrefix, passed: ReadonlySet<string>): string | undefined {
  const { entries, lengths, own } = tables.get(at) ?? NOTHING;
  if (own.has(prefix)) return undefined;
  for (const length of lengths) {
    if (length > prefixLengthBits(prefix)) continue;
    const entry = entries.get(prefixOf(networkAddress(prefix), length));
    if (entry !== undefined && !passed.has(entry.to)) return entry.to;
  }
  return undefined;
}

function follow(tables: Tables, from: string, { prefix, to }: Entry): string {
  const passed = new Set([from, to]);
  let at = to;
  for (let next = nextFor(tables, at, prefix, passed); next !== undefined; ) {
    passed.add(next);
    at = next;
    next = nextFor(tables, at, prefix, passed);
  }
  return at;
}

/** Each prefix with each host that it leads to. */
export function claimsOf(tables: Tables): readonly Claim[] {
  const claims = new Map<string, Claim>();
  for (const [from, { entries }] of tables) {
    for (const entry of entries.values()) {
      const owner = follow(tables, from, entry);
      const key = `${entry.prefix} ${owner}`;
      if (!claims.has(key)) claims.set(key, { prefix: entry.prefix, owner, place: entry.place });
    }
  }
  return [...claims.values()].sort((a, b) => comparePrefixes(a.prefix, b.prefix));
}

/** Two hosts that each send the same prefix of tunnel addresses to the other: neither can have all of it. */
export function tellMutual(
  tables: Tables,
  { pools, nameOf }: Pick<Around, "pools" | "nameOf">,
  findings: Finding[],
): void {
  const isPools = (prefix: IpPrefix): boolean => pools.some((pool) => overlaps(pool, prefix));
  for (const [from, { entries }] of tables) {
    for (const { prefix, to, place } of entries.values()) {
      const back = tables.get(to)?.entries.get(prefix);
      if (back?.to !== from || prefixLengthBits(prefix) === 0 || from > to || !isPools(prefix)) continue;
      const [a, b] = [nameOf(from), nameOf(to)];
      findings.push(
        question(`${prefix} is said to be behind ${b} by ${a}, and behind ${a} by ${b}`, place, back.place),
      );
    }
  }
}

/** What leads to two hosts is the first one's, and a question. */
function withoutRivals(claims: readonly Claim[], nameOf: (identity: string) => string, findings: Finding[]) {
  const first = new Map<IpPrefix, Claim>();
  for (const claim of claims) {
    const rival = first.get(claim.prefix);
    if (rival === undefined) first.set(claim.prefix, claim);
    else {
      const [a, b] = [nameOf(rival.owner), nameOf(claim.owner)];
      const text = `${claim.prefix} is said to be behind ${a} and behind ${b}; it was given to ${a}`;
      findings.push(question(text, rival.place, claim.place));
    }
  }
  return [...first.values()];
}

/** A prefix as a host has it under `routes:`. */
type Route = IpPrefix | { readonly cidr: IpPrefix; readonly exceptMoreSpecifics: true };

/** The routes of each host by its identity. */
export type Behind = ReadonlyMap<string, readonly Route[]>;

interface Around {
  readonly pools: readonly IpPrefix[];
  /** What a hub is sent wide prefixes for. */
  readonly passesOn: (identity: string) => boolean;
  readonly nameOf: (identity: string) => string;
}

/** What of a prefix is its owner's own: all but what lies in it and belongs to others. */
function ownPart(claim: Claim, all: readonly Claim[], around: Around, findings: Finding[]): readonly Route[] {
  const { pools, passesOn, nameOf } = around;
  const { prefix, owner, place } = claim;
  const inner = all.filter((each) => each.owner !== owner && each.prefix !== prefix).map((each) => each.prefix);
  const others = collapsePrefixes([...inner, ...pools].filter((each) => containsPrefix(prefix, each)));
  if (others.length === 0) return [prefix];
  const pieces = prefixesWithout([prefix], others);
  if (pieces.length < 2) return pieces;
  if (!passesOn(owner)) return [{ cidr: prefix, exceptMoreSpecifics: true }];
  const text = `${prefix} is sent to ${nameOf(owner)} as a whole, and parts of it are others': only these were taken`;
  findings.push(note(text, place));
  return [];
}

/** Of the routes without exceptions those that no other holds; inside the others, longer ones may lead back. */
function collapsed(routes: readonly Route[]): readonly Route[] {
  const whole = collapsePrefixes(routes.filter((route) => typeof route === "string"));
  return [...whole, ...routes.filter((route) => typeof route !== "string")];
}

/** The prefixes behind each host, besides the tunnels' own addresses; what leads everywhere is a question. */
export function prefixesBehind(claims: readonly Claim[], around: Around, findings: Finding[]): Behind {
  const { pools, nameOf } = around;
  const everything = claims.filter(({ prefix }) => prefixLengthBits(prefix) === 0);
  for (const { prefix, owner, place } of everything) {
    const text = `${prefix}: all that is for nobody else goes to ${nameOf(owner)}; it was left out. Name it under "exits:"`;
    findings.push(question(text, place));
  }
  const outside = claims.filter(
    ({ prefix }) =>
      prefixLengthBits(prefix) > 0 && !pools.some((pool) => containsPrefix(pool, prefix) || pool === prefix),
  );
  const single = withoutRivals(outside, nameOf, findings);
  const result = new Map<string, readonly Route[]>();
  for (const claim of single) {
    const part = ownPart(claim, single, around, findings);
    result.set(claim.owner, [...(result.get(claim.owner) ?? []), ...part]);
  }
  return new Map([...result].map(([owner, routes]) => [owner, collapsed(routes)]));
}
