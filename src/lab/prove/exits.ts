/** Guests and hosts leave by the exit that is theirs; by the next one when it goes; and by theirs again when it is back. */
import { must } from "../../base/invariant.ts";
import { FAMILIES, familyOf, type IpFamily } from "../../base/ip.ts";
import type { Exit } from "../../model/exit.ts";
import { allExits } from "../../model/exits.ts";
import { eventually } from "../machine/patience.ts";
import type { Lab } from "../machine/running.ts";
import { execCommand, type LabPromise, type Outcome, type Prover } from "../measure/promise.ts";
import { pingDuring } from "../measure/steady-ping.ts";
import { brokenSessions } from "../measure/watch.ts";
import {
  forgetSteady,
  type Leaver,
  leaversOf,
  leavesBy,
  publicAddress,
  seenOf,
  steadyBy,
  watchInternet,
} from "./exit-leavers.ts";
import { hostBox, type Loss, PROBE, routerOf, UNHEARD, UNIT, UPLINK } from "./exit-loss.ts";
import { exitPremises } from "./exit-premises.ts";
import { exitReload } from "./exit-reload.ts";
import { exitSilence } from "./exit-silence.ts";
import { exitStop } from "./exit-stop.ts";

const placeOf = ({ remote }: Leaver): string => (remote === undefined ? "the internet" : `the remote ${remote}`);

function leavePromise(lab: Lab, leaver: Leaver): LabPromise {
  const { guest, watched, exits } = leaver;
  const [exit] = exits;
  const host = must(exit, "who leaves has an exit").host;
  const address = publicAddress(lab, host, familyOf(watched.to));
  return {
    kind: "exits",
    subject: `${guest.name} -> ${placeOf(leaver)}, IPv${familyOf(watched.to)}`,
    promise: `leaves by ${host}${exits.length > 1 ? `, of ${exits.length} exits` : ""}`,
    command: execCommand(watched.box, "ping", "-n", "-c", "3", watched.to),
    measure: async () => {
      let seen: readonly string[] = [];
      const isKept = await eventually(async () => {
        seen = await seenOf(lab, watched);
        return seen.length === 1 && seen[0] === address;
      }, 20);
      const measured = seen.length === 0 ? "no answer" : `seen as ${seen.join(", ")}`;
      return { isKept, measured: isKept ? measured : `${measured}; expected ${address}` };
    },
  };
}

// ── When an exit goes ───────────────────────────────────────────────────────────────────────────────────────────────

interface Failover {
  readonly leaver: Leaver;
  readonly from: Exit;
  readonly to: Exit;
  readonly loss: Loss;
}

const seconds = (value: number): string => `${value.toFixed(1)} s`;

/** Answers that are on their way at once when packets are 20 ms apart, on a busy machine. */
const MOST_ON_THE_WAY = 10;

/** Whether WireGuard takes answers from just the exit that is taken, and so none more from the one that was. */
function isMoved({ network }: Lab, { guest, remote }: Leaver): boolean {
  const egress = network.hosts.find(({ name }) => name === guest.host)?.egress;
  if (guest.vrf !== undefined || egress === undefined) return false;
  const exits = remote === undefined ? egress.exits : egress.remotes.find(({ name }) => name === remote)?.exits;
  return (exits ?? []).some(({ way }) => way.kind === "tunnel" && way.moves);
}

/**
 * What was lost although the exit said that it goes: all of it, but where WireGuard's AllowedIPs move the answers that were
 * on their way back by the old exit.
 */
async function lostNonetheless(lab: Lab, { leaver, from }: Failover, lost: readonly number[]) {
  if (!isMoved(lab, leaver)) return lost;
  const left = await steadyBy(lab, leaver.watched, publicAddress(lab, from.host, familyOf(leaver.watched.to)));
  const others = lost.filter((sequence) => !left.has(sequence));
  return lost.length - others.length > MOST_ON_THE_WAY ? lost : others;
}

