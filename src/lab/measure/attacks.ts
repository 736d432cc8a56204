/** Who attacks a host in a lab: from where, as whom, and at which of its addresses. */
import { must } from "../../base/invariant.ts";
import { containsAddress, familyOf, type IpAddress } from "../../base/ip.ts";
import type { Host } from "../../model/host.ts";
import type { Network } from "../../model/network.ts";
import type { Box } from "../machine/box.ts";
import { eventually } from "../machine/patience.ts";
import { type Lab, type RunningHost, runningHosts } from "../machine/running.ts";
import type { LabHost, LabPlan } from "../plan/plan.ts";
import { dropped, type GuardChain, inTurn, lying } from "./forge.ts";
import type { Outcome } from "./promise.ts";

/** A host with its surroundings. */
export interface Victim extends RunningHost {
  readonly labHost: LabHost;
  readonly router: Box;
}

export function victims(lab: Lab): readonly Victim[] {
  return runningHosts(lab).map((running) => {
    const labHost = must(
      lab.plan.hosts.find(({ name }) => name === running.host.name),
      "every host is in the plan",
    );
    return { ...running, labHost, router: must(lab.routers.get(labHost.uplink.router), "every router has a box") };
  });
}

/** A packet that should not be taken. */
export interface Attack {
  readonly place: "router" | "internet";
  readonly from: IpAddress;
  readonly to: IpAddress;
}

/** Whether guard.allowFrom lets somebody speak as a host does. */
export const isAllowed = ({ guardAllowFrom }: Network, address: IpAddress): boolean =>
  guardAllowFrom.some((prefix) => containsAddress(prefix, address));

const ofFamilyOf = (to: IpAddress, addresses: readonly IpAddress[]): readonly IpAddress[] =>
  addresses.filter((each) => familyOf(each) === familyOf(to)).slice(0, 1);

/** Whether a host opens anything to somebody; what it opens is a promise of its own. */
const isFriend = ({ guardOpen }: Host, address: IpAddress): boolean =>
  Object.values(guardOpen).some((prefixes) => prefixes.some((prefix) => containsAddress(prefix, address)));

/**
 * From the host's own router, as itself and as another host, to all addresses of the host; from the internet, as itself, to
 * those that it reaches: NAT lets nothing in but the tunnels' ports. Pure.
 */
export function attacksOn(network: Network, plan: LabPlan, host: Host): readonly Attack[] {
  const { uplink, publicAddresses, isBehindNat } = must(
    plan.hosts.find(({ name }) => name === host.name),
    "every host is in the plan",
  );
  const { addresses } = uplink;
  const vteps = network.hosts
    .filter((other) => other !== host)
    .flatMap(({ vtep }) => (vtep === undefined ? [] : [vtep]));
  const targets = [...addresses, ...(host.vtep === undefined ? [] : [host.vtep])];
  const near = targets.flatMap((to) => {
    const sources = [...ofFamilyOf(to, plan.routerAddresses), ...ofFamilyOf(to, vteps)];
    return sources.map((from): Attack => ({ place: "router", from, to }));
  });
  const open = isBehindNat ? [] : addresses.filter((to) => publicAddresses.includes(to));
  const far = open.flatMap((to) =>
    ofFamilyOf(to, plan.outside).map((from): Attack => ({ place: "internet", from, to })),
  );
  return [...near, ...far].filter(({ from }) => !isAllowed(network, from) && !isFriend(host, from));
}

/** The box that an attack comes from. */
export const attacker = ({ internet }: Lab, { router }: Victim, { place }: Attack): Box =>
  place === "internet" ? internet : router;

/** Lets the victim's router pretend to be who it is not while something is done. */
export function pretending<T>(victim: Victim, addresses: readonly IpAddress[], work: () => Promise<T>): Promise<T> {
  const { host, labHost, router, box } = victim;
  const targets = host.vtep === undefined ? [] : [host.vtep];
  return lying({ router, host: labHost, hostBox: box, sources: [...new Set(addresses)], targets }, work);
}

/** What the guard has dropped, and should have. */
export interface Drops {
  readonly counted: number;
  readonly expected: number;
}

/** Attacks a host; `work` tells how many packets it has sent. The guard is given time to count as many. */
export function countDrops(lab: Lab, victim: Victim, work: () => Promise<number>): Promise<Drops> {
  const attacks = attacksOn(lab.network, lab.plan, victim.host);
  const borrowed = attacks.map(({ from }) => from).filter((from) => isLie(lab.plan, from));
  return pretending(victim, borrowed, () => dropsDuring({ box: victim.box, chain: "guard" }, work));
}

/** What a chain of the guard counts while `work` sends so many packets. One after the other for each host. */
export function dropsDuring(
  { box, chain }: { readonly box: Box; readonly chain: GuardChain },
  work: () => Promise<number>,
): Promise<Drops> {
  return inTurn(box, async () => {
    const before = await dropped(box, chain);
    const expected = await work();
    const counted = async (): Promise<number> => (await dropped(box, chain)) - before;
    await eventually(async () => (await counted()) >= expected, 5);
    return { counted: await counted(), expected };
  });
}

const isLie = ({ routerAddresses, outside }: LabPlan, from: IpAddress): boolean =>
  ![...routerAddresses, ...outside].includes(from);

/** What is told of an attack: all that went wrong, or what was right. */
export function judge(wrong: readonly string[], { counted, expected }: Drops, right: string): Outcome {
  const all = counted < expected ? [...wrong, `${counted} counted as dropped, expected ${expected}`] : wrong;
  return { isKept: all.length === 0, measured: all.length > 0 ? all.join("; ") : `${counted} dropped; ${right}` };
}
