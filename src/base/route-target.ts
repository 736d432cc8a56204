/** Route targets of BGP (RFC 4360 §4, RFC 5668): by which a route says into which VRFs and segments it belongs. */
import { parseAddress } from "./ip.ts";
import { type Asn, MAX_ASN, type Vni } from "./units.ts";

declare const kind: unique symbol;
/** A route target as FRR writes it: `65000:5000`, `4200000001:100`, `192.0.2.1:100`. */
export type RouteTarget = string & { readonly [kind]: "route target" };

const MAX_16_BITS = 2 ** 16 - 1;
const MAX_32_BITS = 2 ** 32 - 1;

/** True for an AS number of 16 bits. Only these leave 32 for the number after it, in which any VNI fits. */
const isShort = (administrator: string): boolean =>
  !administrator.includes(".") && Number(administrator) <= MAX_16_BITS;

const isAdministrator = (text: string): boolean =>
  text.includes(".") ? parseAddress(text) === text : Number(text) <= MAX_ASN;

/** The route target that the text is, or `undefined`: no leading zeros; of 64 bits 16 say what kind it is. */
export function parseRouteTarget(text: string): RouteTarget | undefined {
  const [, administrator = "", number] = /^([1-9][\d.]*):(0|[1-9]\d*)$/.exec(text) ?? [];
  if (number === undefined || !isAdministrator(administrator)) return undefined;
  const most = isShort(administrator) ? MAX_32_BITS : MAX_16_BITS;
  return Number(number) <= most ? (text as RouteTarget) : undefined;
}

/** What stands first in the targets that FRR derives: of a larger AS number the last 16 bits (bgpd/bgp_evpn.c, form_auto_rt). */
export const derivedAdministrator = (asn: Asn): number => asn % 2 ** 16;

/** The one that FRR derives. */
export const derivedTarget = (asn: Asn, vni: Vni): RouteTarget => `${derivedAdministrator(asn)}:${vni}` as RouteTarget;

/** True for what FRR takes in for a VNI of which no import is configured: that number, and any AS of 16 bits before it. */
export function isDerivedFrom(target: RouteTarget, vni: Vni): boolean {
  const [administrator = "", number] = target.split(":");
  return isShort(administrator) && Number(number) === vni;
}
