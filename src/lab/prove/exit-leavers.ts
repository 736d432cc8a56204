/** Who gets out by which exits, and as whom they are seen outside. */
import { must } from "../../base/invariant.ts";
import { FAMILIES, familyOf, type IpAddress, type IpFamily } from "../../base/ip.ts";
import type { Exit } from "../../model/exit.ts";
import type { Host } from "../../model/host.ts";
import { exitsOf, ownExitsOf, remoteExitsOf } from "../../ways/exits.ts";
import { gatewayHost } from "../../ways/reach.ts";
import type { Station } from "../../ways/station.ts";
import { waysOf } from "../../ways/ways.ts";
import type { Box } from "../machine/box.ts";
import type { Lab } from "../machine/running.ts";
import { STEADY_BYTES, type Watched } from "../measure/steady-ping.ts";
import { labHost } from "./exit-loss.ts";

// ── Who is seen outside ─────────────────────────────────────────────────────────────────────────────────────────────

/** Notes whose echo requests come to the addresses that stand for the rest of the internet; of a steady ping also which. */
function watchRules({ plan }: Lab): string {
  const watched = [...plan.outside, ...plan.remotes.map(({ address }) => address)];
  const rules = watched.map((address) =>
    familyOf(address) === 4
      ? `ip daddr ${address} icmp type echo-request add @seen4 { ip saddr } ip length > ${STEADY_BYTES} add @steady4 { ip saddr . icmp sequence }`
      : `ip6 daddr ${address} icmpv6 type echo-request add @seen6 { ip6 saddr } ip6 length > ${STEADY_BYTES} add @steady6 { ip6 saddr . icmpv6 sequence }`,
  );
  return `table inet exits {
  set seen4 { type ipv4_addr; flags dynamic; size 1024; }
  set seen6 { type ipv6_addr; flags dynamic; size 1024; }
  set steady4 { typeof ip saddr . icmp sequence; flags dynamic; size 65535; }
  set steady6 { typeof ip6 saddr . icmpv6 sequence; flags dynamic; size 65535; }
  chain seen {
    type filter hook prerouting priority -400
    ${rules.join("\n    ")}
  }
}`;
}

/** Has the internet note who comes to it. */
export async function watchInternet(lab: Lab): Promise<void> {
  await lab.internet.run("nft", watchRules(lab));
}

const flushSet = ({ internet }: Lab, set: string) => internet.run("nft", "flush", "set", "inet", "exits", set);

async function elementsOf({ internet }: Lab, set: string): Promise<readonly string[]> {
  const text = await internet.run("nft", "list", "set", "inet", "exits", set);
  const elements = /elements = \{([^}]*)\}/.exec(text)?.[1] ?? "";
  return elements
    .split(",")
    .map((each) => each.trim())
    .filter((each) => each !== "");
}

/** Who is seen while a guest asks, and whether it is answered. */
async function askOutside(lab: Lab, { box, to }: Watched) {
  const set = `seen${familyOf(to)}`;
  await flushSet(lab, set);
  const { output } = await box.attempt("ping", "-n", "-q", "-c", "3", "-i", "0.2", "-w", "2", to);
  return { seen: await elementsOf(lab, set), isAnswered: / [1-9]\d* received/.test(output) };
}

/** Who is seen while a guest asks; nobody where no answer comes back. */
export async function seenOf(lab: Lab, watched: Watched): Promise<readonly string[]> {
  const { seen, isAnswered } = await askOutside(lab, watched);
  return isAnswered ? seen : [];
}

/** Who is seen while a guest asks, whether or not an answer comes back. */
export async function seenAtAll(lab: Lab, watched: Watched): Promise<readonly string[]> {
  return (await askOutside(lab, watched)).seen;
}

/** Has no packet of a steady ping noted any more. */
export async function forgetSteady(lab: Lab, { to }: Watched): Promise<void> {
  await flushSet(lab, `steady${familyOf(to)}`);
}

