/**
 * Tunnel addresses of the dynamic class, from `wireguard.transit`. A pool is cut into blocks, one for each host: half of
 * its host bits number the block, the other half (and the odd bit) the address in it. So 10.251.0.0/16 has the block
 * 10.251.x.0/24 for the host with id x, and `10.251.x.y` is either y on the interface of hub x, or, where x and y are
 * joined by an interface of their own at either end, x on the one that leads to y. No other host's number is asked for.
 */
import { type Diagnostic, diagnostic } from "../../base/diagnostic.ts";
import {
  addressBits,
  familyOf,
  hostAddress,
  type IpAddress,
  type IpPrefix,
  prefixLengthBits,
  subPrefix,
} from "../../base/ip.ts";
import { originSpan } from "../../model/origin.ts";
import type { Located } from "../../topology/topology.ts";
import type { ResolvedHost } from "../hosts/hosts.ts";

/** An address that a host has in a block. */
export interface TransitAddress {
  readonly address: IpAddress;
  readonly blockLengthBits: number;
}

/** The address with the id of `at` in the block of `of`, one per family. Ids that do not fit are reported once. */
export type TransitOf = (of: ResolvedHost, at: ResolvedHost) => readonly TransitAddress[];

const blockLengthBits = (pool: IpPrefix): number => {
  const length = prefixLengthBits(pool);
  return length + Math.floor((addressBits(familyOf(pool)) - length) / 2);
};

/** The highest id that a block, or an address in one, can have. */
function highestIds(pool: IpPrefix): { readonly block: number; readonly host: number } {
  const length = blockLengthBits(pool);
  const bits = addressBits(familyOf(pool)) - length;
  // An IPv4 block's last address is its broadcast address.
  const host = 2 ** bits - (familyOf(pool) === 4 && bits > 1 ? 2 : 1);
  return { block: 2 ** (length - prefixLengthBits(pool)) - 1, host };
}

/** Gives the function that knows all tunnel addresses. */
export function createTransit(pools: readonly Located<IpPrefix>[], found: Diagnostic[]): TransitOf {
  const reported = new Set<string>();
  const report = ({ input }: ResolvedHost, pool: Located<IpPrefix>): void => {
    const key = `${pool.value} ${input.name}`;
    if (reported.has(key)) return;
    reported.add(key);
    const { block, host } = highestIds(pool.value);
    const params = { host: input.name, id: input.id, pool: pool.value, block, last: host };
    const related = [{ message: `${pool.value} is cut into blocks here`, span: pool.span }];
    found.push(diagnostic("transit-too-small", params, originSpan(input.origin, "id"), related));
  };
  return (of, at) =>
    pools.flatMap((pool) => {
      const length = blockLengthBits(pool.value);
      const block = subPrefix(pool.value, length, of.input.id);
      const address = block && hostAddress(block, at.input.id);
      if (address !== undefined) return [{ address, blockLengthBits: length }];
      report(block === undefined ? of : at, pool);
      return [];
    });
}
