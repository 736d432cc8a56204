/**
 * Tunnel addresses of the dynamic class, from `wireguard.transit`. A pool is cut into blocks, one for each host: half of
 * its host bits number the block, the other half (and the odd bit) the address in it. So 10.251.0.0/16 has the block
 * 10.251.x.0/24 for the host with id x, and `10.251.x.y` is either y on the interface of hub x, or, where x and y are
 * joined by an interface of their own at either end, x on the one that leads to y. No other host's number is asked for.
 */
import {
  addressBits,
  familyOf,
  hostAddress,
  type IpAddress,
  type IpPrefix,
  prefixLengthBits,
  subPrefix,
} from "../base/ip.ts";
import type { Located } from "./topology.ts";

/** An address that a host has in a block. */
export interface TransitAddress {
  readonly address: IpAddress;
  readonly blockLengthBits: number;
}

const blockLengthBits = (pool: IpPrefix): number => {
  const length = prefixLengthBits(pool);
  return length + Math.floor((addressBits(familyOf(pool)) - length) / 2);
};

/** The highest id that a block, or an address in one, can have. */
export function highestTransitIds(pool: IpPrefix): { readonly block: number; readonly address: number } {
  const length = blockLengthBits(pool);
  const bits = addressBits(familyOf(pool)) - length;
  // An IPv4 block's last address is its broadcast address.
  const address = 2 ** bits - (familyOf(pool) === 4 && bits > 1 ? 2 : 1);
  return { block: 2 ** (length - prefixLengthBits(pool)) - 1, address };
}

/** The address with the id of `at` in the block of `of`, one per pool; ids that do not fit have none there. */
export function transitAddresses(
  pools: readonly Located<IpPrefix>[],
  of: { readonly id: number },
  at: { readonly id: number },
): readonly TransitAddress[] {
  return pools.flatMap(({ value: pool }) => {
    const length = blockLengthBits(pool);
    const block = subPrefix(pool, length, of.id);
    const address = block && hostAddress(block, at.id);
    return address === undefined ? [] : [{ address, blockLengthBits: length }];
  });
}
