/**
 * TCP between guests that believe in 1500 bytes gets through all that is narrower, and does so thanks to the clamps.
 *
 * Not every pair is asked: so many that each host and each subnet has a part in one, by each family, over stretched and
 * over routed subnets. A connection that carries something both ways needs the sizes that both its ends announce, so it
 * does not matter which of them began it. Clamps are taken out for so many pairs that each host with a clamp has had its
 * turn, again over stretched and over routed subnets.
 */
import { must } from "../base/invariant.ts";
import type { IpAddress, IpFamily } from "../base/ip.ts";
import type { Network } from "../model/network.ts";
import { runUnit } from "./boot.ts";
import type { Box } from "./box.ts";
import { cover } from "./cover.ts";
import { guestMtu, widenGuests } from "./mtu-guests.ts";
import { PATIENCE } from "./patience.ts";
import type { LabGuest, LabPlan } from "./plan.ts";
import {
  execCommand,
  type Lab,
  type LabPromise,
  type Outcome,
  type Prover,
  type RunningHost,
  runningHosts,
} from "./promise.ts";
import { addressOf, indexReach, type Leg, type RoundTrip, roundTrip, type Way } from "./reach.ts";
import { type Exchange, exchange } from "./traffic.ts";

const FAMILIES: readonly IpFamily[] = [4, 6];

/** Two guests on different hosts, and what lies between them. */
export interface TcpPair {
  readonly from: LabGuest;
  readonly to: LabGuest;
  readonly family: IpFamily;
  readonly address: IpAddress;
  readonly trip: RoundTrip;
  /** Frames of one segment, that nobody routes. */
  readonly isStretched: boolean;
}

/** All pairs of guests that have a way to each other, from one host to another. */
export function tcpPairs(network: Network, { guests }: Pick<LabPlan, "guests">): readonly TcpPair[] {
  const index = indexReach(network, guests);
  return guests.flatMap((from) =>
    guests
      .filter((to) => to.host !== from.host)
      .flatMap((to) =>
        FAMILIES.flatMap((family) => {
          const trip = roundTrip(index, from, to, family);
          const address = addressOf(to, family);
          if (trip === undefined || address === undefined) return [];
          const isStretched = trip.there.length === 1 && trip.back.length === 1;
          return [{ from, to, family, address, trip, isStretched }];
        }),
      ),
  );
}

const legsOf = ({ trip }: TcpPair): readonly Leg[] => [...trip.there, ...trip.back];

const kindOf = ({ isStretched, family }: TcpPair): string => `${isStretched ? "stretched" : "routed"} IPv${family}`;

/** The pairs that are to exchange something. */
export function tcpSample(pairs: readonly TcpPair[]): readonly TcpPair[] {
  return cover(pairs, (pair) => {
    const { from, to } = pair;
    const ends = [`host ${from.host}`, `host ${to.host}`, `subnet ${from.subnet}`, `subnet ${to.subnet}`];
    return ends.map((end) => `${kindOf(pair)} ${end}`);
  });
}

/** Whether guests could send more than gets through: only then is there something to clamp. */
export function isClamped(pair: TcpPair): boolean {
  const ceilingBytes = Math.min(...legsOf(pair).map((leg) => leg.ceilingBytes));
  return ceilingBytes < Math.min(guestMtu(pair.from), guestMtu(pair.to));
}

/**
 * Hosts on the way whose clamp is enough without that of the others: they know the narrowest stretch, and what both ends
 * announce comes by. Where guests have different gateways, a host may see one direction only.
 */
export function sufficientHosts(pair: TcpPair): readonly string[] {
  const { there, back } = pair.trip;
  const leastBytes = Math.min(...legsOf(pair).map(({ bytes }) => bytes));
  const names = [...new Set(legsOf(pair).map(({ host }) => host))];
  const isOn = (way: Way, name: string): boolean => way.some(({ host }) => host === name);
  return names.filter(
    (name) =>
      legsOf(pair).some(({ host, bytes }) => host === name && bytes === leastBytes) &&
      (pair.isStretched || (isOn(there, name) && isOn(back, name))),
  );
}

/** The pairs at which clamps are taken out. */
export function clampSample(pairs: readonly TcpPair[]): readonly TcpPair[] {
  return cover(pairs.filter(isClamped), (pair) =>
    sufficientHosts(pair).map((host) => `${pair.isStretched ? "stretched" : "routed"} ${host}`),
  );
}

// ── Measuring ───────────────────────────────────────────────────────────────────────────────────────────────────────

const MEGABYTE = 1_000_000;
/** An emulated processor takes a minute for 10 MB through a tunnel. */
const LOAD_MEGABYTES = PATIENCE === 1 ? 10 : 1;
const LOAD = { bytes: LOAD_MEGABYTES * MEGABYTE, idleSeconds: 20 * PATIENCE };
/** Nothing less than what it takes to be cut into full segments; a busy machine is no slower than this. */
const STALLING = { bytes: MEGABYTE, idleSeconds: PATIENCE === 1 ? 4 : 12 };
const PASSING = { bytes: MEGABYTE, idleSeconds: 20 * PATIENCE };

