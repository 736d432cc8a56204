/** `netgen trace` in words. */
import { listInWords } from "../base/text.ts";
import type { FlowEnd, FlowTrace, Hop, Trace } from "../ways/trace.ts";

export const endInWords = ({ name, address }: FlowEnd): string => `${name} (${address})`;

/** Where a hop's packet goes, and what chose that. */
export function whereto({ kind, to, host, via, route }: Hop): string {
  if (route === undefined) return `frames to ${to}, in VXLAN`;
  const how = {
    lan: `to ${to}, in clear on the LAN`,
    subnet: to === host ? `onto the subnet by ${via}` : `to ${to}`,
    tunnel: `to ${to}, in WireGuard`,
    vxlan: `to ${to}, in VXLAN`,
  };
  return `route ${route}: ${how[kind]}`;
}

function sumOf({ sizes, sent, added, path }: Hop): string {
  const [first, ...others] = sizes;
  const cut = others.length === 0 ? "" : `cut up into ${sizes.join(" and ")}, of which `;
  const terms = added.map(({ what, bytes }) => ` + ${bytes} (${what})`).join("");
  const result = added.length === 0 ? "" : ` = ${sent[0]}`;
  const less = path?.translation && ` less ${path.translation.bytes} (${path.translation.what})`;
  const below = path === undefined ? "" : `, of ${path.mtu} (${path.rule})${less ?? ""}`;
  return `${cut}${first} bytes${terms}${result}${below}`;
}

export function hopLines(hop: Hop): readonly string[] {
  const { host, via, limit, mss } = hop;
  const clamp = mss === undefined ? "" : `, and clamps the MSS of TCP to ${mss}`;
  return [`  ${host} ${via}: ${whereto(hop)}`, `    ${sumOf(hop)}`, `    takes ${limit} at most${clamp}`];
}

const ICMP = { 4: "fragmentation needed", 6: "packet too big" } as const;

/** What becomes of a packet, as the end of a line that says which. */
export function fateOf(what: Trace["end"], family: 4 | 6): string {
  const { host } = what;
  switch (what.kind) {
    case "arrived":
      return `arrives at ${host}`;
    case "outside":
      return `leaves the overlay at ${host}: no route of it leads there`;
    case "no-route":
      return `is called unreachable by ${host}: no route leads there`;
    case "loop":
      return `is answered by ICMP by ${host}, time exceeded: it came by there before`;
    case "nobody":
      return `is called unreachable by ${host}: nobody beyond it has the address`;
    case "not-forwarded":
      return `vanishes without a word on ${host}: it forwards no IPv${family}`;
    case "not-taken":
      return `vanishes without a word on ${host}: WireGuard expects its source from another peer`;
    case "no-gateway":
      return `does not leave its subnet on ${host}: no gateway is told of it`;
    case "no-neighbour":
      return `is not sent on ${host}: nobody on its subnet has the address`;
    case "not-sent":
      return `is not sent by ${host}: ${what.via} takes ${what.limit} (message too long)`;
    case "answered":
      return `is answered by ICMP by ${host}, ${ICMP[family]}: ${what.via} takes ${what.limit}`;
    case "forged":
      return `is answered by ICMP in the name of the receiver, ${ICMP[family]}: ${what.via} on ${host} takes ${what.limit}`;
    case "silent":
      return `vanishes without a word, and in no counter: the bridge on ${host} drops what ${what.via} does not take (${what.limit})`;
    default:
      throw what satisfies never;
  }
}

/** What becomes of the smallest packet that is too large; no line where nothing limits it. */
export const aboveLines = ({ above }: Trace, family: 4 | 6): readonly string[] =>
  above === undefined ? [] : [`  one of ${above.bytes} bytes ${fateOf(above.refusal, family)}`];

const traceLines = (trace: Trace, family: 4 | 6): readonly string[] => [
  ...trace.hops.flatMap(hopLines),
  `  it ${fateOf(trace.end, family)}`,
  ...aboveLines(trace, family),
];

const byHosts = (hosts: readonly string[]): string => (hosts.length === 0 ? "directly" : `by ${listInWords(hosts)}`);

/** What an answer has in common with the packet, and what it has not; no word where one of the two does not arrive. */
export function backHeading({ there, back, otherHosts }: FlowTrace): string {
  if (there.largest === undefined || back.largest === undefined) return "back";
  const differs = [
    ...(otherHosts === undefined ? [] : [`${byHosts(otherHosts.back)}, not ${byHosts(otherHosts.there.toReversed())}`]),
    ...(there.largest === back.largest ? [] : [`carries ${back.largest}, not ${there.largest}`]),
  ];
  return differs.length === 0 ? "back, by the same hosts" : `back, otherwise: ${differs.join("; ")}`;
}

/** The trace for people. */
export function renderTrace(trace: FlowTrace): string {
  const { from, to, bytes, family, there, back } = trace;
  return [
    `${endInWords(from)} -> ${endInWords(to)}: ${bytes} bytes of IPv${family} that may not be cut up`,
    "there",
    ...traceLines(there, family),
    backHeading(trace),
    ...traceLines(back, family),
    "",
  ].join("\n");
}
