/** Network → the whole of its lab. */
import {
  collapsePrefixes,
  compareAddresses,
  FAMILIES,
  familyOf,
  type IpAddress,
  networkAddress,
} from "../../base/ip.ts";
import { allExits } from "../../model/exits.ts";
import { fleetMark } from "../../model/fleet.ts";
import type { Network } from "../../model/network.ts";
import { createAllot } from "./addresses.ts";
import { planGuests } from "./guests.ts";
import { planOutsiders } from "./outsiders.ts";
import type { LabPlan } from "./plan.ts";
import { planPremises, standIn } from "./premises.ts";
import { planUnderlay } from "./underlay.ts";

function probesOf(network: Network): readonly IpAddress[] {
  const asked = allExits(network).flatMap(({ probes }) => probes);
  return [...new Set(asked)].sort(compareAddresses);
}

/**
 * Where guests are in several VRFs, one may well send what the prefix of another holds out by its own exit or by the host's
 * default route: there it is anybody's.
 */
function guardedPrefixes({ prefixes }: Network): Network["prefixes"] {
  const guests = prefixes.filter(({ use }) => ["subnet", "route", "ovn", "peer"].includes(use.kind));
  const vrfs = new Set(guests.map(({ vrf }) => vrf));
  const inside = prefixes.filter(({ use }) => use.kind !== "remote");
  return vrfs.size > 1 ? inside.filter(({ vrf }) => vrf === undefined) : inside;
}

/** An address of each remote and family. */
function remotesOf({ remotes }: Network): LabPlan["remotes"] {
  return remotes.flatMap(({ name, prefixes }) =>
    FAMILIES.flatMap((family) => {
      const [prefix] = prefixes.filter((each) => familyOf(each) === family);
      if (prefix === undefined) return [];
      return [{ name, address: standIn(prefix) ?? networkAddress(prefix) }];
    }),
  );
}

/** Decides everything that the lab builds around the hosts of a network. Pure: the same network gives the same lab. */
export function planLab(network: Network): LabPlan {
  const allot = createAllot(network);
  const onSubnets = planGuests(network);
  const { outsiders, guests } = planOutsiders(network, onSubnets.guests);
  const [routerAddresses, outside] = [FAMILIES.map(allot), FAMILIES.map(allot)];
  const underlay = planUnderlay(network, allot);
  return {
    name: network.name,
    fleet: fleetMark(network),
    routerAddresses,
    outside,
    probes: probesOf(network),
    remotes: remotesOf(network),
    overlay: collapsePrefixes(guardedPrefixes(network).map(({ prefix }) => prefix)),
    premises: planPremises(network, underlay.hosts),
    ...underlay,
    ...onSubnets,
    guests: [...onSubnets.guests, ...guests],
    outsiders,
  };
}