/** The packets of a steady ping that got outside under an address, by number. */
export async function steadyBy(
  lab: Lab,
  { to }: Watched,
  address: IpAddress | undefined,
): Promise<ReadonlySet<number>> {
  const elements = await elementsOf(lab, `steady${familyOf(to)}`);
  const pairs = elements.map((each) => each.split(" . "));
  return new Set(pairs.flatMap(([source, sequence]) => (source === address ? [Number(sequence)] : [])));
}

// ── Who leaves by whom ──────────────────────────────────────────────────────────────────────────────────────────────

/** A guest, or a host itself, with the exits that are its, the preferred first. All of them hide it behind themselves. */
export interface Leaver {
  readonly guest: Pick<Station, "host" | "vrf" | "addresses"> & { readonly name: string };
  readonly watched: Watched;
  /** Where to; `undefined`: to the rest of the internet. */
  readonly remote: string | undefined;
  readonly exits: readonly Exit[];
}

/** As whom a host is seen outside. */
export function publicAddress(lab: Lab, name: string, family: IpFamily): IpAddress | undefined {
  return labHost(lab, name).publicAddresses.find((address) => familyOf(address) === family);
}

/** Who gets out, and from where. */
interface Leaving extends Pick<Leaver, "guest"> {
  readonly box: Box;
  readonly remote?: string;
}

/** One who gets out, once for each family in which there are exits for it. */
function leaving(lab: Lab, { guest, box, remote }: Leaving, exitsIn: (family: IpFamily) => readonly Exit[]) {
  const { outside, remotes } = lab.plan;
  const places =
    remote === undefined ? outside : remotes.flatMap((each) => (each.name === remote ? [each.address] : []));
  return FAMILIES.flatMap((family): readonly Leaver[] => {
    const to = places.find((address) => familyOf(address) === family);
    const exits = exitsIn(family).filter(({ host }) => publicAddress(lab, host, family) !== undefined);
    // Without SNAT no answer finds back: the lab's internet knows no tenant's addresses.
    if (to === undefined || exits.length === 0 || exits.some(({ hasSnat }) => !hasSnat)) return [];
    return [{ guest, watched: { box, to }, remote, exits }];
  });
}

/** One who gets to remotes: whoever is in no VRF, by what its host says. */
function leavingToRemotes(lab: Lab, host: Host | undefined, who: Leaving): readonly Leaver[] {
  if (host === undefined || who.guest.vrf !== undefined) return [];
  return lab.network.remotes.flatMap(({ name: remote }) =>
    leaving(lab, { ...who, remote }, (family) =>
      who.guest.addresses.some(({ address }) => familyOf(address) === family)
        ? remoteExitsOf(lab.network, host, remote, family)
        : [],
    ),
  );
}

/** Whoever gets out, guests and hosts. */
export function leaversOf(lab: Lab): readonly Leaver[] {
  const { network, plan } = lab;
  const ways = waysOf(network, plan.guests);
  const guests = plan.guests.flatMap((guest) => {
    const box = must(lab.guests.get(guest.name), "every guest has a box");
    const gateway = gatewayHost(ways, guest, 4);
    return [
      ...leaving(lab, { guest, box }, (family) => exitsOf(ways, guest, family)),
      ...leavingToRemotes(lab, gateway, { guest, box }),
    ];
  });
  const hosts = network.hosts.flatMap((host) => {
    const { name, interfaces } = host;
    const own = { name, host: name, vrf: undefined, addresses: interfaces.flatMap(({ addresses }) => addresses) };
    const box = must(lab.hosts.get(name), "every host has a box");
    return [
      ...leaving(lab, { guest: own, box }, (family) => ownExitsOf(network, host, family)),
      ...leavingToRemotes(lab, host, { guest: own, box }),
    ];
  });
  return [...guests, ...hosts];
}

/** Whether a guest is seen as one host and nobody else. */
export async function leavesBy(lab: Lab, { watched }: Leaver, host: string): Promise<boolean> {
  const seen = await seenOf(lab, watched);
  return seen.length === 1 && seen[0] === publicAddress(lab, host, familyOf(watched.to));
}
