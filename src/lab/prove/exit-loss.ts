/** The ways in which an exit goes, and is back. */
import { must } from "../../base/invariant.ts";
import { familyOf, type IpAddress } from "../../base/ip.ts";
import { DEFAULT_VRF, type Exit } from "../../model/exit.ts";
import { startExit } from "../machine/boot.ts";
import type { Box } from "../machine/box.ts";
import { sleep } from "../machine/patience.ts";
import type { Lab } from "../machine/running.ts";
import type { LabHost } from "../plan/plan.ts";

/** A host as it stands in the underlay. */
export const labHost = (lab: Lab, name: string): LabHost =>
  must(
    lab.plan.hosts.find((host) => host.name === name),
    "an exit's host is in the plan",
  );

/** A way for an exit to go, and to be back. */
export interface Loss {
  readonly what: string;
  readonly how: string;
  /** `next`: the exit that is to take over. */
  readonly lose: (lab: Lab, exit: Exit, next: Exit) => Promise<void>;
  readonly restore: (lab: Lab, exit: Exit) => Promise<void>;
  /** Nothing is lost on the way: the exit is left before it goes. */
  readonly isAnnounced: boolean;
}

/** The box of a host's router. */
export const routerOf = (lab: Lab, host: string): Box =>
  must(lab.routers.get(labHost(lab, host).uplink.router), "every router has a box");

const dropAtRouter = (rules: readonly string[]): string =>
  `table inet lost {
  chain lost {
    type filter hook forward priority -300
    ${rules.join("\n    ")}
  }
}`;

const family = (address: IpAddress): string => (familyOf(address) === 4 ? "ip" : "ip6");

/** What an exit's host sends to the rest of the internet: its tunnels go on. */
async function loseInternet(lab: Lab, { host }: Exit): Promise<void> {
  const { outside, probes, remotes } = lab.plan;
  const targets = new Set([...outside, ...probes, ...remotes.map(({ address }) => address)]);
  const rules = labHost(lab, host).uplink.addresses.flatMap((from) =>
    [...targets]
      .filter((to) => familyOf(to) === familyOf(from))
      .map((to) => `${family(to)} saddr ${from} ${family(to)} daddr ${to} drop`),
  );
  await routerOf(lab, host).run("nft", dropAtRouter(rules));
}

/** All that an exit's host sends, and all that is sent to it. */
async function loseUplink(lab: Lab, { host }: Exit): Promise<void> {
  const rules = labHost(lab, host).uplink.addresses.flatMap((address) => [
    `${family(address)} saddr ${address} drop`,
    `${family(address)} daddr ${address} drop`,
  ]);
  await routerOf(lab, host).run("nft", dropAtRouter(rules));
}

async function restoreRouter(lab: Lab, { host }: Exit): Promise<void> {
  await routerOf(lab, host).run("nft", "delete", "table", "inet", "lost");
}

/** The VRF that an exit is for, or the remote that it leads to. */
const vrfOf = ({ network: { vrfs, remotes } }: Lab, exit: Exit): string =>
  [...vrfs, ...remotes].find(({ exits }) => exits.some((each) => each === exit))?.name ?? DEFAULT_VRF;

/** The box of a host. */
export const hostBox = ({ hosts }: Lab, name: string): Box => must(hosts.get(name), "every host has a box");

export async function stopUnit(lab: Lab, exit: Exit): Promise<void> {
  const vrf = vrfOf(lab, exit);
  const box = hostBox(lab, exit.host);
  if (box.power !== undefined) await box.run("systemctl", "stop", `netgen${box.fleet}-exit@${vrf}.service`);
  else await box.shell(`kill $(pgrep -o -f '^/bin/bash /etc/netgen${box.fleet}/exit ${vrf}$')`);
}

export const startUnit = (lab: Lab, exit: Exit): Promise<void> => startExit(hostBox(lab, exit.host), vrfOf(lab, exit));

/** Longer than hosts take to turn to another exit, and shorter than BGP takes to miss a neighbour. */
const DEAF_MS = 5000;

/** Meanwhile the next exit sends what others turn to it with on to the one that goes. */
async function stopUnheard(lab: Lab, exit: Exit, next: Exit): Promise<void> {
  const { run } = hostBox(lab, next.host);
  const signal = (name: string) => run("sh", "-euc", `kill -${name} "$(cat /run/frr/bgpd.pid)"`);
  await signal("STOP");
  try {
    await stopUnit(lab, exit);
    await sleep(DEAF_MS);
  } finally {
    await signal("CONT");
  }
}

/** Its probe alone can tell. */
export const PROBE: Loss = {
  what: "leads nowhere, while its tunnels are up",
  how: "its router drops what it sends outside",
  lose: loseInternet,
  restore: restoreRouter,
  isAnnounced: false,
};
/** BFD or BGP tells the others. */
export const UPLINK: Loss = {
  what: "is cut off, its tunnels with it",
  how: "its router drops all of it",
  lose: loseUplink,
  restore: restoreRouter,
  isAnnounced: false,
};
/** It says so itself. */
export const UNIT: Loss = {
  what: "is stopped by hand",
  how: "its unit is stopped",
  lose: stopUnit,
  restore: startUnit,
  isAnnounced: true,
};
/** All hear it but the one that is next. */
export const UNHEARD: Loss = {
  ...UNIT,
  what: "is stopped by hand, and the next one hears of it last",
  how: `its unit is stopped, and bgpd of the next one stands still for ${DEAF_MS / 1000} s`,
  lose: stopUnheard,
  isAnnounced: false,
};
