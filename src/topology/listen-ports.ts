/** Where hosts listen. */
import { must } from "../base/invariant.ts";
import { type UdpPort, udpPort } from "../base/units.ts";
import type { HostInput, Topology } from "./topology.ts";

/** What WireGuard's own documentation uses throughout; IANA has given it to nobody. */
const DEFAULT_LISTEN_PORT = must(udpPort(51_820), "51820 is a port");

/** Where a host is dialled whose endpoint has no port, and what the ports of its tunnels are counted from. */
export function listenPortOf(host: HostInput, { wireguard }: Topology): UdpPort {
  return host.listenPort ?? wireguard.listenPort ?? DEFAULT_LISTEN_PORT;
}
