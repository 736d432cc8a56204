/**
 * What befalls a host that boots by itself, and after which all is to be as it was: a reboot, restarts of every service that
 * netgen's own name, upgrades, an uplink that is late, daemons that are slow.
 */
import { existsSync } from "node:fs";
import { booted } from "../machine/boot.ts";
import type { Box } from "../machine/box.ts";
import { plugGuests } from "../machine/guests.ts";
import { isMaster, startKeepalived, stopKeepalived } from "../machine/keepalived.ts";
import { eventually, PATIENCE } from "../machine/patience.ts";
import { plug } from "../machine/plug.ts";
import { isOfOvn, type Lab, type RunningHost, runningHosts } from "../machine/running.ts";
import { execCommand, type LabPromise } from "../measure/promise.ts";
import { isAnswered } from "../measure/steady-ping.ts";
import { brokenSessions, greetDialled, oneOfEachShape, watchOf } from "../measure/watch.ts";
import { passwordDisturbances } from "./boot-passwords.ts";
import { flushes } from "./boot-rules.ts";
import { brokenUnits, complaints, endOfJournal, now, type Since, servicesBeside, timesOf } from "./boot-state.ts";
import { hasFrr } from "./daemon-checks.ts";
import { daemonProblems } from "./daemons.ts";
import type { Disturbance } from "./disturbance.ts";

