/** Who is on a subnet. */
import { compareText } from "../base/text.ts";
import { hasTunnels, isApp } from "./hosts.ts";
import type { HostInput, SubnetInput, Topology } from "./topology.ts";

/**
 * Gives the function that spells a subnet's members out: hosts for names of hosts and sites, or `all`; by name, each once.
 * The latter two mean hosts that run WireGuard and are no app's, and `all` does not mean hubs: they are on a subnet only if they or their site
 * are named.
 */
export function createMembers({
  hosts,
  wireguard,
}: Topology): (subnet: Pick<SubnetInput, "members">) => readonly HostInput[] {
  const running = hosts.filter((host) => hasTunnels(host) && !isApp(host)).sort((a, b) => compareText(a.name, b.name));
  const hubs = new Set(wireguard.hubs.map(({ value }) => value));
  const all = running.filter(({ name }) => !hubs.has(name));
  return ({ members }) => {
    if (members === "all") return all;
    const named = new Set(members.map(({ value }) => value));
    return running.filter(({ name, site }) => named.has(name) || (site !== undefined && named.has(site)));
  };
}
