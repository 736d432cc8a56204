/** A LAN that a router routes, as clouds have them: whom it sends what belongs to the overlay. */
import { must } from "../../base/invariant.ts";
import { familyOf, hostPrefix, type IpAddress, type IpPrefix } from "../../base/ip.ts";
import type { Network } from "../../model/network.ts";
import { lanAddressOf } from "./site.ts";

export interface RoutedLan {
  /** Where the hosts send to. */
  readonly address: IpAddress;
  readonly routes: readonly { readonly prefix: IpPrefix; readonly via: IpAddress }[];
  /** Of the overlay, what crosses it in clear: from and to hosts without WireGuard, and what is behind them. */
  readonly inClear: readonly IpPrefix[];
}

/** `undefined`: the hosts of this site are on one Ethernet, or each by itself. */
export function routedLanOf({ sites, hosts }: Network, name: string): RoutedLan | undefined {
  const site = sites.find((each) => each.name === name);
  if (site?.lanRouter === undefined) return undefined;
  const addresses = new Map(hosts.map((host) => [host.name, lanAddressOf(host)]));
  // Where nobody on the LAN is to send, a gateway may have no address there.
  const routes = site.routes.flatMap(({ prefix, host }) => {
    const via = addresses.get(host);
    return via === undefined || familyOf(via) !== familyOf(prefix) ? [] : [{ prefix, via }];
  });
  const outsiders = hosts.filter(({ reach, interfaces }) => reach.site === name && interfaces.length === 0);
  const inClear = outsiders.flatMap((host) => [
    hostPrefix(must(addresses.get(host.name), "a host without WireGuard has an address on its LAN")),
    ...host.ownedPrefixes.map(({ prefix }) => prefix),
  ]);
  return { address: site.lanRouter, routes, inClear };
}
