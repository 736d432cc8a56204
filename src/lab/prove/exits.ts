/** Guests of a VRF leave by the exit that is theirs; by the next one when it goes; and by theirs again when it is back. */
import { must } from "../../base/invariant.ts";
import { FAMILIES, familyOf, type IpAddress, type IpFamily } from "../../base/ip.ts";
import type { VrfExit } from "../../model/vrf.ts";
import { exitsOf } from "../../ways/exits.ts";
import { waysOf } from "../../ways/ways.ts";
import { eventually } from "../machine/patience.ts";
import type { Lab } from "../machine/running.ts";
import { execCommand, type LabPromise, type Outcome, type Prover } from "../measure/promise.ts";
import { pingDuring, type Watched } from "../measure/steady-ping.ts";
import { brokenSessions } from "../measure/watch.ts";
import type { LabGuest } from "../plan/plan.ts";
import { hostBox, type Loss, labHost, PROBE, routerOf, UNIT, UPLINK } from "./exit-loss.ts";

// ── Who is seen outside ─────────────────────────────────────────────────────────────────────────────────────────────

/** Notes whose echo requests come to the addresses that stand for the rest of the internet. */
function watchRules({ plan }: Lab): string {
  const rules = plan.outside.map((address) =>
    familyOf(address) === 4
      ? `ip daddr ${address} icmp type echo-request add @seen4 { ip saddr }`
      : `ip6 daddr ${address} icmpv6 type echo-request add @seen6 { ip6 saddr }`,
  );
  return `table inet exits {
  set seen4 { type ipv4_addr; flags dynamic; size 1024; }
  set seen6 { type ipv6_addr; flags dynamic; size 1024; }
  chain seen {
    type filter hook prerouting priority -400
    ${rules.join("\n    ")}
  }
}`;
}

async function watchInternet(lab: Lab): Promise<void> {
  await lab.internet.run("nft", watchRules(lab));
}

/** Who is seen while a guest asks; nobody where no answer comes back. */
async function seenOf({ internet }: Lab, { box, to }: Watched): Promise<readonly string[]> {
  const set = ["inet", "exits", `seen${familyOf(to)}`];
  await internet.run("nft", "flush", "set", ...set);
  const { output } = await box.attempt("ping", "-n", "-q", "-c", "3", "-i", "0.2", "-w", "2", to);
  if (!/ [1-9]\d* received/.test(output)) return [];
  const text = await internet.run("nft", "list", "set", ...set);
  const elements = /elements = \{([^}]*)\}/.exec(text)?.[1] ?? "";
  return elements
    .split(",")
    .map((each) => each.trim())
    .filter((each) => each !== "");
}

// ── Who leaves by whom ──────────────────────────────────────────────────────────────────────────────────────────────

/** A guest of a VRF with the exits that are its, the preferred first. All of them hide it behind themselves. */
interface Leaver {
  readonly guest: LabGuest;
  readonly watched: Watched;
  readonly exits: readonly VrfExit[];
}

/** As whom a host is seen outside. */
function publicAddress(lab: Lab, name: string, family: IpFamily): IpAddress | undefined {
  return labHost(lab, name).publicAddresses.find((address) => familyOf(address) === family);
}

function leaversOf(lab: Lab): readonly Leaver[] {
  const ways = waysOf(lab.network, lab.plan.guests);
  return lab.plan.guests
    .filter(({ vrf }) => vrf !== undefined)
    .flatMap((guest) =>
      FAMILIES.flatMap((family): readonly Leaver[] => {
        const to = lab.plan.outside.find((address) => familyOf(address) === family);
        const exits = exitsOf(ways, guest, family).filter(({ host }) => publicAddress(lab, host, family) !== undefined);
        // Without SNAT no answer finds back: the lab's internet knows no tenant's addresses.
        if (to === undefined || exits.length === 0 || exits.some(({ hasSnat }) => !hasSnat)) return [];
        const box = must(lab.guests.get(guest.name), "every guest has a box");
        return [{ guest, watched: { box, to }, exits }];
      }),
    );
}

/** Whether a guest is seen as one host and nobody else. */
async function leavesBy(lab: Lab, { watched }: Leaver, host: string): Promise<boolean> {
  const seen = await seenOf(lab, watched);
  return seen.length === 1 && seen[0] === publicAddress(lab, host, familyOf(watched.to));
}

function leavePromise(lab: Lab, leaver: Leaver): LabPromise {
  const { guest, watched, exits } = leaver;
  const [exit] = exits;
  const host = must(exit, "who leaves has an exit").host;
  const address = publicAddress(lab, host, familyOf(watched.to));
  return {
    kind: "exits",
    subject: `${guest.name} -> the internet, IPv${familyOf(watched.to)}`,
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
  readonly from: VrfExit;
  readonly to: VrfExit;
  readonly loss: Loss;
}

const seconds = (value: number): string => `${value.toFixed(1)} s`;

async function measureFailover(lab: Lab, { leaver, from, to, loss }: Failover): Promise<Outcome> {
  const wrong: string[] = [];
  const away = await pingDuring(leaver.watched, () => loss.lose(lab, from));
  if (!away.isBack) wrong.push(`no answer within 60 s after ${from.host} was lost`);
  // What is left in good order still carries packets while the others take over.
  const hasMoved = await eventually(() => leavesBy(lab, leaver, to.host), 20);
  if (!hasMoved) wrong.push(`not seen as ${to.host} afterwards`);
  if (loss.isAnnounced && away.lost > 0) wrong.push(`${away.lost} packets lost, expected none`);
  const back = await pingDuring(leaver.watched, async () => {
    await loss.restore(lab, from);
    const isHome = await eventually(() => leavesBy(lab, leaver, from.host), 60);
    if (!isHome) wrong.push(`not seen as ${from.host} within 60 s after it was back`);
  });
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

function failoverPromise(lab: Lab, each: Failover): LabPromise {
  const { leaver, from, to, loss } = each;
  return {
    kind: "exits",
    subject: `${leaver.guest.name}, IPv${familyOf(leaver.watched.to)}, exit ${from.host}`,
    promise: `${loss.what}: leaves by ${to.host}, and by ${from.host} when it is back (${loss.how})`,
    command: execCommand(hostBox(lab, from.host), "ip", "route", "show", "vrf", must(leaver.guest.vrf, "of a VRF")),
    measure: () => failover(lab, each),
  };
}

/** For each exit that another one stands behind: a guest of its own, and for each family one of another host. */
function failovers(lab: Lab): readonly Failover[] {
  const leavers = leaversOf(lab).filter(({ exits }) => exits.length > 1);
  const all = lab.network.vrfs.flatMap(({ exits }) => exits);
  return all.flatMap((from): readonly Failover[] => {
    const own = leavers.filter(({ exits }) => exits[0] === from);
    const inside = own.find(({ guest }) => guest.host === from.host);
    const beside = own.filter(({ guest }) => guest.host !== from.host);
    const as = (leaver: Leaver | undefined, losses: readonly Loss[]): readonly Failover[] => {
      const to = leaver?.exits[1];
      return leaver === undefined || to === undefined ? [] : losses.map((loss) => ({ leaver, from, to, loss }));
    };
    const probed = from.probes.length === 0 ? [] : [PROBE];
    const ofFamily = (family: IpFamily) => beside.find(({ watched }) => familyOf(watched.to) === family);
    return [...as(inside, probed), ...FAMILIES.flatMap((family) => as(ofFamily(family), [...probed, UPLINK, UNIT]))];
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
export const exits: readonly Prover[] = Object.freeze([order, loss]);
