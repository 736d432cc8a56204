/** Packets go the ways that `netgen trace` says, in the sizes that it says: counted on each link, and on the wire below. */

import { grouped } from "../../base/grouped.ts";
import { must } from "../../base/invariant.ts";
import { FAMILIES, familyOf } from "../../base/ip.ts";
import { IPV4_HEADER_BYTES, IPV6_HEADER_BYTES } from "../../base/mtu.ts";
import type { Network } from "../../model/network.ts";
import { createMeeting } from "../../model/tunnel.ts";
import { flowBetween, stationParty } from "../../ways/party.ts";
import { type FlowTrace, type Hop, traceFlow } from "../../ways/trace.ts";
import { waysOf } from "../../ways/ways.ts";
import type { Lab } from "../machine/running.ts";
import { cover } from "../measure/cover.ts";
import { guestMtu, widenGuests } from "../measure/guest-mtu.ts";
import { answered, pingWords } from "../measure/ping.ts";
import { execCommand, type LabPromise, type Outcome, type Prover } from "../measure/promise.ts";

/** What is counted on a host: a rule of nft, and what it shows. */
interface Count {
  readonly host: string;
  readonly family: "inet" | "bridge";
  readonly rule: string;
  readonly what: string;
}

/**
 * What a packet of so many bytes in a tunnel that is reckoned with IPv6 may have on the wire: one side may dial an IPv4 address, or a
 * name, and whose handshake was the last decides.
 */
function onWire(network: Network, { host, to, added }: Hop, bytes: number): readonly number[] {
  if (added.at(-1)?.bytes !== IPV6_HEADER_BYTES) return [bytes];
  const [a, b] = [host, to].map((name) => network.hosts.find((each) => each.name === name));
  const dials = Object.values(createMeeting(network)(must(a, "it is a host"), must(b, "it is a host")));
  const endpoints = dials.flatMap((dial) => dial?.endpoints ?? []);
  const isIpv6 = endpoints.every((each) => each.kind === "address" && familyOf(each.address) === 6);
  return isIpv6 ? [bytes] : [bytes, bytes - IPV6_HEADER_BYTES + IPV4_HEADER_BYTES];
}

/** What passes where a packet leaves by a link; of what is cut up only what is on the wire, for netfilter sees it whole. */
function countsOf(network: Network, hop: Hop): readonly Count[] {
  const { host, via, kind, route, sizes, sent } = hop;
  const [bytes = 0, ...others] = sizes;
  const family = route === undefined ? "bridge" : "inet";
  const link = { host, family, rule: `oifname "${via}" meta length ${bytes}`, what: `${bytes} by ${via}` } as const;
  const wire = sent.map((size) => {
    const rule = `oifname != "${via}" meta l4proto udp meta length { ${onWire(network, hop, size).join(", ")} }`;
    return { host, family: "inet", rule, what: `${size} of its tunnel` } as const;
  });
  // What is behind a host, and a LAN, goes by links that are not netgen's.
  const isOwn = kind === "tunnel" || kind === "vxlan";
  return [...(isOwn && others.length === 0 ? [link] : []), ...(kind === "tunnel" ? wire : [])];
}

const hopsOf = ({ there, back }: FlowTrace): readonly Hop[] => [...there.hops, ...back.hops];

/** What sets the ways of one pair of guests apart from those of another. */
const shapeOf = (trace: FlowTrace): string =>
  `IPv${trace.family} ${hopsOf(trace)
    .map(({ kind, sizes }) => `${kind}${sizes.length}`)
    .join(" ")}`;

/** Few flows that show every shape there is, each in the largest packets that get there and back. */
function tracesOf({ network, plan }: Lab): readonly FlowTrace[] {
  const ways = waysOf(network, plan.guests);
  const traces = plan.guests.flatMap((from) =>
    plan.guests.flatMap((to) =>
      FAMILIES.flatMap((family) => {
        const flow = flowBetween([stationParty(from)], [stationParty(to)], [family]);
        const whole = flow && traceFlow(ways, flow, undefined);
        if (flow === undefined || whole?.there.largest === undefined || whole.back.largest === undefined) return [];
        const bytes = Math.min(whole.bytes, guestMtu(from), guestMtu(to));
        return hopsOf(whole).length === 0 ? [] : [traceFlow(ways, flow, bytes)];
      }),
    ),
  );
  return cover(traces, (trace) => [shapeOf(trace)]);
}

const rulesetOf = (counts: readonly Count[]): string =>
  (["inet", "bridge"] as const)
    .map((family) => {
      const rules = counts.filter((count) => count.family === family).map(({ rule }) => `${rule} counter`);
      return `table ${family} trace { chain out { type filter hook postrouting priority 400; ${rules.join("; ")}; }; }`;
    })
    .join("\n");

/** What of it was not seen on a host. */
async function missedOn(lab: Lab, host: string, counts: readonly Count[]): Promise<readonly string[]> {
  const box = must(lab.hosts.get(host), "every host has a box");
  const seen: number[] = [];
  for (const family of ["inet", "bridge"]) {
    const rules = await box.run("nft", "list", "table", family, "trace");
    seen.push(...[...rules.matchAll(/packets (\d+)/g)].map(([, packets]) => Number(packets)));
    await box.run("nft", "delete", "table", family, "trace");
  }
  const inOrder = (["inet", "bridge"] as const).flatMap((family) => counts.filter((count) => count.family === family));
  return inOrder.filter((_, index) => seen[index] === 0).map(({ what }) => `${what} on ${host}`);
}

async function measure(lab: Lab, trace: FlowTrace): Promise<Outcome> {
  const counts = grouped(
    hopsOf(trace).flatMap((hop) => countsOf(lab.network, hop)),
    ({ host }) => host,
  );
  for (const [host, own] of counts) await must(lab.hosts.get(host), "every host has a box").run("nft", rulesetOf(own));
  const guest = must(lab.guests.get(trace.from.name), "every guest has a box");
  const isAnswered = (await answered(guest, [{ to: trace.to.address, bytes: trace.bytes }])).size > 0;
  const missed: string[] = [];
  for (const [host, own] of counts) missed.push(...(await missedOn(lab, host, own)));
  if (!isAnswered) missed.unshift("an answer");
  if (missed.length > 0) return { isKept: false, measured: `not seen: ${missed.join(", ")}` };
  const seen = [...counts.values()].flat().map(({ host, what }) => `${what} on ${host}`);
  return { isKept: true, measured: `seen: ${[...new Set(seen)].join(", ")}` };
}

/** One at a time: they count all that passes. */
export const traces: Prover = {
  kind: "mtu",
  isAlone: true,
  prepare: widenGuests,
  promises: (lab) =>
    tracesOf(lab).map((trace): LabPromise => {
      const { from, to, bytes, family } = trace;
      const guest = must(lab.guests.get(from.name), "every guest has a box");
      return {
        kind: "mtu",
        subject: `${from.name} -> ${to.name}, traced`,
        promise: `${bytes} bytes of IPv${family} and their answer go the ways, and in the sizes, that trace says`,
        command: execCommand(guest, ...pingWords({ to: to.address, bytes })),
        measure: () => measure(lab, trace),
      };
    }),
};
