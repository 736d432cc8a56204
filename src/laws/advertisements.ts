/** Guests that are to configure themselves by router advertisements: there is a router who can tell them, and what of. */
import { type Diagnostic, diagnostic } from "../base/diagnostic.ts";
import { familyOf, prefixLengthBits } from "../base/ip.ts";
import { originSpan } from "../model/origin.ts";
import { createMembers } from "../topology/members.ts";
import type { HostInput, SubnetInput, Topology } from "../topology/topology.ts";

/** Of such prefixes alone guests make addresses: half of the 128 bits are the interface's (RFC 4291 §2.5.1). */
const SLAAC_BITS = 64;

/** Why nobody can tell them, and what to do about it. */
type Obstacle = readonly [why: string, advice: string];

const ELSEWHERE = "let that program tell them, and leave sendRa out";

/** The routers that have addresses of their own; none where all members have the same. */
function routersApart({ gateway }: SubnetInput): readonly string[] {
  const hosts = gateway?.kind === "perHost" ? gateway.hosts : [];
  const own = hosts.filter(({ addresses }) => addresses.some(({ value }) => familyOf(value) === 6));
  return own.map(({ host }) => host.value);
}

function hasRouter(subnet: SubnetInput, members: readonly HostInput[]): boolean {
  const { gateway, vxlan } = subnet;
  switch (gateway?.kind) {
    case undefined:
      return vxlan === undefined && members.length > 0;
    case "none":
      return false;
    case "shared":
      return gateway.addresses.some(({ value }) => familyOf(value) === 6);
    case "perHost":
      return routersApart(subnet).length > 0;
  }
}

function obstacleOf(subnet: SubnetInput, members: readonly HostInput[]): Obstacle | undefined {
  const { prefixes, isExternal, bridge, vrf, vxlan } = subnet;
  const apart = routersApart(subnet);
  if (!prefixes.some(({ value }) => familyOf(value) === 6))
    return ["it has no IPv6 prefix", "give it one, or leave sendRa out"];
  if (isExternal) return ["its bridge is another program's", ELSEWHERE];
  if (bridge?.isExisting) return ["its bridge is there already, and netgen sets no address on it", ELSEWHERE];
  if (vrf !== undefined) return ["it is in a VRF", "have a guest tell them, and leave sendRa out"];
  if (!hasRouter(subnet, members)) return ["no host is its IPv6 gateway", `name one: "gateway: {HOST: ADDRESS}"`];
  if (vxlan === undefined || apart.length < 2) return undefined;
  return [
    `each of ${apart.join(" and ")} would call itself the router`,
    "name one gateway, or give all the same address",
  ];
}

/** The subnets that ask for it; `obstacle`: why it cannot be. */
function asked(topology: Topology) {
  const membersOf = createMembers(topology);
  return topology.subnets.flatMap((subnet) => {
    const { advertisement } = subnet;
    const members = membersOf(subnet);
    // Without a member there is an error already.
    if (advertisement === undefined || members.length === 0) return [];
    return [{ subnet, advertisement, obstacle: obstacleOf(subnet, members) }];
  });
}

/** Of every subnet that asks for router advertisements there is a router. */
export function advertisementsHaveRouters(topology: Topology): readonly Diagnostic[] {
  return asked(topology).flatMap(({ subnet: { name, origin }, obstacle }) => {
    if (obstacle === undefined) return [];
    const [why, advice] = obstacle;
    return [diagnostic("ra-without-router", { subnet: name, why, advice }, originSpan(origin, "sendRa"))];
  });
}

/** Guests can make addresses of what they are told. */
export function advertisedPrefixesMakeAddresses(topology: Topology): readonly Diagnostic[] {
  return asked(topology).flatMap(({ subnet: { name: subnet, perHost, prefixes }, obstacle }) =>
    prefixes.flatMap(({ value: prefix, span }) => {
      const length = perHost ?? prefixLengthBits(prefix);
      if (obstacle !== undefined || familyOf(prefix) === 4 || length === SLAAC_BITS) return [];
      return [diagnostic("ra-prefix-length", { subnet, prefix, length }, span)];
    }),
  );
}

/** Router advertisements tell of IPv6 name servers (RFC 8106 §5.1). */
export function advertisementsNameIpv6Servers(topology: Topology): readonly Diagnostic[] {
  return asked(topology).flatMap(({ advertisement }) =>
    advertisement.dns
      .filter(({ value }) => familyOf(value) === 4)
      .map(({ value: address, span }) => diagnostic("ra-dns-ipv4", { address }, span)),
  );
}
