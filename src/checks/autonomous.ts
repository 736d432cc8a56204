import { type Diagnostic, diagnostic } from "../base/diagnostic.ts";
import type { Network } from "../model/network.ts";
import { originSpan } from "../model/origin.ts";
import { peersOf } from "../model/peer.ts";

/** 23456 stands for an AS number too long for an old speaker (RFC 6793), 65535 is never to be used (RFC 7300). */
const RESERVED: ReadonlyMap<number, string> = new Map([
  [23_456, "it stands for numbers that an old speaker cannot say (RFC 6793), and FRR refuses who has it"],
  [65_535, "it is reserved for good (RFC 7300)"],
]);

/** Nobody may have an AS number that has a meaning of its own. */
export function systemsHaveNumbers(network: Network): readonly Diagnostic[] {
  const own = network.bgp.kind === "none" ? [] : [network.bgp];
  return [...own, ...network.sites, ...network.hosts.flatMap(peersOf)].flatMap(({ asn, origin }) => {
    const reason = asn === undefined ? undefined : RESERVED.get(asn);
    return asn === undefined || reason === undefined
      ? []
      : [diagnostic("asn-reserved", { asn, reason }, originSpan(origin, "asn"))];
  });
}

/** The AS number of a site is for BGP alone. */
export function siteNumbersAreUsed(network: Network): readonly Diagnostic[] {
  if (network.bgp.kind !== "none") return [];
  return network.sites
    .filter(({ asn }) => asn !== undefined)
    .map(({ name, origin }) => diagnostic("asn-without-bgp", { site: name }, originSpan(origin, "asn")));
}
