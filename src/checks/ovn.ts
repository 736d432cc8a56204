import { type Diagnostic, diagnostic } from "../base/diagnostic.ts";
import { familyOf, prefixLengthBits } from "../base/ip.ts";
import { geneveOverhead, IPV6_MINIMUM_MTU, totalBytes } from "../base/mtu.ts";
import type { Network } from "../model/network.ts";
import { originSpan } from "../model/origin.ts";
import { isShared } from "../model/ovn.ts";

/**
 * Several gateways of one network are hosts that others send anything to: of those that are sent what is theirs, a peer has
 * one prefix in the AllowedIPs of one alone, and what guests send by another is dropped as forged.
 */
export function sharedGatewaysTakeAnything({ ovn, peers }: Network): readonly Diagnostic[] {
  const narrow = new Set(
    peers.filter(({ allowedIps }) => !allowedIps.some((each) => prefixLengthBits(each) === 0)).map(({ host }) => host),
  );
  return (ovn?.networks ?? []).filter(isShared).flatMap(({ name: network, prefixes, gateways, origin }) =>
    gateways.flatMap((host, index) => {
      if (!narrow.has(host)) return [];
      const params = { network, host, prefix: prefixes.map(({ prefix }) => prefix).join(" and ") };
      return [diagnostic("ovn-gateway-narrow", params, originSpan(origin, `gateway/${index}`))];
    }),
  );
}

/** Linux has no IPv6 on an interface below 1280 bytes. That the tunnels are too small themselves is said of them. */
export function networksCarryIpv6({ ovn }: Network): readonly Diagnostic[] {
  if (ovn === undefined) return [];
  const { bytes: mtu } = ovn.mtu;
  const overhead = totalBytes(geneveOverhead(ovn.family));
  const tunnel = mtu + overhead;
  if (mtu >= IPV6_MINIMUM_MTU || tunnel < IPV6_MINIMUM_MTU) return [];
  return ovn.networks.flatMap(({ name: network, prefixes, origin }) => {
    const found = prefixes.find(({ prefix }) => familyOf(prefix) === 6);
    if (found === undefined) return [];
    const { prefix } = found;
    const needed = IPV6_MINIMUM_MTU + overhead;
    const params = { network, prefix, mtu, tunnel, overhead, minimum: IPV6_MINIMUM_MTU, needed };
    return [diagnostic("ovn-below-ipv6", params, originSpan(origin))];
  });
}
