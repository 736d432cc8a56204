/** What the programs are told that make networks of containers. */
import { containsAddress, hostAddress, type IpAddress, type IpPrefix } from "../../base/ip.ts";
import type { MtuBytes } from "../../base/units.ts";
import type { ContainerNetwork, ContainerPool, ContainerRange } from "../../model/containers.ts";
import type { Bridge } from "../../model/device.ts";
import type { Gateway } from "../../model/segment.ts";
import { type ContainerInput, rangesOn, usableRange } from "../../topology/container.ts";
import type { ResolvedHost } from "../hosts/hosts.ts";
import { bridgeName } from "./devices.ts";
import type { ResolvedSubnet } from "./subnets.ts";

/** The addresses of a subnet's gateways, those of the host itself first. */
function gatewaysFrom(gateway: Gateway, host: string): readonly IpAddress[] {
  switch (gateway.kind) {
    case "none":
      return [];
    case "shared":
      return gateway.addresses.map(({ address }) => address);
    case "each": {
      const own = gateway.hosts.filter((each) => each.host === host);
      return [...own, ...gateway.hosts].flatMap(({ addresses }) => addresses.map(({ address }) => address));
    }
  }
}

/** On a routed subnet each prefix of the host's; on a segment those of which the host has a range, and no others. */
function poolsOf(subnet: ResolvedSubnet, container: ContainerInput, host: string): readonly ContainerPool[] {
  const ranges = rangesOn(container, host).map(({ value }) => value);
  const gateways = gatewaysFrom(subnet.gateway, host);
  const isSegment = subnet.input.vxlan !== undefined;
  const rangeIn = (prefix: IpPrefix): ContainerRange | undefined =>
    ranges.map((range) => usableRange(prefix, range)).find((range) => range !== undefined);
  const prefixes = isSegment
    ? subnet.input.prefixes.map(({ value }) => value)
    : // Where several own the whole of it, which is an error already, nobody has any.
      (subnet.owned.get(host) ?? []);
  return prefixes
    .map((prefix): ContainerPool => {
      const named = gateways.find((address) => containsAddress(prefix, address));
      return { prefix, gateway: named ?? (isSegment ? undefined : hostAddress(prefix, 1)), range: rangeIn(prefix) };
    })
    .filter(({ range }) => range !== undefined || !isSegment);
}

/** The networks of a host's containers, in the order of the subnets; `tunnelMtu`: the smallest of its tunnels. */
export function containerNetworks(
  resolved: ResolvedHost,
  subnets: readonly ResolvedSubnet[],
  { bridges, tunnelMtu }: { readonly bridges: readonly Bridge[]; readonly tunnelMtu: MtuBytes | undefined },
): readonly ContainerNetwork[] {
  const host = resolved.input.name;
  return subnets.flatMap((subnet): readonly ContainerNetwork[] => {
    const { name, container, vxlan, origin } = subnet.input;
    const pools = container && subnet.isMember.has(host) ? poolsOf(subnet, container, host) : [];
    if (container === undefined || pools.length === 0) return [];
    const mtu = bridges.find((each) => each.subnet === name)?.mtu ?? tunnelMtu;
    // Who meets nobody has no tunnel, and there is an error already.
    if (mtu === undefined) return [];
    const place = { bridge: bridgeName(subnet, resolved), makesBridge: vxlan === undefined, mtu };
    return [{ program: container.program, subnet: name, ...place, pools, origin }];
  });
}
