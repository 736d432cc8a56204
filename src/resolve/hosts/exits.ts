/** Ways out: which there are, and in which order a host prefers them. */
import { must } from "../../base/invariant.ts";
import { collapsePrefixes, FAMILIES, familyOf, type IpFamily } from "../../base/ip.ts";
import { sortedBy } from "../../base/text.ts";
import type { Exit, Remote } from "../../model/exit.ts";
import type { ExitInput, Topology } from "../../topology/topology.ts";
import type { ResolvedHost } from "./hosts.ts";

type Hosts = ReadonlyMap<string, ResolvedHost>;

/** The exits whose host and interface are there; a host that was left out for its own mistakes is judged once mended. */
export function resolveExits(exits: readonly ExitInput[], hosts: Hosts): readonly Exit[] {
  return exits.flatMap((exit): readonly Exit[] => {
    const host = hosts.get(exit.host.value);
    const device = exit.interface ?? host?.input.uplink;
    if (host === undefined || device === undefined) return [];
    const families: readonly IpFamily[] = exit.hasIpv6 ? [4, 6] : [4];
    const probes = exit.probes.map(({ value }) => value);
    const { hasSnat, origin } = exit;
    const reach = collapsePrefixes(exit.reach);
    return [{ host: host.input.name, interface: device, hasSnat, families, probes, reach, origin }];
  });
}

/** Remotes by name, whose exits carry the families of their prefixes. */
export function resolveRemotes({ remotes }: Topology, hosts: Hosts): readonly Remote[] {
  return sortedBy(remotes, ({ name }) => name).map((remote) => {
    const prefixes = collapsePrefixes(remote.prefixes.map(({ value }) => value));
    const families = FAMILIES.filter((family) => prefixes.some((prefix) => familyOf(prefix) === family));
    const exits = resolveExits(remote.exits, hosts).map((exit) => ({ ...exit, families }));
    return { name: remote.name, prefixes, exits };
  });
}

/** Exits as they stand, but for whoever is drained, who is last. */
export const inStrictOrder = <T extends Pick<Exit, "host">>(exits: readonly T[], hosts: Hosts): readonly T[] => {
  const isDrained = ({ host }: T): number => Number(must(hosts.get(host), "exits are hosts").input.isDrained);
  return [...exits].sort((a, b) => isDrained(a) - isDrained(b));
};

/** Other hosts' exits as seen from a host: those of its site first, then as they stand, and last whoever is drained. */
function othersInOrder<T extends Pick<Exit, "host">>({ input }: ResolvedHost, exits: readonly T[], hosts: Hosts) {
  const distance = ({ host }: T): number => {
    const { site, isDrained } = must(hosts.get(host), "exits are hosts").input;
    if (isDrained) return 2;
    return site !== undefined && site === input.site ? 0 : 1;
  };
  return exits.filter(({ host }) => host !== input.name).sort((a, b) => distance(a) - distance(b));
}

/** Exits as a host prefers them: in strict order as they stand, else its own before all others'. */
export function exitsFor<T extends Pick<Exit, "host">>(
  host: ResolvedHost,
  exits: readonly T[],
  { isStrict, hosts }: { readonly isStrict: boolean; readonly hosts: Hosts },
): readonly T[] {
  if (isStrict) return inStrictOrder(exits, hosts);
  return [...exits.filter((exit) => exit.host === host.input.name), ...othersInOrder(host, exits, hosts)];
}
