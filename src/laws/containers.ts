/** What containers are given is in their host's part of the subnet, and nobody else's. */
import { type Diagnostic, diagnostic } from "../base/diagnostic.ts";
import { containsAddress, containsPrefix, hostAddress, type IpAddress, type IpPrefix, overlaps } from "../base/ip.ts";
import { usableRange } from "../topology/container.ts";
import { createMembers } from "../topology/members.ts";
import { prefixesOn } from "../topology/slices.ts";
import type { HostInput, Located, SubnetInput, Topology } from "../topology/topology.ts";

/** A range, and what else is given and taken where it lies. */
interface Given {
  readonly subnet: SubnetInput;
  readonly host: string;
  readonly range: Located<IpPrefix>;
  readonly prefixes: readonly IpPrefix[];
  readonly gateways: readonly IpAddress[];
  /** Ranges that come before it. */
  readonly others: readonly Pick<Given, "host" | "range">[];
}

/** Those of a segment that anyone has; those of a routed subnet that the host has, by itself if none is named. */
function gatewaysNear({ gateway, vxlan }: SubnetInput, host: string, prefixes: readonly IpPrefix[]) {
  const lists = gateway?.kind === "perHost" ? gateway.hosts : gateway?.kind === "shared" ? [gateway] : [];
  const near = lists.filter((each) => vxlan !== undefined || !("host" in each) || each.host.value === host);
  const named = near.flatMap(({ addresses }) => addresses.map(({ value }) => value));
  if (vxlan !== undefined) return named;
  const unnamed = prefixes.filter((prefix) => !named.some((address) => containsAddress(prefix, address)));
  return [...named, ...unnamed.flatMap((prefix) => hostAddress(prefix, 1) ?? [])];
}

function givenOn(subnet: SubnetInput, members: readonly HostInput[]): readonly Given[] {
  const all = (subnet.container?.ranges ?? []).flatMap(({ host: { value: host }, prefixes: ranges }) => {
    const member = members.find(({ name }) => name === host);
    if (member === undefined) return [];
    const prefixes =
      subnet.vxlan === undefined ? prefixesOn(subnet, member) : subnet.prefixes.map(({ value }) => value);
    // There is an error already.
    if (prefixes.length === 0) return [];
    const gateways = gatewaysNear(subnet, host, prefixes);
    return ranges.map((range) => ({ subnet, host, range, prefixes, gateways }));
  });
  return all.map((each, index) => ({ ...each, others: all.slice(0, index) }));
}

/** Why containers cannot be given it. */
function flawOf({ host, range: { value: range }, prefixes, gateways, others }: Given): string | undefined {
  const around = prefixes.find((prefix) => containsPrefix(prefix, range));
  if (around === undefined) return `${host} has ${prefixes.join(" and ")} of it`;
  const gateway = gateways.find((address) => containsAddress(range, address));
  if (gateway !== undefined) return `the gateway ${gateway} is among them`;
  if (usableRange(around, range) === undefined) return "no host may have any of them";
  const twice = others.find((other) => overlaps(other.range.value, range));
  if (twice !== undefined) return `${twice.host} gives ${twice.range.value} already`;
  const second = others.find((other) => other.host === host && containsPrefix(around, other.range.value));
  if (second === undefined) return undefined;
  return `${host} gives ${second.range.value} of ${around} already, and a host gives one range of each prefix`;
}

/** What containers are given lies in their host's part of the subnet, and is nobody else's. */
export function containerRangesCanBeGiven(topology: Topology): readonly Diagnostic[] {
  const membersOf = createMembers(topology);
  return topology.subnets.flatMap((subnet) =>
    givenOn(subnet, membersOf(subnet)).flatMap((given) => {
      const why = flawOf(given);
      if (why === undefined) return [];
      const { host, range, prefixes } = given;
      const params = { host, range: range.value, subnet: subnet.name, why, prefixes: prefixes.join(" or ") };
      return [diagnostic("container-range-unusable", params, range.span)];
    }),
  );
}
