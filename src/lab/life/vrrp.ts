/** Of two hosts that share an address the master goes: the other takes over, and the one that comes back stays silent. */
import { must } from "../../base/invariant.ts";
import { familyOf, type IpAddress } from "../../base/ip.ts";
import type { Host } from "../../model/host.ts";
import { poolAddresses } from "../../model/loopback.ts";
import type { Network } from "../../model/network.ts";
import { isMaster, isStandby, startKeepalived, stopKeepalived } from "../machine/keepalived.ts";
import { eventually } from "../machine/patience.ts";
import { plug } from "../machine/plug.ts";
import { type Lab, type RunningHost, runningHosts } from "../machine/running.ts";
import { execCommand, type LabPromise, type Outcome } from "../measure/promise.ts";
import { isAnswered, pingDuring, type Watched } from "../measure/steady-ping.ts";
import { hostWatch } from "../measure/watch.ts";
import { lanAddressOf } from "../plan/site.ts";

/** The master of a pair, and the host that is to take over. */
interface Couple {
  readonly master: RunningHost;
  readonly standby: RunningHost;
}

function couplesOf(lab: Lab): readonly Couple[] {
  const hosts = runningHosts(lab);
  return hosts.flatMap((standby) => {
    const { vrrp } = standby.host;
    const master = hosts.find(({ host }) => host.name === vrrp?.other.host);
    if (vrrp === undefined || master === undefined) return [];
    return vrrp.priority < (master.host.vrrp?.priority ?? 0) ? [{ master, standby }] : [];
  });
}

/** A family that two hosts without a tunnel of one of them have in common. */
function lanWatch(lab: Lab, from: Host, to: Host): Watched | undefined {
  const address = poolAddresses(to)
    .map((each): IpAddress => each.address)
    .find((each) => from.lanRoutes.some(({ prefix }) => familyOf(prefix) === familyOf(each)));
  if (address === undefined || lanAddressOf(from) === undefined) return undefined;
  return { box: must(lab.hosts.get(from.name), "every host has a box"), to: address };
}

/**
 * Who notices: a host behind the pair that sends to one beyond it, else two that meet by it; once to a host that the new
 * master can dial, and once to one that has to find out by itself.
 */
function watchesOfPair(lab: Lab, { hosts }: Network, { master: { host } }: Couple): readonly Watched[] {
  const others = hosts.filter((each) => each.vrrp === undefined && !isStandby(each, hosts));
  const inside = others
    .filter(({ reach }) => reach.site === host.reach.site)
    .sort((a, b) => a.interfaces.length - b.interfaces.length);
  const outside = others.filter((each) => !inside.includes(each) && each.interfaces.length > 0);
  const watchTo = (to: Host): readonly Watched[] => {
    for (const from of [...inside, ...outside.filter((each) => each !== to)]) {
      const watched = from.interfaces.length === 0 ? lanWatch(lab, from, to) : hostWatch(lab, from, to);
      if (watched !== undefined) return [watched];
    }
    return [];
  };
  const dialled = outside.find(({ reach }) => reach.endpoints.length > 0);
  const silent = outside.find(({ reach }) => reach.endpoints.length === 0);
  return [dialled, silent].flatMap((to) => (to === undefined ? [] : watchTo(to)));
}

async function tunnelsOf({ host, box }: RunningHost): Promise<readonly string[]> {
  const states = await Promise.all(
    host.interfaces.map(async ({ name }) => ({ name, ...(await box.attempt("wg", "show", name, "public-key")) })),
  );
  return states.filter(({ status }) => status === 0).map(({ name }) => name);
}

/** What of a host is heard although it is not the master. */
async function loud(running: RunningHost): Promise<readonly string[]> {
  const { host } = running;
  const tunnels = host.vrrp?.isExclusive ? await tunnelsOf(running) : [];
  const has = await running.box.run("ip", "-o", "address", "show", "to", host.vrrp?.address.address ?? "");
  return [
    ...tunnels.map((name) => `${name} is up on ${host.name}, expected it silent`),
    ...(has === "" ? [] : [`${host.name} has the shared address too`]),
  ];
}

async function settle(master: RunningHost, other: RunningHost): Promise<readonly string[]> {
  let wrong: readonly string[] = [];
  await eventually(async () => {
    wrong = await loud(other);
    if (!(await isMaster(master))) wrong = [...wrong, `${master.host.name} is not the master`];
    return wrong.length === 0;
  }, 30);
  return wrong;
}

/** REKEY_AFTER_TIME, and REKEY_TIMEOUT several times over (drivers/net/wireguard/messages.h). */
const LONGEST_SILENCE_SECONDS = 150;

const inWords = (lost: number, gapSeconds: number): string => `${gapSeconds.toFixed(1)} s, ${lost} packets`;

