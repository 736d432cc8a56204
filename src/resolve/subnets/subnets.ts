/** Subnets as the user wrote them → who is on them, which prefix leads to whom, which addresses stand where. */
import { type Diagnostic, diagnostic } from "../../base/diagnostic.ts";
import { must } from "../../base/invariant.ts";
import {
  addressBits,
  containsAddress,
  familyOf,
  hostAddress,
  type IpAddress,
  type IpPrefix,
  isHostAddress,
  prefixLengthBits,
  subPrefix,
} from "../../base/ip.ts";
import { compareText } from "../../base/text.ts";
import type { InterfaceAddress } from "../../model/device.ts";
import { originSpan } from "../../model/origin.ts";
import type { Gateway, GatewayHost } from "../../model/segment.ts";
import type { createMembers } from "../../topology/members.ts";
import type { GatewayInput, Located, SubnetInput } from "../../topology/topology.ts";
import type { ResolvedHost } from "../hosts/hosts.ts";

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

/** The prefixes that hold addresses of this host: the whole subnet, or with perHost its slice. */
function hostPrefixes(subnet: SubnetInput, host: ResolvedHost, found: Diagnostic[]): readonly IpPrefix[] {
  const { perHost } = subnet;
  if (perHost === undefined) return prefixesOf(subnet);
  return subnet.prefixes.flatMap(({ value: cidr, span }) => {
    const slice = subPrefix(cidr, perHost, host.input.id);
    if (slice !== undefined) return [slice];
    // Said once, where perHost is written.
    if (perHost <= prefixLengthBits(cidr) || perHost > addressBits(familyOf(cidr))) return [];
    const last = 2 ** Math.min(perHost - prefixLengthBits(cidr), 16) - 1;
    const params = { host: host.input.name, id: host.input.id, cidr, length: perHost, last };
    const related = [{ message: `${cidr} is split here`, span }];
    found.push(diagnostic("slice-outside-subnet", params, originSpan(host.input.origin, "id"), related));
    return [];
  });
}

/** Gateway addresses with the length of the prefix that each lies in; those that lie in none are reported and left out. */
function placeAddresses(
  subnet: SubnetInput,
  prefixes: readonly IpPrefix[],
  { addresses, found }: { addresses: readonly Located<IpAddress>[]; found: Diagnostic[] },
): readonly InterfaceAddress[] {
  const placed: InterfaceAddress[] = [];
  for (const { value: address, span } of addresses) {
    const prefix = prefixes.find((each) => containsAddress(each, address) && isHostAddress(each, address));
    const twin = placed.find((each) => familyOf(each.address) === familyOf(address));
    if (prefix === undefined) {
      const params = { address, subnet: subnet.name, prefixes: prefixes.join(", ") || "no cidr" };
      found.push(diagnostic("gateway-outside-subnet", params, span));
    } else if (twin !== undefined) {
      const params = { subnet: subnet.name, family: familyOf(address), address: twin.address, other: address };
      found.push(diagnostic("gateway-family-twice", params, span));
    } else {
      placed.push({ address, lengthBits: prefixLengthBits(prefix) });
    }
  }
  return placed;
}

/** The first address of each prefix: the default gateway of a routed subnet whose bridge is netgen's. */
function firstAddresses(prefixes: readonly IpPrefix[]): readonly InterfaceAddress[] {
  return prefixes.flatMap((prefix) => {
    const address = hostAddress(prefix, 1);
    return address === undefined ? [] : [{ address, lengthBits: prefixLengthBits(prefix) }];
  });
}

function gatewaysPerHost(
  subnet: SubnetInput,
  gateway: Extract<GatewayInput, { kind: "perHost" }>,
  { prefixes, found }: { prefixes: (host: string) => readonly IpPrefix[] | undefined; found: Diagnostic[] },
): Gateway {
  const hosts: GatewayHost[] = [];
  for (const { host, addresses } of gateway.hosts) {
    const own = prefixes(host.value);
    if (own === undefined) {
      const params = { host: host.value, what: "a gateway", subnet: subnet.name };
      found.push(diagnostic("host-not-member", params, host.span));
    } else {
      hosts.push({ host: host.value, addresses: placeAddresses(subnet, own, { addresses, found }) });
    }
  }
  return { kind: "each", hosts: hosts.sort((a, b) => compareText(a.host, b.host)) };
}

