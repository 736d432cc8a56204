/**
 * A route reflector ends: the others keep the segments together, and no guest notices. Where BGP routes, one that the guests'
 * packets pass is a way that is lost: then they are without for as long as the change to another one takes.
 */
import { must } from "../../base/invariant.ts";
import { failoverOf } from "../../model/loopback.ts";
import { workingFlows } from "../../ways/flows.ts";
import { waysOf } from "../../ways/ways.ts";
import { serveFrr } from "../machine/boot.ts";
import { eventually, PATIENCE } from "../machine/patience.ts";
import { type Lab, type RunningHost, runningHosts } from "../machine/running.ts";
import { isByPreferredWays } from "../measure/bgp-routes.ts";
import { floodTargets, receivedRoutes, sessions } from "../measure/evpn-tables.ts";
import { execCommand, type LabPromise, type Outcome } from "../measure/promise.ts";
import { type PingRecord, pingDuring, type Watched } from "../measure/steady-ping.ts";
import { brokenSessions } from "../measure/watch.ts";
import type { LabGuest } from "../plan/plan.ts";

interface Witness {
  readonly watched: Watched;
  /** How long they may be without an answer; 0: not at all. */
  readonly boundMs: number;
}

/**
 * How long two hosts may be without each other when a third one ends: not at all, unless it is on a way between them. It ends
 * in order, which its neighbours are told and need not detect.
 */
function boundOf({ network }: Lab, ended: string, ends: readonly [string, string]): number {
  const failover = failoverOf(network);
  if (failover === undefined) return 0;
  const flows = workingFlows(waysOf(network)).filter(({ flow }) => {
    return flow.kind === "between" && ends.includes(flow.from.host) && ends.includes(flow.to.host);
  });
  const isPassed = flows.some(({ course: { there, back } }) => [...there, ...back].includes(ended));
  return isPassed ? (failover.boundMs - failover.detectionMs) * PATIENCE : 0;
}

/** Two guests of a segment, on other hosts than this one. */
function witnessBeside(lab: Lab, host: string): Witness | undefined {
  const { plan, guests, network } = lab;
  const stretched = new Set(network.segments.map(({ name }) => name));
  const beside = plan.guests.filter((guest) => guest.host !== host && stretched.has(guest.subnet));
  const isBeyond = (from: LabGuest, to: LabGuest): boolean => to.subnet === from.subnet && to.host !== from.host;
  const [first] = beside.flatMap((from) =>
    beside
      .filter((other) => isBeyond(from, other))
      .flatMap((to) => to.addresses.slice(0, 1).map(({ address }) => ({ from, to, address }))),
  );
  if (first === undefined) return undefined;
  const box = must(guests.get(first.from.name), "every guest has a box");
  return { watched: { box, to: first.address }, boundMs: boundOf(lab, host, [first.from.host, first.to.host]) };
}

/** Who does not flood to all other VTEPs of its segments, whatever it does with the one that has ended. */
async function wrongFloods(others: readonly RunningHost[], ended: RunningHost): Promise<readonly string[]> {
  const list = (vteps: readonly string[]): string => vteps.join(", ") || "nobody";
  const lines = others.flatMap(({ host, box }) =>
    host.vxlans.map(async ({ name, vni, local }) => {
      const devices = others.flatMap((other) => other.host.vxlans).filter((device) => device.vni === vni);
      const expected = devices.map((device) => device.local).filter((vtep) => vtep !== local);
      const targets = (await floodTargets(box, name)).filter((vtep) => vtep !== ended.host.vtep);
      const isRight = list(targets) === list(expected.sort());
      return isRight ? [] : [`${name} on ${host.name} floods to ${list(targets)}, expected ${list(expected)}`];
    }),
  );
  return (await Promise.all(lines)).flat();
}

/** Hosts that still believe in their session with the one that has ended. */
async function believers(others: readonly RunningHost[], ended: RunningHost): Promise<readonly string[]> {
  const states = await Promise.all(
    others.map(async ({ host, box }) => {
      const { bgp } = host;
      const neighbour = bgp.kind !== "none" && bgp.neighbours.find((each) => each.host === ended.host.name);
      if (!neighbour) return [];
      const found = await sessions(box, false);
      return found.states.get(neighbour.address) === "Established" ? [host.name] : [];
    }),
  );
  return states.flat();
}

