/** Guests that are to be configured by DHCP: there is one who can answer, and what is given can be given. */
import { type Diagnostic, diagnostic } from "../base/diagnostic.ts";
import { must } from "../base/invariant.ts";
import {
  compareAddresses,
  containsAddress,
  hostAddress,
  type IpAddress,
  type IpPrefix,
  isHostAddress,
  prefixLengthBits,
} from "../base/ip.ts";
import { originSpan } from "../model/origin.ts";
import { isIpv4, servedPrefix } from "../topology/dhcp.ts";
import { createMembers } from "../topology/members.ts";
import type { HostInput, Located, SubnetInput, Topology } from "../topology/topology.ts";

/** Half of a longer prefix has no room for a gateway, or for a guest. */
const LONGEST_BITS = 29;

/** Why nobody can answer, and what to do about it. */
type Obstacle = readonly [why: string, advice: string];

const ELSEWHERE = "let that program answer, and leave dhcp out";

/** The hosts by which guests leave a prefix; one that is named may have a mistake of its own, and is there all the same. */
function gatewayNames(
  { gateway, vxlan }: SubnetInput,
  members: readonly HostInput[],
  prefix: IpPrefix,
): readonly string[] {
  const all = members.map(({ name }) => name);
  const isOfPrefix = ({ value }: Located<IpAddress>): boolean => containsAddress(prefix, value);
  switch (gateway?.kind) {
    case undefined:
      return vxlan === undefined ? all : [];
    case "none":
      return [];
    case "shared":
      return gateway.addresses.some(isOfPrefix) ? all : [];
    case "perHost":
      return gateway.hosts.filter(({ addresses }) => addresses.some(isOfPrefix)).map(({ host }) => host.value);
  }
}

function obstacleOf(subnet: SubnetInput, members: readonly HostInput[]): Obstacle | undefined {
  const { isExternal, bridge, vrf, vxlan, perHost, dhcp } = subnet;
  const prefix = servedPrefix(subnet);
  if (prefix === undefined) return ["it has no IPv4 prefix", "give it one, or leave dhcp out"];
  const gateways = gatewayNames(subnet, members, prefix);
  if (isExternal) return ["its bridge is another program's", ELSEWHERE];
  if (bridge?.isExisting) return ["its bridge is there already, and netgen sets no address on it", ELSEWHERE];
  if (vrf !== undefined) return ["it is in a VRF", "have a guest answer, and leave dhcp out"];
  if (gateways.length === 0) return [`no host is the gateway of ${prefix}`, `name one: "gateway: {HOST: ADDRESS}"`];
  if (vxlan !== undefined && gateways.length > 1) {
    return [`${gateways.join(" and ")} would give out the same addresses`, "name one gateway, or leave dhcp out"];
  }
  if ((perHost ?? prefixLengthBits(prefix)) > LONGEST_BITS) {
    return [`/${perHost ?? prefixLengthBits(prefix)} has no room for it`, `choose /${LONGEST_BITS} or larger`];
  }
  if (perHost === undefined || dhcp?.range === undefined) return undefined;
  return ["each host has a slice of its own, which no range fits", "leave range out"];
}

/** The subnets that ask for it; `obstacle`: why it cannot be. */
function asked(topology: Topology) {
  const membersOf = createMembers(topology);
  return topology.subnets.flatMap((subnet) => {
    const { dhcp } = subnet;
    const members = membersOf(subnet);
    // Without a member there is an error already.
    return dhcp === undefined || members.length === 0 ? [] : [{ subnet, dhcp, obstacle: obstacleOf(subnet, members) }];
  });
}

/** Of every subnet that asks for DHCP one host answers. */
export function dhcpHasServers(topology: Topology): readonly Diagnostic[] {
  return asked(topology).flatMap(({ subnet: { name, origin }, obstacle }) => {
    if (obstacle === undefined) return [];
    const [why, advice] = obstacle;
    return [diagnostic("dhcp-without-server", { subnet: name, why, advice }, originSpan(origin, "dhcp"))];
  });
}

function gatewayAddress({ gateway }: SubnetInput, prefix: IpPrefix): IpAddress {
  const lists = gateway?.kind === "perHost" ? gateway.hosts : gateway?.kind === "shared" ? [gateway] : [];
  const all = lists.flatMap(({ addresses }) => addresses.map(({ value }) => value));
  const named = all.find((address) => containsAddress(prefix, address));
  return named ?? must(hostAddress(prefix, 1), "a prefix with room for guests has a first address");
}

/** Why guests cannot be given what lies between two addresses. */
function flawOf(
  [first, last]: readonly [IpAddress, IpAddress],
  prefix: IpPrefix,
  gateway: IpAddress,
): string | undefined {
  const stray = [first, last].find((each) => !isHostAddress(prefix, each));
  if (stray !== undefined) return `${stray} is no host address of ${prefix}`;
  if (compareAddresses(first, last) > 0) return "the last comes before the first";
  const isInside = compareAddresses(first, gateway) <= 0 && compareAddresses(gateway, last) <= 0;
  return isInside ? `the gateway ${gateway} is among them` : undefined;
}

/** What guests are given lies in their subnet, and is nobody else's. */
export function dhcpRangesCanBeGiven(topology: Topology): readonly Diagnostic[] {
  return asked(topology).flatMap(({ subnet, dhcp: { range }, obstacle }) => {
    if (obstacle !== undefined || range === undefined) return [];
    const prefix = must(servedPrefix(subnet), "who can be served has an IPv4 prefix");
    const [first, last] = [range[0].value, range[1].value];
    const why = flawOf([first, last], prefix, gatewayAddress(subnet, prefix));
    if (why === undefined) return [];
    return [diagnostic("dhcp-range-unusable", { first, last, subnet: subnet.name, why, prefix }, range[0].span)];
  });
}

/** DHCP tells of IPv4 name servers (RFC 2132 §3.8). */
export function dhcpNamesIpv4Servers(topology: Topology): readonly Diagnostic[] {
  return asked(topology).flatMap(({ dhcp }) =>
    dhcp.dns
      .filter(({ value }) => !isIpv4(value))
      .map(({ value: address, span }) => diagnostic("dhcp-dns-ipv6", { address }, span)),
  );
}
