/** The dynamic class from end to end: more than one way between hosts, and BGP to choose from them. */
import type { Result } from "../base/diagnostic.ts";
import { must } from "../base/invariant.ts";
import type { Bgp } from "../model/bgp.ts";
import type { OwnedPrefix } from "../model/host.ts";
import type { OverlayPrefix } from "../model/network.ts";
import { hasTunnels } from "../topology/hosts.ts";
import type { Topology } from "../topology/topology.ts";
import { autonomousSystems } from "./bgp/autonomous.ts";
import { resolveBgp, type Stretched } from "./bgp/evpn.ts";
import {
  acceptedPrefixes,
  announcedPrefixes,
  evpnSpeakers,
  type Routing,
  routingBgp,
  systemsAmong,
  tunnelsByHost,
} from "./bgp/unicast.ts";
import type { ResolvedHost } from "./hosts/hosts.ts";
import { type DynamicShape, dynamicShape } from "./joins/stars-and-trunks.ts";
import { type DynamicTunnels, resolveDynamicTunnels } from "./tunnels/dynamic-tunnels.ts";
import type { TunnelGrounds } from "./tunnels/tunnels.ts";

/** What is decided before the segments are. */
export interface Dynamic {
  readonly shape: DynamicShape;
  readonly tunnels: DynamicTunnels;
}

/** The tunnels, and who is where in them. */
export function resolveDynamic(
  topology: Topology,
  hosts: readonly ResolvedHost[],
  grounds: TunnelGrounds,
): Result<Dynamic> {
  const shape = dynamicShape(
    topology,
    hosts.filter(({ input }) => hasTunnels(input)),
  );
  const { value: tunnels, diagnostics } = resolveDynamicTunnels(topology, hosts, { ...grounds, shape });
  return { value: { shape, tunnels }, diagnostics };
}

interface Known {
  readonly topology: Topology;
  readonly hosts: readonly ResolvedHost[];
  readonly stretched: readonly Stretched[];
  readonly owned: ReadonlyMap<string, readonly OwnedPrefix[]>;
  readonly routed: readonly OverlayPrefix[];
}

/** BGP for these tunnels; `undefined` where it is missing, which has been said. */
export function routingOf({ shape, tunnels }: Dynamic, known: Known): Routing | undefined {
  const { topology, hosts, stretched, owned, routed } = known;
  const bgp = dynamicBgp(topology);
  if (bgp.kind !== "routing") return undefined;
  const asnOf = autonomousSystems(topology, bgp.asn);
  return {
    bgp,
    shape,
    tunnelsOf: tunnelsByHost(hosts, tunnels.tunnels),
    speakers: evpnSpeakers(bgp, shape, { hosts, stretched, asnOf }),
    systems: systemsAmong(
      hosts.filter(({ addresses }) => addresses.length > 0),
      asnOf,
    ),
    accepted: acceptedPrefixes(routed),
    announced: new Map(
      hosts.map((host) => [
        host.input.name,
        announcedPrefixes(host, must(owned.get(host.input.name), "every host has a list")),
      ]),
    ),
  };
}

/** BGP as the dynamic class has it. */
export const dynamicBgp = (topology: Topology): Bgp => routingBgp(resolveBgp(topology));
