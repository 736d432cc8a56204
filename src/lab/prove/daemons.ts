/** Every daemon runs, and has taken every line of its file. */

import { NAME_SERVERS_FILE } from "../machine/boot.ts";
import type { Box } from "../machine/box.ts";
import { hasRival } from "../machine/keepalived.ts";
import { type RunningHost, runningHosts } from "../machine/running.ts";
import { execCommand, type LabPromise, type Outcome, type Prover } from "../measure/promise.ts";
import {
  checkFrr,
  checkNameServers,
  checkNftables,
  checkSysctl,
  checkUnits,
  checkWireguard,
  hasFrr,
  nftFile,
  sysctlFile,
  TEST_RELOAD,
} from "./daemon-checks.ts";
import { checkKeepalived } from "./daemon-keepalived.ts";
import { checkNetworkd, hasNetworkd } from "./daemon-networkd.ts";

interface Check {
  readonly daemon: string;
  readonly promise: string;
  readonly isThere: (host: RunningHost) => boolean;
  readonly command: readonly string[];
  readonly measure: (host: RunningHost) => Promise<Outcome>;
}

/** Nothing wrong: kept. */
const unless =
  (check: (host: RunningHost) => Promise<readonly string[]>, kept: string): Check["measure"] =>
  async (host) => {
    const problems = await check(host);
    return { isKept: problems.length === 0, measured: problems.length === 0 ? kept : problems.join("; ") };
  };

async function measureSysctl(host: RunningHost): Promise<Outcome> {
  const { held, refused, absent } = await checkSysctl(host);
  if (refused.length > 0) return { isKept: false, measured: refused.join("; ") };
  const rest = absent.length === 0 ? "" : `; cannot be seen here: ${absent.join(", ")}`;
  return { isKept: true, measured: `${held} keys have their values${rest}` };
}

const has =
  (pathOn: (box: Box) => string): Check["isThere"] =>
  ({ box, files }) =>
    files.some((file) => file.path === pathOn(box));

const CHECKS: readonly Check[] = [
  {
    daemon: "wg-quick",
    promise: "no line refused, every peer there",
    isThere: (running) => running.host.interfaces.length > 0 && !hasRival(running),
    command: ["cat", "/run/log/wg-quick"],
    measure: unless(checkWireguard, "up, without a warning"),
  },
  {
    daemon: "name servers",
    promise: "those of the topology, for all names",
    isThere: ({ host }) => (host.app?.dns.length ?? 0) > 0,
    command: ["cat", NAME_SERVERS_FILE],
    measure: unless(checkNameServers, "handed over"),
  },
  {
    daemon: "keepalived",
    promise: "no line refused; where a key is shared, the tunnels are up on the master alone",
    isThere: ({ host }) => host.vrrp !== undefined,
    command: ["cat", "/run/log/keepalived"],
    measure: unless(checkKeepalived, "runs, without a complaint, and is what it is to be"),
  },
  {
    daemon: "systemd-networkd",
    promise: "no key unknown or ignored, every link configured",
    isThere: ({ files }) => hasNetworkd(files),
    command: ["cat", "/run/log/networkd"],
    measure: unless(checkNetworkd, "all configured, without a complaint"),
  },
  {
    daemon: "sysctl",
    promise: "every key has its value",
    isThere: has(sysctlFile),
    command: ["sysctl", "-a"],
    measure: measureSysctl,
  },
  {
    daemon: "nftables",
    promise: "the ruleset is loaded",
    isThere: has(nftFile),
    command: ["nft", "list", "ruleset"],
    measure: unless(checkNftables, "all tables are there"),
  },
  {
    daemon: "scripts",
    promise: "the units' own scripts succeed, and routes that keep the overlay inside stand",
    isThere: ({ host }) => host.app === undefined,
    command: ["ip", "route", "show", "type", "unreachable"],
    measure: unless(checkUnits, "ended with 0"),
  },
  {
    daemon: "frr",
    promise: "all daemons run with every line of frr.conf",
    isThere: hasFrr,
    command: ["sh", "-euc", TEST_RELOAD],
    measure: unless(checkFrr, "running, and a reload would change nothing"),
  },
];

/** What is wrong with the programs of a host; nothing where all are as they are to be. */
export async function daemonProblems(running: RunningHost): Promise<readonly string[]> {
  const checks = CHECKS.filter(({ isThere }) => isThere(running));
  const outcomes = await Promise.all(checks.map(({ measure }) => measure(running)));
  return outcomes.filter(({ isKept }) => !isKept).map(({ measured }) => measured);
}

const promiseOf = (host: RunningHost, { daemon, promise, command, measure }: Check): LabPromise => ({
  kind: "daemons",
  subject: `${daemon} on ${host.host.name}`,
  promise,
  command: execCommand(host.box, ...command),
  measure: () => measure(host),
});

export const daemons: Prover = {
  kind: "daemons",
  isAlone: false,
  promises: (lab) =>
    runningHosts(lab).flatMap((host) =>
      CHECKS.filter(({ isThere }) => isThere(host)).map((check) => promiseOf(host, check)),
    ),
};
