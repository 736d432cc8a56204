/** What a subnet says of its prefixes and of who is on it. */
import { type Diagnostic, diagnostic } from "../base/diagnostic.ts";
import { addressBits, familyOf, prefixLengthBits } from "../base/ip.ts";
import { someOf } from "../base/text.ts";
import { originSpan } from "../model/origin.ts";
import { hostsByName } from "../topology/hosts.ts";
import { createMembers } from "../topology/members.ts";
import type { Topology } from "../topology/topology.ts";

/** A subnet has a prefix, unless it is a segment that nobody routes to. */
export function subnetsHavePrefixes({ subnets }: Topology): readonly Diagnostic[] {
  return subnets
    .filter(({ prefixes, vxlan, gateway }) => {
      const hasGateway = gateway !== undefined && gateway.kind !== "none";
      return prefixes.length === 0 && (vxlan === undefined || hasGateway);
    })
    .map(({ name, origin }) => diagnostic("subnet-without-prefix", { subnet: name }, originSpan(origin)));
}

/** A segment has one prefix of each family: of a second one hosts and guests would know no gateway. */
export function segmentsHaveOnePrefixOfAFamily({ subnets }: Topology): readonly Diagnostic[] {
  return subnets.flatMap(({ name, prefixes, vxlan }) =>
    prefixes.flatMap(({ value: prefix, span }, index) => {
      const family = familyOf(prefix);
      const first = prefixes.slice(0, index).find(({ value }) => familyOf(value) === family);
      if (vxlan === undefined || first === undefined) return [];
      const related = [{ message: "the first one is here", span: first.span }];
      const params = { subnet: name, family, prefix, other: first.value };
      return [diagnostic("segment-prefix-twice", params, span, related)];
    }),
  );
}

/** A slice is longer than the prefix that it is cut from, and no longer than an address. */
export function slicesFit({ subnets }: Topology): readonly Diagnostic[] {
  return subnets.flatMap(({ perHost, prefixes, origin }) =>
    prefixes.flatMap(({ value: cidr }) => {
      const longest = addressBits(familyOf(cidr));
      if (perHost === undefined || (perHost > prefixLengthBits(cidr) && perHost <= longest)) return [];
      const example = Math.min(longest, prefixLengthBits(cidr) + 8);
      const params = { length: perHost, cidr, longest, example };
      return [diagnostic("slice-length-wrong", params, originSpan(origin, "perHost"))];
    }),
  );
}

/** A routed subnet that is not cut into slices is on one host: AllowedIPs know one owner. */
export function wholeSubnetsHaveOneOwner(topology: Topology): readonly Diagnostic[] {
  const membersOf = createMembers(topology);
  return topology.subnets.flatMap(({ name, vxlan, perHost, members, origin }) => {
    if (vxlan !== undefined || perHost !== undefined) return [];
    const owners = membersOf(members);
    if (owners.length < 2) return [];
    const params = { subnet: name, count: owners.length, hosts: someOf(owners) };
    return [diagnostic("subnet-several-owners", params, originSpan(origin, "hosts"))];
  });
}

/** Ports are of hosts that are on the subnet; one with a mistake of its own is judged once that is mended. */
export function portsAreOnMembers(topology: Topology): readonly Diagnostic[] {
  const membersOf = createMembers(topology);
  const hosts = hostsByName(topology);
  return topology.subnets.flatMap(({ name: subnet, ports, members }) => {
    const own = ports.length === 0 ? [] : membersOf(members);
    return ports
      .filter(({ host }) => hosts.has(host.value) && !own.includes(host.value))
      .map(({ host }) => diagnostic("host-not-member", { host: host.value, what: "ports", subnet }, host.span));
  });
}
