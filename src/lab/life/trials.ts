/** A tunnel carries nothing any more, or a whole site is cut off, without a word to anybody: what goes on and what ends is what `netgen what-if` says. */
import { grouped } from "../../base/grouped.ts";
import { must } from "../../base/invariant.ts";
import { failoverOf } from "../../model/loopback.ts";
import type { Box } from "../machine/box.ts";
import { PATIENCE, sleep } from "../machine/patience.ts";
import type { Lab } from "../machine/running.ts";
import { answered, answersOf, type Probe, pingWords, probeKey, SMALL_BYTES, speak } from "../measure/ping.ts";
import { execCommand, type LabPromise, type Outcome } from "../measure/promise.ts";
import { brokenSessions } from "../measure/watch.ts";
import { cutCables, cutPort, mend } from "./cut.ts";
import { fewOf, type Question, surprises, type Trial, trialsOf } from "./what-if.ts";

const probeOf = ({ to }: Question): Probe => ({ to, bytes: SMALL_BYTES });

function boxOf({ guests, hosts }: Lab, { from }: Question): Box {
  return must((from.station === undefined ? hosts : guests).get(from.name), "every guest and host has a box");
}

/** Asks all at once, each from where it is asked. */
async function ask(
  lab: Lab,
  questions: readonly Question[],
  how: (box: Box, probes: readonly Probe[]) => Promise<ReadonlySet<string>>,
): Promise<ReadonlySet<Question>> {
  const groups = [...grouped(questions, (each) => boxOf(lab, each))];
  const found = await Promise.all(
    groups.map(async ([box, own]) => {
      const keys = await how(box, own.map(probeOf));
      return own.filter((each) => keys.has(probeKey(probeOf(each))));
    }),
  );
  return new Set(found.flat());
}

/** Who is not answered, though nothing is away; asked for as long as BGP may take. */
async function silent(lab: Lab, { goesOn, ends }: Trial): Promise<readonly Question[]> {
  const all = [...goesOn, ...ends];
  const found = await ask(lab, all, (box, probes) => answered(box, probes, 60));
  return all.filter((each) => !found.has(each));
}

const inWords = (questions: readonly Question[]): string => questions.map(({ name }) => name).join(", ");

async function cut(lab: Lab, { drops }: Trial): Promise<void> {
  for (const { host, what } of drops) {
    const box = must(lab.hosts.get(host), "every host has a box");
    await ("port" in what ? cutPort(box, what.port) : cutCables(box, what.cables));
  }
}

const putBack = async (lab: Lab, { drops }: Trial): Promise<void> => {
  for (const { host } of drops) await mend(must(lab.hosts.get(host), "every host has a box"));
};

/** What is otherwise than was said, once all have had the time to notice. */
async function seenWithout(lab: Lab, trial: Trial, boundMs: number): Promise<readonly string[]> {
  try {
    await cut(lab, trial);
    await sleep(2 * boundMs);
    const on = await ask(lab, trial.goesOn, answered);
    // Who must not answer is asked last, so that silence means something.
    const ended = await ask(lab, trial.ends, answersOf);
    return surprises(trial, (question) => on.has(question) || ended.has(question));
  } finally {
    await putBack(lab, trial);
  }
}

async function measure(lab: Lab, trial: Trial, boundMs: number): Promise<Outcome> {
  // Where several hosts are one gateway, the others learn of a guest once it has spoken with its own.
  const { guests } = lab.plan;
  await Promise.all(
    guests.map(({ name, gateways }) => speak(must(lab.guests.get(name), "every guest has a box"), gateways)),
  );
  const before = await silent(lab, trial);
  if (before.length > 0) return { isKept: false, measured: `no answer even before, expected one: ${inWords(before)}` };
  const wrong = [...(await seenWithout(lab, trial, boundMs)), ...(await brokenSessions(lab))];
  const after = await silent(lab, trial);
  if (after.length > 0) wrong.push(`no answer after it came back, expected one: ${inWords(after)}`);
  if (wrong.length > 0) return { isKept: false, measured: wrong.join("; ") };
  const { goesOn, ends } = trial;
  return { isKept: true, measured: `answered: ${goesOn.length}, silent: ${ends.length}; and all when it was back` };
}

function promiseOf(lab: Lab, trial: Trial, boundMs: number): LabPromise {
  const { loss, goesOn, ends, moved } = trial;
  const first = must([...ends, ...goesOn][0], "a trial has questions");
  return {
    kind: "life",
    subject: loss.kind === "site" ? `site ${loss.name}, cut off` : `tunnel ${loss.name}, cut`,
    promise: `as what-if says, ${ends.length} flows end, ${goesOn.length} go on, ${moved} of them by another way, and all do when it is back`,
    command: execCommand(boxOf(lab, first), ...pingWords(probeOf(first))),
    measure: () => measure(lab, trial, boundMs),
  };
}

/** A promise for each of some trials. */
export function trialPromises(
  lab: Lab,
  chosen: (all: readonly Trial[]) => readonly Trial[] = fewOf,
): readonly LabPromise[] {
  const boundMs = (failoverOf(lab.network)?.boundMs ?? 0) * PATIENCE;
  return chosen(trialsOf(lab.network, lab.plan)).map((trial) => promiseOf(lab, trial, boundMs));
}
