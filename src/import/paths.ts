/** The MTU of the ways between the hosts, so that the interfaces come to have the MTU that they have. */
import { familyOf, type IpFamily, parseAddress } from "../base/ip.ts";
import { wireguardOverheadBytes } from "../base/mtu.ts";
import { type Finding, question } from "./facts.ts";
import type { Member } from "./fleet.ts";
import { byFrequency } from "./frequency.ts";

/** What the Internet carries nearly everywhere. */
const USUAL = 1500;
/** From here to the largest frames that switches take it is meant so. */
const JUMBO = { from: 9000, to: 9216 };

export interface Paths {
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
  const endpoints = views.flatMap(({ peer }) => peer.endpoint?.value ?? []);
  if (views.length === 0) return undefined;
  return Math.max(
    ...(endpoints.length === 0 ? [4 as const] : endpoints.map(familyOfEndpoint)).map(wireguardOverheadBytes),
  );
}

/** The path under the larger of two interfaces; one that Ethernet does not carry is a question. */
function pathUnder(ends: readonly Member[], overhead: number, findings: Finding[]): number | undefined {
  const mtus = ends.flatMap(({ facts }) => facts?.mtu ?? []).sort((a, b) => b.value - a.value);
  const [largest] = mtus;
  if (largest === undefined) return undefined;
  const path = largest.value + overhead;
  if (path <= USUAL || (path >= JUMBO.from && path <= JUMBO.to)) return path;
  const sum = `${largest.value} + ${overhead} of headers is a path of ${path} bytes, and Ethernet carries ${USUAL}`;
  findings.push(
    question(
      `MTU = ${largest.value} does not fit: ${sum}, which was taken; if it is so, say it as pathMtu`,
      largest.place,
    ),
  );
  return USUAL;
}

/** A pair has to carry what the larger of its interfaces sends, and an interface is as small as its smallest pair. */
export function pathsOf(members: readonly Member[], findings: Finding[]): Paths {
  const pairs = members.flatMap((a, index) =>
    members.slice(index + 1).flatMap((b) => {
      const overhead = overheadOf(a, b);
      const mtu = overhead === undefined ? undefined : pathUnder([a, b], overhead, findings);
      return mtu === undefined ? [] : [{ pair: [a.identity, b.identity] as const, mtu }];
    }),
  );
  const [pathMtu = USUAL] = byFrequency(pairs.map(({ mtu }) => mtu).sort((a, b) => b - a));
  return { pathMtu, between: pairs.filter(({ mtu }) => mtu !== pathMtu) };
}
