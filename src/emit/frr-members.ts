/** The part of FRR's configuration that says who may speak of which VXLAN network. */
import type { Asn, Vni } from "../base/units.ts";
import type { Host } from "../model/host.ts";
import { membersToldApart } from "../model/members.ts";

/** bgpd/bgp_evpn.c: of a larger AS number a route target has the last 16 bits. */
const targetAsn = (asn: Asn): number => asn % 2 ** 16;

/**
 * All extended communities of a route, as FRR prints them: each word is one of these targets, or no target. Others than
 * its own must not be among them, or it would be imported there as well.
 */
const targetsOf = (asn: Asn, vnis: readonly Vni[]): string =>
  `^((RT:${targetAsn(asn)}:(${vnis.join("|")})|[^R ][^ ]*|R[^T ][^ ]*)( |$))*$`;

const mapName = (host: string): string => `OF-${host}`;

/** What the templates show of it; empty lists where nobody is told apart. */
export function membersView(host: Host) {
  const members = membersToldApart(host).map(({ host: name, address, asn, vnis }) => ({
    address,
    map: mapName(name),
    targets: targetsOf(asn, vnis),
  }));
  return { hasMembers: members.length > 0, members };
}
