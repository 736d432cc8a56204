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
import type { HostInput, SubnetInput, Topology } from "../topology/topology.ts";
import { askedFor, gatewayNames, KEYS, type Obstacle, obstacleToAll } from "./guests.ts";

/** Half of a longer prefix has no room for a gateway, or for a guest. */
const LONGEST_BITS = 29;

function obstacleOf(subnet: SubnetInput, members: readonly HostInput[]): Obstacle | undefined {
  const { vxlan, perHost, dhcp } = subnet;
  const prefix = servedPrefix(subnet);
  if (prefix === undefined) return ["it has no IPv4 prefix", "give it one, or leave dhcp out"];
  const gateways = gatewayNames(subnet, members, (address) => containsAddress(prefix, address));
  const obstacle = obstacleToAll(subnet, "dhcp", { gateways, of: prefix });
  if (obstacle !== undefined) return obstacle;
  if (vxlan !== undefined && gateways.length > 1) {
    return [`${gateways.join(" and ")} would give out the same addresses`, "name one gateway, or leave dhcp out"];
  }
  const length = perHost ?? prefixLengthBits(prefix);
  if (length > LONGEST_BITS) return [`/${length} has no room for it`, `choose /${LONGEST_BITS} or larger`];
  if (perHost === undefined || dhcp?.range === undefined) return undefined;
  return ["each host has a slice of its own, which no range fits", "leave range out"];
}

const asked = (topology: Topology) => askedFor(topology, "dhcp", obstacleOf);

/** Of every subnet that asks for DHCP one host answers. */
export function dhcpHasServers(topology: Topology): readonly Diagnostic[] {
  return asked(topology).flatMap(({ subnet: { name, origin }, obstacle }) => {
    if (obstacle === undefined) return [];
    const [why, advice] = obstacle;
    return [diagnostic("dhcp-without-server", { subnet: name, why, advice }, originSpan(origin, KEYS.dhcp))];
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
  return asked(topology).flatMap(({ subnet, told: { range }, obstacle }) => {
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
  return asked(topology).flatMap(({ told }) =>
    told.dns
      .filter(({ value }) => !isIpv4(value))
      .map(({ value: address, span }) => diagnostic("dhcp-dns-ipv6", { address }, span)),
  );
}
