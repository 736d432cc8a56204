/** Containers on a subnet, as they are written. */
import {
  addressFromInteger,
  broadcastAddress,
  containsPrefix,
  familyOf,
  type IpAddress,
  type IpPrefix,
  rangeOf,
} from "../base/ip.ts";
import type { ContainerProgram, ContainerRange } from "../model/containers.ts";
import type { Located } from "./located.ts";

export interface ContainerInput {
  readonly program: ContainerProgram;
  /** Which addresses each host's containers are given, in the order of the file. */
  readonly ranges: readonly { readonly host: Located<string>; readonly prefixes: readonly Located<IpPrefix>[] }[];
}

/** What a host's containers are given, as it is written. */
export const rangesOn = ({ ranges }: ContainerInput, host: string): readonly Located<IpPrefix>[] =>
  ranges.find((each) => each.host.value === host)?.prefixes ?? [];

/** The addresses of a range that a container may have on a prefix; `undefined`: the range lies elsewhere, or has none. */
export function usableRange(prefix: IpPrefix, range: IpPrefix): ContainerRange | undefined {
  if (!containsPrefix(prefix, range)) return undefined;
  const family = familyOf(prefix);
  const [whole, part] = [rangeOf(prefix), rangeOf(range)];
  // Routers of IPv6 answer to the network's own address (RFC 4291 §2.6.1).
  const first = part.first === whole.first ? part.first + 1n : part.first;
  const last = part.last === whole.last && broadcastAddress(prefix) !== undefined ? part.last - 1n : part.last;
  const address = (value: bigint): IpAddress => addressFromInteger(family, value);
  return first > last ? undefined : { prefix: range, first: address(first), last: address(last) };
}
