/** From a host's own network nobody gets into the overlay: not to its guests, and not as one of them into the tunnels. */
import { containsAddress, FAMILIES, familyOf, type IpAddress } from "../../base/ip.ts";
import type { Host } from "../../model/host.ts";
import { poolAddresses } from "../../model/loopback.ts";
import type { Network } from "../../model/network.ts";
import { addressOf } from "../../ways/station.ts";
import type { Lab } from "../machine/running.ts";
import { dropsDuring, judge, type Victim, victims } from "../measure/attacks.ts";
import { lying } from "../measure/forge.ts";
import { execCommand, type LabPromise, type Outcome } from "../measure/promise.ts";
import { sendDatagrams } from "../measure/traffic.ts";
import { areOnOneLan, type LabPlan } from "../plan/plan.ts";

/** A packet that the host would pass on. */
export interface Intrusion {
  readonly from: IpAddress;
  readonly to: IpAddress;
}

/** RFC 863: whoever gets it has no use for it. */
const DISCARD_PORT = 9;

/** Where a LAN is not on the host's uplink: whom the host would pass on to there what comes from outside. */
function neighbours({ prefixes }: Network, { hosts }: LabPlan, { name, reach }: Host): readonly IpAddress[] {
  const own = hosts.find((each) => each.name === name);
  if (own === undefined || own.uplink === own.lan) return [];
  const lans = prefixes.filter(({ use }) => use.kind === "lan" && use.site === reach.site);
  return hosts
    .filter((each) => each !== own && areOnOneLan(each, own))
    .flatMap(({ lan }) => lan.addresses)
    .filter((address) => lans.some(({ prefix }) => containsAddress(prefix, address)));
}

/**
 * What a host's router sends: as itself to a guest of the host, and as this guest to another host by the tunnel; and to a
 * neighbour on a LAN that is behind the host. Pure.
 */
export function intrusions(network: Network, plan: LabPlan, host: Host): readonly Intrusion[] {
  if (host.interfaces.length === 0) return [];
  // A segment without a gateway here has no way in.
  const owned = host.ownedPrefixes.filter(({ use }) => use.kind === "subnet").map(({ prefix }) => prefix);
  const others = network.hosts.filter((other) => other !== host).flatMap((other) => poolAddresses(other));
  return FAMILIES.filter((family) => host.forwards[family === 4 ? "ipv4" : "ipv6"]).flatMap((family) => {
    const isSame = (address: IpAddress): boolean => familyOf(address) === family;
    const guests = plan.guests.filter((each) => each.host === host.name && each.vrf === undefined);
    const guest = guests
      .flatMap((each) => addressOf(each, family) ?? [])
      .find((address) => owned.some((prefix) => containsAddress(prefix, address)));
    const router = plan.routerAddresses.find(isSame);
    const other = others.map(({ address }) => address).find(isSame);
    if (router === undefined) return [];
    const victims = [guest, neighbours(network, plan, host).find(isSame)].filter((each) => each !== undefined);
    const asGuest = guest === undefined || other === undefined ? [] : [{ from: guest, to: other }];
    return [...victims.map((to) => ({ from: router, to })), ...asGuest];
  });
}

async function measure({ plan }: Lab, { box, labHost, router }: Victim, all: readonly Intrusion[]): Promise<Outcome> {
  const drops = { counted: 0, expected: 0 };
  // One after the other: as a guest the router would keep what it sends to the guest.
  for (const { from, to } of all) {
    const lie = {
      router,
      host: labHost,
      hostBox: box,
      sources: plan.routerAddresses.includes(from) ? [] : [from],
      targets: [to],
    };
    const { counted, expected } = await lying(lie, () =>
      dropsDuring({ box, chain: "entrance" }, async () => {
        await sendDatagrams(router, [{ from, to, port: DISCARD_PORT, hex: "00" }]);
        return 1;
      }),
    );
    drops.counted += Math.min(counted, expected);
    drops.expected += expected;
  }
  return judge([], drops, "none got in");
}

/** A promise for each host that would pass on what its router sends. */
export function entrancePromises(lab: Lab): readonly LabPromise[] {
  return victims(lab).flatMap((victim): readonly LabPromise[] => {
    const all = intrusions(lab.network, lab.plan, victim.host);
    if (all.length === 0) return [];
    return [
      {
        kind: "guard",
        subject: `uplink -> ${victim.host.name}`,
        promise: "nobody gets in to what is behind it, or as one of its guests into the tunnels",
        command: execCommand(victim.box, "nft", "list", "chain", "inet", `netgen${victim.box.fleet}`, "entrance"),
        measure: () => measure(lab, victim, all),
      },
    ];
  });
}
