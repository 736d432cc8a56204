/** Numbers that must not be mistaken for one another. Only the constructors below may cast. */

declare const unit: unique symbol;
type Branded<Name extends string> = number & { readonly [unit]: Name };

/** Largest IP packet a link carries, in bytes, IP header included, Ethernet header not. */
export type MtuBytes = Branded<"MtuBytes">;
/** VXLAN network identifier, 1 to 16777215 (24 bits, RFC 7348 §5; 0 is left out, FRR refuses it). */
export type Vni = Branded<"Vni">;
/** Autonomous system number, 1 to 4294967294 (RFC 6793; RFC 7607 forbids 0, RFC 7300 the last). */
export type Asn = Branded<"Asn">;
/** UDP port, 1 to 65535. */
export type UdpPort = Branded<"UdpPort">;
/** VLAN identifier, 1 to 4094 (12 bits; IEEE 802.1Q-2022 §9.6 reserves 0 and 4095). */
export type VlanId = Branded<"VlanId">;

export const MAX_VNI = 0xff_ff_ff;
export const MAX_ASN = 4_294_967_294;
export const MAX_PORT = 65_535;
const MAX_VLAN = 4094;

const inRange = (value: number, low: number, high: number): boolean =>
  Number.isInteger(value) && value >= low && value <= high;

/** The number as an MTU, or `undefined` outside 1 to 65535 (the IPv4 total length field has 16 bits). */
export function mtuBytes(value: number): MtuBytes | undefined {
  return inRange(value, 1, 65_535) ? (value as MtuBytes) : undefined;
}

/** The number as a VNI, or `undefined` outside 1 to 16777215. */
export function vni(value: number): Vni | undefined {
  return inRange(value, 1, MAX_VNI) ? (value as Vni) : undefined;
}

/** The number as an AS number, or `undefined` outside 1 to 4294967294. */
export function asn(value: number): Asn | undefined {
  return inRange(value, 1, MAX_ASN) ? (value as Asn) : undefined;
}

/** The number as a UDP port, or `undefined` outside 1 to 65535. */
export function udpPort(value: number): UdpPort | undefined {
  return inRange(value, 1, MAX_PORT) ? (value as UdpPort) : undefined;
}

/** The number as a VLAN identifier, or `undefined` outside 1 to 4094. */
export function vlanId(value: number): VlanId | undefined {
  return inRange(value, 1, MAX_VLAN) ? (value as VlanId) : undefined;
}
