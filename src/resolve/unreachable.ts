/** What of the overlay must not leave a host by another way while the tunnel or the bridge that leads there is down. */
import { comparePrefixes, type IpPrefix, isMoreSpecific, mergePrefixes, prefixesWithout } from "../base/ip.ts";
import type { OwnedPrefix } from "../model/host.ts";
import type { OverlayPrefix } from "../model/network.ts";
import { lanInterfaceOf } from "../topology/hosts.ts";
import type { HostInput } from "../topology/topology.ts";
import { outerPrefixes } from "./prefixes.ts";

/** Tells which of all prefixes are routes behind a host, and which of these are a part of what leads to another one. */
function createRoles(host: string, routed: readonly OverlayPrefix[]) {
  const isBehind = ({ use }: OverlayPrefix): boolean => use.kind === "route" && use.host === host;
  const outer = outerPrefixes(routed.filter((each) => !isBehind(each)));
  const isPart = (prefix: IpPrefix): boolean => outer.some((each) => isMoreSpecific(prefix, each));
  return { isBehind, isPart };
}

/**
 * All that the hosts route but what lies behind the host itself, or on its own LAN: that is not reached through a tunnel from
 * here, unless it is a part of what is: while its own way is gone, what is meant for it would follow the wider prefix into the
 * tunnel. A LAN that is not on the uplink is none of the provider's business either when its link is down; nor is a network of
 * OVN's on its gateway, until Open vSwitch is up.
 */
export function unreachablePrefixes(host: HostInput, routed: readonly OverlayPrefix[]): readonly IpPrefix[] {
  const isOnUplink = lanInterfaceOf(host) === host.uplink;
  const { isBehind, isPart } = createRoles(host.name, routed);
  const isHere = (each: OverlayPrefix): boolean =>
    (isBehind(each) && !isPart(each.prefix)) || (each.use.kind === "lan" && each.use.site === host.site && isOnUplink);
  return routed.filter((each) => !isHere(each)).map((each) => each.prefix);
}

/**
 * Where AllowedIPs are merged these are merged too: an unreachable route of a prefix longer than the tunnel's would win. The
 * host's own part of a larger prefix is added, or what is meant for it would go back into the tunnel while its bridge is down;
 * and what is others' inside its own, which it would else keep.
 */
export function mergedUnreachable(
  { name }: HostInput,
  { merged, routed }: { readonly merged: readonly IpPrefix[]; readonly routed: readonly OverlayPrefix[] },
  owned: readonly OwnedPrefix[],
): readonly IpPrefix[] {
  const { isBehind, isPart } = createRoles(name, routed);
  const behind = routed.filter(isBehind);
  const wide = outerPrefixes(behind);
  const isInside = (each: OverlayPrefix): boolean =>
    wide.some((outer) => isMoreSpecific(each.prefix, outer)) && !isBehind(each);
  const own = behind.map(({ prefix }) => prefix);
  const all = [
    ...prefixesWithout(
      merged,
      own.filter((prefix) => !isPart(prefix)),
    ),
    ...mergePrefixes(routed.filter(isInside).map(({ prefix }) => prefix)),
    ...own.filter(isPart),
    ...owned.filter(({ use }) => use.kind !== "route").map(({ prefix }) => prefix),
  ];
  return [...new Set(all)].sort(comparePrefixes);
}