function resolveSegmentGateway(subnet: SubnetInput, members: readonly string[], found: Diagnostic[]): Gateway {
  const prefixes = prefixesOf(subnet);
  switch (subnet.gateway?.kind) {
    case undefined:
    case "none":
      return { kind: "none" };
    case "shared": {
      const addresses = placeAddresses(subnet, prefixes, { addresses: subnet.gateway.addresses, found });
      return { kind: "shared", hosts: members, addresses };
    }
    case "perHost": {
      const known = new Set(members);
      const memberPrefixes = (host: string) => (known.has(host) ? prefixes : undefined);
      return gatewaysPerHost(subnet, subnet.gateway, { prefixes: memberPrefixes, found });
    }
  }
}

function resolveRoutedGateway(
  subnet: SubnetInput,
  owned: ReadonlyMap<string, readonly IpPrefix[]>,
  found: Diagnostic[],
): Gateway {
  if (subnet.isExternal || subnet.gateway?.kind === "none") return { kind: "none" };
  switch (subnet.gateway?.kind) {
    case undefined: {
      const hosts = [...owned].map(([host, prefixes]) => ({ host, addresses: firstAddresses(prefixes) }));
      return { kind: "each", hosts };
    }
    case "shared": {
      const addresses = placeAddresses(subnet, prefixesOf(subnet), { addresses: subnet.gateway.addresses, found });
      return { kind: "each", hosts: [...owned.keys()].slice(0, 1).map((host) => ({ host, addresses })) };
    }
    case "perHost":
      return gatewaysPerHost(subnet, subnet.gateway, { prefixes: (host) => owned.get(host), found });
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

function resolveSegment(subnet: SubnetInput, members: readonly string[], found: Diagnostic[]): Draft {
  const gateway = resolveSegmentGateway(subnet, members, found);
  const [owner, ...others] = gatewayHosts(gateway);
  // AllowedIPs know one owner: with several gateways the prefix is reachable inside the segment only.
  const isOwned = owner !== undefined && others.length === 0 && !subnet.isIsolated && subnet.vrf === undefined;
  return { input: subnet, members, owned: new Map(isOwned ? [[owner, prefixesOf(subnet)]] : []), gateway };
}

function resolveRouted(subnet: SubnetInput, members: readonly ResolvedHost[], found: Diagnostic[]): Draft {
  const owners = subnet.perHost === undefined && members.length > 1 ? [] : members;
  const owned = new Map(owners.map((host) => [host.input.name, hostPrefixes(subnet, host, found)]));
  const gateway = resolveRoutedGateway(subnet, owned, found);
  return { input: subnet, members: members.map((host) => host.input.name), owned, gateway };
}

/** The subnet without what it says of hosts that have mistakes of their own: they are judged once these are mended. */
function withoutAbsentHosts(subnet: SubnetInput, hosts: ReadonlyMap<string, ResolvedHost>): SubnetInput {
  const isThere = ({ host }: { readonly host: Located<string> }): boolean => hosts.has(host.value);
  const { gateway, ports } = subnet;
  return {
    ...subnet,
    gateway: gateway?.kind === "perHost" ? { ...gateway, hosts: gateway.hosts.filter(isThere) } : gateway,
    ports: ports.filter(isThere),
  };
}

/** The hosts that a subnet can be on. */
interface Candidates {
  readonly hosts: ReadonlyMap<string, ResolvedHost>;
  readonly membersOf: ReturnType<typeof createMembers>;
}

/** Gives each subnet its members, owners and gateway addresses. */
export function resolveSubnet(
  input: SubnetInput,
  { hosts, membersOf }: Candidates,
  found: Diagnostic[],
): ResolvedSubnet {
  const subnet = withoutAbsentHosts(input, hosts);
  const members = membersOf(subnet.members);
  const memberHosts = members.map((name) => must(hosts.get(name), "members are hosts"));
  const draft =
    subnet.vxlan === undefined ? resolveRouted(subnet, memberHosts, found) : resolveSegment(subnet, members, found);
  return { ...draft, isMember: new Set(members), gatewayAddresses: addressesByHost(draft.gateway) };
}
