/** What questions about ways are answered from. Pure. */
import type { IpPrefix } from "../base/ip.ts";
import type { Host } from "../model/host.ts";
import type { Network } from "../model/network.ts";
import { createNextHop, type NextHop } from "./bgp-choice.ts";
import type { Station } from "./station.ts";

/** A network, who sits on its subnets, and what is looked up again and again. */
export interface Ways {
  readonly network: Network;
  readonly hosts: ReadonlyMap<string, Host>;
  readonly stations: readonly Station[];
  /** By {@link Network.peers}' id. */
  readonly peers: ReadonlyMap<string, { readonly host: string; readonly allowedIps: readonly IpPrefix[] }>;
  /** Where BGP routes. */
  readonly nextHop: NextHop;
  /** Whether nothing comes through between two hosts, by whatever tunnel they have, or on their LAN. */
  readonly isCut: (a: string, b: string, by: "tunnel" | "lan") => boolean;
}

/** The ways of a network. Stations are those that can be asked for; between hosts there are ways without any. */
export function waysOf(network: Network, stations: readonly Station[] = []): Ways {
  const hosts = new Map(network.hosts.map((host) => [host.name, host]));
  return {
    network,
    stations,
    hosts,
    nextHop: createNextHop(hosts),
    isCut: () => false,
    peers: new Map(network.peers.map((peer) => [peer.id, peer])),
  };
}
