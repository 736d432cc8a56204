/** Hosts that boot by themselves: with all that they are to run, without a complaint, and with traffic; and so ever again. */

import { isStandby } from "../machine/keepalived.ts";
import { type Lab, type RunningHost, runningHosts } from "../machine/running.ts";
import { execCommand, type LabPromise, type Outcome, type Prover } from "../measure/promise.ts";
import { isAnswered } from "../measure/steady-ping.ts";
import { greetDialled, watchOf } from "../measure/watch.ts";
import { disturbances, lateUplinks, ONLINE_SECONDS } from "./boot-again.ts";
import { brokenUnits, complaints, timesOf } from "./boot-state.ts";
import { measureVerify, verifyOf } from "./verify.ts";

const told = (wrong: readonly string[], right: string): Outcome => ({
  isKept: wrong.length === 0,
  measured: wrong.length > 0 ? wrong.join("; ") : right,
});

const JOURNAL = ["journalctl", "--boot", "--priority=warning"] as const;

async function measureUnits(running: RunningHost): Promise<Outcome> {
  return told(await brokenUnits(running), `all ${running.units.length} are active or done, none has failed`);
}

async function measureOnline({ box }: RunningHost): Promise<Outcome> {
  const { begun, online } = await timesOf(box);
  if (online === undefined) return { isKept: true, measured: "nothing waits for it" };
  const seconds = online - begun;
  return {
    isKept: seconds <= ONLINE_SECONDS,
    measured: `after ${seconds.toFixed(1)} s${seconds <= ONLINE_SECONDS ? "" : `, expected within ${ONLINE_SECONDS} s`}`,
  };
}

const FIRST_WORD_SECONDS = 60;

async function measureTraffic(lab: Lab, running: RunningHost): Promise<Outcome> {
  // The tunnels of one that stands by are down.
  const watched = isStandby(running.host, lab.network.hosts) ? undefined : watchOf(lab, running.host);
  if (watched === undefined) return { isKept: true, measured: "it has nobody to speak with" };
  await greetDialled(lab, running.host);
  const isKept = await isAnswered(watched, FIRST_WORD_SECONDS);
  const way = `${watched.box.name} and ${watched.to}`;
  return {
    isKept,
    measured: isKept ? `${way} hear of each other` : `no answer between ${way} within ${FIRST_WORD_SECONDS} s`,
  };
}

const promisesOf = (lab: Lab, running: RunningHost): readonly LabPromise[] => {
  const { box, host, units } = running;
  const promise = (
    what: string,
    { command, measure }: { readonly command: readonly string[]; readonly measure: () => Promise<Outcome> },
  ): LabPromise => ({
    kind: "boot",
    subject: host.name,
    promise: what,
    command: execCommand(box, ...command),
    measure,
  });
  return [
    promise("every unit that is enabled is active, none has failed", {
      command: ["systemctl", "status", "--no-pager", ...units],
      measure: () => measureUnits(running),
    }),
    promise("no ordering cycle, and no warning", {
      command: JOURNAL,
      measure: async () => told(await complaints(running), "the journal has none"),
    }),
    promise("the network is there at once", {
      command: ["systemd-analyze", "critical-chain", "network-online.target"],
      measure: () => measureOnline(running),
    }),
    promise("traffic passes without a hand's help", {
      command: ["wg", "show"],
      measure: () => measureTraffic(lab, running),
    }),
    promise("it has all that its verify.list promises", {
      command: [verifyOf(box)],
      measure: () => measureVerify(lab, running),
    }),
  ];
};

const booting = (lab: Lab): readonly RunningHost[] => runningHosts(lab).filter(({ box }) => box.power !== undefined);

/** As they came up. */
export const boots: Prover = {
  kind: "boot",
  isAlone: false,
  promises: (lab) => booting(lab).flatMap((running) => promisesOf(lab, running)),
};

/** What they are when something of them was restarted. */
export const bootsAgain: readonly Prover[] = Object.freeze([
  { kind: "boot", isAlone: true, promises: (lab: Lab) => disturbances(lab, booting(lab)) },
  { kind: "boot", isAlone: false, promises: (lab: Lab) => lateUplinks(lab, booting(lab)) },
]);
