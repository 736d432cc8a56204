/** The addresses that guests of a subnet are given. */
import {
  addressToInteger,
  containsAddress,
  familyOf,
  type IpAddress,
  type IpPrefix,
  networkAddress,
  prefixLengthBits,
} from "../base/ip.ts";
import type { DhcpInput, SubnetInput } from "./topology.ts";

/** Addresses of a prefix, counted from its first. */
export interface Pool {
  readonly offset: number;
  readonly size: number;
}

/** How far an address lies behind the first of its prefix. */
const offsetIn = (prefix: IpPrefix, address: IpAddress): number =>
  Number(addressToInteger(address) - addressToInteger(networkAddress(prefix)));

export const isIpv4 = (each: IpAddress | IpPrefix): boolean => familyOf(each) === 4;

/** Of several IPv4 prefixes the one whose addresses are given: that of the range, or the first. */
export function servedPrefix({ dhcp, prefixes }: SubnetInput): IpPrefix | undefined {
  const [first, ...others] = prefixes.map(({ value }) => value).filter(isIpv4);
  const start = dhcp?.range?.[0].value;
  return others.find((prefix) => start !== undefined && containsAddress(prefix, start)) ?? first;
}

/** What was asked for, or that half of the prefix in which its gateway is not: addresses set by hand have the other one. */
export function poolOf({ range }: DhcpInput, prefix: IpPrefix, gateway: IpAddress): Pool {
  if (range !== undefined) {
    const [offset, last] = range.map(({ value }) => offsetIn(prefix, value)) as [number, number];
    return { offset, size: last - offset + 1 };
  }
  const half = 2 ** (31 - prefixLengthBits(prefix));
  // Neither the network's own address nor the broadcast address is anybody's.
  return offsetIn(prefix, gateway) < half ? { offset: half, size: half - 1 } : { offset: 1, size: half - 1 };
}
