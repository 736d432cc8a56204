/**
 * A host gets another address on the internet, as providers give them out: its name leads to the new one, and the others
 * follow. It must not be the first to speak afterwards, or WireGuard would follow it by itself.
 */
import { must } from "../../base/invariant.ts";
import { addressBits, familyOf, type IpAddress } from "../../base/ip.ts";
import type { Host } from "../../model/host.ts";
import { runUnit } from "../machine/boot.ts";
import { type Box, writeInto } from "../machine/box.ts";
import { type Lab, type RunningHost, runningHost, runningHosts } from "../machine/running.ts";
import { execCommand, type LabPromise, type Outcome } from "../measure/promise.ts";
import { isAnswered, type Watched } from "../measure/steady-ping.ts";
import { ipFor } from "../measure/traffic.ts";
import { brokenSessions, hostWatch } from "../measure/watch.ts";
import { createAllot } from "../plan/addresses.ts";
import { cablesOf, type LabHost } from "../plan/plan.ts";
import { CUT_OFF, mute, SHY, unmute } from "./mute.ts";

/** A host that is dialled by name, and one that dials it so. */
export interface Move {
  readonly host: string;
  readonly by: string;
  /** What the name leads to now. */
  readonly address: IpAddress;
  /** Its own address, or that of the router that forwards a port to it. */
  readonly isForwarded: boolean;
}

/** The first host elsewhere that has one of these views of a host; no device, whose app looks a name up as it likes. Pure. */
export function diallerOf(
  { network, plan }: Pick<Lab, "network" | "plan">,
  name: string,
  ids: ReadonlySet<string>,
): Host | undefined {
  const routerOf = (host: string) => plan.hosts.find((each) => each.name === host)?.lan.router;
  return network.hosts.find(
    (other) =>
      other.app === undefined &&
      routerOf(other.name) !== routerOf(name) &&
      other.interfaces.some(({ peers }) => peers.some((id) => ids.has(id))),
  );
}

/** The first host that has an address of its own behind its name, and the first that has its router's. Pure. */
export function movesOf({ network, plan }: Pick<Lab, "network" | "plan">): readonly Move[] {
  const placed = (name: string): LabHost | undefined => plan.hosts.find((each) => each.name === name);
  const moves = network.hosts.flatMap(({ name, reach }): readonly Move[] => {
    const [endpoint] = reach.endpoints;
    const own = placed(name);
    const address =
      endpoint?.kind === "name" ? plan.names.find((each) => each.name === endpoint.name)?.address : undefined;
    if (own === undefined || address === undefined) return [];
    const views = network.peers.filter((peer) => peer.host === name && peer.endpoints[0]?.kind === "name");
    const ids = new Set(views.map(({ id }) => id));
    const by = diallerOf({ network, plan }, name, ids);
    return by === undefined
      ? []
      : [{ host: name, by: by.name, address, isForwarded: !own.uplink.addresses.includes(address) }];
  });
  return [true, false].flatMap((isForwarded) => moves.filter((move) => move.isForwarded === isForwarded).slice(0, 1));
}

/** An address that nobody in the lab has. */
function freshAddress({ network, plan }: Lab, like: IpAddress): IpAddress {
  const allot = createAllot(network);
  const taken = new Set<IpAddress>([
    ...plan.hosts.flatMap((each) => [...cablesOf(each).flatMap(({ addresses }) => addresses), ...each.publicAddresses]),
    ...plan.routers.flatMap(({ addresses }) => addresses),
    ...plan.names.map(({ address }) => address),
    ...plan.routerAddresses,
    ...plan.outside,
  ]);
  let address = allot(familyOf(like));
  while (taken.has(address)) address = allot(familyOf(like));
  return address;
}

// ── Moving ──────────────────────────────────────────────────────────────────────────────────────────────────────────

const whole = (address: IpAddress): string => `${address}/${addressBits(familyOf(address))}`;

/** Gives a box a route to one address that is like the one that it has to another. */
async function copyRoute(box: Box, from: IpAddress, to: IpAddress): Promise<void> {
  const [line = ""] = (await box.run("ip", ipFor(from), "route", "show", whole(from))).trim().split("\n");
  const words = line.trim().split(/\s+/).slice(1);
  await box.run("ip", ipFor(to), "route", "replace", whole(to), ...words);
}

async function replaceAddress(box: Box, link: string, [from, to]: readonly [IpAddress, IpAddress]): Promise<void> {
  await box.run("ip", ipFor(to), "address", "replace", whole(to), "dev", link);
  await box.run("ip", ipFor(from), "address", "del", whole(from), "dev", link);
}

/** Has a router hide and forward behind another address. */
async function replaceNat(router: Box, from: IpAddress, to: IpAddress): Promise<void> {
  const rules = await router.run("nft", "list", "table", "inet", "nat");
  const words = rules.split(/(\s+)/).map((word) => (word === from ? to : word));
  await router.run("nft", `delete table inet nat; ${words.join("")}`);
}

