/** What is left of a network when some of its hosts are not there. Pure. */
import type { Host } from "../model/host.ts";
import type { Network } from "../model/network.ts";
import type { Gateway, Segment } from "../model/segment.ts";

/** Which hosts are there. */
export type Has = (host: string) => boolean;

function gatewayWith(has: Has, gateway: Gateway): Gateway {
  if (gateway.kind === "none") return gateway;
  if (gateway.kind === "shared") {
    const hosts = gateway.hosts.filter(has);
    return hosts.length === 0 ? { kind: "none" } : { ...gateway, hosts };
  }
  const hosts = gateway.hosts.filter(({ host }) => has(host));
  return hosts.length === 0 ? { kind: "none" } : { ...gateway, hosts };
}

function segmentsWith(has: Has, segments: readonly Segment[]): readonly Segment[] {
  return segments
    .map((segment) => ({
      ...segment,
      members: segment.members.filter(has),
      gateway: gatewayWith(has, segment.gateway),
    }))
    .filter(({ members }) => members.length > 0);
}

function hostWith(has: Has, all: Host): Host {
  const known = <T extends { readonly exits: readonly { readonly host: string }[] }>(each: T): T => ({
    ...each,
    exits: each.exits.filter((exit) => has(exit.host)),
  });
  const egress = all.egress && { ...known(all.egress), remotes: all.egress.remotes.map(known) };
  const host = { ...all, egress };
  const { bgp } = host;
  if (bgp.kind === "none") return host;
  const neighbours = bgp.neighbours.filter((each) => has(each.host));
  const vrfs = host.vrfs.map((vrf) => ({ ...vrf, otherExits: vrf.otherExits.filter((each) => has(each.host)) }));
  if (bgp.kind === "evpn") return { ...host, vrfs, bgp: { ...bgp, neighbours } };
  const unicast = { ...bgp.unicast, neighbours: bgp.unicast.neighbours.filter((each) => has(each.host)) };
  return { ...host, vrfs, bgp: { ...bgp, neighbours, unicast } };
}

/** A network without some of its hosts. The peers stay: they stand in the files, and decide where packets to the absent go. */
export function networkWith(has: Has, network: Network): Network {
  return {
    ...network,
    hosts: network.hosts.filter(({ name }) => has(name)).map((host) => hostWith(has, host)),
    segments: segmentsWith(has, network.segments),
    vrfs: network.vrfs
      .map((vrf) => ({ ...vrf, members: vrf.members.filter(has), exits: vrf.exits.filter((exit) => has(exit.host)) }))
      .filter(({ members }) => members.length > 0),
    exits: network.exits.filter((exit) => has(exit.host)),
    remotes: network.remotes.map((remote) => ({ ...remote, exits: remote.exits.filter((exit) => has(exit.host)) })),
    prefixes: network.prefixes.filter(({ use }) => (use.kind !== "route" && use.kind !== "peer") || has(use.host)),
  };
}
