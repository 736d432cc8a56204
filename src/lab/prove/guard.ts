/**
 * Nobody but the hosts themselves puts a frame into a segment or speaks BGP and BFD to a host: not its own router, not the
 * internet, not a guest. Asked of every host that has something to guard, and by every guest that routes to a host.
 */
import { must } from "../../base/invariant.ts";
import type { Box } from "../machine/box.ts";
import { eventually } from "../machine/patience.ts";
import { type Lab, runningHosts } from "../machine/running.ts";
import { type Attack, attacker, attacksOn, countDrops, judge, type Victim, victims } from "../measure/attacks.ts";
import { madeUpMac, seenMacs, vxlanFrame, watchFrames } from "../measure/forge.ts";
import { execCommand, type LabPromise, type Outcome, type Prover } from "../measure/promise.ts";
import { BFD_PORTS, BGP_PORT, type Datagram, knock, sendDatagrams } from "../measure/traffic.ts";
import { allowedPromises } from "./guard-allowed.ts";
import { takeovers } from "./guard-bgp.ts";
import { entrancePromises } from "./guard-entrance.ts";
import { infiltrators } from "./guard-evpn.ts";
import { transitPromises } from "./guard-transit.ts";

// ── VXLAN ───────────────────────────────────────────────────────────────────────────────────────────────────────────

interface Forgery {
  readonly box: Box;
  readonly mac: string;
  readonly datagram: Datagram;
}

const describe = ({ box, datagram: { from, to } }: Forgery): string => `from ${box.name} as ${from} to ${to}`;

function forgeries(lab: Lab, victim: Victim): readonly Forgery[] {
  const { vxlans, id } = victim.host;
  const frames = attacksOn(lab.network, lab.plan, victim.host).flatMap((attack) =>
    vxlans.map((device) => ({ attack, device })),
  );
  return frames.map(({ attack, device }, serial) => {
    const mac = madeUpMac(id, serial);
    const { from, to } = attack;
    const datagram = { from, to, port: device.port, hex: vxlanFrame(device.vni, mac) };
    return { box: attacker(lab, victim, attack), mac, datagram };
  });
}

/** A frame into each segment by the tunnel, from another member: it has to get in, or the rest means nothing. */
function genuineFrames(lab: Lab, { host }: Victim, first: number): readonly Forgery[] {
  return host.vxlans.flatMap((device, index) => {
    const member = lab.network.hosts.find(
      (other) => other !== host && other.vxlans.some(({ vni }) => vni === device.vni) && lab.hosts.has(other.name),
    );
    if (member?.vtep === undefined) return [];
    const mac = madeUpMac(host.id, first + index);
    const box = must(lab.hosts.get(member.name), "every host has a box");
    const hex = vxlanFrame(device.vni, mac);
    return [{ box, mac, datagram: { from: member.vtep, to: device.local, port: device.port, hex } }];
  });
}

async function send(frames: readonly Forgery[]): Promise<void> {
  for (const box of new Set(frames.map((each) => each.box))) {
    const own = frames.filter((each) => each.box === box);
    await sendDatagrams(
      box,
      own.map(({ datagram }) => datagram),
    );
  }
}

async function measureVxlan(lab: Lab, victim: Victim): Promise<Outcome> {
  const forged = forgeries(lab, victim);
  const genuine = genuineFrames(lab, victim, forged.length);
  const drops = await countDrops(lab, victim, async () => {
    await send(forged);
    return forged.length;
  });
  await send(genuine);
  await eventually(async () => {
    const seen = await seenMacs(victim.box);
    return genuine.every(({ mac }) => seen.has(mac));
  }, 10);
  const seen = await seenMacs(victim.box);
  const wrong = [
    ...forged.filter(({ mac }) => seen.has(mac)).map((each) => `a frame ${describe(each)} got in, expected none`),
    ...genuine
      .filter(({ mac }) => !seen.has(mac))
      .map((each) => `a frame ${describe(each)} did not get in by the tunnel`),
  ];
  return judge(wrong, drops, `none got in, ${genuine.length} of hosts by the tunnel did`);
}