/** Sends over a pair, as many bytes back. */
function transfer(lab: Lab, { from, to, address }: TcpPair, load: typeof LOAD): Promise<Exchange> {
  const box = (guest: LabGuest): Box => must(lab.guests.get(guest.name), "every guest has a box");
  return exchange(box(from), { box: box(to), address }, load);
}

function describe({ isConnected, bytes, seconds }: Exchange, load: typeof LOAD): string {
  if (!isConnected) return `no connection within ${load.idleSeconds} s`;
  const amount = bytes === load.bytes ? `${bytes / MEGABYTE} MB each way` : `${bytes} of ${load.bytes} bytes came back`;
  return `${amount} in ${seconds.toFixed(1)} s`;
}

const command = (lab: Lab, { from, to, address }: TcpPair): string => {
  const box = (guest: LabGuest): Box => must(lab.guests.get(guest.name), "every guest has a box");
  const server = execCommand(box(to), "iperf3", "-s", "-1", "-D");
  return `${server}; ${execCommand(box(from), "iperf3", "-c", address, "-n", `${LOAD_MEGABYTES}M`, "--bidir")}`;
};

function transferPromise(lab: Lab, pair: TcpPair): LabPromise {
  return {
    kind: "tcp",
    subject: `${pair.from.name} -> ${pair.to.name}`,
    promise: `${LOAD_MEGABYTES} MB each way by IPv${pair.family}, both believing in ${Math.min(guestMtu(pair.from), guestMtu(pair.to))} bytes`,
    command: command(lab, pair),
    measure: async () => {
      const seen = await transfer(lab, pair, LOAD);
      if (seen.bytes === LOAD.bytes) return { isKept: true, measured: describe(seen, LOAD) };
      return { isKept: false, measured: `${describe(seen, LOAD)}, then nothing more; expected ${LOAD_MEGABYTES} MB` };
    },
  };
}

const CLAMPS = [
  ["inet", "netgen", "forward"],
  ["bridge", "netgen", "forward"],
] as const;

async function removeClamps({ box }: RunningHost): Promise<void> {
  for (const chain of CLAMPS) await box.attempt("nft", "flush", "chain", ...chain);
}

const restoreClamps = (host: RunningHost): Promise<void> =>
  runUnit(host, "netgen-nftables.service", { key: "ExecReload" });

/** Takes out the clamps on a way: it stalls; then puts each that is enough by itself back alone: it passes. */
async function measureClamps(lab: Lab, pair: TcpPair, hosts: readonly RunningHost[]): Promise<Outcome> {
  const wrong: string[] = [];
  await Promise.all(hosts.map(removeClamps));
  const without = await transfer(lab, pair, STALLING);
  if (!without.isConnected || without.bytes === STALLING.bytes)
    wrong.push(`without any clamp: ${describe(without, STALLING)}, expected a connection that stalls`);
  for (const host of hosts.filter((each) => sufficientHosts(pair).includes(each.host.name))) {
    await restoreClamps(host);
    const seen = await transfer(lab, pair, PASSING);
    if (seen.bytes !== PASSING.bytes)
      wrong.push(`with that of ${host.host.name} alone: ${describe(seen, PASSING)}, expected 1 MB`);
    await removeClamps(host);
  }
  await Promise.all(hosts.map(restoreClamps));
  const again = await transfer(lab, pair, PASSING);
  if (again.bytes !== PASSING.bytes) wrong.push(`with all of them again: ${describe(again, PASSING)}, expected 1 MB`);
  if (wrong.length > 0) return { isKept: false, measured: wrong.join("; ") };
  const alone = sufficientHosts(pair).join(" or ");
  return { isKept: true, measured: `stalled without; passed with that of ${alone} alone, and with all again` };
}

function clampPromise(lab: Lab, pair: TcpPair): LabPromise {
  const names = new Set(legsOf(pair).map(({ host }) => host));
  const hosts = runningHosts(lab).filter(({ host }) => names.has(host.name));
  return {
    kind: "tcp",
    subject: `${pair.from.name} -> ${pair.to.name}`,
    promise: `stalls without the clamps of ${[...names].join(", ")}, passes with each that is enough alone`,
    command: command(lab, pair),
    measure: async () => {
      try {
        return await measureClamps(lab, pair, hosts);
      } finally {
        await Promise.all(hosts.map(restoreClamps));
      }
    },
  };
}

// ── Provers ─────────────────────────────────────────────────────────────────────────────────────────────────────────

const transfers: Prover = {
  kind: "tcp",
  isAlone: false,
  prepare: widenGuests,
  promises: (lab) => tcpSample(tcpPairs(lab.network, lab.plan)).map((pair) => transferPromise(lab, pair)),
};

/** One at a time: they share the hosts whose clamps are taken out. */
const clamps: Prover = {
  kind: "tcp",
  isAlone: true,
  promises: (lab) => clampSample(tcpPairs(lab.network, lab.plan)).map((pair) => clampPromise(lab, pair)),
};

/** In the order in which they are to be proven. */
export const tcp: readonly Prover[] = Object.freeze([transfers, clamps]);
