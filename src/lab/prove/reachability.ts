/** Guests reach whom the topology lets them reach, nobody else, and nothing of it leaves in clear. */
import { must } from "../../base/invariant.ts";
import { FAMILIES, familyOf, type IpAddress } from "../../base/ip.ts";
import { poolAddresses } from "../../model/loopback.ts";
import { exitOf } from "../../ways/exits.ts";
import { reachesHost, roundTrip } from "../../ways/reach.ts";
import { addressOf } from "../../ways/station.ts";
import { type Ways, waysOf } from "../../ways/ways.ts";
import type { Box } from "../machine/box.ts";
import type { Lab } from "../machine/running.ts";
import { answered, answersOf, once, type Probe, pingWords, probeKey, SMALL_BYTES, speak } from "../measure/ping.ts";
import { execCommand, type LabPromise, type Outcome, type Prover } from "../measure/promise.ts";
import type { LabGuest } from "../plan/plan.ts";

/** Whom a guest asks, and what has to come of it. */
interface Question {
  readonly guest: LabGuest;
  readonly subject: string;
  readonly promise: string;
  /** Must answer. */
  readonly open: readonly Target[];
  /** Must not. */
  readonly closed: readonly Target[];
}

interface Target {
  readonly to: IpAddress;
  /** As a reader knows it: `IPv4`, `alpha`. */
  readonly name: string;
}

const probeOf = ({ to }: Target): Probe => ({ to, bytes: SMALL_BYTES });
const keyOf = (target: Target): string => probeKey(probeOf(target));
const families = (targets: readonly Target[]): string => targets.map(({ name }) => name).join(" and ");
const byFamily = (to: IpAddress): Target => ({ to, name: `IPv${familyOf(to)}` });

// ── What to ask ─────────────────────────────────────────────────────────────────────────────────────────────────────

function askGateway(guest: LabGuest): Question {
  const open = guest.gateways.filter((each) => addressOf(guest, familyOf(each))).map(byFamily);
  return { guest, subject: `${guest.name} -> its gateway`, promise: `answers by ${families(open)}`, open, closed: [] };
}

function askGuest(ways: Ways, guest: LabGuest, other: LabGuest): Question {
  const targets = FAMILIES.flatMap((family) => {
    const to = addressOf(guest, family) && addressOf(other, family);
    return to === undefined ? [] : [{ ...byFamily(to), isOpen: roundTrip(ways, guest, other, family) !== undefined }];
  });
  const open = targets.filter(({ isOpen }) => isOpen);
  const closed = targets.filter(({ isOpen }) => !isOpen);
  const answers = open.length === 0 ? [] : [`answers by ${families(open)}`];
  const promise = [...answers, ...(closed.length === 0 ? [] : [`no way there and back by ${families(closed)}`])];
  return { guest, subject: `${guest.name} -> ${other.name}`, promise: promise.join(", "), open, closed };
}

/** All hosts' addresses in the tunnels at once: who is not to be reached is as much a promise as who is. */
function askTunnels(ways: Ways, guest: LabGuest): Question {
  const targets = ways.network.hosts.flatMap((host) => {
    const addresses = poolAddresses(host).map(({ address }) => address);
    return addresses
      .filter((to) => addressOf(guest, familyOf(to)))
      .map((to) => ({
        to,
        name: `${host.name} (IPv${familyOf(to)})`,
        isOpen: reachesHost(ways, guest, host, to),
      }));
  });
  const open = targets.filter(({ isOpen }) => isOpen);
  const closed = targets.filter(({ isOpen }) => !isOpen);
  const promise = `${open.length} of ${targets.length} answer`;
  return { guest, subject: `${guest.name} -> hosts' tunnel addresses`, promise, open, closed };
}

/** Only families that the guest's host has a way out by: a lab without IPv4 below says nothing about SNAT of IPv4. */
function askOutside(lab: Lab, ways: Ways, guest: LabGuest): Question {
  const { hosts, outside } = lab.plan;
  const hasWayOut = (name: string, to: IpAddress): boolean =>
    hosts.some((host) => host.name === name && host.uplink.addresses.some((each) => familyOf(each) === familyOf(to)));
  const targets = outside
    .filter((to) => addressOf(guest, familyOf(to)))
    .map((to) => ({ ...byFamily(to), exit: exitOf(ways, guest, familyOf(to)) }))
    .filter(({ to, exit }) => hasWayOut(exit?.name ?? guest.host, to));
  const open = targets.filter(({ exit }) => exit !== undefined);
  const closed = targets.filter(({ exit }) => exit === undefined);
  const promise = open.length > 0 ? `gets out by ${families(open)}` : "no SNAT, no way out";
  return { guest, subject: `${guest.name} -> the internet`, promise, open, closed };
}

// ── Asking ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** All that a guest asks in one go; who must not answer is asked last, so that silence means something. */
function asker(box: Box, questions: readonly Question[]) {
  const open = once(() => answered(box, questions.flatMap((each) => each.open).map(probeOf)));
  const closed = once(async () => {
    await open();
    return answersOf(box, questions.flatMap((each) => each.closed).map(probeOf));
  });
  return { open, closed };
}

