/** The MTU of the ways between the hosts, so that the interfaces come to have the MTU that they have. */
import { familyOf, type IpFamily, parseAddress } from "../base/ip.ts";
import { wireguardOverheadBytes } from "../base/mtu.ts";
import { type Finding, question, type Said } from "./facts.ts";
import type { Member } from "./fleet.ts";
import { byFrequency } from "./frequency.ts";

/** What the Internet carries nearly everywhere. */
const USUAL = 1500;
/** From here to the largest frames that switches take it is meant so. */
const JUMBO = { from: 9000, to: 9216 };

export interface Paths {
  /** The routes to a peer have the MTU of its own path, and the interface that of the largest. */
  readonly isPerPeer: boolean;
  readonly pathMtu: number;
  readonly between: readonly { readonly pair: readonly [string, string]; readonly mtu: number }[];
}

/** As `underlay.ipVersion: auto` has it: a name may lead to IPv6. */
function familyOfEndpoint(endpoint: string): IpFamily {
  const address = parseAddress(endpoint.replace(/:\d+$/, "").replace(/[[\]]/g, ""));
  return address === undefined ? 6 : familyOf(address);
}

/** The larger of the headers by which two may reach each other; `undefined`: they have no tunnel. */
function overheadOf(a: Member, b: Member): number | undefined {
  const views = [...a.views.filter(({ by }) => by === b.identity), ...b.views.filter(({ by }) => by === a.identity)];
  const endpoints = views.flatMap(({ peer }) => peer.endpoints.map(({ value }) => value));
  if (views.length === 0) return undefined;
  return Math.max(
    ...(endpoints.length === 0 ? [4 as const] : endpoints.map(familyOfEndpoint)).map(wireguardOverheadBytes),
  );
}

/** Two that have a tunnel with each other. */
interface Pair {
  readonly ends: readonly [Member, Member];
  readonly overhead: number;
}

function pairsOf(members: readonly Member[]): readonly Pair[] {
  return members.flatMap((a, index) =>
    members.slice(index + 1).flatMap((b) => {
      const overhead = overheadOf(a, b);
      return overhead === undefined ? [] : [{ ends: [a, b] as const, overhead }];
    }),
  );
}

/** The MTUs of both ends' interfaces that are told, the largest first. */
const mtusOf = ({ ends }: Pair): readonly Said<number>[] =>
  ends.flatMap(({ facts }) => facts?.mtu ?? []).sort((a, b) => b.value - a.value);

/** The path under one of the interfaces; one that Ethernet does not carry is a question. */
function pathUnder(mtu: Said<number>, overhead: number, findings: Finding[]): number {
  const path = mtu.value + overhead;
  if (path <= USUAL || (path >= JUMBO.from && path <= JUMBO.to)) return path;
  const sum = `${mtu.value} + ${overhead} of headers is a path of ${path} bytes, and Ethernet carries ${USUAL}`;
  findings.push(
    question(`MTU = ${mtu.value} does not fit: ${sum}, which was taken; if it is so, say it as pathMtu`, mtu.place),
  );
  return USUAL;
}

type Extreme = (...mtus: readonly number[]) => number;

/** True if every interface has the MTU that `ofPairs` makes of what `ofEnds` makes of the ends of each of its pairs. */
function explains(pairs: readonly Pair[], ofEnds: Extreme, ofPairs: Extreme): boolean {
  const made = new Map<Member, number>();
  for (const pair of pairs) {
    const mtu = ofEnds(...mtusOf(pair).map(({ value }) => value));
    for (const end of pair.ends) made.set(end, ofPairs(made.get(end) ?? mtu, mtu));
  }
  return [...made].every(([{ facts }, mtu]) => facts?.mtu === undefined || facts.mtu.value === mtu);
}

/**
 * Usually a pair has to carry what the larger of its interfaces sends, and an interface is as small as its smallest pair.
 * Where that cannot be, and the other way round can, it is the other way round.
 */
export function pathsOf(members: readonly Member[], findings: Finding[]): Paths {
  const all = pairsOf(members);
  const isPerPeer = !explains(all, Math.max, Math.min) && explains(all, Math.min, Math.max);
  const pairs = all.flatMap((pair) => {
    const mtu = mtusOf(pair).at(isPerPeer ? -1 : 0);
    const [a, b] = pair.ends;
    if (mtu === undefined) return [];
    return [{ pair: [a.identity, b.identity] as const, mtu: pathUnder(mtu, pair.overhead, findings) }];
  });
  const [pathMtu = USUAL] = byFrequency(pairs.map(({ mtu }) => mtu).sort((a, b) => b - a));
  return { isPerPeer, pathMtu, between: pairs.filter(({ mtu }) => mtu !== pathMtu) };
}
