/** Whom of a subnet its guests are configured by. */
import { containsAddress, familyOf, prefixOf } from "../../base/ip.ts";
import type { MtuBytes } from "../../base/units.ts";
import type { DhcpServer, RouterAdvertisement } from "../../model/device.ts";
import { poolOf, servedPrefix } from "../../topology/dhcp.ts";
import type { ResolvedSubnet } from "./subnets.ts";

/** The server on one host, which is the gateway; `undefined` on all others. */
export function dhcpServer(
  { input, gatewayAddresses }: ResolvedSubnet,
  host: string,
  mtu: MtuBytes | undefined,
): DhcpServer | undefined {
  const { dhcp } = input;
  const served = servedPrefix(input);
  const addresses = gatewayAddresses.get(host) ?? [];
  const address = addresses.find((each) => served !== undefined && containsAddress(served, each.address));
  if (dhcp === undefined || address === undefined) return undefined;
  const pool = poolOf(dhcp, prefixOf(address.address, address.lengthBits), address.address);
  return { address, ...pool, dns: dhcp.dns.map(({ value }) => value), mtu };
}

/** What one host that is the router says; `undefined` on all others. */
export function routerAdvertisement(
  { input: { advertisement }, gatewayAddresses }: ResolvedSubnet,
  host: string,
  mtu: MtuBytes | undefined,
): RouterAdvertisement | undefined {
  const own = (gatewayAddresses.get(host) ?? []).filter(({ address }) => familyOf(address) === 6);
  if (advertisement === undefined || own.length === 0) return undefined;
  const prefixes = own.map(({ address, lengthBits }) => prefixOf(address, lengthBits));
  return { prefixes, mtu, dns: advertisement.dns.map(({ value }) => value) };
}