function judge(question: Question, open: ReadonlySet<string>, closed: ReadonlySet<string>): Outcome {
  const missing = question.open.filter((target) => !open.has(keyOf(target)));
  const surplus = question.closed.filter((target) => closed.has(keyOf(target)));
  const wrong = [
    ...missing.map(({ name }) => `no answer within 20 s: ${name}, expected one`),
    ...surplus.map(({ name }) => `an answer: ${name}, expected none`),
  ];
  if (wrong.length > 0) return { isKept: false, measured: wrong.join("; ") };
  const right = [
    ...(question.open.length > 0 ? [`answered: ${question.open.map(({ name }) => name).join(", ")}`] : []),
    ...(question.closed.length > 0 ? [`silent: ${question.closed.map(({ name }) => name).join(", ")}`] : []),
  ];
  return { isKept: true, measured: right.join("; ") };
}

function promisesOf(lab: Lab, questions: readonly Question[]): readonly LabPromise[] {
  const asked = questions.filter(({ open, closed }) => open.length + closed.length > 0);
  const guests = new Set(asked.map(({ guest }) => guest));
  const askers = new Map(
    [...guests].map((guest) => {
      const box = must(lab.guests.get(guest.name), "every guest has a box");
      const own = asked.filter((question) => question.guest === guest);
      return [guest, { box, ...asker(box, own) }] as const;
    }),
  );
  return asked.map((question) => {
    const { box, open, closed } = must(askers.get(question.guest), "every guest asks");
    const [first] = [...question.open, ...question.closed].map(probeOf);
    return {
      kind: "reachability",
      subject: question.subject,
      promise: question.promise,
      command: execCommand(box, ...pingWords(must(first, "there is somebody to ask"))),
      measure: async () => judge(question, await open(), question.closed.length > 0 ? await closed() : new Set()),
    };
  });
}

const isOpen = ({ closed }: Question): boolean => closed.length === 0;

/** What passes between two networks of one router of somebody else's is its own affair. */
const isBesides = (one: LabGuest, other: LabGuest): boolean => one.behind !== undefined && one.behind === other.behind;

function guestQuestions(lab: Lab): readonly Question[] {
  const { guests } = lab.plan;
  const ways = waysOf(lab.network, guests);
  return guests.flatMap((guest) => [
    askGateway(guest),
    ...guests
      .filter((other) => other !== guest && !isBesides(guest, other))
      .map((other) => askGuest(ways, guest, other)),
  ]);
}

function otherQuestions(lab: Lab): readonly Question[] {
  const ways = waysOf(lab.network, lab.plan.guests);
  return lab.plan.guests.flatMap((guest) => [askTunnels(ways, guest), askOutside(lab, ways, guest)]);
}

/** Where several hosts are one gateway, the others learn of a guest by BGP, once it has spoken with its own. */
async function greetGateways({ plan, guests }: Lab): Promise<void> {
  const greet = ({ name, gateways }: LabGuest) => speak(must(guests.get(name), "every guest has a box"), gateways);
  await Promise.all(plan.guests.map(greet));
}

// ── Provers ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Who must answer. */
const open: Prover = {
  kind: "reachability",
  isAlone: false,
  prepare: greetGateways,
  promises: (lab) => promisesOf(lab, guestQuestions(lab).filter(isOpen)),
};

/** Who must not, after all have shown that they answer where they must. */
const closed: Prover = {
  kind: "reachability",
  isAlone: false,
  promises: (lab) => {
    const silent = guestQuestions(lab).filter((question) => !isOpen(question));
    return promisesOf(lab, [...silent, ...otherQuestions(lab)]);
  },
};

/** Packets to prefixes of the overlay that a router has seen as such. */
async function seenInClear(box: Box): Promise<number> {
  const rules = await box.run("nft", "list", "chain", "inet", "watch", "clear");
  return [...rules.matchAll(/packets (\d+)/g)].reduce((sum, [, packets]) => sum + Number(packets), 0);
}

/** Measured after all the questions above, many of them about addresses that nothing leads to. */
const clear: Prover = {
  kind: "reachability",
  isAlone: false,
  promises: ({ internet, routers }) => [
    {
      kind: "reachability",
      subject: "the underlay",
      promise: "no packet to an address of the overlay leaves a host in clear",
      command: execCommand(internet, "nft", "list", "chain", "inet", "watch", "clear"),
      measure: async () => {
        const boxes = [internet, ...routers.values()];
        const counts = await Promise.all(boxes.map(async (box) => [box.name, await seenInClear(box)] as const));
        const seen = counts.filter(([, packets]) => packets > 0).map(([name, packets]) => `${name}: ${packets}`);
        if (seen.length === 0) return { isKept: true, measured: `none seen by ${counts.length} routers` };
        return { isKept: false, measured: `packets seen by ${seen.join(", ")}; expected none` };
      },
    },
  ],
};

/** In the order in which they are to be proven. */
export const reachability: readonly Prover[] = Object.freeze([open, closed, clear]);
