/** Whom of a subnet its guests are configured by. */
import { prefixOf } from "../../base/ip.ts";
import type { MtuBytes } from "../../base/units.ts";
import type { DhcpServer } from "../../model/device.ts";
import { isIpv4, poolOf } from "../../topology/dhcp.ts";
import type { ResolvedSubnet } from "./subnets.ts";

/** The server on one host, which is the gateway; `undefined` on all others. */
export function dhcpServer(
  { input: { dhcp }, gatewayAddresses }: ResolvedSubnet,
  host: string,
  mtu: MtuBytes | undefined,
): DhcpServer | undefined {
  const address = (gatewayAddresses.get(host) ?? []).find((each) => isIpv4(each.address));
  if (dhcp === undefined || address === undefined) return undefined;
  const pool = poolOf(dhcp, prefixOf(address.address, address.lengthBits), address.address);
  return { address, ...pool, dns: dhcp.dns.map(({ value }) => value), mtu };
}
