/** Of two hosts that share an address the master goes: the other takes over, and the one that comes back stays silent. */
import { isMaster } from "../machine/keepalived.ts";
import { eventually } from "../machine/patience.ts";
import { plug } from "../machine/plug.ts";
import type { Lab } from "../machine/running.ts";
import { execCommand, type LabPromise, type Outcome } from "../measure/promise.ts";
import { isAnswered, pingDuring, type Watched } from "../measure/steady-ping.ts";
import { type Couple, couplesOf, handBack, inWords, LONGEST_SILENCE_SECONDS, settle, watchesOfPair } from "./couple.ts";
import { drainedPromise } from "./vrrp-drain.ts";

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
  if (master.host.vrrp?.takesOver) {
    await plug(lab, master, "up", cable);
    wrong.push(...(await settle(master, standby)));
    if (!(await isAnswered(watched, 40))) wrong.push("no answer within 40 s after it came back");
    if (wrong.length > 0) return { isKept: false, measured: wrong.join("; ") };
    return {
      isKept: true,
      measured: `cut off: without answers for ${inWords(cut.lost, cut.gapSeconds)}; the master again`,
    };
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
    command: execCommand(master.box, `/etc/netgen${master.box.fleet}/vrrp-check`),
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
    const drained = master.host.vrrp?.takesOver ? [] : watches.slice(0, 1).map((each) => drainedPromise(couple, each));
    return [...cutOff, ...gone, ...drained];
  });
}
