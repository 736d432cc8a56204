/** Who stands in guard.allowFrom is let through: the first address of each prefix, from the host's own router. */
import { familyOf, hostAddress, type IpAddress, networkAddress } from "../../base/ip.ts";
import { BGP_PORT } from "../../model/bgp.ts";
import type { Host } from "../../model/host.ts";
import type { Network } from "../../model/network.ts";
import { eventually } from "../machine/patience.ts";
import type { Lab } from "../machine/running.ts";
import { pretending, type Victim, victims } from "../measure/attacks.ts";
import { dropped, madeUpMac, seenMacs, vxlanFrame } from "../measure/forge.ts";
import { execCommand, type LabPromise, type Outcome } from "../measure/promise.ts";
import { knock, sendDatagrams } from "../measure/traffic.ts";
import type { LabHost } from "../plan/plan.ts";

/** An address that is allowed, and where to it can speak. */
interface Friend {
  readonly from: IpAddress;
  /** Of the host's devices, where their family is its own: a VTEP has one. */
  readonly frames: IpAddress | undefined;
  /** Of the host itself, where an answer finds its way back. */
  readonly bgp: IpAddress | undefined;
}

function friendsOf({ guardAllowFrom }: Network, host: Host, { uplink: { addresses } }: LabHost): readonly Friend[] {
  return guardAllowFrom.flatMap((prefix) => {
    const from = hostAddress(prefix, 1) ?? networkAddress(prefix);
    const isSame = (address: IpAddress): boolean => familyOf(address) === familyOf(from);
    // Where the lab has put somebody at this address, it is not to be had twice.
    if (addresses.includes(from)) return [];
    const frames = host.vxlans.length > 0 && host.vtep !== undefined && isSame(host.vtep) ? host.vtep : undefined;
    const bgp = host.bgp.kind !== "none" ? addresses.find(isSame) : undefined;
    return frames === undefined && bgp === undefined ? [] : [{ from, frames, bgp }];
  });
}

async function measure(victim: Victim, { from, frames, bgp }: Friend, serial: number): Promise<Outcome> {
  const { host, box, router } = victim;
  const mac = madeUpMac(host.id, serial);
  const before = await dropped(box, "guard");
  const wrong: string[] = [];
  const right: string[] = [];
  const [device] = host.vxlans;
  if (frames !== undefined && device !== undefined) {
    await sendDatagrams(router, [{ from, to: frames, port: device.port, hex: vxlanFrame(device.vni, mac) }]);
    const isIn = await eventually(async () => (await seenMacs(box)).has(mac), 10);
    (isIn ? right : wrong).push(isIn ? `a frame to ${frames} got in` : `a frame to ${frames} is lost, expected it in`);
  }
  if (bgp !== undefined) {
    const [answer = ""] = await knock(router, [{ from, to: bgp, port: BGP_PORT }], 5);
    (answer === "silent" ? wrong : right).push(`${bgp} tcp/179: ${answer}`);
  }
  const moved = (await dropped(box, "guard")) - before;
  if (moved > 0) wrong.push(`the guard dropped ${moved}, expected none`);
  return { isKept: wrong.length === 0, measured: (wrong.length > 0 ? wrong : right).join("; ") };
}

/** A promise for each host and prefix. */
export function allowedPromises(lab: Lab): readonly LabPromise[] {
  return victims(lab).flatMap((victim) =>
    friendsOf(lab.network, victim.host, victim.labHost).map((friend, index) => ({
      kind: "guard" as const,
      subject: `${friend.from} -> ${victim.host.name}`,
      promise: "guard.allowFrom is let through",
      command: execCommand(victim.box, "nft", "list", "chain", "inet", `netgen${victim.box.fleet}`, "guard"),
      // Above those of strangers and guests.
      measure: () => pretending(victim, [friend.from], () => measure(victim, friend, 0xc000 + index)),
    })),
  );
}