// ── BGP and BFD ─────────────────────────────────────────────────────────────────────────────────────────────────────

/** Attacks by the box that they come from. */
function attacksByBox(lab: Lab, victim: Victim): readonly (readonly [Box, readonly Attack[]])[] {
  const attacks = attacksOn(lab.network, lab.plan, victim.host);
  const boxes = new Set(attacks.map((attack) => attacker(lab, victim, attack)));
  return [...boxes].map((box) => [box, attacks.filter((attack) => attacker(lab, victim, attack) === box)] as const);
}

async function measureBgp(lab: Lab, victim: Victim): Promise<Outcome> {
  const wrong: string[] = [];
  const drops = await countDrops(lab, victim, async () => {
    const answers = await Promise.all(
      attacksByBox(lab, victim).map(async ([box, attacks]) => {
        const seen = await knock(
          box,
          attacks.map(({ from, to }) => ({ from, to, port: BGP_PORT })),
          2,
        );
        return attacks.map(({ from, to }, index) => ({ what: `${box.name} as ${from} to ${to}`, seen: seen[index] }));
      }),
    );
    const open = answers.flat().filter(({ seen }) => seen !== "silent");
    wrong.push(...open.map(({ what, seen }) => `${what}, tcp/179: ${seen}, expected silence`));
    return answers.flat().length;
  });
  return judge(wrong, drops, "no answer");
}

async function measureBfd(lab: Lab, victim: Victim): Promise<Outcome> {
  const drops = await countDrops(lab, victim, async () => {
    const sent = attacksByBox(lab, victim).map(async ([box, attacks]) => {
      const datagrams = attacks.flatMap(({ from, to }) => BFD_PORTS.map((port) => ({ from, to, port, hex: "00" })));
      await sendDatagrams(box, datagrams);
      return datagrams.length;
    });
    return (await Promise.all(sent)).reduce((sum, count) => sum + count, 0);
  });
  return judge([], drops, "all that was sent");
}

// ── Provers ─────────────────────────────────────────────────────────────────────────────────────────────────────────

function hostPromises(lab: Lab, victim: Victim): readonly LabPromise[] {
  const { host, box } = victim;
  const others = lab.network.hosts.length > 1 ? " and another host" : "";
  const who = `from outside the tunnel, as a stranger${others}`;
  const promise = (subject: string, text: string, measure: () => Promise<Outcome>): LabPromise => ({
    kind: "guard",
    subject,
    promise: text,
    command: execCommand(box, "nft", "list", "chain", "inet", "netgen", "guard"),
    measure,
  });
  const { bgp } = host;
  return [
    ...(host.vxlans.length > 0
      ? [promise(`VXLAN -> ${host.name}`, `no frame ${who} enters a segment`, () => measureVxlan(lab, victim))]
      : []),
    ...(bgp.kind !== "none"
      ? [promise(`BGP -> ${host.name}`, `no answer to a SYN ${who}`, () => measureBgp(lab, victim))]
      : []),
    ...(bgp.kind !== "none" && bgp.bfd.kind === "on"
      ? [promise(`BFD -> ${host.name}`, `dropped ${who}`, () => measureBfd(lab, victim))]
      : []),
  ];
}

async function watchAll(lab: Lab): Promise<void> {
  const members = runningHosts(lab).filter(({ host }) => host.vxlans.length > 0);
  await Promise.all(members.map(({ box }) => watchFrames(box)));
}

const strangers: Prover = {
  kind: "guard",
  isAlone: false,
  prepare: watchAll,
  promises: (lab) => [
    ...victims(lab).flatMap((victim) => hostPromises(lab, victim)),
    ...transitPromises(lab),
    ...entrancePromises(lab),
  ],
};

/** One at a time: that a counter stands still means something only where nobody else moves it. */
const allowed: Prover = {
  kind: "guard",
  isAlone: true,
  prepare: watchAll,
  promises: allowedPromises,
};

/** In the order in which they are to be proven. */
export const guard: readonly Prover[] = Object.freeze([strangers, allowed, takeovers, infiltrators]);
