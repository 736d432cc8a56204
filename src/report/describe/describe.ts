/** What a name means in a network, and that explained. */
import type { Network } from "../../model/network.ts";
import { createNeighboursOf } from "../../model/relays.ts";
import { tunnelsNamed } from "../../ways/tunnel-names.ts";
import { createTunnelRow } from "../mtu.ts";
import type { Description, Known, ThingKind } from "./description.ts";
import { describeHost } from "./host.ts";
import { describeLink } from "./link.ts";
import { describeSite } from "./site.ts";
import { describeSubnet } from "./subnet.ts";
import { describeVrf } from "./vrf.ts";

/** A thing by its kind and name: `host:alpha`. */
export interface Thing {
  readonly kind: ThingKind;
  readonly name: string;
  readonly describe: () => Description;
}

/** What is asked of a network; `units`: of each host, as they are compiled. */
export function knownOf(network: Network, units: Readonly<Record<string, readonly string[]>>): Known {
  return {
    network,
    hosts: new Map(network.hosts.map((host) => [host.name, host])),
    peers: new Map(network.peers.map((peer) => [peer.id, peer])),
    segments: new Map(network.segments.map((segment) => [segment.name, segment])),
    neighboursOf: createNeighboursOf(network),
    tunnelRow: createTunnelRow(network),
    unitsOf: (host) => units[host] ?? [],
  };
}

/** Names of all subnets, routed ones too, those of VRFs as well. */
function subnetsOf({ segments, prefixes, hosts }: Network): ReadonlySet<string> {
  return new Set([
    ...segments.map(({ name }) => name),
    ...prefixes.flatMap(({ use }) => (use.kind === "subnet" ? [use.subnet] : [])),
    ...hosts.flatMap(({ bridges }) => bridges.map(({ subnet }) => subnet)),
  ]);
}

/** Everything that has a name of its own; tunnels are named by their ends. */
export function namedThings(known: Known): readonly Thing[] {
  const { network } = known;
  return [
    ...network.hosts.map(
      (host): Thing => ({ kind: "host", name: host.name, describe: () => describeHost(known, host) }),
    ),
    ...[...subnetsOf(network)].map(
      (name): Thing => ({ kind: "subnet", name, describe: () => describeSubnet(known, name) }),
    ),
    ...network.vrfs.map((vrf): Thing => ({ kind: "vrf", name: vrf.name, describe: () => describeVrf(known, vrf) })),
    ...network.sites.map(
      (site): Thing => ({ kind: "site", name: site.name, describe: () => describeSite(known, site) }),
    ),
  ];
}

/** The tunnels that a text may mean; `undefined`: it names hosts that have none. */
const linksNamed = (known: Known, text: string): readonly Thing[] | undefined =>
  tunnelsNamed(known, text)?.map(
    ([a, b]): Thing => ({ kind: "link", name: `${a.name}--${b.name}`, describe: () => describeLink(known, a, b) }),
  );

/** All that a text means, with `host:` and the like before it only that; `no-tunnel`: two hosts that have none. */
export function thingsNamed(known: Known, text: string): readonly Thing[] | "no-tunnel" {
  const [, kind, name = text] = /^(host|subnet|vrf|link|site):(.*)$/.exec(text) ?? [];
  const links = kind === undefined || kind === "link" ? linksNamed(known, name) : [];
  const named = namedThings(known).filter((each) => each.name === name);
  const all = [...named, ...(links ?? [])].filter((each) => kind === undefined || each.kind === kind);
  return links === undefined && all.length === 0 ? "no-tunnel" : all;
}
