/** The addresses of gateways, and who of a subnet is named besides its members. */
import { type Diagnostic, diagnostic } from "../base/diagnostic.ts";
import { must } from "../base/invariant.ts";
import { type IpAddress, type IpPrefix, isHostAddress } from "../base/ip.ts";
import { originSpan } from "../model/origin.ts";
import { hostsByName } from "../topology/hosts.ts";
import { createMembers } from "../topology/members.ts";
import { prefixesOn } from "../topology/slices.ts";
import type { HostInput, Located, SubnetInput, Topology } from "../topology/topology.ts";

/** Ports and gateways are of hosts that are on the subnet; one with a mistake of its own is judged once that is mended. */
export function portsAndGatewaysAreOnMembers(topology: Topology): readonly Diagnostic[] {
  const membersOf = createMembers(topology);
  const hosts = hostsByName(topology);
  return topology.subnets.flatMap((each) => {
    const { name: subnet, ports, gateway, isExternal, container } = each;
    const own = new Set(membersOf(each).map(({ name }) => name));
    const gateways = gateway?.kind === "perHost" && !isExternal ? gateway.hosts : [];
    return [
      ...ports.map(({ host }) => ({ host, what: "ports" })),
      ...gateways.map(({ host }) => ({ host, what: "a gateway" })),
      ...(container?.ranges ?? []).map(({ host }) => ({ host, what: "a range of containers" })),
    ]
      .filter(({ host: { value } }) => hosts.has(value) && !own.has(value))
      .map(({ host: { value: host, span }, what }) => diagnostic("host-not-member", { host, what, subnet }, span));
  });
}

/** Addresses of a gateway on one host, and the prefixes that they may lie in. */
interface Place {
  readonly subnet: string;
  readonly addresses: readonly Located<IpAddress>[];
  readonly prefixes: readonly IpPrefix[];
}

function placesOf(topology: Topology): readonly Place[] {
  const membersOf = createMembers(topology);
  return topology.subnets.flatMap((subnet): readonly Place[] => {
    const { name, prefixes, gateway, vxlan, isExternal } = subnet;
    const whole = prefixes.map(({ value }) => value);
    if (isExternal || gateway === undefined || gateway.kind === "none") return [];
    if (gateway.kind === "shared") return [{ subnet: name, addresses: gateway.addresses, prefixes: whole }];
    return gateway.hosts.flatMap(({ host, addresses }) =>
      membersOf(subnet)
        .filter((each) => each.name === host.value)
        .map((each) => ({ subnet: name, addresses, prefixes: vxlan === undefined ? prefixesOn(subnet, each) : whole })),
    );
  });
}

const liesIn =
  (prefixes: readonly IpPrefix[]) =>
  ({ value }: Located<IpAddress>): boolean =>
    prefixes.some((prefix) => isHostAddress(prefix, value));

/** A gateway has an address of its subnet, or of its host's slice. */
export function gatewaysStandInSubnets(topology: Topology): readonly Diagnostic[] {
  return placesOf(topology).flatMap(({ subnet, addresses, prefixes }) =>
    addresses
      .filter((each) => !liesIn(prefixes)(each))
      .map(({ value: address, span }) => {
        const params = { address, subnet, prefixes: prefixes.join(", ") || "no cidr" };
        return diagnostic("gateway-outside-subnet", params, span);
      }),
  );
}

/** A gateway has one address of a prefix on one host: guests are told of one. */
export function gatewaysAreOneOfAPrefix(topology: Topology): readonly Diagnostic[] {
  return placesOf(topology).flatMap(({ subnet, addresses, prefixes }) =>
    prefixes.flatMap((prefix) => {
      const [first, ...others] = addresses.filter(({ value }) => isHostAddress(prefix, value));
      return others.map(({ value: other, span }) => {
        const address = must(first, "others come after a first").value;
        return diagnostic("gateway-prefix-twice", { subnet, prefix, address, other }, span);
      });
    }),
  );
}

/** The hosts by which guests of a subnet leave it: its only host or all that have a slice, or the gateways of a segment. */
function leavingBy({ vxlan, perHost, gateway }: SubnetInput, members: readonly HostInput[]): readonly HostInput[] {
  if (vxlan === undefined) return perHost === undefined && members.length > 1 ? [] : members;
  if (gateway?.kind !== "perHost") return gateway?.kind === "shared" ? members : [];
  const named = new Set(gateway.hosts.map(({ host }) => host.value));
  return members.filter(({ name }) => named.has(name));
}

/** Guests that take the address of a host leave it by an uplink. */
export function snatHasUplinks(topology: Topology): readonly Diagnostic[] {
  const membersOf = createMembers(topology);
  return topology.subnets.flatMap((subnet) => {
    const leaving = subnet.hasSnat ? leavingBy(subnet, membersOf(subnet)) : [];
    return leaving
      .filter(({ uplink }) => uplink === undefined)
      .map(({ name: host, origin }) => {
        const related = [{ message: `${host} is here`, span: originSpan(origin) }];
        const params = { subnet: subnet.name, host };
        return diagnostic("snat-without-uplink", params, originSpan(subnet.origin, "snat"), related);
      });
  });
}
