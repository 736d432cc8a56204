/** The MTU of hosts that reach the overlay by a gateway on their LAN. */
import { tcpMss, vxlanOverheadBytes } from "../base/mtu.ts";
import type { Host } from "../model/host.ts";

/** The way of a host without WireGuard to the overlay: its routes carry what the LAN and the tunnels of its gateway do. */
export interface LanRow {
  readonly kind: "lan";
  readonly host: string;
  /** The address of the gateway on the LAN. */
  readonly via: string;
  readonly mtu: number;
  readonly vxlanMtu: { readonly ipv4: number; readonly ipv6: number };
  readonly mss: { readonly ipv4: number; readonly ipv6: number };
}

/** One row for each gateway's address that a host sends to; what stays on the LAN is as large as that. */
export function lanRows({ name: host, lanRoutes }: Host): readonly LanRow[] {
  // A router sends on to neighbours as well, by the same address.
  const byAddress = new Map(lanRoutes.flatMap(({ via, mtu }) => (mtu === undefined ? [] : [[via, mtu] as const])));
  return [...byAddress].map(([via, mtu]): LanRow => {
    const vxlanMtu = { ipv4: mtu - vxlanOverheadBytes(4, false), ipv6: mtu - vxlanOverheadBytes(6, false) };
    return { kind: "lan", host, via, mtu, vxlanMtu, mss: { ipv4: tcpMss(mtu, 4), ipv6: tcpMss(mtu, 6) } };
  });
}
