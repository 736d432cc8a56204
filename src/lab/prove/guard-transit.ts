/** What guests send to the hosts: no frame of theirs enters a segment, and nobody speaks BGP or BFD with them. */
import { must } from "../../base/invariant.ts";
import { familyOf, type IpAddress } from "../../base/ip.ts";
import { BFD_PORTS, BGP_PORT } from "../../model/bgp.ts";
import type { Host } from "../../model/host.ts";
import type { Network } from "../../model/network.ts";
import { wayFromStation } from "../../ways/reach.ts";
import { addressOf } from "../../ways/station.ts";
import { waysOf } from "../../ways/ways.ts";
import type { Box } from "../machine/box.ts";
import type { Lab } from "../machine/running.ts";
import { dropsDuring, isAllowed, judge } from "../measure/attacks.ts";
import { madeUpMac, seenMacs, vxlanFrame } from "../measure/forge.ts";
import { execCommand, type LabPromise, type Outcome } from "../measure/promise.ts";
import { type Datagram, knock, sendDatagrams } from "../measure/traffic.ts";
import type { LabGuest, LabPlan } from "../plan/plan.ts";

/** A host that a guest's packets get to, if they are let. */
export interface GuestAttack {
  readonly guest: LabGuest;
  readonly from: IpAddress;
  readonly target: Host;
  readonly to: IpAddress;
  /** Who drops them: the host that is meant, or the one that would put them into a tunnel. */
  readonly dropper: string;
  readonly chain: "guard" | "transit";
}

const isGuarded = ({ vxlans, bgp }: Host): boolean => vxlans.length > 0 || bgp.kind !== "none";

/** Whether what is routed leaves by it for another host: a tunnel, or what a VRF has to its other hosts. */
const leadsOn = ({ interfaces, vrfs }: Host, via: string): boolean =>
  interfaces.some(({ name }) => name === via) || vrfs.some(({ bridge }) => bridge === via);

/** Each guest attacks the host that it is routed by, and the first other one that its packets would get to by a tunnel. */
export function guestAttacks(network: Network, { guests }: Pick<LabPlan, "guests">): readonly GuestAttack[] {
  const ways = waysOf(network, guests);
  const attacksOf = (guest: LabGuest): readonly GuestAttack[] =>
    network.hosts.filter(isGuarded).flatMap((target): readonly GuestAttack[] => {
      const to = must(target.vtep, "who is guarded has an address in the tunnel");
      const from = addressOf(guest, familyOf(to));
      const way = wayFromStation(ways, guest, to);
      if (from === undefined || way === undefined || isAllowed(network, from)) return [];
      const entry = way.find(({ host, via }) => leadsOn(must(ways.hosts.get(host), "a step is a host's"), via));
      const [dropper, chain] =
        entry === undefined ? ([target.name, "guard"] as const) : ([entry.host, "transit"] as const);
      return [{ guest, from, target, to, dropper, chain }];
    });
  return guests.flatMap((guest) => {
    const all = attacksOf(guest);
    const first = (chain: GuestAttack["chain"]) => all.filter((attack) => attack.chain === chain).slice(0, 1);
    return [...first("guard"), ...first("transit")];
  });
}

/** What a guest sends to a host that the host guards. */
function datagramsOf({ from, to, target, guest }: GuestAttack, guests: readonly LabGuest[]) {
  const serial = 0x8000 + guests.indexOf(guest);
  const mac = madeUpMac(target.id, serial);
  const frames = target.vxlans.map(({ port, vni }): Datagram => ({ from, to, port, hex: vxlanFrame(vni, mac) }));
  const { bgp } = target;
  const hasBfd = bgp.kind !== "none" && bgp.bfd.kind === "on";
  const bfd = hasBfd ? BFD_PORTS.map((port): Datagram => ({ from, to, port, hex: "00" })) : [];
  return { mac, datagrams: [...frames, ...bfd] };
}

async function measure(lab: Lab, attack: GuestAttack): Promise<Outcome> {
  const { guest, target, dropper, chain, from, to } = attack;
  const hostBox = (name: string): Box => must(lab.hosts.get(name), "every host has a box");
  const box = must(lab.guests.get(guest.name), "every guest has a box");
  const { mac, datagrams } = datagramsOf(attack, lab.plan.guests);
  const knocks = target.bgp.kind !== "none" ? [{ from, to, port: BGP_PORT }] : [];
  const wrong: string[] = [];
  const drops = await dropsDuring({ box: hostBox(dropper), chain }, async () => {
    await sendDatagrams(box, datagrams);
    const answers = await knock(box, knocks, 2);
    const open = answers.filter((answer) => answer !== "silent");
    wrong.push(...open.map((answer) => `${to} tcp/179: ${answer}, expected silence`));
    return datagrams.length + knocks.length;
  });
  const isIn = target.vxlans.length > 0 && (await seenMacs(hostBox(target.name))).has(mac);
  if (isIn) wrong.push(`a frame from ${from} to ${to} got in, expected none`);
  return judge(wrong, drops, `by ${dropper}, none got through`);
}

/** A promise for each guest and host that it attacks. */
export function transitPromises(lab: Lab): readonly LabPromise[] {
  return guestAttacks(lab.network, lab.plan).map((attack) => ({
    kind: "guard",
    subject: `${attack.guest.name} -> ${attack.target.name}`,
    promise: `what a guest sends as a host would, ${attack.dropper} drops`,
    command: execCommand(
      must(lab.hosts.get(attack.dropper), "every host has a box"),
      ...["nft", "list", "chain", "inet", `netgen${lab.plan.fleet}`, attack.chain],
    ),
    measure: () => measure(lab, attack),
  }));
}
