/** Who is let through by the topology's guard: the first address of each prefix, from the host's own router. */
import { must } from "../../base/invariant.ts";
import {
  containsAddress,
  familyOf,
  hostAddress,
  type IpAddress,
  type IpPrefix,
  networkAddress,
} from "../../base/ip.ts";
import { BGP_PORT } from "../../model/bgp.ts";
import type { GuardedService, Host } from "../../model/host.ts";
import type { Network } from "../../model/network.ts";
import { eventually } from "../machine/patience.ts";
import type { Lab } from "../machine/running.ts";
import { isAllowed, pretending, type Victim, victims } from "../measure/attacks.ts";
import { dropped, madeUpMac, seenMacs, vxlanFrame } from "../measure/forge.ts";
import { execCommand, type LabPromise, type Outcome } from "../measure/promise.ts";
import { knock, sendDatagrams } from "../measure/traffic.ts";
import type { LabHost } from "../plan/plan.ts";

/** Where somebody speaks to a host, and whether it is let. */
interface Entry {
  readonly to: IpAddress;
  readonly isOpen: boolean;
}

/** Somebody who may speak to a host. */
interface Friend {
  readonly from: IpAddress;
  /** To the host's devices, where their family is its own: a VTEP has one. */
  readonly frames: Entry | undefined;
  /** To the host itself, where an answer finds its way back. */
  readonly bgp: Entry | undefined;
}

/** Whom a host opens one service to, and not the others; guard.allowFrom is for all of them, on all hosts. */
const isOpenTo = ({ guardOpen }: Host, service: GuardedService, address: IpAddress): boolean =>
  guardOpen[service].some((prefix) => containsAddress(prefix, address));

/** Pure. */
export function friendsOf(network: Network, host: Host, { uplink: { addresses } }: LabHost): readonly Friend[] {
  const prefixes = new Set<IpPrefix>([...network.guardAllowFrom, ...host.guardOpen.vxlan, ...host.guardOpen.bgp]);
  return [...prefixes].flatMap((prefix) => {
    const from = hostAddress(prefix, 1) ?? networkAddress(prefix);
    const isSame = (address: IpAddress): boolean => familyOf(address) === familyOf(from);
    const entry = (service: GuardedService, to: IpAddress | undefined): Entry | undefined =>
      to && { to, isOpen: isAllowed(network, from) || isOpenTo(host, service, from) };
    // Where the lab has put somebody at this address, it is not to be had twice.
    if (addresses.includes(from)) return [];
    const device = host.vxlans.length > 0 && host.vtep !== undefined && isSame(host.vtep) ? host.vtep : undefined;
    const frames = entry("vxlan", device);
    const bgp = entry("bgp", host.bgp.kind !== "none" ? addresses.find(isSame) : undefined);
    return frames?.isOpen || bgp?.isOpen ? [{ from, frames, bgp }] : [];
  });
}

const inWords = ({ frames, bgp }: Friend): string => {
  const told = (what: string, entry: Entry | undefined): readonly string[] =>
    entry === undefined ? [] : [`${what} is ${entry.isOpen ? "let through" : "dropped"}`];
  return [...told("VXLAN", frames), ...told("BGP", bgp)].join(", ");
};

/** One VXLAN frame from there; `isDropped` says when the guard has dropped what it is to. */
async function tryFrame(
  victim: Victim,
  { from, mac }: { readonly from: IpAddress; readonly mac: string },
  { to, isOpen }: Entry,
  isDropped: () => Promise<boolean>,
): Promise<Outcome> {
  const { host, box, router } = victim;
  const { port, vni } = must(host.vxlans[0], "it is asked of a host that has a device");
  await sendDatagrams(router, [{ from, to, port, hex: vxlanFrame(vni, mac) }]);
  await eventually(async () => (isOpen ? (await seenMacs(box)).has(mac) : isDropped()), 10);
  const isIn = (await seenMacs(box)).has(mac);
  return { isKept: isIn === isOpen, measured: isIn ? `a frame to ${to} got in` : `no frame got in to ${to}` };
}

async function tryBgp({ router }: Victim, from: IpAddress, { to, isOpen }: Entry): Promise<Outcome> {
  const [answer = ""] = await knock(router, [{ from, to, port: BGP_PORT }], isOpen ? 5 : 2);
  return { isKept: (answer !== "silent") === isOpen, measured: `${to} tcp/179: ${answer}` };
}

async function measure(victim: Victim, { from, frames, bgp }: Friend, serial: number): Promise<Outcome> {
  const { host, box } = victim;
  const before = await dropped(box, "guard");
  const moved = async (): Promise<number> => (await dropped(box, "guard")) - before;
  const attempts: Outcome[] = [];
  const mac = madeUpMac(host.id, serial);
  if (frames !== undefined)
    attempts.push(await tryFrame(victim, { from, mac }, frames, async () => (await moved()) > 0));
  if (bgp !== undefined) attempts.push(await tryBgp(victim, from, bgp));
  const expected = [frames, bgp].filter((entry) => entry?.isOpen === false).length;
  const counted = await moved();
  // A SYN without an answer is sent again.
  const isCounted = expected === 0 ? counted === 0 : counted >= expected;
  const wrong = attempts.filter(({ isKept }) => !isKept).map(({ measured }) => measured);
  if (!isCounted) wrong.push(`the guard dropped ${counted}, expected ${expected || "none"}`);
  const right = attempts.map(({ measured }) => measured);
  return { isKept: wrong.length === 0, measured: (wrong.length > 0 ? wrong : right).join("; ") };
}

/** A promise for each host and prefix. */
export function allowedPromises(lab: Lab): readonly LabPromise[] {
  return victims(lab).flatMap((victim) =>
    friendsOf(lab.network, victim.host, victim.labHost).map((friend, index) => ({
      kind: "guard" as const,
      subject: `${friend.from} -> ${victim.host.name}`,
      promise: `by what the topology opens, ${inWords(friend)}`,
      command: execCommand(victim.box, "nft", "list", "chain", "inet", `netgen${victim.box.fleet}`, "guard"),
      // Above those of strangers and guests.
      measure: () => pretending(victim, [friend.from], () => measure(victim, friend, 0xc000 + index)),
    })),
  );
}
