/** Network → the whole of its lab. */
import { collapsePrefixes, type IpFamily } from "../base/ip.ts";
import type { Network } from "../model/network.ts";
import { createAllot } from "./addresses.ts";
import { planGuests } from "./guests.ts";
import type { LabPlan } from "./plan.ts";
import { planUnderlay } from "./underlay.ts";

const FAMILIES: readonly IpFamily[] = [4, 6];

/** Decides everything that the lab builds around the hosts of a network. Pure: the same network gives the same lab. */
export function planLab(network: Network): LabPlan {
  const allot = createAllot(network);
  return {
    name: network.name,
    routerAddresses: FAMILIES.map(allot),
    outside: FAMILIES.map(allot),
    overlay: collapsePrefixes(network.prefixes.map(({ prefix }) => prefix)),
    ...planUnderlay(network, allot),
    ...planGuests(network),
  };
}
