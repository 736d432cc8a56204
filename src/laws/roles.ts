/** What hosts are named for, by somebody else or by a key of their own. */
import type { Located, Topology } from "../topology/topology.ts";

/** A host where not every one will do. */
export interface Role {
  readonly host: Located<string>;
  readonly role: string;
}

export const inRole = (role: string, names: readonly Located<string>[]): readonly Role[] =>
  names.map((host) => ({ host, role }));

/** Whoever has more to do than to send and receive what is its own. The names of sites are among those of members. */
export function rolesOf({
  sites,
  subnets,
  vrfs,
  exits,
  remotes,
  hosts,
  wireguard,
  bgp,
  ovn,
}: Topology): readonly Role[] {
  return [
    ...sites.flatMap(({ name, gateways }) => inRole(`a gateway of ${name}`, gateways)),
    ...subnets.flatMap(({ name, members }) => inRole(`a member of ${name}`, members === "all" ? [] : members)),
    ...vrfs.flatMap(({ name, exits }) => exits.map(({ host }) => ({ host, role: `an exit of ${name}` }))),
    ...exits.map(({ host }) => ({ host, role: "an exit" })),
    ...remotes.flatMap(({ name, exits: own }) => own.map(({ host }) => ({ host, role: `an exit to ${name}` }))),
    ...hosts.flatMap(({ name: value, routes }) =>
      routes.flatMap(({ vrf, span }) => (vrf ? [{ host: { value, span }, role: `a member of ${vrf.value}` }] : [])),
    ),
    ...hosts.flatMap(({ name: value, peers }) =>
      peers.map(({ address }) => ({
        host: { value, span: address.span },
        role: `given the BGP peer ${address.value}`,
      })),
    ),
    ...inRole("OVN's central", ovn?.central === undefined ? [] : [ovn.central]),
    ...inRole("a chassis of OVN's", ovn?.chassis ?? []),
    ...(ovn?.networks ?? []).flatMap(({ name, gateways }) => inRole(`a gateway of ${name}`, gateways)),
    ...inRole("a hub", wireguard.hubs),
    ...inRole("a route reflector", bgp?.routeReflectors ?? []),
  ];
}