/** Whether a host has heard as much from each reflector as from the others; a reflector hears from each what is its own. */
async function hasHeardAll({ network }: Lab, { host: { bgp }, box }: RunningHost): Promise<boolean> {
  if (bgp.kind === "none" || bgp.isReflector) return true;
  const isReflector = (name: string): boolean =>
    network.hosts.some((host) => host.name === name && host.bgp.kind !== "none" && host.bgp.isReflector);
  const received = await receivedRoutes(box);
  const reflectors = bgp.neighbours.filter(({ host }) => isReflector(host));
  const counts = new Set(reflectors.map(({ address }) => received.get(address) ?? 0));
  return counts.size <= 1 && !counts.has(0);
}

/**
 * What happened before may not be over. A reflector that is back tells what it knows only some time after its sessions are
 * up (bgpd gathers first, with a snippet for 1 to 10 s: coalesce-time), and nobody can do without another before that.
 */
function isSettled(lab: Lab, others: readonly RunningHost[], reflector: RunningHost): Promise<boolean> {
  return eventually(async () => {
    const all = runningHosts(lab);
    const states = await Promise.all([
      ...all.map((host) => hasHeardAll(lab, host)),
      ...all.map((host) => isByPreferredWays(lab, host)),
    ]);
    return states.every(Boolean) && (await wrongFloods(others, reflector)).length === 0;
  });
}

function wrongSilence({ lost, gapSeconds, isBack }: PingRecord, boundMs: number): readonly string[] {
  if (!isBack) return ["no answer within 60 s after it"];
  if (boundMs === 0) return lost > 0 ? [`${lost} packets lost, expected none`] : [];
  const seconds = gapSeconds.toFixed(2);
  return gapSeconds * 1000 > boundMs ? [`${seconds} s without an answer, expected ${boundMs / 1000} at most`] : [];
}

async function measure(lab: Lab, reflector: RunningHost, { watched, boundMs }: Witness): Promise<Outcome> {
  const others = runningHosts(lab).filter(({ host }) => host.name !== reflector.host.name);
  const wrong: string[] = [];
  let lost = 0;
  await isSettled(lab, others, reflector);
  try {
    const seen = await pingDuring(watched, async () => {
      await serveFrr(reflector.box, "stop");
      const isGone = await eventually(async () => (await believers(others, reflector)).length === 0);
      if (!isGone) wrong.push(`sessions with it stand on ${(await believers(others, reflector)).join(", ")}`);
    });
    wrong.push(...(await wrongFloods(others, reflector)), ...wrongSilence(seen, boundMs));
    lost = seen.lost;
  } finally {
    await serveFrr(reflector.box, "start");
  }
  wrong.push(...(await brokenSessions(lab)));
  if (wrong.length > 0) return { isKept: false, measured: wrong.join("; ") };
  return { isKept: true, measured: `${lost} packets lost, the others flood to each other; its sessions came back` };
}

/** A promise for each reflector that is not the only one, and that two guests of a segment are beside. */
export function reflectorPromises(lab: Lab): readonly LabPromise[] {
  const reflectors = runningHosts(lab).filter(({ host: { bgp } }) => bgp.kind !== "none" && bgp.isReflector);
  if (reflectors.length < 2) return [];
  return reflectors.flatMap((reflector) => {
    const witness = witnessBeside(lab, reflector.host.name);
    if (witness === undefined) return [];
    const { watched, boundMs } = witness;
    const kept = boundMs === 0 ? "loses no packet to" : `hears again within ${boundMs / 1000} s from`;
    return [
      {
        kind: "life",
        subject: `${reflector.host.name}, end of FRR`,
        promise: `another reflector keeps the segments together, and ${watched.box.name} ${kept} ${watched.to}`,
        command: execCommand(reflector.box, "/usr/lib/frr/frrinit.sh", "stop"),
        measure: () => measure(lab, reflector, witness),
      },
    ];
  });
}
