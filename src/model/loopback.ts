/** Where a host's own addresses stand: on its only tunnel, or, where BGP routes, on its loopback interface. */
import type { Bgp, BgpSpeaker, RoutingBgp, Unicast } from "./bgp.ts";
import type { InterfaceAddress } from "./device.ts";
import type { Host } from "./host.ts";

/** How a host routes by BGP; `undefined` where routes follow AllowedIPs. */
export function unicastOf({ bgp }: { readonly bgp: BgpSpeaker }): Unicast | undefined {
  return bgp.kind === "routing" ? bgp.unicast : undefined;
}

/** How long BGP takes to change over; `undefined` where there is nothing to change over to. */
export function failoverOf({ bgp }: { readonly bgp: Bgp }): RoutingBgp["failover"] | undefined {
  return bgp.kind === "routing" ? bgp.failover : undefined;
}

/** The host's addresses of the pools. */
export function poolAddresses(host: Host): readonly InterfaceAddress[] {
  return unicastOf(host)?.loopback ?? host.interfaces[0]?.addresses ?? [];
}
