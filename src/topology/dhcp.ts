/** The addresses that guests of a subnet are given. */
import {
  addressToInteger,
  familyOf,
  type IpAddress,
  type IpPrefix,
  networkAddress,
  prefixLengthBits,
} from "../base/ip.ts";
import type { DhcpInput } from "./topology.ts";

/** Addresses of a prefix, counted from its first. */
export interface Pool {
  readonly offset: number;
  readonly size: number;
}

/** How far an address lies behind the first of its prefix. */
const offsetIn = (prefix: IpPrefix, address: IpAddress): number =>
  Number(addressToInteger(address) - addressToInteger(networkAddress(prefix)));

export const isIpv4 = (each: IpAddress | IpPrefix): boolean => familyOf(each) === 4;

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
