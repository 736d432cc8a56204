/** All exits of a VRF are stopped by hand: nobody leaves any more, neither hidden nor in clear. */
import type { Exit } from "../../model/exit.ts";
import type { Vrf } from "../../model/vrf.ts";
import { eventually } from "../machine/patience.ts";
import type { Lab } from "../machine/running.ts";
import { execCommand, type LabPromise, type Outcome, type Prover } from "../measure/promise.ts";
import { type Leaver, leaversOf, leavesBy, seenAtAll } from "./exit-leavers.ts";
import { hostBox, startUnit, stopUnit } from "./exit-loss.ts";

/** Seconds for the exits to say goodbye, and for their probes to be answered again. */
const SETTLED_SECONDS = 60;

/** What a host still has of defaults that lead anywhere: its own, and what the others announced. */
async function defaults(lab: Lab, host: string, table: number): Promise<readonly string[]> {
  const shown = await Promise.all(
    ["-4", "-6"].map((family) =>
      hostBox(lab, host).attempt("ip", family, "route", "show", "default", "table", `${table}`),
    ),
  );
  return shown.flatMap(({ output }) => output.match(/^(?:throw |blackhole )?default .*$/gm) ?? []);
}

/** Asked as soon as no default leads anywhere: what gets outside then has gone by the hosts' own tables. */
async function measureStopped(lab: Lab, { exits, table }: Vrf, leavers: readonly Leaver[]): Promise<readonly string[]> {
  const left = async () => (await Promise.all(exits.map(({ host }) => defaults(lab, host, table)))).flat();
  if (!(await eventually(async () => (await left()).length === 0, SETTLED_SECONDS)))
    return [`there is still ${(await left()).join(", ")} after ${SETTLED_SECONDS} s, expected no default`];
  const wrong: string[] = [];
  for (const { guest, watched } of leavers) {
    const seen = await seenAtAll(lab, watched);
    if (seen.length > 0) wrong.push(`${guest.name} was seen as ${seen.join(", ")}, expected nowhere`);
  }
  return wrong;
}

async function measure(lab: Lab, vrf: Vrf, leavers: readonly Leaver[]): Promise<Outcome> {
  const wrong: string[] = [];
  const stopped: Exit[] = [];
  try {
    for (const exit of vrf.exits) {
      await stopUnit(lab, exit);
      stopped.push(exit);
    }
    wrong.push(...(await measureStopped(lab, vrf, leavers)));
  } finally {
    for (const exit of stopped) await startUnit(lab, exit);
  }
  for (const leaver of leavers) {
    const host = leaver.exits[0]?.host ?? "";
    if (!(await eventually(() => leavesBy(lab, leaver, host), SETTLED_SECONDS)))
      wrong.push(`${leaver.guest.name} does not leave by ${host} within ${SETTLED_SECONDS} s after they were started`);
  }
  return {
    isKept: wrong.length === 0,
    measured: wrong.join("; ") || `${leavers.length} were silent outside, and leave again`,
  };
}

function promiseOf(lab: Lab, vrf: Vrf): readonly LabPromise[] {
  const leavers = leaversOf(lab).filter(({ guest }) => guest.vrf === vrf.name);
  const [first] = leavers;
  if (first === undefined) return [];
  return [
    {
      kind: "exits",
      subject: `${vrf.name}, ${vrf.exits.length} exit${vrf.exits.length === 1 ? "" : "s"}`,
      promise: "all are stopped by hand: no guest leaves, by whatever host, and all do when they are back",
      command: execCommand(hostBox(lab, first.guest.host), "ip", "route", "show", "vrf", vrf.name),
      measure: () => measure(lab, vrf, leavers),
    },
  ];
}

/** For each VRF that has exits. In no VRF one that is closed still carries what it is sent. */
export const exitStop: Prover = {
  kind: "exits",
  isAlone: true,
  promises: (lab) => lab.network.vrfs.flatMap((vrf) => promiseOf(lab, vrf)),
};
