import { type Diagnostic, diagnostic } from "../base/diagnostic.ts";
import { prefixLengthBits } from "../base/ip.ts";
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
  return (ovn?.networks ?? []).filter(isShared).flatMap(({ name: network, prefix, gateways, origin }) =>
    gateways.flatMap((host, index) => {
      if (!narrow.has(host)) return [];
      return [diagnostic("ovn-gateway-narrow", { network, host, prefix }, originSpan(origin, `gateway/${index}`))];
    }),
  );
}
