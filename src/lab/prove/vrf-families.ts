/**
 * A host of a VRF whose guests fall silent in IPv6, as guests do. The routes to each of them are withdrawn; what the others
 * know of the host itself has to stay, or nothing reaches it in IPv4 either.
 */
import { familyOf, type IpAddress } from "../../base/ip.ts";
import type { Vrf, VrfInstance } from "../../model/vrf.ts";
import type { Box } from "../machine/box.ts";
import { eventually } from "../machine/patience.ts";
import { type Lab, type RunningHost, runningHosts } from "../machine/running.ts";
import { knownBehind } from "../measure/evpn-tables.ts";
import { execCommand, type LabPromise, type Outcome, type Prover } from "../measure/promise.ts";

/** A guest of which other hosts hear by EVPN. */
interface Speaker {
  readonly box: Box;
  readonly link: string;
  readonly address: IpAddress;
  readonly gateway: IpAddress;
}

function speakersOf({ plan, guests }: Lab, { host }: RunningHost, vrf: Vrf): readonly Speaker[] {
  const own = plan.guests.filter((guest) => guest.host === host.name && guest.vrf === vrf.name);
  return own.flatMap(({ name, subnet, link, addresses, gateways }) => {
    const box = guests.get(name);
    const address = addresses.map((each) => each.address).find((each) => familyOf(each) === 6);
    const gateway = gateways.find((each) => familyOf(each) === 6);
    const isStretched = host.vxlans.some(({ segment }) => segment === subnet);
    return isStretched && box && address && gateway ? [{ box, link, address, gateway }] : [];
  });
}

const speak = (speakers: readonly Speaker[]): Promise<unknown> =>
  Promise.all(speakers.map(({ box, gateway }) => box.attempt("ping", "-n", "-c", "1", "-W", "1", gateway)));

/** Whether a host has a route of its own to each of them, or to one at least. */
async function routed(box: Box, vrf: Vrf, speakers: readonly Speaker[]) {
  const routes = await box.run("ip", "-6", "route", "show", "vrf", vrf.name, "proto", "bgp");
  const known = speakers.map(({ address }) => routes.includes(`${address} `));
  return { all: known.every(Boolean), any: known.some(Boolean) };
}

const MUTE = `
table ip6 mute
delete table ip6 mute
table ip6 mute {
  chain out { type filter hook output priority raw; drop; }
}`;

/** Zebra hears of the kernel what BGP has told it in the same breath; the kernel follows. */
const SETTLED_MS = 1000;

interface Place {
  readonly at: RunningHost;
  readonly instance: VrfInstance;
  readonly others: readonly RunningHost[];
  readonly speakers: readonly Speaker[];
}

async function strangers({ at, instance, others }: Place): Promise<readonly string[]> {
  const { vxlan, routerMac } = instance;
  const known = await Promise.all(others.map(({ box }) => knownBehind(box, vxlan.name, routerMac)));
  return others.filter((_, index) => !known[index]?.includes(at.host.vtep ?? "")).map(({ host }) => host.name);
}

async function measure(place: Place, vrf: Vrf): Promise<Outcome> {
  const { at, instance, others, speakers } = place;
  const routes = () => Promise.all(others.map(({ box }) => routed(box, vrf, speakers)));
  const isHeard = await eventually(async () => {
    await speak(speakers);
    return (await routes()).every(({ all }) => all);
  });
  if (!isHeard) return { isKept: false, measured: "no routes to its guests although they speak, expected them" };
  await Promise.all(speakers.map(({ box }) => box.run("nft", MUTE)));
  try {
    for (const { address, link } of speakers) await at.box.attempt("ip", "-6", "neigh", "del", address, "dev", link);
    const isGone = await eventually(async () => !(await routes()).some(({ any }) => any));
    if (!isGone) return { isKept: false, measured: "the routes to its guests stay although they are silent" };
    await new Promise((resolve) => setTimeout(resolve, SETTLED_MS));
    const wrong = await strangers(place);
    const mac = instance.routerMac;
    if (wrong.length > 0)
      return { isKept: false, measured: `${wrong.join(", ")} forgot its router MAC, expected ${mac}` };
    return { isKept: true, measured: `${mac} stays on ${others.map(({ host }) => host.name).join(", ")}` };
  } finally {
    await Promise.all(speakers.map(({ box }) => box.run("nft", "delete table ip6 mute")));
    await speak(speakers);
  }
}

function familyPromises(lab: Lab, vrf: Vrf): readonly LabPromise[] {
  const running = runningHosts(lab).filter(({ host }) => vrf.members.includes(host.name));
  return running.flatMap((at) => {
    const instance = at.host.vrfs.find(({ name }) => name === vrf.name);
    const others = running.filter((other) => other !== at);
    const speakers = speakersOf(lab, at, vrf);
    if (instance === undefined || others.length === 0 || speakers.length === 0) return [];
    return [
      {
        kind: "evpn",
        subject: `VRF ${vrf.name} on ${at.host.name}`,
        promise: "still routed to when its guests are silent in IPv6",
        command: execCommand(others[0]?.box ?? at.box, "bridge", "fdb", "show", "dev", instance.vxlan.name),
        measure: () => measure({ at, instance, others, speakers }, vrf),
      },
    ];
  });
}

export const vrfFamilies: Prover = {
  kind: "evpn",
  isAlone: true,
  promises: (lab) => lab.network.vrfs.flatMap((vrf) => familyPromises(lab, vrf)),
};
