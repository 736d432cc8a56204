/** Guests that are to configure themselves by router advertisements: there is a router who can tell them, and what of. */
import { type Diagnostic, diagnostic } from "../base/diagnostic.ts";
import { familyOf, type IpAddress, type IpPrefix, prefixLengthBits } from "../base/ip.ts";
import { originSpan } from "../model/origin.ts";
import type { HostInput, SubnetInput, Topology } from "../topology/topology.ts";
import { askedFor, gatewayNames, KEYS, type Obstacle, obstacleToAll } from "./guests.ts";

/** Of such prefixes alone guests make addresses: half of the 128 bits are the interface's (RFC 4291 §2.5.1). */
const SLAAC_BITS = 64;

const isIpv6 = (each: IpAddress | IpPrefix): boolean => familyOf(each) === 6;

function obstacleOf(subnet: SubnetInput, members: readonly HostInput[]): Obstacle | undefined {
  const { prefixes, gateway, vxlan } = subnet;
  if (!prefixes.some(({ value }) => isIpv6(value))) {
    return ["it has no IPv6 prefix", "give it one, or leave sendRa out"];
  }
  const gateways = gatewayNames(subnet, members, isIpv6);
  const obstacle = obstacleToAll(subnet, "advertisement", { gateways, of: "its IPv6 prefixes" });
  if (obstacle !== undefined) return obstacle;
  // With one address all members are one router.
  if (vxlan === undefined || gateway?.kind !== "perHost" || gateways.length < 2) return undefined;
  const why = `each of ${gateways.join(" and ")} would call itself the router`;
  return [why, "name one gateway, or give all the same address"];
}

const asked = (topology: Topology) => askedFor(topology, "advertisement", obstacleOf);

/** Of every subnet that asks for router advertisements there is a router. */
export function advertisementsHaveRouters(topology: Topology): readonly Diagnostic[] {
  return asked(topology).flatMap(({ subnet: { name, origin }, obstacle }) => {
    if (obstacle === undefined) return [];
    const [why, advice] = obstacle;
    return [diagnostic("ra-without-router", { subnet: name, why, advice }, originSpan(origin, KEYS.advertisement))];
  });
}

/** Guests can make addresses of what they are told. */
export function advertisedPrefixesMakeAddresses(topology: Topology): readonly Diagnostic[] {
  return asked(topology).flatMap(({ subnet: { name: subnet, perHost, prefixes }, obstacle }) =>
    prefixes.flatMap(({ value: prefix, span }) => {
      const length = perHost ?? prefixLengthBits(prefix);
      if (obstacle !== undefined || !isIpv6(prefix) || length === SLAAC_BITS) return [];
      return [diagnostic("ra-prefix-length", { subnet, prefix, length }, span)];
    }),
  );
}

/** Router advertisements tell of IPv6 name servers (RFC 8106 §5.1). */
export function advertisementsNameIpv6Servers(topology: Topology): readonly Diagnostic[] {
  return asked(topology).flatMap(({ told }) =>
    told.dns
      .filter(({ value }) => !isIpv6(value))
      .map(({ value: address, span }) => diagnostic("ra-dns-ipv4", { address }, span)),
  );
}
