/** Ports of a segment, and what else connects what they lead to. */
import { type Diagnostic, diagnostic } from "../base/diagnostic.ts";
import { createMembers } from "../topology/members.ts";
import type { SubnetInput, Topology } from "../topology/topology.ts";

/** Of two hosts in one site one puts ports into a segment: the site's switch would be joined with itself by the tunnel. */
export function portsOfASiteAreOnOneHost(topology: Topology): readonly Diagnostic[] {
  const membersOf = createMembers(topology);
  const loopsOf = (segment: SubnetInput): readonly Diagnostic[] => {
    const { name: subnet, ports } = segment;
    const sites = new Map(membersOf(segment).map(({ name, site }) => [name, site]));
    return ports.flatMap(({ host: { value: host, span } }, index) => {
      const site = sites.get(host);
      const first = ports.slice(0, index).find((each) => sites.get(each.host.value) === site)?.host;
      if (site === undefined || first === undefined) return [];
      const related = [{ message: `the ports of ${first.value} are here`, span: first.span }];
      return [diagnostic("ports-in-one-site", { host, other: first.value, subnet, site }, span, related)];
    });
  };
  return topology.subnets
    .filter(({ vxlan, hasSeparateSwitches }) => vxlan !== undefined && !hasSeparateSwitches)
    .flatMap(loopsOf);
}
