/** What hosts send each other by VXLAN: it gets in by the tunnel, no spanning tree goes with it, and conntrack keeps no account. */
import { must } from "../../base/invariant.ts";
import { familyOf } from "../../base/ip.ts";
import type { VxlanDevice } from "../../model/device.ts";
import type { Box } from "../machine/box.ts";
import { eventually } from "../machine/patience.ts";
import type { Lab } from "../machine/running.ts";
import type { Victim } from "../measure/attacks.ts";
import { madeUpMac, passedMacs, SPANNING_TREE, vxlanFrame } from "../measure/forge.ts";
import { execCommand, type LabPromise, type Outcome } from "../measure/promise.ts";
import { countedPackets, type Datagram, sendDatagrams } from "../measure/traffic.ts";

/** A frame on its way to a host, and the box that sends it. */
export interface Frame {
  readonly box: Box;
  readonly mac: string;
  readonly datagram: Datagram;
}

/** Other hosts' frames have serials below. */
const FIRST_SERIAL = 0x4000;

/** A frame from another member into each of these segments by the tunnel, with MACs from a serial on. */
export function genuineFrames(
  lab: Lab,
  { host }: Victim,
  devices: readonly VxlanDevice[],
  { serial, to }: { readonly serial: number; readonly to?: string },
): readonly Frame[] {
  return devices.flatMap((device, index) => {
    const member = lab.network.hosts.find(
      (other) => other !== host && other.vxlans.some(({ vni }) => vni === device.vni) && lab.hosts.has(other.name),
    );
    if (member?.vtep === undefined) return [];
    const mac = madeUpMac(host.id, serial + index);
    const box = must(lab.hosts.get(member.name), "every host has a box");
    const hex = vxlanFrame(device.vni, mac, to);
    return [{ box, mac, datagram: { from: member.vtep, to: device.local, port: device.port, hex } }];
  });
}

export async function sendFrames(frames: readonly Frame[]): Promise<void> {
  for (const box of new Set(frames.map((each) => each.box))) {
    const own = frames.filter((each) => each.box === box);
    await sendDatagrams(
      box,
      own.map(({ datagram }) => datagram),
    );
  }
}

/** Counts what comes from members by the tunnel and is tracked. */
function accountOf({ host }: Victim, frames: readonly Frame[]): string {
  const links = host.interfaces.map(({ name }) => `"${name}"`).join(", ");
  const rules = frames.map(({ datagram: { from, port } }) => {
    const family = familyOf(from) === 4 ? "ip" : "ip6";
    return `iifname { ${links} } ${family} saddr ${from} udp dport ${port} ct state != untracked counter`;
  });
  return `table inet lab { chain account { type filter hook prerouting priority 0; ${rules.join("; ")}; }; }`;
}

async function measure(victim: Victim, plain: readonly Frame[], trees: readonly Frame[]): Promise<Outcome> {
  const { box } = victim;
  await box.run("nft", accountOf(victim, plain));
  try {
    // The tree's go first: when the others have passed, they would have.
    await sendFrames([...trees, ...plain]);
    const isThrough = await eventually(async () => {
      const passed = await passedMacs(box);
      return plain.every(({ mac }) => passed.has(mac));
    }, 10);
    const passed = await passedMacs(box);
    const tracked = await countedPackets(box, "inet", "lab", "account");
    const wrong = [
      ...(isThrough ? [] : ["a frame of another member did not reach a port"]),
      ...trees.filter(({ mac }) => passed.has(mac)).map(() => "a spanning tree's frame reached a port, expected none"),
      ...(tracked === 0 ? [] : [`${tracked} packets of VXLAN were tracked, expected none`]),
    ];
    const right = `${plain.length} frames reached a port, none of a spanning tree's; none was tracked`;
    return { isKept: wrong.length === 0, measured: wrong.length === 0 ? right : wrong.join("; ") };
  } finally {
    await box.attempt("nft", "delete", "table", "inet", "lab");
  }
}

/** Of a host with a guest in a segment that another host is in as well. */
export function framePromises(lab: Lab, victim: Victim): readonly LabPromise[] {
  const { host, box } = victim;
  const devices = host.vxlans.filter(({ segment }) =>
    lab.plan.guests.some((guest) => guest.host === host.name && guest.subnet === segment),
  );
  const plain = genuineFrames(lab, victim, devices, { serial: FIRST_SERIAL });
  const trees = genuineFrames(lab, victim, devices, { serial: FIRST_SERIAL + devices.length, to: SPANNING_TREE });
  if (plain.length === 0) return [];
  return [
    {
      kind: "guard",
      subject: `VXLAN -> ${host.name}`,
      promise: "frames of members pass untracked, and spanning trees end at the tunnel",
      command: execCommand(box, "nft", "list", "chain", "bridge", `netgen${box.fleet}`, "bpdu"),
      measure: () => measure(victim, plain, trees),
    },
  ];
}
