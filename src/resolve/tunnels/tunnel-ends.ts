/** What the end of a tunnel of the dynamic class is called, and where it listens. */
import { diagnostic, type Result } from "../../base/diagnostic.ts";
import { must } from "../../base/invariant.ts";
import { addressBits, familyOf, hostAddress, type IpPrefix, prefixLengthBits } from "../../base/ip.ts";
import { type UdpPort, udpPort } from "../../base/units.ts";
import type { InterfaceAddress } from "../../model/device.ts";
import { originSpan } from "../../model/origin.ts";
import type { TransitAddress } from "../../topology/transit.ts";
import type { ResolvedHost } from "../hosts/hosts.ts";
import type { InterfaceSettings } from "./tunnels.ts";

/** `wg0` with the id of whom it leads to in the place of its number: `wg7`. A hub's own has its own id. */
export const interfaceName = ({ name }: InterfaceSettings, to: ResolvedHost): string =>
  `${name.replace(/\d+$/, "")}${to.input.id}`;

/** A hub is dialled by all at one port; every other interface has the port that lies the other's id above it. */
export function portAbove(port: UdpPort, to: ResolvedHost): Result<UdpPort> {
  const { name, id, origin } = to.input;
  const above = udpPort(port + id);
  if (above !== undefined) return { value: above, diagnostics: [] };
  return {
    value: port,
    diagnostics: [diagnostic("tunnel-port-too-high", { host: name, id, port }, originSpan(origin, "id"))],
  };
}

/** Addresses as an interface carries them: alone, or with their block. */
export function interfaceAddresses(
  addresses: readonly TransitAddress[],
  isPointToPoint: boolean,
): readonly InterfaceAddress[] {
  return addresses.map(({ address, blockLengthBits }) => ({
    address,
    lengthBits: isPointToPoint ? addressBits(familyOf(address)) : blockLengthBits,
  }));
}

const LINK_LOCAL = "fe80::/64" as IpPrefix;

/**
 * The host's own on each of its links (RFC 4291 §2.5.6). The kernel gives WireGuard's devices none, and since 8.0.1 FRR begins
 * no IPv6 session on an interface without one (its issue 9544: "nexthop_set failed").
 */
export function linkLocalOf(id: number, addresses: readonly InterfaceAddress[]): InterfaceAddress | undefined {
  if (addresses.every(({ address }) => familyOf(address) === 4)) return undefined;
  return {
    address: must(hostAddress(LINK_LOCAL, id), "an id is a number from 1"),
    lengthBits: prefixLengthBits(LINK_LOCAL),
  };
}
