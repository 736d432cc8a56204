/** What the topology says of each host. */
import { type Block, type Entry, entry } from "./draft.ts";
import { type Finding, note, question, type Said } from "./facts.ts";
import type { Member } from "./fleet.ts";
import { byFrequency } from "./frequency.ts";
import type { Behind } from "./owners.ts";
import type { Numbering } from "./pools.ts";
import type { Site } from "./sites.ts";

export const DEFAULT_PORT = 51_820;

type Endpoints = readonly Said<string>[];

const textOf = (endpoints: Endpoints): string => endpoints.map(({ value }) => value).join(", ");

/** Where others dial a host, what most of them have first. */
function byViews(all: readonly Endpoints[]): readonly Endpoints[] {
  const first = new Map([...all].reverse().map((endpoints) => [textOf(endpoints), endpoints]));
  return byFrequency(all.map(textOf)).map((text) => first.get(text) ?? []);
}

/** The port that most hosts listen on. */
export function commonPort(members: readonly Member[]): number {
  return byFrequency(members.flatMap(({ facts }) => facts?.listenPort ?? []))[0] ?? DEFAULT_PORT;
}

const portOf = (endpoint: string): number => Number(/:(\d+)$/.exec(endpoint)?.[1]);

export interface Context {
  readonly nameOf: (identity: string) => string;
  readonly numbers: ReadonlyMap<string, Numbering>;
  readonly behind: Behind;
  readonly sites: readonly Site[];
  readonly port: number;
}

/** Where it is dialled; a second place is a question. */
function endpointsOf(all: readonly Endpoints[], name: string, findings: Finding[]): Endpoints {
  const [endpoints = [], others = []] = byViews(all.filter((each) => each.length > 0));
  const [[endpoint], [other]] = [endpoints, others];
  if (endpoint !== undefined && other !== undefined) {
    const text = `${name} is dialled at ${textOf(endpoints)} and at ${textOf(others)}: the first was taken`;
    findings.push(question(`${text}; if one is on a LAN, say site: and lanEndpoint:`, endpoint.place, other.place));
  }
  return endpoints;
}

/** Where hosts of its own site dial it, and where all others do. */
function dialledAt({ identity, facts, views }: Member, { nameOf, sites }: Context, findings: Finding[]) {
  const site = sites.find(({ members }) => members.has(identity));
  const name = nameOf(identity);
  const near = views.filter(({ by }) => site?.members.has(by));
  const far = views.filter((view) => !near.includes(view));
  const at = (from: typeof views): readonly Endpoints[] => from.map(({ peer }) => peer.endpoints);
  const own = facts?.endpoint === undefined ? [] : [[facts.endpoint]];
  return {
    site,
    // One place is enough for a LAN.
    lanEndpoint: endpointsOf(at(near), name, findings)[0],
    endpoints: endpointsOf([...own, ...at(far)], name, findings),
  };
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
function reachEntries(member: Member, context: Context, findings: Finding[]): readonly Entry[] {
  const { port } = context;
  const name = context.nameOf(member.identity);
  const { site, lanEndpoint, endpoints } = dialledAt(member, context, findings);
  const [endpoint] = endpoints;
  findings.push(...tellKeepalive(member, name, endpoint !== undefined || lanEndpoint !== undefined));
  const own = member.facts?.listenPort ?? port;
  const listening = [
    ...(site === undefined ? [] : [entry("site", site.name)]),
    ...(lanEndpoint === undefined ? [] : [entry("lanEndpoint", lanEndpoint.value)]),
    ...(own === port ? [] : [entry("listenPort", own)]),
  ];
  if (endpoint === undefined) return listening;
  const keeper = member.facts?.peers.find(({ keepalive }) => keepalive > 0);
  const isForwarded = portOf(endpoint.value) !== own;
  const values = endpoints.map(({ value }) => value);
  const entries = [entry("endpoint", values.length === 1 ? endpoint.value : values), ...listening];
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
  const lans = new Set<unknown>(context.sites.flatMap(({ lan }) => lan));
  const routes = (context.behind.get(identity) ?? []).filter((route) => !lans.has(route));
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
      ...(routes.length === 0 ? [] : [entry("routes", routes)]),
    ],
  };
}
