/** Guests that their gateway is to configure, in whichever way they are told: there is one who can. */
import type { IpAddress } from "../base/ip.ts";
import { createMembers } from "../topology/members.ts";
import type { HostInput, Located, SubnetInput, Topology } from "../topology/topology.ts";

/** Why nobody can tell them, and what to do about it. */
export type Obstacle = readonly [why: string, advice: string];

/** The ways in which guests are told, as the topology has them; and the key that asks for each. */
export const KEYS = { dhcp: "dhcp", advertisement: "sendRa" } as const;
type Way = keyof typeof KEYS;

/** A subnet whose guests are to be told, and what of; `obstacle`: why they cannot be. */
export interface Asked<W extends Way> {
  readonly subnet: SubnetInput;
  readonly told: NonNullable<SubnetInput[W]>;
  readonly obstacle: Obstacle | undefined;
}

/** The subnets that ask for it. */
export function askedFor<W extends Way>(
  topology: Topology,
  way: W,
  obstacleOf: (subnet: SubnetInput, members: readonly HostInput[]) => Obstacle | undefined,
): readonly Asked<W>[] {
  const membersOf = createMembers(topology);
  return topology.subnets.flatMap((subnet) => {
    const told = subnet[way];
    const members = membersOf(subnet);
    // Without a member there is an error already.
    if (told === undefined || members.length === 0) return [];
    return [{ subnet, told, obstacle: obstacleOf(subnet, members) }];
  });
}

/** The hosts by which guests with such an address leave; one that is named may have a mistake of its own, and is there all the same. */
export function gatewayNames(
  { gateway, vxlan }: SubnetInput,
  members: readonly HostInput[],
  isSuch: (address: IpAddress) => boolean,
): readonly string[] {
  const all = members.map(({ name }) => name);
  const hasSuch = (addresses: readonly Located<IpAddress>[]): boolean => addresses.some(({ value }) => isSuch(value));
  switch (gateway?.kind) {
    case undefined:
      return vxlan === undefined ? all : [];
    case "none":
      return [];
    case "shared":
      return hasSuch(gateway.addresses) ? all : [];
    case "perHost":
      return gateway.hosts.filter(({ addresses }) => hasSuch(addresses)).map(({ host }) => host.value);
  }
}

/** What keeps every gateway from it; `of`: what one would be the gateway of. */
export function obstacleToAll(
  { isExternal, container, vxlan, bridge, vrf }: SubnetInput,
  way: Way,
  { gateways, of }: { readonly gateways: readonly string[]; readonly of: string },
): Obstacle | undefined {
  const elsewhere = `let that program do it, and leave ${KEYS[way]} out`;
  if (isExternal || (container !== undefined && vxlan === undefined))
    return ["its bridge is another program's", elsewhere];
  if (bridge?.isExisting) return ["its bridge is there already, and netgen sets no address on it", elsewhere];
  if (vrf !== undefined) return ["it is in a VRF", `have a guest do it, and leave ${KEYS[way]} out`];
  return gateways.length === 0
    ? [`no host is the gateway of ${of}`, `name one: "gateway: {HOST: ADDRESS}"`]
    : undefined;
}
