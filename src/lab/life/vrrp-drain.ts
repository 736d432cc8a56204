/** Of two hosts that share an address the master is drained: the other takes over while both are there. */
import { writeInto } from "../machine/box.ts";
import { isMaster, reloadKeepalived } from "../machine/keepalived.ts";
import { eventually } from "../machine/patience.ts";
import type { RunningHost } from "../machine/running.ts";
import { execCommand, type LabPromise, type Outcome } from "../measure/promise.ts";
import { isAnswered, pingDuring, type Watched } from "../measure/steady-ping.ts";
import { type Couple, handBack, inWords, LONGEST_SILENCE_SECONDS, settle } from "./couple.ts";

const PATH = "/etc/keepalived/keepalived.conf";

/** Changes keepalived's file as the compiler would, and gives the function that puts it back. */
async function edit(running: RunningHost, change: (text: string) => string): Promise<() => Promise<void>> {
  const before = await running.box.run("cat", PATH);
  const put = async (text: string): Promise<void> => {
    writeInto(running.box, PATH, text);
    await reloadKeepalived(running);
  };
  await put(change(before));
  return () => put(before);
}

async function measure(couple: Couple, watched: Watched): Promise<Outcome> {
  const { master, standby } = couple;
  const priority = (own: RunningHost, other: RunningHost) => (text: string) =>
    text.replace(`priority ${own.host.vrrp?.priority}`, `priority ${other.host.vrrp?.priority}`);
  const wrong: string[] = [];
  const undo: (() => Promise<void>)[] = [];
  await isAnswered(watched, LONGEST_SILENCE_SECONDS);
  const seen = await pingDuring(watched, async () => {
    undo.push(await edit(master, priority(master, standby)));
    const rise = priority(standby, master);
    undo.push(await edit(standby, (text) => rise(text).replace(/^ +nopreempt\n/m, "")));
    if (!(await eventually(() => isMaster(standby), 30))) wrong.push(`${standby.host.name} does not take over`);
    wrong.push(...(await settle(standby, master)));
    if (!(await isAnswered(watched, 40))) wrong.push("no answer within 40 s after it took over");
  }).finally(async () => {
    for (const each of undo) await each();
  });
  wrong.push(...(await handBack(couple, watched)));
  if (wrong.length > 0) return { isKept: false, measured: wrong.join("; ") };
  return { isKept: true, measured: `without answers for ${inWords(seen.lost, seen.gapSeconds)}` };
}

export function drainedPromise(couple: Couple, watched: Watched): LabPromise {
  const { master, standby } = couple;
  return {
    kind: "life",
    subject: `${master.host.name}, drained`,
    promise: `${standby.host.name} takes over, and ${watched.box.name} hears from ${watched.to} again`,
    command: execCommand(master.box, "cat", PATH),
    measure: () => measure(couple, watched),
  };
}
