/** Which guests of a VRF get out by which exits, and as whom they are seen outside. */
import { must } from "../../base/invariant.ts";
import { FAMILIES, familyOf, type IpAddress, type IpFamily } from "../../base/ip.ts";
import type { VrfExit } from "../../model/vrf.ts";
import { exitsOf } from "../../ways/exits.ts";
import { waysOf } from "../../ways/ways.ts";
import type { Lab } from "../machine/running.ts";
import type { Watched } from "../measure/steady-ping.ts";
import type { LabGuest } from "../plan/plan.ts";
import { labHost } from "./exit-loss.ts";

// ── Who is seen outside ─────────────────────────────────────────────────────────────────────────────────────────────

/** Notes whose echo requests come to the addresses that stand for the rest of the internet. */
function watchRules({ plan }: Lab): string {
  const rules = plan.outside.map((address) =>
    familyOf(address) === 4
      ? `ip daddr ${address} icmp type echo-request add @seen4 { ip saddr }`
      : `ip6 daddr ${address} icmpv6 type echo-request add @seen6 { ip6 saddr }`,
  );
  return `table inet exits {
  set seen4 { type ipv4_addr; flags dynamic; size 1024; }
  set seen6 { type ipv6_addr; flags dynamic; size 1024; }
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

/** Who is seen while a guest asks; nobody where no answer comes back. */
export async function seenOf({ internet }: Lab, { box, to }: Watched): Promise<readonly string[]> {
  const set = ["inet", "exits", `seen${familyOf(to)}`];
  await internet.run("nft", "flush", "set", ...set);
  const { output } = await box.attempt("ping", "-n", "-q", "-c", "3", "-i", "0.2", "-w", "2", to);
  if (!/ [1-9]\d* received/.test(output)) return [];
  const text = await internet.run("nft", "list", "set", ...set);
  const elements = /elements = \{([^}]*)\}/.exec(text)?.[1] ?? "";
  return elements
    .split(",")
    .map((each) => each.trim())
    .filter((each) => each !== "");
}

// ── Who leaves by whom ──────────────────────────────────────────────────────────────────────────────────────────────

/** A guest of a VRF with the exits that are its, the preferred first. All of them hide it behind themselves. */
export interface Leaver {
  readonly guest: LabGuest;
  readonly watched: Watched;
  readonly exits: readonly VrfExit[];
}

/** As whom a host is seen outside. */
export function publicAddress(lab: Lab, name: string, family: IpFamily): IpAddress | undefined {
  return labHost(lab, name).publicAddresses.find((address) => familyOf(address) === family);
}

/** Whoever gets out, once for each family. */
export function leaversOf(lab: Lab): readonly Leaver[] {
  const ways = waysOf(lab.network, lab.plan.guests);
  return lab.plan.guests
    .filter(({ vrf }) => vrf !== undefined)
    .flatMap((guest) =>
      FAMILIES.flatMap((family): readonly Leaver[] => {
        const to = lab.plan.outside.find((address) => familyOf(address) === family);
        const exits = exitsOf(ways, guest, family).filter(({ host }) => publicAddress(lab, host, family) !== undefined);
        // Without SNAT no answer finds back: the lab's internet knows no tenant's addresses.
        if (to === undefined || exits.length === 0 || exits.some(({ hasSnat }) => !hasSnat)) return [];
        const box = must(lab.guests.get(guest.name), "every guest has a box");
        return [{ guest, watched: { box, to }, exits }];
      }),
    );
}

/** Whether a guest is seen as one host and nobody else. */
export async function leavesBy(lab: Lab, { watched }: Leaver, host: string): Promise<boolean> {
  const seen = await seenOf(lab, watched);
  return seen.length === 1 && seen[0] === publicAddress(lab, host, familyOf(watched.to));
}
