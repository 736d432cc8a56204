/** A host that others send through is cut off, without a word to anybody: traffic goes another way, and comes back. */
import { must } from "../../base/invariant.ts";
import { FAMILIES, type IpFamily } from "../../base/ip.ts";
import { onceByKey } from "../../base/once.ts";
import { failoverOf } from "../../model/loopback.ts";
import type { Network } from "../../model/network.ts";
import { courseOf } from "../../ways/flows.ts";
import { hostLoss, waysWithout } from "../../ways/loss.ts";
import { stationParty } from "../../ways/party.ts";
import { addressOf } from "../../ways/station.ts";
import { type Ways, waysOf } from "../../ways/ways.ts";
import { eventually, PATIENCE, sleep } from "../machine/patience.ts";
import { type Lab, type RunningHost, runningHosts } from "../machine/running.ts";
import { bgpRoutes } from "../measure/bgp-routes.ts";
import { execCommand, type LabPromise, type Outcome } from "../measure/promise.ts";
import { pingDuring, type Watched } from "../measure/steady-ping.ts";
import { brokenSessions } from "../measure/watch.ts";
import { cablesOf, type LabCable, type LabGuest } from "../plan/plan.ts";
import { cutCables, mend } from "./cut.ts";

/** Two guests, and the host between theirs that is to be lost. */
export interface Loss {
  readonly lost: string;
  readonly from: LabGuest;
  readonly to: LabGuest;
  readonly family: IpFamily;
}

/** The first two guests that talk through a host which they can do without, for each such host. Pure. */
export function lossesOf(network: Network, guests: readonly LabGuest[]): readonly Loss[] {
  const ways = waysOf(network, guests);
  const rest = onceByKey<Ways, Ways>();
  const waysAfter = (lost: string): Ways => rest(ways, lost, () => waysWithout(ways, hostLoss(lost)));
  const pairs = guests.flatMap((from) => guests.filter((to) => to.host !== from.host).map((to) => [from, to] as const));
  const losses = pairs.flatMap(([from, to]): readonly Loss[] => {
    const ends = { from: stationParty(from), to: stationParty(to) };
    const family = FAMILIES.find((each) => courseOf(ways, { kind: "between", ...ends, family: each }));
    const flow = family && ({ kind: "between", ...ends, family } as const);
    const passed = flow === undefined ? [] : (courseOf(ways, flow)?.there ?? []);
    const lost = passed.find((host) => host !== from.host && host !== to.host);
    if (flow === undefined || lost === undefined || failoverOf(network) === undefined) return [];
    return courseOf(waysAfter(lost), flow) === undefined ? [] : [{ lost, from, to, family: flow.family }];
  });
  return [...new Map([...losses].reverse().map((loss) => [loss.lost, loss])).values()].reverse();
}

/** A host that is cut off while somebody watches. */
export interface Cut {
  readonly lab: Lab;
  readonly lost: RunningHost;
  readonly cables: readonly LabCable[];
  readonly from: LabGuest;
  readonly to: LabGuest;
  readonly watched: Watched;
  /** A host that sends through the lost one. */
  readonly sender: RunningHost;
  /** For how long nothing may arrive when it is lost without a word. */
  readonly boundMs: number;
}

/** Takes everything from its cables, and gives whoever watches it the time to notice. */
export async function cutOff({ lost, cables, boundMs }: Cut): Promise<void> {
  await cutCables(lost.box, cables);
  await sleep(2 * boundMs);
}

export const putBack = ({ lost }: Cut): Promise<void> => mend(lost.box);

/** By which device the sender sends what BGP has told it. */
export const linksOf = async ({ sender: { box } }: Cut): Promise<string> =>
  (await bgpRoutes(box)).map(({ dst, dev }) => `${dst} ${dev}`).join("\n");

/** The same once everyone has told everyone. */
export async function settledLinks(cut: Cut): Promise<string> {
  await brokenSessions(cut.lab);
  await sleep(2000);
  return linksOf(cut);
}

async function measure(cut: Cut): Promise<Outcome> {
  const { lab, watched, sender, boundMs } = cut;
  const before = await settledLinks(cut);
  const wrong: string[] = [];
  try {
    const gone = await pingDuring(watched, () => cutOff(cut));
    const seconds = gone.gapSeconds.toFixed(2);
    if (!gone.isBack) wrong.push("no answer by another way within 60 s");
    if (gone.gapSeconds * 1000 > boundMs)
      wrong.push(`${seconds} s without an answer, expected ${boundMs / 1000} at most`);
    const back = await pingDuring(watched, async () => {
      await putBack(cut);
      wrong.push(...(await brokenSessions(lab)));
      if (!(await eventually(async () => (await linksOf(cut)) === before)))
        wrong.push(`${sender.host.name} does not come back to the preferred way`);
      await sleep(2000);
    });
    if (back.lost > 0) wrong.push(`${back.lost} packets lost on its return, expected none`);
    if (wrong.length > 0) return { isKept: false, measured: wrong.join("; ") };
    const answered = `${back.lost} of ${back.answered} lost on its return`;
    return { isKept: true, measured: `${gone.lost} packets lost, ${seconds} s without; ${answered}` };
  } finally {
    await putBack(cut);
  }
}

/** One for each host that some guests can do without. */
export function cutsOf(lab: Lab): readonly Cut[] {
  const failover = failoverOf(lab.network);
  if (failover === undefined) return [];
  const running = new Map(runningHosts(lab).map((each) => [each.host.name, each]));
  return lossesOf(lab.network, lab.plan.guests).map(({ lost, from, to, family }) => ({
    lab,
    lost: must(running.get(lost), "every host runs"),
    cables: cablesOf(
      must(
        lab.plan.hosts.find(({ name }) => name === lost),
        "every host is in the plan",
      ),
    ),
    from,
    to,
    watched: {
      box: must(lab.guests.get(from.name), "every guest has a box"),
      to: must(addressOf(to, family), "the guest has an address of this family"),
    },
    sender: must(running.get(from.host), "every host runs"),
    boundMs: failover.boundMs * PATIENCE,
  }));
}

/** A promise for each host that some guests can do without. */
export function failoverPromises(lab: Lab): readonly LabPromise[] {
  return cutsOf(lab).map((cut) => ({
    kind: "life" as const,
    subject: `${cut.lost.host.name}, cut off`,
    promise: `${cut.from.name} is answered by ${cut.to.name} again within ${cut.boundMs / 1000} s, and loses nothing on its return`,
    command: execCommand(cut.sender.box, "ip", "route", "show", "proto", "bgp"),
    measure: () => measure(cut),
  }));
}
