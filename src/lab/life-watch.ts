/** Who notices when something happens to a host, and what has to be well again afterwards. */
import { must } from "../base/invariant.ts";
import { familyOf, type IpFamily } from "../base/ip.ts";
import type { Host } from "../model/network.ts";
import { eventually } from "./boot.ts";
import { sessions } from "./evpn-tables.ts";
import { type Lab, type RunningHost, runningHosts } from "./promise.ts";
import { addressOf, indexReach, roundTrip } from "./reach.ts";
import type { Watched } from "./steady-ping.ts";

const FAMILIES: readonly IpFamily[] = [4, 6];

/** Names of the hosts that a host has a tunnel to. */
function peersOf({ network }: Lab, host: Host): readonly string[] {
  const hosts = new Map(network.peers.map((peer) => [peer.id, peer.host]));
  return host.interfaces.flatMap(({ peers }) => peers.map((id) => must(hosts.get(id), "a peer is a host")));
}

/** From a host to another, inside the tunnel. */
export function hostWatch(lab: Lab, from: Host, to: Host): Watched | undefined {
  const own = from.interfaces.flatMap(({ addresses }) => addresses).map(({ address }) => familyOf(address));
  const address = to.interfaces
    .flatMap(({ addresses }) => addresses)
    .map((each) => each.address)
    .find((each) => own.includes(familyOf(each)));
  if (address === undefined) return undefined;
  return { box: must(lab.hosts.get(from.name), "every host has a box"), to: address };
}

/** From a guest of a host to one of another host; where there are none, from the host itself to a peer. */
export function watchOf(lab: Lab, host: Host): Watched | undefined {
  const { guests } = lab.plan;
  const index = indexReach(lab.network, guests);
  for (const from of guests.filter((guest) => guest.host === host.name)) {
    for (const other of guests.filter((guest) => guest.host !== host.name)) {
      const family = FAMILIES.find((each) => roundTrip(index, from, other, each) !== undefined);
      const to = family && addressOf(other, family);
      if (to !== undefined) return { box: must(lab.guests.get(from.name), "every guest has a box"), to };
    }
  }
  const peers = new Set(peersOf(lab, host));
  const peer = lab.network.hosts.find(({ name }) => peers.has(name));
  return peer && hostWatch(lab, host, peer);
}

/** Whether a few pings are answered within some seconds. */
export async function isAnswered({ box, to }: Watched, seconds: number): Promise<boolean> {
  const words = ["-n", "-c", "3", "-i", "0.3", "-w", String(seconds), to];
  const { output } = await box.attempt("ping", ...words);
  return / [1-9]\d* received/.test(output);
}

async function missingSessions({ host, box }: RunningHost): Promise<readonly string[]> {
  const { bgp } = host;
  if (bgp.kind !== "speaker") return [];
  const { status } = await box.attempt("vtysh", "-c", "show version");
  if (status !== 0) return [`FRR on ${host.name} does not answer`];
  const { states } = await sessions(box, false).catch(() => ({ states: new Map<string, string>() }));
  return bgp.neighbours.flatMap((neighbour) => {
    const state = states.get(neighbour.address) ?? "none";
    return state === "Established" ? [] : [`${host.name}'s session with ${neighbour.host} is ${state}`];
  });
}

/** BGP sessions that are not up, asked for as long as they may take: connections are tried again after 10 s at most. */
export async function brokenSessions(lab: Lab): Promise<readonly string[]> {
  let broken: readonly string[] = [];
  await eventually(async () => {
    broken = (await Promise.all(runningHosts(lab).map(missingSessions))).flat();
    return broken.length === 0;
  });
  return broken;
}

/** What sets a host apart from another, as far as its life goes. Pure. */
export function shapeOf(host: Host): string {
  const { bgp, frrMode, networkManager, vxlans, bridges, ownedPrefixes, reach } = host;
  const isGateway = bridges.some(({ addresses }) => addresses.length > 0);
  const role = bgp.kind === "none" ? "none" : `${frrMode} ${bgp.isReflector} ${bgp.isVtep}`;
  const flooding = vxlans[0]?.flooding.kind ?? "none";
  const table = host.interfaces.map((each) => each.table).join();
  return [role, networkManager, flooding, isGateway, ownedPrefixes.length > 0, reach.isBehindNat, table].join(" ");
}

/** The first host of each shape. */
export function oneOfEachShape(hosts: readonly RunningHost[]): readonly RunningHost[] {
  const shapes = new Map<string, RunningHost>();
  for (const running of hosts) if (!shapes.has(shapeOf(running.host))) shapes.set(shapeOf(running.host), running);
  return [...shapes.values()];
}
