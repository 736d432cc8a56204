/** What the parts of the guard share: sets of addresses, and which packets it looks at. */
import { FAMILIES, familyOf, type IpAddress, type IpFamily, type IpPrefix } from "../base/ip.ts";
import { BFD_PORTS, BGP_PORT } from "../model/bgp.ts";
import type { VxlanDevice } from "../model/device.ts";
import type { GuardedService, Host } from "../model/host.ts";
import { CNI_PORTS } from "../model/kubernetes.ts";
import { GENEVE_PORT, type ovnRolesOf, SOUTHBOUND_PORT } from "../model/ovn.ts";
import type { EmitContext } from "./context.ts";
import { nftFamily, oneOf, sortedNumbers } from "./nft-words.ts";
import { encode, render, type View } from "./template.ts";

/** A set of one family's addresses: `vteps4`, `allowed6`. */
export interface AddressSet {
  readonly family: IpFamily;
  readonly name: string;
  /** The match on an address in it, less the direction: `ip`, `ip6`. */
  readonly header: string;
  readonly view: View;
}

export interface SetKind {
  readonly name: string;
  readonly why: string;
}

/** Addresses or prefixes of one family, as elements of a set. */
type Elements<T> = (own: readonly T[]) => readonly string[];

/** One set for each family that has elements. They are joined here, once for all hosts: a fleet's can be long. */
export function addressSets<T extends IpAddress | IpPrefix>(
  kind: SetKind,
  all: readonly T[],
  elementsOf: Elements<T> = (own) => own,
): readonly AddressSet[] {
  return FAMILIES.flatMap((family) => {
    const own = elementsOf(all.filter((element) => familyOf(element) === family));
    const name = `${kind.name}${family}`;
    const view = { ...kind, name, type: `ipv${family}_addr`, elements: own.join(",\n      ") };
    return own.length === 0 ? [] : [{ family, name, header: nftFamily(family), view }];
  });
}

/** Sets as the ruleset has them; for {@link print} they are too long. */
export const printSets = (sets: readonly AddressSet[], { fleet }: EmitContext): Uint8Array =>
  encode(render("nftables/sets.nft.njk", { sets: sets.map(({ view }) => view), fleet }));

/** The packets that must come through the tunnel, as nft selects them. */
export interface Guarded {
  /** `ovn`: that nobody outside the tunnels has to speak. */
  readonly service: GuardedService | "ovn";
  readonly match: string;
}

export function guardedPackets(
  vxlans: readonly Pick<VxlanDevice, "port">[],
  bgp: { readonly isSpoken: boolean; readonly hasBfd: boolean },
): readonly Guarded[] {
  const vxlanPorts = sortedNumbers(vxlans.map((vxlan) => vxlan.port)).map(String);
  return [
    ...(vxlanPorts.length > 0 ? [{ service: "vxlan", match: `udp dport ${oneOf(vxlanPorts)}` } as const] : []),
    ...(bgp.isSpoken ? [{ service: "bgp", match: `tcp dport ${BGP_PORT}` } as const] : []),
    ...(bgp.hasBfd ? [{ service: "bfd", match: `udp dport ${oneOf(BFD_PORTS.map(String))}` } as const] : []),
  ];
}

type OvnRoles = Pick<ReturnType<typeof ovnRolesOf>, "isChassis" | "isCentral">;

/** What OVN's hosts send each other: Geneve to a chassis, what chassis ask to the central. */
export function guardedOvn({ isChassis, isCentral }: OvnRoles): readonly Guarded[] {
  return [
    ...(isChassis ? [{ service: "ovn", match: `udp dport ${GENEVE_PORT}` } as const] : []),
    ...(isCentral ? [{ service: "ovn", match: `tcp dport ${SOUTHBOUND_PORT}` } as const] : []),
  ];
}

/** A match of the source for each family that has such prefixes. */
export const sourceMatches = (prefixes: readonly IpPrefix[]): readonly string[] =>
  FAMILIES.flatMap((family) => {
    const own = prefixes.filter((prefix) => familyOf(prefix) === family);
    return own.length === 0 ? [] : [`${nftFamily(family)} saddr ${oneOf(own)}`];
  });

/** Those of segments and of VRFs. */
export const vxlansOf = ({ vxlans, vrfs }: Host): readonly VxlanDevice[] => [
  ...vxlans,
  ...vrfs.map((vrf) => vrf.vxlan),
];

/** What hosts speak VXLAN by: netgen's own, and the CNI's. */
export const vxlanSpeakers = (host: Host): readonly Pick<VxlanDevice, "port">[] => [
  ...vxlansOf(host),
  ...(host.kubernetes === undefined ? [] : [{ port: CNI_PORTS[host.kubernetes.cni] }]),
];