/** The one that is to be the master is so again. */
async function handBack({ master, standby }: Couple, watched: Watched): Promise<readonly string[]> {
  await stopKeepalived(standby.box);
  const wrong = [...(await settle(master, standby))];
  if (!(await isAnswered(watched, 40))) wrong.push("no answer within 40 s after it was handed back");
  await startKeepalived(standby);
  return wrong;
}

async function measure(
  lab: Lab,
  { master, standby }: Couple,
  watched: Watched,
  cable: "uplink" | "lan",
): Promise<Outcome> {
  const wrong: string[] = [];
  // One that nobody can dial, and that sent nothing since the last change, is heard of with its next handshake.
  await isAnswered(watched, LONGEST_SILENCE_SECONDS);
  const cut = await pingDuring(watched, async () => {
    await plug(lab, master, "down", cable);
    if (!(await eventually(() => isMaster(standby), 30))) wrong.push(`${standby.host.name} does not take over`);
    if (!(await isAnswered(watched, 40))) wrong.push("no answer within 40 s after the cable was cut");
  });
  if (wrong.length > 0) {
    await plug(lab, master, "up", cable);
    return { isKept: false, measured: wrong.join("; ") };
  }
  const back = await pingDuring(watched, async () => {
    await plug(lab, master, "up", cable);
    wrong.push(...(await settle(standby, master)));
  });
  const handed = await pingDuring(
    watched,
    async () => void wrong.push(...(await handBack({ master, standby }, watched))),
  );
  wrong.push(...(await settle(master, standby)));
  if (back.lost > 0) wrong.push(`${back.lost} packets lost when ${master.host.name} came back, expected none`);
  if (wrong.length > 0) return { isKept: false, measured: wrong.join("; ") };
  const told = `cut off: without answers for ${inWords(cut.lost, cut.gapSeconds)}; back as the standby: none lost`;
  return { isKept: true, measured: `${told}; handed back: ${inWords(handed.lost, handed.gapSeconds)}` };
}

/** `fall` times `interval` of keepalived's file, and as long again. */
const NOTICED_SECONDS = 60;

/** The master is there, but its tunnels are not. */
async function measureWithout({ master, standby }: Couple, watched: Watched): Promise<Outcome> {
  const wrong: string[] = [];
  await isAnswered(watched, LONGEST_SILENCE_SECONDS);
  const lost = await pingDuring(watched, async () => {
    for (const { name } of master.host.interfaces) await master.box.run("ip", "link", "delete", name);
    if (!(await eventually(() => isMaster(standby), NOTICED_SECONDS))) {
      wrong.push(`${standby.host.name} has not taken over within ${NOTICED_SECONDS} s`);
    }
    wrong.push(...(await settle(standby, master)));
    if (!(await isAnswered(watched, 40))) wrong.push("no answer within 40 s after it took over");
  });
  wrong.push(...(await handBack({ master, standby }, watched)), ...(await settle(master, standby)));
  if (wrong.length > 0) return { isKept: false, measured: wrong.join("; ") };
  return { isKept: true, measured: `without answers for ${inWords(lost.lost, lost.gapSeconds)}` };
}

function withoutPromise(couple: Couple, watched: Watched): LabPromise {
  const { master, standby } = couple;
  return {
    kind: "life",
    subject: `${master.host.name} is there, but has no tunnel`,
    promise: `${standby.host.name} takes over, and ${watched.box.name} hears from ${watched.to} again`,
    command: execCommand(master.box, "/etc/netgen/vrrp-check"),
    measure: () => measureWithout(couple, watched),
  };
}

/** What the master may lose: its only cable, or one of two. Without its LAN one that has its tunnels goes on to announce it. */
function cablesOfMaster({ plan }: Lab, { master: { host } }: Couple): readonly ("uplink" | "lan")[] {
  const isApart = plan.hosts.some(({ name, uplink, lan }) => name === host.name && uplink !== lan);
  return isApart && host.vrrp?.isExclusive ? ["uplink", "lan"] : ["uplink"];
}

/** Promises for each pair. */
export function vrrpPromises(lab: Lab): readonly LabPromise[] {
  return couplesOf(lab).flatMap((couple): readonly LabPromise[] => {
    const { master, standby } = couple;
    const watches = watchesOfPair(lab, lab.network, couple);
    // Where both have tunnels all the time, who has the address does not decide which are heard.
    const exclusive = master.host.vrrp?.isExclusive ? watches.slice(0, 1) : [];
    const gone = exclusive.map((watched) => withoutPromise(couple, watched));
    const cutOff = cablesOfMaster(lab, couple).flatMap((cable) =>
      watches.map(
        (watched): LabPromise => ({
          kind: "life",
          subject: `${master.host.name} is cut off${cable === "lan" ? " from its LAN" : ""}`,
          promise: `${standby.host.name} takes over, ${watched.box.name} hears from ${watched.to} again, and only one of the two is heard`,
          command: execCommand(standby.box, "cat", "/run/log/keepalived"),
          measure: () => measure(lab, couple, watched, cable),
        }),
      ),
    );
    return [...cutOff, ...gone];
  });
}
