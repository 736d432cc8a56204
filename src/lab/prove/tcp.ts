/**
 * TCP between guests that believe in 1500 bytes gets through all that is narrower, and does so thanks to the clamps.
 *
 * Not every pair is asked: so many that each host and each subnet has a part in one, by each family, over stretched and
 * over routed subnets. A connection that carries something both ways needs the sizes that both its ends announce, so it
 * does not matter which of them began it. Clamps are taken out for so many pairs that each host with a clamp has had its
 * turn, again over stretched and over routed subnets.
 */
import { must } from "../../base/invariant.ts";
import { familyOf, type IpAddress } from "../../base/ip.ts";
import type { Host } from "../../model/host.ts";
import { LAN_LEG } from "../../ways/lan-routes.ts";
import { reachesHost, wayFromStation } from "../../ways/reach.ts";
import { addressOf } from "../../ways/station.ts";
import { waysOf } from "../../ways/ways.ts";
import { runUnit } from "../machine/boot.ts";
import type { Box } from "../machine/box.ts";
import { PATIENCE } from "../machine/patience.ts";
import { type Lab, type RunningHost, runningHosts } from "../machine/running.ts";
import { cover } from "../measure/cover.ts";
import { guestMtu, widenGuests } from "../measure/guest-mtu.ts";
import { execCommand, type LabPromise, type Outcome, type Prover } from "../measure/promise.ts";
import { type Exchange, exchange } from "../measure/traffic.ts";
import type { LabGuest } from "../plan/plan.ts";
import { clampSample, sufficientHosts, type TcpPair, tcpPairs, tcpSample } from "./tcp-pairs.ts";

const MEGABYTE = 1_000_000;
/** An emulated processor takes a minute for 10 MB through a tunnel. */
const LOAD_MEGABYTES = PATIENCE === 1 ? 10 : 1;
const LOAD = { bytes: LOAD_MEGABYTES * MEGABYTE, idleSeconds: 20 * PATIENCE };
/** Nothing less than what it takes to be cut into full segments; a busy machine is no slower than this. */
const STALLING = { bytes: MEGABYTE, idleSeconds: PATIENCE === 1 ? 4 : 12 };
const PASSING = { bytes: MEGABYTE, idleSeconds: 20 * PATIENCE };

const boxOf = ({ guests }: Lab, { name }: LabGuest): Box => must(guests.get(name), "every guest has a box");

/** Sends over a pair, as many bytes back. */
const transfer = (lab: Lab, { from, to, address }: TcpPair, load: typeof LOAD): Promise<Exchange> =>
  exchange(boxOf(lab, from), { box: boxOf(lab, to), address }, load);

function describe({ isConnected, bytes, seconds }: Exchange, load: typeof LOAD): string {
  if (!isConnected) return `no connection within ${load.idleSeconds} s`;
  const amount = bytes === load.bytes ? `${bytes / MEGABYTE} MB each way` : `${bytes} of ${load.bytes} bytes came back`;
  return `${amount} in ${seconds.toFixed(1)} s`;
}

const command = (lab: Lab, { from, to, address }: TcpPair): string => {
  const server = execCommand(boxOf(lab, to), "iperf3", "-s", "-1", "-D");
  return `${server}; ${execCommand(boxOf(lab, from), "iperf3", "-c", address, "-n", `${LOAD_MEGABYTES}M`, "--bidir")}`;
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

/** A guest, and a host elsewhere that it exchanges something with by that one's address in the tunnel. */
interface HostPair {
  readonly from: LabGuest;
  readonly host: Host;
  readonly to: IpAddress;
}

/**
 * What a host itself sends is held to its tunnel's MTU; a guest's has to be clamped on its way. One pair a family, and none
 * by a LAN alone: nothing is clamped there.
 */
function hostPairs({ network, plan }: Lab): readonly HostPair[] {
  const ways = waysOf(network, plan.guests);
  const isClamped = (from: LabGuest, to: IpAddress): boolean =>
    wayFromStation(ways, from, to)?.some(({ via }) => via !== LAN_LEG) ?? false;
  const pairs = plan.guests.flatMap((from) =>
    network.hosts
      .filter(({ name }) => name !== from.host)
      .flatMap((host) => host.interfaces.flatMap(({ addresses }) => addresses.map(({ address: to }) => ({ host, to }))))
      .filter(({ host, to }) => addressOf(from, familyOf(to)) !== undefined && reachesHost(ways, from, host, to))
      .filter(({ to }) => isClamped(from, to))
      .map((pair) => ({ from, ...pair })),
  );
  return cover(pairs, ({ to }) => [`IPv${familyOf(to)}`]);
}

function hostPromise(lab: Lab, { from, host, to }: HostPair): LabPromise {
  const box = boxOf(lab, from);
  const server = must(lab.hosts.get(host.name), "every host has a box");
  return {
    kind: "tcp",
    subject: `${from.name} -> ${host.name} itself`,
    promise: `${LOAD_MEGABYTES} MB each way by IPv${familyOf(to)}`,
    command: `${execCommand(server, "iperf3", "-s", "-1", "-D")}; ${execCommand(box, "iperf3", "-c", to, "--bidir")}`,
    measure: async () => {
      const seen = await exchange(box, { box: server, address: to }, LOAD);
      return { isKept: seen.bytes === LOAD.bytes, measured: describe(seen, LOAD) };
    },
  };
}

async function removeClamps({ box }: RunningHost): Promise<void> {
  for (const family of ["inet", "bridge"])
    await box.attempt("nft", "flush", "chain", family, `netgen${box.fleet}`, "forward");
}

const restoreClamps = (host: RunningHost): Promise<void> =>
  runUnit(host, `netgen${host.box.fleet}-nftables.service`, { key: "ExecReload" });

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
  const names = new Set(pair.clamping);
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
  promises: (lab) => [
    ...tcpSample(tcpPairs(lab.network, lab.plan)).map((pair) => transferPromise(lab, pair)),
    ...hostPairs(lab).map((pair) => hostPromise(lab, pair)),
  ],
};

/** One at a time: they share the hosts whose clamps are taken out. */
const clamps: Prover = {
  kind: "tcp",
  isAlone: true,
  promises: (lab) => clampSample(tcpPairs(lab.network, lab.plan)).map((pair) => clampPromise(lab, pair)),
};

/** In the order in which they are to be proven. */
export const tcp: readonly Prover[] = Object.freeze([transfers, clamps]);
