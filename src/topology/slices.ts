/** Which part of a subnet is a host's. */
import { type IpPrefix, subPrefix } from "../base/ip.ts";
import type { HostInput, SubnetInput } from "./topology.ts";

/** The prefixes that hold addresses of a host: the whole subnet, or with perHost its slice; none where its id has none. */
export function prefixesOn({ prefixes, perHost }: SubnetInput, { id }: HostInput): readonly IpPrefix[] {
  const whole = prefixes.map(({ value }) => value);
  return perHost === undefined ? whole : whole.flatMap((cidr) => subPrefix(cidr, perHost, id) ?? []);
}
