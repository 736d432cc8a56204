/** Where a host stands in its site, as far as the underlay goes. */
import type { IpAddress } from "../../base/ip.ts";
import type { Host } from "../../model/host.ts";
import type { Network } from "../../model/network.ts";

/** Behind the gateway of its site. */
export function isInside({ sites }: Network, { name, reach }: Host): boolean {
  const site = sites.find((each) => each.name === reach.site);
  return site !== undefined && site.gateways.length > 0 && !site.gateways.includes(name);
}

/** Its own address on the LAN, where it is known to others by one that it shares. */
export const ownAddress = ({ vrrp }: Host): IpAddress | undefined => (vrrp?.isExclusive ? vrrp.source : undefined);

/** The address by which its LAN knows a host. */
export function lanAddressOf({ reach, vrrp }: Host): IpAddress | undefined {
  if (vrrp !== undefined) return vrrp.source;
  return reach.lanEndpoint?.kind === "address" ? reach.lanEndpoint.address : undefined;
}
