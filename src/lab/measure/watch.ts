/** Who notices when something happens to a host, and what has to be well again afterwards. */
import { must } from "../../base/invariant.ts";
import { FAMILIES, familyOf } from "../../base/ip.ts";
import type { Host } from "../../model/host.ts";
import { poolAddresses, unicastOf } from "../../model/loopback.ts";
import { peersOf } from "../../model/peer.ts";
import { roundTrip } from "../../ways/reach.ts";
import { addressOf } from "../../ways/station.ts";
import { waysOf } from "../../ways/ways.ts";
import { eventually } from "../machine/patience.ts";
import { type Lab, type RunningHost, runningHosts } from "../machine/running.ts";
import { sessions } from "./evpn-tables.ts";
import { isAnswered, type Watched } from "./steady-ping.ts";

/** The first peer of a host: whom it would ask, or who would ask it. */
function peerOf({ network }: Lab, host: Host) {
  const ids = new Set(host.interfaces.flatMap(({ peers }) => peers));
  const view = network.peers.find(({ id }) => ids.has(id));
  const peer = network.hosts.find(({ name }) => name === view?.host);
  return view && peer && { peer, isDialled: view.endpoints.length > 0 };
}

/** From a host to another, inside the tunnel. */
export function hostWatch(lab: Lab, from: Host, to: Host): Watched | undefined {
  const own = poolAddresses(from).map(({ address }) => familyOf(address));
  const address = poolAddresses(to)
    .map((each) => each.address)
    .find((each) => own.includes(familyOf(each)));
  if (address === undefined) return undefined;
  return { box: must(lab.hosts.get(from.name), "every host has a box"), to: address };
}

/** From a guest of a host to one of another host; where there are none, between the host and a peer. */
export function watchOf(lab: Lab, host: Host): Watched | undefined {
  const { guests } = lab.plan;
  const ways = waysOf(lab.network, guests);
  for (const from of guests.filter((guest) => guest.host === host.name)) {
    for (const other of guests.filter((guest) => guest.host !== host.name)) {
      const family = FAMILIES.find((each) => roundTrip(ways, from, other, each) !== undefined);
      const to = family && addressOf(other, family);
      if (to !== undefined) return { box: must(lab.guests.get(from.name), "every guest has a box"), to };
    }
  }
  const found = peerOf(lab, host);
  if (found === undefined) return undefined;
  // Who cannot dial a peer that has forgotten it, or that it has forgotten itself, waits until that has something to say.
  return found.isDialled ? hostWatch(lab, host, found.peer) : hostWatch(lab, found.peer, host);
}

/**
 * Lets those who are never dialled speak to a host until it answers: when it has been restarted it has forgotten where they
 * are, and one that only keeps alive is not found before its session is replaced, after minutes.
 */
export async function greetDialled(lab: Lab, host: Host): Promise<void> {
  const views = lab.network.peers.filter(({ id, endpoints }) => {
    return endpoints.length === 0 && host.interfaces.some(({ peers }) => peers.includes(id));
  });
  const silent = runningHosts(lab).filter((other) => views.some((view) => view.host === other.host.name));
  await Promise.all(
    silent.map((other) => {
      const watched = hostWatch(lab, other.host, host);
      return watched && eventually(() => isAnswered(watched, 2), 30);
    }),
  );
}

async function missingSessions({ host, box }: RunningHost): Promise<readonly string[]> {
  const { bgp } = host;
  if (bgp.kind === "none") return [];
  const { status } = await box.attempt("vtysh", "-c", "show version");
  if (status !== 0) return [`FRR on ${host.name} does not answer`];
  const statesIn = async (vrf?: string): Promise<ReadonlyMap<string, string>> =>
    (await sessions(box, false, vrf).catch(() => undefined))?.states ?? new Map();
  const own = [...bgp.neighbours, ...(unicastOf(host)?.neighbours ?? [])];
  const neighbours = [
    ...own.map(({ address, host: name }) => ({ address, name, vrf: undefined })),
    ...peersOf(host).map(({ address, vrf }) => ({ address, name: address, vrf })),
  ];
  const tables = [...new Set(neighbours.map(({ vrf }) => vrf))];
  const states = new Map(await Promise.all(tables.map(async (vrf) => [vrf, await statesIn(vrf)] as const)));
  return neighbours.flatMap(({ address, name, vrf }) => {
    const state = states.get(vrf)?.get(address) ?? "none";
    return state === "Established" ? [] : [`${host.name}'s session with ${name} is ${state}`];
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
  const { bgp, frrMode, networkManager, vxlans, bridges, ownedPrefixes, reach, vrfs } = host;
  const isGateway = bridges.some(({ addresses }) => addresses.length > 0);
  const role = bgp.kind === "none" ? "none" : `${frrMode} ${bgp.isReflector} ${bgp.isVtep}`;
  const flooding = vxlans[0]?.flooding.kind ?? "none";
  const routedBy = host.interfaces.map((each) => each.routedBy).join();
  const vrf = vrfs.length === 0 ? "none" : vrfs.some(({ exit }) => exit !== undefined) ? "exit" : "member";
  const passesOn = unicastOf(host)?.neighbours.some(({ isClient }) => isClient) ?? "static";
  const traits = [isGateway, ownedPrefixes.length > 0, reach.isBehindNat, peersOf(host).length > 0];
  return [role, passesOn, networkManager, flooding, ...traits, routedBy, vrf].join(" ");
}

/** The first host of each shape. */
export function oneOfEachShape(hosts: readonly RunningHost[]): readonly RunningHost[] {
  const shapes = new Map<string, RunningHost>();
  for (const running of hosts) if (!shapes.has(shapeOf(running.host))) shapes.set(shapeOf(running.host), running);
  return [...shapes.values()];
}
