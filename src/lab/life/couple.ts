/** Two hosts that share an address, as a lab has them: who notices when it moves, and who is heard. */
import { must } from "../../base/invariant.ts";
import { familyOf, type IpAddress } from "../../base/ip.ts";
import type { Host } from "../../model/host.ts";
import { poolAddresses } from "../../model/loopback.ts";
import type { Network } from "../../model/network.ts";
import { isMaster, isStandby, startKeepalived, stopKeepalived } from "../machine/keepalived.ts";
import { eventually } from "../machine/patience.ts";
import { type Lab, type RunningHost, runningHosts } from "../machine/running.ts";
import { isAnswered, type Watched } from "../measure/steady-ping.ts";
import { hostWatch } from "../measure/watch.ts";
import { lanAddressOf } from "../plan/site.ts";

/** The master of a pair, and the host that is to take over. */
export interface Couple {
  readonly master: RunningHost;
  readonly standby: RunningHost;
}

export function couplesOf(lab: Lab): readonly Couple[] {
  const hosts = runningHosts(lab);
  return hosts.flatMap((standby) => {
    const { vrrp } = standby.host;
    const master = hosts.find(({ host }) => host.name === vrrp?.other.host);
    if (vrrp === undefined || master === undefined) return [];
    return vrrp.priority < (master.host.vrrp?.priority ?? 0) ? [{ master, standby }] : [];
  });
}

/** A family that two hosts without a tunnel of one of them have in common. */
function lanWatch(lab: Lab, from: Host, to: Host): Watched | undefined {
  const address = poolAddresses(to)
    .map((each): IpAddress => each.address)
    .find((each) => from.lanRoutes.some(({ prefix }) => familyOf(prefix) === familyOf(each)));
  if (address === undefined || lanAddressOf(from) === undefined) return undefined;
  return { box: must(lab.hosts.get(from.name), "every host has a box"), to: address };
}

/**
 * Who notices: a host behind the pair that sends to one beyond it, else two that meet by it; once to a host that the new
 * master can dial, and once to one that has to find out by itself.
 */
export function watchesOfPair(lab: Lab, { hosts }: Network, { master: { host } }: Couple): readonly Watched[] {
  const others = hosts.filter((each) => each.vrrp === undefined && !isStandby(each, hosts));
  const inside = others
    .filter(({ reach }) => reach.site === host.reach.site)
    .sort((a, b) => a.interfaces.length - b.interfaces.length);
  const outside = others.filter((each) => !inside.includes(each) && each.interfaces.length > 0);
  const watchTo = (to: Host): readonly Watched[] => {
    for (const from of [...inside, ...outside.filter((each) => each !== to)]) {
      const watched = from.interfaces.length === 0 ? lanWatch(lab, from, to) : hostWatch(lab, from, to);
      if (watched !== undefined) return [watched];
    }
    return [];
  };
  const dialled = outside.find(({ reach }) => reach.endpoints.length > 0);
  const silent = outside.find(({ reach }) => reach.endpoints.length === 0);
  return [dialled, silent].flatMap((to) => (to === undefined ? [] : watchTo(to)));
}

async function tunnelsOf({ host, box }: RunningHost): Promise<readonly string[]> {
  const states = await Promise.all(
    host.interfaces.map(async ({ name }) => ({ name, ...(await box.attempt("wg", "show", name, "public-key")) })),
  );
  return states.filter(({ status }) => status === 0).map(({ name }) => name);
}

/** What of a host is heard although it is not the master. */
async function loud(running: RunningHost): Promise<readonly string[]> {
  const { host } = running;
  const tunnels = host.vrrp?.isExclusive ? await tunnelsOf(running) : [];
  const has = await running.box.run("ip", "-o", "address", "show", "to", host.vrrp?.address.address ?? "");
  return [
    ...tunnels.map((name) => `${name} is up on ${host.name}, expected it silent`),
    ...(has === "" ? [] : [`${host.name} has the shared address too`]),
  ];
}

export async function settle(master: RunningHost, other: RunningHost): Promise<readonly string[]> {
  let wrong: readonly string[] = [];
  await eventually(async () => {
    wrong = await loud(other);
    if (!(await isMaster(master))) wrong = [...wrong, `${master.host.name} is not the master`];
    return wrong.length === 0;
  }, 30);
  return wrong;
}

/** REKEY_AFTER_TIME, and REKEY_TIMEOUT several times over (drivers/net/wireguard/messages.h). */
export const LONGEST_SILENCE_SECONDS = 150;

export const inWords = (lost: number, gapSeconds: number): string => `${gapSeconds.toFixed(1)} s, ${lost} packets`;

/** The one that is to be the master is so again. */
export async function handBack({ master, standby }: Couple, watched: Watched): Promise<readonly string[]> {
  await stopKeepalived(standby.box);
  const wrong = [...(await settle(master, standby))];
  if (!(await isAnswered(watched, 40))) wrong.push("no answer within 40 s after it was handed back");
  await startKeepalived(standby);
  return wrong;
}