const sleep = (seconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

const AGAIN_SECONDS = 60;

/** The one of a pair that is to be the master is so again: who had taken over keeps the address. */
async function handBack(lab: Lab, { host, box, ...rest }: RunningHost): Promise<void> {
  const other = runningHosts(lab).find((each) => each.host.name === host.vrrp?.other.host);
  if (host.vrrp === undefined || other === undefined) return;
  const own = { host, box, ...rest };
  const [master, follower] = host.vrrp.priority > (other.host.vrrp?.priority ?? 0) ? [own, other] : [other, own];
  if (await isMaster(master)) return;
  await stopKeepalived(follower.box);
  await eventually(() => isMaster(master), 30);
  await startKeepalived(follower);
}

/** What is not as it was, once nothing changes any more. */
async function problemsOf(lab: Lab, running: RunningHost, since: Since): Promise<readonly string[]> {
  await handBack(lab, running);
  let wrong: readonly string[] = [];
  await eventually(async () => {
    wrong = (await Promise.all([brokenUnits(running), daemonProblems(running)])).flat();
    return wrong.length === 0;
  }, AGAIN_SECONDS);
  await greetDialled(lab, running.host);
  const watched = watchOf(lab, running.host);
  const isHeard = watched === undefined || (await isAnswered(watched, AGAIN_SECONDS));
  return [
    ...wrong,
    ...(isHeard ? [] : [`no answer between ${watched?.box.name} and ${watched?.to} within ${AGAIN_SECONDS} s`]),
    ...(await brokenSessions(lab)),
    ...(await complaints(running, since)),
  ];
}

async function booting(lab: Lab, { box, files }: RunningHost): Promise<void> {
  await box.power?.on();
  await booted(box, files);
  await plugGuests(lab, box);
}

const inSeconds = (value: number): string => `${value.toFixed(1)} s`;

async function describeBoot(box: Box): Promise<string> {
  const { begun, online } = await timesOf(box);
  return online === undefined ? "booted" : `the network was there after ${inSeconds(online - begun)}`;
}

const reboot = (lab: Lab, running: RunningHost): Disturbance => ({
  what: "a reboot",
  command: ["systemd-analyze", "blame"],
  staysOn: false,
  warning: undefined,
  disturb: async () => {
    await running.box.power?.off();
    await booting(lab, running);
    return { wrong: [], right: await describeBoot(running.box) };
  },
});

const restart = ({ box }: RunningHost, unit: string): Disturbance => ({
  what: `a restart of ${unit.replace(/\.service$/, "")}`,
  command: ["systemctl", "restart", unit],
  staysOn: true,
  warning: undefined,
  disturb: async () => {
    await box.run("systemctl", "restart", unit);
    return { wrong: [], right: "" };
  },
});

// In the packages' own words: what dpkg runs before and after it replaces their files, by deb-postinst(5).
const UPGRADE = `
cd /var/lib/dpkg/info
export DPKG_MAINTSCRIPT_PACKAGE=$1 DEBIAN_FRONTEND=noninteractive
version=$(dpkg-query -W -f '\${Version}' "$1")
[ ! -x "$1.prerm" ] || "./$1.prerm" upgrade "$version"
systemctl daemon-reload
[ ! -x "$1.postinst" ] || "./$1.postinst" configure "$version"
# FRR's say only "start".
grep -q "try-restart '$1.service'" "$1.postinst" || systemctl try-restart "$1.service"
`;

const upgrade = ({ box }: RunningHost, name: string): Disturbance => ({
  what: `an upgrade of ${name}`,
  command: ["systemctl", "status", name],
  staysOn: true,
  warning: undefined,
  disturb: async () => {
    await box.run("sh", "-euc", UPGRADE, "sh", name);
    return { wrong: [], right: "" };
  },
});

/** As long as a switch may take after a power cut. */
const LATE_SECONDS = 60;
/** What waits for an uplink that never comes gives up after 120. */
export const ONLINE_SECONDS = 60 * PATIENCE;

const lateUplink = (lab: Lab, running: RunningHost): Disturbance => ({
  what: `a boot with an uplink that comes ${LATE_SECONDS} s late`,
  command: ["systemd-analyze", "critical-chain", "network-online.target"],
  staysOn: false,
  warning: undefined,
  disturb: async () => {
    const { box } = running;
    // Before it is off, while its router still has routes to it that can be kept.
    await plug(lab, running, "down");
    let plugged: number;
    try {
      await box.power?.off();
      await box.power?.on();
      await sleep(LATE_SECONDS);
      plugged = await now(box);
    } finally {
      await plug(lab, running, "up");
    }
    await booted(box, running.files);
    await plugGuests(lab, box);
    const { online } = await timesOf(box);
    const after = online === undefined ? 0 : online - plugged;
    // Another program's unit says when its links are up; networkd's is told by netgen whether to wait.
    const waits = lab.plan.hosts.some(({ name, isNetworkd }) => name === running.host.name && isNetworkd);
    const isEarly = waits && after < 0;
    return {
      wrong: after > ONLINE_SECONDS || isEarly ? [`the network is there ${inSeconds(after)} after its uplink`] : [],
      right: after > 0 ? `the network was there ${inSeconds(after)} after its uplink` : "nothing waited for the uplink",
    };
  },
});

/** Each of FRR's daemons; together more than watchfrr waits by default, and less than frr.service does. */
const SLOW_SECONDS = 15;
const SLOW = `
for daemon in zebra bgpd staticd; do
  mv "/usr/lib/frr/$daemon" "/usr/lib/frr/$daemon.quick"
  printf '#!/bin/bash\\nsleep ${SLOW_SECONDS}\\nexec -a "$0" "$0.quick" "$@"\\n' > "/usr/lib/frr/$daemon"
  chmod 755 "/usr/lib/frr/$daemon"
done
`;
const QUICK = `for file in /usr/lib/frr/*.quick; do mv "$file" "\${file%.quick}"; done`;

const slowFrr = ({ box }: RunningHost): Disturbance => ({
  what: "a start of FRR on a slow machine",
  command: ["journalctl", "--boot", "--unit=frr"],
  staysOn: true,
  warning: undefined,
  disturb: async () => {
    await box.shell(SLOW);
    try {
      await box.run("systemctl", "restart", "frr.service");
    } finally {
      await box.shell(QUICK);
    }
    return { wrong: [], right: `each daemon took ${SLOW_SECONDS} s` };
  },
});

const UNITS = "/lib/systemd/system";

/** Services beside netgen's own which this machine has. */
function neighbours({ box, files, units }: RunningHost): readonly string[] {
  const own = new Set(files.map(({ path }) => path.replace(/^.*\//, "")));
  const started = files.filter(({ path }) => !isOfOvn(path.replace(/^.*\//, "")));
  const all = [...servicesBeside(started, units), "systemd-sysctl.service"];
  return [...new Set(all)].filter((name) => {
    const file = name.replace(/@.*\./, "@.");
    return !own.has(file) && existsSync(box.outside(`${UNITS}/${file}`));
  });
}

function promiseOf(
  lab: Lab,
  running: RunningHost,
  { what, command, staysOn, warning, disturb }: Disturbance,
): LabPromise {
  return {
    kind: "boot",
    subject: `${running.host.name}, after ${what}`,
    promise: "all units, sessions and traffic are back by themselves, without a warning",
    command: execCommand(running.box, ...command),
    measure: async () => {
      const cursor = staysOn ? await endOfJournal(running.box) : undefined;
      const { wrong, right } = await disturb();
      const all = [...wrong, ...(await problemsOf(lab, running, { cursor, warning }))];
      return { isKept: all.length === 0, measured: all.join("; ") || right || "as before" };
    },
  };
}

/** One after the other, for one host of each shape. */
export function disturbances(lab: Lab, hosts: readonly RunningHost[]): readonly LabPromise[] {
  return oneOfEachShape(hosts).flatMap((running) => {
    const { files } = running;
    const packages = ["nftables", ...(hasFrr(running) ? ["frr"] : [])];
    const isComplete = files.some(({ path }) => path === "/etc/frr/daemons");
    return [
      reboot(lab, running),
      ...neighbours(running).map((unit) => restart(running, unit)),
      ...flushes(running),
      ...packages.map((name) => upgrade(running, name)),
      ...(isComplete ? [slowFrr(running)] : []),
      ...passwordDisturbances(running),
    ].map((each) => promiseOf(lab, running, each));
  });
}

/** All at once: they mostly wait. */
export const lateUplinks = (lab: Lab, hosts: readonly RunningHost[]): readonly LabPromise[] =>
  oneOfEachShape(hosts).map((running) => promiseOf(lab, running, lateUplink(lab, running)));
