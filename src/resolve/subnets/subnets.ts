/** Subnets as the user wrote them → who is on them, which prefix leads to whom, which addresses stand where. */
import { hostAddress, type IpAddress, type IpPrefix, isHostAddress, prefixLengthBits } from "../../base/ip.ts";
import { sortedBy } from "../../base/text.ts";
import type { InterfaceAddress } from "../../model/device.ts";
import type { Gateway } from "../../model/segment.ts";
import { createMembers } from "../../topology/members.ts";
import { prefixesOn } from "../../topology/slices.ts";
import type { GatewayInput, HostInput, Located, SubnetInput, Topology } from "../../topology/topology.ts";

/** A subnet with its members and with every prefix and address given to one of them. */
export interface ResolvedSubnet {
  readonly input: SubnetInput;
  /** Host names, sorted. */
  readonly members: readonly string[];
  /** The same names, to be asked. */
  readonly isMember: ReadonlySet<string>;
  /** The prefixes that each member owns, by host name; nothing for a host that owns none. */
  readonly owned: ReadonlyMap<string, readonly IpPrefix[]>;
  readonly gateway: Gateway;
  /** The gateway addresses of each host that is one, by its name. */
  readonly gatewayAddresses: ReadonlyMap<string, readonly InterfaceAddress[]>;
}

const prefixesOf = (subnet: SubnetInput): readonly IpPrefix[] => subnet.prefixes.map((each) => each.value);

/** Gateway addresses with the length of the prefix that each lies in; laws see to those that lie in none. */
function inTheirPrefixes(
  addresses: readonly Located<IpAddress>[],
  prefixes: readonly IpPrefix[],
): readonly InterfaceAddress[] {
  return addresses.flatMap(({ value: address }) => {
    const prefix = prefixes.find((each) => isHostAddress(each, address));
    return prefix === undefined ? [] : [{ address, lengthBits: prefixLengthBits(prefix) }];
  });
}

/** The first address of each prefix: the default gateway of a routed subnet whose bridge is netgen's. */
function firstAddresses(prefixes: readonly IpPrefix[]): readonly InterfaceAddress[] {
  return prefixes.flatMap((prefix) => {
    const address = hostAddress(prefix, 1);
    return address === undefined ? [] : [{ address, lengthBits: prefixLengthBits(prefix) }];
  });
}

/** A gateway for each host that is named and on the subnet; `prefixesOf`: where its addresses may lie. */
function gatewaysPerHost(
  { hosts }: Extract<GatewayInput, { kind: "perHost" }>,
  prefixesOf: (host: string) => readonly IpPrefix[] | undefined,
): Gateway {
  const own = hosts.flatMap(({ host: { value: host }, addresses }) => {
    const prefixes = prefixesOf(host);
    return prefixes === undefined ? [] : [{ host, addresses: inTheirPrefixes(addresses, prefixes) }];
  });
  return { kind: "each", hosts: sortedBy(own, ({ host }) => host) };
}

function segmentGateway(subnet: SubnetInput, members: readonly string[]): Gateway {
  const prefixes = prefixesOf(subnet);
  switch (subnet.gateway?.kind) {
    case undefined:
    case "none":
      return { kind: "none" };
    case "shared":
      return { kind: "shared", hosts: members, addresses: inTheirPrefixes(subnet.gateway.addresses, prefixes) };
    case "perHost": {
      const known = new Set(members);
      return gatewaysPerHost(subnet.gateway, (host) => (known.has(host) ? prefixes : undefined));
    }
  }
}

function routedGateway(subnet: SubnetInput, owned: ReadonlyMap<string, readonly IpPrefix[]>): Gateway {
  if (subnet.isExternal || subnet.gateway?.kind === "none") return { kind: "none" };
  switch (subnet.gateway?.kind) {
    case undefined: {
      const hosts = [...owned].map(([host, prefixes]) => ({ host, addresses: firstAddresses(prefixes) }));
      return { kind: "each", hosts };
    }
    case "shared": {
      const addresses = inTheirPrefixes(subnet.gateway.addresses, prefixesOf(subnet));
      return { kind: "each", hosts: [...owned.keys()].slice(0, 1).map((host) => ({ host, addresses })) };
    }
    case "perHost":
      return gatewaysPerHost(subnet.gateway, (host) => owned.get(host));
  }
}

/** Hosts that have a gateway address of a segment. */
export function gatewayHosts(gateway: Gateway): readonly string[] {
  switch (gateway.kind) {
    case "none":
      return [];
    case "shared":
      return gateway.hosts;
    case "each":
      return gateway.hosts.map((each) => each.host);
  }
}

function addressesByHost(gateway: Gateway): ResolvedSubnet["gatewayAddresses"] {
  switch (gateway.kind) {
    case "none":
      return new Map();
    case "shared":
      return new Map(gateway.hosts.map((host) => [host, gateway.addresses]));
    case "each":
      return new Map(gateway.hosts.map(({ host, addresses }) => [host, addresses]));
  }
}

/** A subnet before what follows from its members and its gateway alone. */
type Draft = Omit<ResolvedSubnet, "isMember" | "gatewayAddresses">;

function segmentDraft(subnet: SubnetInput, members: readonly string[]): Draft {
  const gateway = segmentGateway(subnet, members);
  const [owner, ...others] = gatewayHosts(gateway);
  // AllowedIPs know one owner: with several gateways the prefix is reachable inside the segment only.
  const isOwned = owner !== undefined && others.length === 0 && !subnet.isIsolated && subnet.vrf === undefined;
  return { input: subnet, members, owned: new Map(isOwned ? [[owner, prefixesOf(subnet)]] : []), gateway };
}

function routedDraft(subnet: SubnetInput, hosts: readonly HostInput[]): Draft {
  const owners = subnet.perHost === undefined && hosts.length > 1 ? [] : hosts;
  const owned = new Map(owners.map((host) => [host.name, prefixesOn(subnet, host)]));
  return { input: subnet, members: hosts.map(({ name }) => name), owned, gateway: routedGateway(subnet, owned) };
}

/** Gives each subnet its members, owners and gateway addresses; sorted by name. */
export function resolveSubnets(topology: Topology): readonly ResolvedSubnet[] {
  const membersOf = createMembers(topology);
  return sortedBy(topology.subnets, (subnet) => subnet.name).map((subnet) => {
    const hosts = membersOf(subnet);
    const members = hosts.map(({ name }) => name);
    const draft = subnet.vxlan === undefined ? routedDraft(subnet, hosts) : segmentDraft(subnet, members);
    return { ...draft, isMember: new Set(members), gatewayAddresses: addressesByHost(draft.gateway) };
  });
}
