/** All exits lose their probes at once, and nothing else: of a VRF the last one that is open stays. */
import type { IpAddress } from "../../base/ip.ts";
import { familyOf } from "../../base/ip.ts";
import { DEFAULT_VRF } from "../../model/exit.ts";
import type { Vrf } from "../../model/vrf.ts";
import type { Box } from "../machine/box.ts";
import { eventually } from "../machine/patience.ts";
import { type Lab, runningHosts } from "../machine/running.ts";
import { execCommand, type LabPromise, type Outcome, type Prover } from "../measure/promise.ts";
import { type Leaver, leaversOf, leavesBy } from "./exit-leavers.ts";
import { hostBox } from "./exit-loss.ts";

const drop = (to: IpAddress): string => `${familyOf(to) === 4 ? "ip" : "ip6"} daddr ${to} drop`;

const silence = (probes: readonly IpAddress[]): string => `table inet silent {
  chain silent {
    type filter hook prerouting priority -300
    ${probes.map(drop).join("\n    ")}
  }
}`;

/** The exits of a VRF that are open. */
async function openExits(lab: Lab, { table, exits }: Vrf): Promise<readonly string[]> {
  const states = await Promise.all(
    exits.map(async ({ host }) => {
      const { output } = await hostBox(lab, host).attempt("ip", "route", "show", "default", "table", `${table}`);
      return { host, isOpen: output.includes("throw default") };
    }),
  );
  return states.filter(({ isOpen }) => isOpen).map(({ host }) => host);
}

/** By which the exit of what is in no VRF says no more that it is open. */
const closedTable = ({ fleet }: Box): string => `netgen${fleet}-exit-${DEFAULT_VRF}`;

/** Seconds for all to notice, and for the first to open again where all have closed at once. */
const SETTLED_SECONDS = 60;

async function measureSilence(lab: Lab, vrf: Vrf, leaver: Leaver): Promise<Outcome> {
  const wrong: string[] = [];
  let open: readonly string[] = [];
  await lab.internet.run("nft", silence(lab.plan.probes));
  try {
    const isSettled = await eventually(async () => {
      open = await openExits(lab, vrf);
      return open.length === 1 && (await leavesBy(lab, leaver, open[0] ?? ""));
    }, SETTLED_SECONDS);
    if (!isSettled)
      wrong.push(`open after ${SETTLED_SECONDS} s: ${open.join(", ") || "none"}; expected one, by which guests leave`);
  } finally {
    await lab.internet.run("nft", "delete", "table", "inet", "silent");
  }
  const [last] = open;
  const isBack = await eventually(async () => (await openExits(lab, vrf)).length === vrf.exits.length, SETTLED_SECONDS);
  if (!isBack) wrong.push(`not all exits are open within ${SETTLED_SECONDS} s after their probes answer`);
  return { isKept: wrong.length === 0, measured: wrong.join("; ") || `${last} stayed open` };
}

/** Where a host of the topology is not in the lab, an exit cannot ask it, and does not know whether it is the last one. */
function canAskAll(lab: Lab, { name }: Vrf): boolean {
  const here = new Set<string | undefined>(lab.network.hosts.map(({ vtep }) => vtep));
  const files = runningHosts(lab).flatMap((running) => running.files);
  const others = files
    .filter(({ path }) => path === `/etc/netgen${lab.plan.fleet}/${name}.exit`)
    .flatMap(({ text }) => /^others (.*)$/m.exec(text)?.[1]?.split(" ") ?? []);
  return others.every((address) => here.has(address));
}

function promiseOf(lab: Lab, vrf: Vrf): readonly LabPromise[] {
  const leaver = leaversOf(lab).find(({ guest }) => guest.vrf === vrf.name);
  if (leaver === undefined || vrf.exits.some(({ probes }) => probes.length === 0) || !canAskAll(lab, vrf)) return [];
  return [
    {
      kind: "exits",
      subject: `${vrf.name}, ${vrf.exits.length} exits`,
      promise: "no probe answers any of them: one stays open, and guests leave by it",
      command: execCommand(leaver.watched.box, "ping", "-n", "-c", "3", leaver.watched.to),
      measure: () => measureSilence(lab, vrf, leaver),
    },
  ];
}

/** In no VRF all of them say that they are closed, and who asks leaves by the first that is there. */
function defaultPromises(lab: Lab): readonly LabPromise[] {
  const isProbed = lab.network.exits.every(({ probes }) => probes.length > 0);
  const leaver = leaversOf(lab).find(
    (each) => each.guest.vrf === undefined && each.remote === undefined && each.exits.length > 1,
  );
  const first = leaver?.exits[0]?.host;
  if (!isProbed || leaver === undefined || first === undefined) return [];
  return [
    {
      kind: "exits",
      subject: `${lab.network.exits.length} exits of what is in no VRF`,
      promise: `no probe answers any of them: ${leaver.guest.name} leaves by ${first}`,
      command: execCommand(leaver.watched.box, "ping", "-n", "-c", "3", leaver.watched.to),
      measure: () => measureDoubt(lab, leaver, first),
    },
  ];
}

async function measureDoubt(lab: Lab, leaver: Leaver, first: string): Promise<Outcome> {
  const closed = async (): Promise<boolean> => {
    const boxes = lab.network.exits.map(({ host }) => hostBox(lab, host));
    const tables = boxes.map((box) => box.attempt("nft", "list", "table", "inet", closedTable(box)));
    return (await Promise.all(tables)).every(({ status }) => status === 0);
  };
  await lab.internet.run("nft", silence(lab.plan.probes));
  try {
    const isSettled =
      (await eventually(closed, SETTLED_SECONDS)) && (await eventually(() => leavesBy(lab, leaver, first), 20));
    return { isKept: isSettled, measured: isSettled ? `left by ${first}` : `not all closed, or not seen as ${first}` };
  } finally {
    await lab.internet.run("nft", "delete", "table", "inet", "silent");
  }
}

/** For each VRF whose exits all have a probe, and for what is in none. */
export const exitSilence: Prover = {
  kind: "exits",
  isAlone: true,
  promises: (lab) => [...lab.network.vrfs.flatMap((vrf) => promiseOf(lab, vrf)), ...defaultPromises(lab)],
};