async function measureFailover(lab: Lab, each: Failover): Promise<Outcome> {
  const { leaver, from, to, loss } = each;
  // A way out opens some seconds after all else is up.
  const isOpen = await eventually(() => leavesBy(lab, leaver, from.host), 60);
  if (!isOpen) return { isKept: false, measured: `not seen as ${from.host} even before` };
  const wrong: string[] = [];
  await forgetSteady(lab, leaver.watched);
  const away = await pingDuring(leaver.watched, () => loss.lose(lab, from, to));
  if (!away.isBack) wrong.push(`no answer within 60 s after ${from.host} was lost`);
  // What is left in good order still carries packets while the others take over.
  const hasMoved = await eventually(() => leavesBy(lab, leaver, to.host), 20);
  if (!hasMoved) wrong.push(`not seen as ${to.host} afterwards`);
  const inVain = loss.isAnnounced ? await lostNonetheless(lab, each, away.unanswered) : [];
  if (inVain.length > 0) wrong.push(`${inVain.length} packets lost, expected none`);
  const bringBack = async (): Promise<void> => {
    await loss.restore(lab, from);
    const isHome = await eventually(() => leavesBy(lab, leaver, from.host), 60);
    if (!isHome) wrong.push(`not seen as ${from.host} within 60 s after it was back`);
  };
  // Nothing is answered that could be lost on the way back.
  if (!away.isBack) {
    await bringBack();
    return { isKept: false, measured: wrong.join("; ") };
  }
  const back = await pingDuring(leaver.watched, bringBack);
  wrong.push(...(await brokenSessions(lab)));
  const measured = `by ${to.host} after ${seconds(away.gapSeconds)} (${away.lost} of 50 a second lost), by ${from.host} again with ${back.lost} lost, ${seconds(back.gapSeconds)}`;
  return { isKept: wrong.length === 0, measured: wrong.length === 0 ? measured : `${wrong.join("; ")}; ${measured}` };
}

/** Where something went wrong the exit is put right, so that it is not found again in what is measured next. */
async function failover(lab: Lab, each: Failover): Promise<Outcome> {
  const outcome = await measureFailover(lab, each).catch((error: unknown) => {
    const message = error instanceof Error ? error.message : String(error);
    return { isKept: false, measured: message.replace(/\s*\n\s*/g, " / ") };
  });
  await routerOf(lab, each.from.host).attempt("nft", "delete", "table", "inet", "lost");
  return outcome;
}

/** Where a default leads to the exit that is taken. */
const tableOf = ({ guest: { vrf } }: Leaver): readonly string[] =>
  vrf === undefined ? ["table", "all"] : ["vrf", vrf];

function failoverPromise(lab: Lab, each: Failover): LabPromise {
  const { leaver, from, to, loss } = each;
  return {
    kind: "exits",
    subject: `${leaver.guest.name}, IPv${familyOf(leaver.watched.to)}, exit ${from.host}${leaver.remote === undefined ? "" : ` to ${leaver.remote}`}`,
    promise: `${loss.what}: leaves by ${to.host}, and by ${from.host} when it is back (${loss.how})`,
    command: execCommand(hostBox(lab, leaver.guest.host), "ip", "route", "show", ...tableOf(leaver)),
    measure: () => failover(lab, each),
  };
}

/** For each exit that another one stands behind: a guest of its own, and for each family one of another host. */
function failovers(lab: Lab): readonly Failover[] {
  const leavers = leaversOf(lab).filter(({ exits }) => exits.length > 1);
  return allExits(lab.network).flatMap((from): readonly Failover[] => {
    const own = leavers.filter(({ exits }) => exits[0] === from);
    const inside = own.find(({ guest }) => guest.host === from.host);
    const beside = own.filter(({ guest }) => guest.host !== from.host);
    const as = (leaver: Leaver | undefined, losses: readonly Loss[]): readonly Failover[] => {
      const to = leaver?.exits[1];
      return leaver === undefined || to === undefined ? [] : losses.map((loss) => ({ leaver, from, to, loss }));
    };
    const probed = from.probes.length === 0 ? [] : [PROBE];
    const ofFamily = (family: IpFamily) => beside.find(({ watched }) => familyOf(watched.to) === family);
    // Of another host than the next exit's: what it turns to that with goes on from there.
    const passing = own.find(({ guest, exits: [, next] }) => ![from.host, next?.host].includes(guest.host));
    return [
      ...as(inside, probed),
      ...FAMILIES.flatMap((family) => as(ofFamily(family), [...probed, UPLINK, UNIT])),
      ...as(passing?.guest.vrf === undefined ? undefined : passing, [UNHEARD]),
    ];
  });
}

const order: Prover = {
  kind: "exits",
  isAlone: true,
  prepare: watchInternet,
  promises: (lab) => leaversOf(lab).map((leaver) => leavePromise(lab, leaver)),
};

const loss: Prover = {
  kind: "exits",
  isAlone: true,
  promises: (lab) => failovers(lab).map((each) => failoverPromise(lab, each)),
};

/** In the order in which they are to be proven. */
export const exits: readonly Prover[] = Object.freeze([order, exitPremises, exitReload, loss, exitSilence, exitStop]);
