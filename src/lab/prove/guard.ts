/**
 * Nobody but the hosts themselves puts a frame into a segment or speaks BGP and BFD to a host: not its own router, not the
 * internet, not a guest. Asked of every host that has something to guard, and by every guest that routes to a host.
 */

import { BFD_PORTS, BGP_PORT } from "../../model/bgp.ts";
import type { Box } from "../machine/box.ts";
import { eventually } from "../machine/patience.ts";
import { type Lab, runningHosts } from "../machine/running.ts";
import { type Attack, attacker, attacksOn, countDrops, judge, type Victim, victims } from "../measure/attacks.ts";
import { madeUpMac, seenMacs, vxlanFrame, watchFrames } from "../measure/forge.ts";
import { execCommand, type LabPromise, type Outcome, type Prover } from "../measure/promise.ts";
import { knock, sendDatagrams } from "../measure/traffic.ts";
import { allowedPromises } from "./guard-allowed.ts";
import { takeovers } from "./guard-bgp.ts";
import { entrancePromises } from "./guard-entrance.ts";
import { infiltrators } from "./guard-evpn.ts";
import { exitPromises } from "./guard-exits.ts";
import { type Frame, framePromises, genuineFrames, sendFrames } from "./guard-frames.ts";
import { localPromises } from "./guard-local.ts";
import { transitPromises } from "./guard-transit.ts";

// ── VXLAN ───────────────────────────────────────────────────────────────────────────────────────────────────────────

const describe = ({ box, datagram: { from, to } }: Frame): string => `from ${box.name} as ${from} to ${to}`;

function forgeries(lab: Lab, victim: Victim): readonly Frame[] {
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

async function measureVxlan(lab: Lab, victim: Victim): Promise<Outcome> {
  const forged = forgeries(lab, victim);
  // By the tunnel they have to get in, or the rest means nothing.
  const genuine = genuineFrames(lab, victim, victim.host.vxlans, { serial: forged.length });
  const drops = await countDrops(lab, victim, async () => {
    await sendFrames(forged);
    return forged.length;
  });
  await sendFrames(genuine);
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
    command: execCommand(box, "nft", "list", "chain", "inet", `netgen${box.fleet}`, "guard"),
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
    ...victims(lab).flatMap((victim) => [...hostPromises(lab, victim), ...framePromises(lab, victim)]),
    ...transitPromises(lab),
    ...entrancePromises(lab),
    ...exitPromises(lab),
    ...localPromises(lab),
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
