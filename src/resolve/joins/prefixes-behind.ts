/** What the ways between hosts are decided from: all that leads to each, and which two of them are seen as one. */
import { must } from "../../base/invariant.ts";
import { comparePrefixes, hostPrefix, type IpPrefix } from "../../base/ip.ts";
import type { OwnedPrefix } from "../../model/host.ts";
import type { Lan } from "../../topology/lans.ts";
import type { Pair } from "../../topology/pairs.ts";
import type { ResolvedHost } from "../hosts/hosts.ts";
import type { GatewayGrounds } from "./gateways.ts";

/**
 * Hosts that are silent while another with the same key is there, with that other: all others see one peer. Two that share an
 * address and not the key are two ways, and of the dynamic class.
 */
export function standbysOf(
  hosts: readonly ResolvedHost[],
  pairs: readonly Pair[],
): ReadonlyMap<ResolvedHost, ResolvedHost> {
  const named = new Map(hosts.map((host) => [host.input.name, host]));
  return new Map(
    pairs.map(({ hosts: [first, second] }) => [
      must(named.get(second.name), "a pair is of hosts with WireGuard"),
      must(named.get(first.name), "a pair is of hosts with WireGuard"),
    ]),
  );
}

/** What leads to a host and to no other: its addresses, and what is behind it. */
export function exactAllowedIps(host: ResolvedHost, owned: readonly OwnedPrefix[]): readonly IpPrefix[] {
  return [...host.addresses.map((each) => hostPrefix(each.address)), ...owned.map(({ prefix }) => prefix)];
}

/** What of a host's prefixes leads to it from its own site, too: the LAN itself is a shorter way to the rest. */
const isBeyondLan = ({ use }: OwnedPrefix): boolean => use.kind !== "lan" && use.kind !== "lan-route";

/** Everything that leads to each host, a standby's to the other of its pair. */
export function groundsOf(
  hosts: readonly ResolvedHost[],
  owned: ReadonlyMap<string, readonly OwnedPrefix[]>,
  { lans, standbys }: { readonly lans: readonly Lan[]; readonly standbys: ReturnType<typeof standbysOf> },
): GatewayGrounds {
  const merged = new Map([...standbys].map(([standby, host]) => [host, standby]));
  const prefixesOf = (host: ResolvedHost, isWanted: (each: OwnedPrefix) => boolean): readonly IpPrefix[] => {
    const list = must(owned.get(host.input.name), "every host has a list of prefixes");
    return exactAllowedIps(host, list.filter(isWanted));
  };
  const collect = (isWanted: (each: OwnedPrefix) => boolean): ReadonlyMap<string, readonly IpPrefix[]> =>
    new Map(
      hosts.map((host) => {
        const standby = merged.get(host);
        const own = prefixesOf(host, isWanted);
        if (standby === undefined) return [host.input.name, own];
        const both = new Set([...own, ...prefixesOf(standby, isWanted)]);
        return [host.input.name, [...both].sort(comparePrefixes)];
      }),
    );
  // Where two of a site are gateways and not one pair, BGP decides and not this.
  const gateways = new Map(lans.map(({ site, gateways: [first] }) => [site, must(first, "a LAN has a gateway")]));
  return { gateways, exact: collect(() => true), beyondLan: collect(isBeyondLan) };
}