interface Place {
  readonly internet: Box;
  readonly router: Box;
  readonly hostBox: Box;
  readonly uplink: string;
  readonly isForwarded: boolean;
}

function placeOf(lab: Lab, { host, isForwarded }: Move): Place {
  const { uplink } = must(
    lab.plan.hosts.find(({ name }) => name === host),
    "every host is in the plan",
  );
  const box = (boxes: ReadonlyMap<string, Box>, name: string): Box => must(boxes.get(name), `${name} has a box`);
  return {
    internet: lab.internet,
    router: box(lab.routers, uplink.router),
    hostBox: box(lab.hosts, host),
    uplink: uplink.interface,
    isForwarded,
  };
}

async function moveTo({ internet, router, hostBox, uplink, isForwarded }: Place, from: IpAddress, to: IpAddress) {
  await copyRoute(internet, from, to);
  if (isForwarded) {
    await replaceAddress(router, "lo", [from, to]);
    await replaceNat(router, from, to);
  } else {
    await copyRoute(router, from, to);
    await replaceAddress(hostBox, uplink, [from, to]);
  }
}

/** Has every host know the names behind one address by another. */
async function rename(hosts: readonly RunningHost[], from: IpAddress, to: IpAddress): Promise<void> {
  for (const { box } of hosts) {
    const lines = (await box.run("cat", "/etc/hosts")).split("\n");
    const own = lines.map((line) => (line.startsWith(`${from} `) ? `${to}${line.slice(from.length)}` : line));
    writeInto(box, "/etc/hosts", own.join("\n"));
  }
}

// ── Measuring ───────────────────────────────────────────────────────────────────────────────────────────────────────

const resolveAgain = (hosts: readonly RunningHost[]): Promise<unknown> =>
  Promise.all(hosts.map((host) => runUnit(host, `netgen${host.box.fleet}-endpoints.service`)));

/** Where a timer does the same, it is to be seen who did it. */
async function setTimers(hosts: readonly RunningHost[], verb: "start" | "stop"): Promise<void> {
  const timerOf = ({ box }: RunningHost): string => `netgen${box.fleet}-endpoints.timer`;
  const timed = hosts.filter((each) => each.box.power !== undefined && each.units.includes(timerOf(each)));
  await Promise.all(timed.map((each) => each.box.run("systemctl", verb, timerOf(each))));
}

async function measureThere(lab: Lab, move: Move, watched: Watched): Promise<readonly string[]> {
  const hosts = runningHosts(lab);
  const place = placeOf(lab, move);
  const to = freshAddress(lab, move.address);
  const wrong: string[] = [];
  if (!(await isAnswered(watched, 30))) wrong.push("no answer even before, expected one");
  await setTimers(hosts, "stop");
  await mute(place.router, CUT_OFF);
  try {
    await moveTo(place, move.address, to);
    await mute(place.router, SHY);
    await rename(hosts, move.address, to);
    if (await isAnswered(watched, 3)) wrong.push("an answer before the name was looked up again, expected none");
    await resolveAgain(hosts);
    if (!(await isAnswered(watched, 30))) wrong.push(`no answer within 30 s after ${move.by} looked up the name again`);
  } finally {
    await unmute(place.router);
    await moveTo(place, to, move.address);
    await rename(hosts, to, move.address);
    await resolveAgain(hosts);
    await setTimers(hosts, "start");
  }
  return wrong;
}

async function measure(lab: Lab, move: Move, watched: Watched): Promise<Outcome> {
  const wrong = [...(await measureThere(lab, move, watched))];
  if (!(await isAnswered(watched, 60))) wrong.push("no answer within 60 s after the address was the old one again");
  wrong.push(...(await brokenSessions(lab)));
  if (wrong.length > 0) return { isKept: false, measured: wrong.join("; ") };
  return {
    isKept: true,
    measured: "silent at the new address until the name was looked up again, then answered; so back at the old",
  };
}

/** A promise for each kind of move that the network can see. */
export function addressPromises(lab: Lab): readonly LabPromise[] {
  return movesOf(lab).flatMap((move) => {
    const by = runningHost(lab, move.by);
    const watched = hostWatch(lab, by.host, runningHost(lab, move.host).host);
    if (watched === undefined) return [];
    const whose = move.isForwarded ? "its router's" : "its";
    return [
      {
        kind: "life",
        subject: `${move.host}, another address`,
        promise: `${move.by} finds it again by its name when ${whose} address has changed`,
        command: execCommand(by.box, `/etc/netgen${by.box.fleet}/wg-endpoints`),
        measure: () => measure(lab, move, watched),
      },
    ];
  });
}
