/** What a subnet says of its prefixes and of who is on it. */
import { type Diagnostic, diagnostic } from "../base/diagnostic.ts";
import { addressBits, familyOf, type IpPrefix, prefixLengthBits } from "../base/ip.ts";
import { someOf } from "../base/text.ts";
import { originSpan } from "../model/origin.ts";
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

/** What is to be cut up is larger than netgen would choose by itself. A routed subnet has no MTU of its own. */
export function fragmentsHaveSizes({ subnets }: Topology): readonly Diagnostic[] {
  return subnets
    .filter(({ vxlan, isFragmented, mtu }) => vxlan !== undefined && isFragmented && mtu === undefined)
    .map(({ name: subnet, origin }) => diagnostic("fragment-without-mtu", { subnet }, originSpan(origin, "fragment")));
}

/** Whether a slice is longer than the prefix that it is cut from, and no longer than an address. */
const fits = (cidr: IpPrefix, perHost: number): boolean =>
  perHost > prefixLengthBits(cidr) && perHost <= addressBits(familyOf(cidr));

/** How to choose a length that fits all prefixes of a subnet; two families may have none in common. */
function sliceAdvice(prefixes: readonly IpPrefix[]): string {
  const least = Math.max(...prefixes.map(prefixLengthBits)) + 1;
  const most = Math.min(...prefixes.map((prefix) => addressBits(familyOf(prefix))));
  return least > most
    ? `no length fits ${prefixes.join(" and ")}: give each host a subnet of its own instead, which has a prefix of both families`
    : `write a prefix length between the two, such as ${Math.min(most, least + 7)}`;
}

/** A slice is a part of the prefix that it is cut from. */
export function slicesFit({ subnets }: Topology): readonly Diagnostic[] {
  return subnets.flatMap(({ perHost, prefixes, origin }) =>
    prefixes.flatMap(({ value: cidr }) => {
      if (perHost === undefined || fits(cidr, perHost)) return [];
      const longest = addressBits(familyOf(cidr));
      const params = { length: perHost, cidr, longest, advice: sliceAdvice(prefixes.map(({ value }) => value)) };
      return [diagnostic("slice-length-wrong", params, originSpan(origin, "perHost"))];
    }),
  );
}

/** Every host of a subnet that is cut has a slice: its id counts that far. */
export function idsFitSlices(topology: Topology): readonly Diagnostic[] {
  const membersOf = createMembers(topology);
  return topology.subnets.flatMap((subnet) => {
    const { vxlan, perHost, prefixes } = subnet;
    if (vxlan !== undefined || perHost === undefined) return [];
    const own = membersOf(subnet);
    const fitting = prefixes.filter(({ value }) => fits(value, perHost));
    return fitting.flatMap(({ value: cidr, span }) => {
      const last = 2 ** Math.min(perHost - prefixLengthBits(cidr), 16) - 1;
      const related = [{ message: `${cidr} is split here`, span }];
      return own
        .filter(({ id }) => id > last)
        .map(({ name: host, id, origin }) => {
          const params = { host, id, cidr, length: perHost, last };
          return diagnostic("slice-outside-subnet", params, originSpan(origin, "id"), related);
        });
    });
  });
}

/** A routed subnet that is not cut into slices is on one host: AllowedIPs know one owner. */
export function wholeSubnetsHaveOneOwner(topology: Topology): readonly Diagnostic[] {
  const membersOf = createMembers(topology);
  return topology.subnets.flatMap((subnet) => {
    const { name, vxlan, perHost, origin } = subnet;
    if (vxlan !== undefined || perHost !== undefined) return [];
    const owners = membersOf(subnet);
    if (owners.length < 2) return [];
    const params = { subnet: name, count: owners.length, hosts: someOf(owners.map((each) => each.name)) };
    return [diagnostic("subnet-several-owners", params, originSpan(origin, "hosts"))];
  });
}
