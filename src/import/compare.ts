/** What the hosts will have that they have not now: the model that the topology comes to, beside the files it is from. */
import { comparePrefixes, type IpPrefix, mergePrefixes } from "../base/ip.ts";
import { someOf } from "../base/text.ts";
import type { Host } from "../model/host.ts";
import type { Network } from "../model/network.ts";
import type { Peer } from "../model/reach.ts";
import { type Finding, type HostFacts, note, type PeerFacts, question } from "./facts.ts";
import type { Member } from "./fleet.ts";

function tellPrefixes(name: string, before: PeerFacts, { host, allowedIps }: Peer): readonly Finding[] {
  const old = new Set(mergePrefixes(before.allowedIps.map(({ value }) => value.prefix)));
  const now = new Set(mergePrefixes(allowedIps));
  const list = (from: ReadonlySet<IpPrefix>, without: ReadonlySet<IpPrefix>): readonly IpPrefix[] =>
    [...from].filter((prefix) => !without.has(prefix)).sort(comparePrefixes);
  const [gone, come] = [list(old, now), list(now, old)];
  if (gone.length + come.length === 0) return [];
  const parts = [
    ...(gone.length === 0 ? [] : [`lose ${someOf(gone)}`]),
    ...(come.length === 0 ? [] : [`get ${someOf(come)}`]),
  ];
  return [note(`${name}: the AllowedIPs of ${host} ${parts.join(" and ")}`, before.place)];
}

function tellMtu(name: string, { mtu }: HostFacts, { interfaces }: Host): readonly Finding[] {
  const [link] = interfaces;
  if (mtu === undefined || link === undefined || link.mtu === mtu.value) return [];
  const text = `${name} has MTU = ${mtu.value}, and by the paths it would be ${link.mtu}, limited by ${link.limitingPeer}`;
  return [question(`${text}; netgen mtu says why`, mtu.place)];
}

/** What becomes different, host by host. */
export function tellDifferences(
  network: Network,
  members: readonly Member[],
  nameOf: (identity: string) => string,
): readonly Finding[] {
  const peers = new Map(network.peers.map((peer) => [peer.id, peer]));
  return members.flatMap(({ facts, identity }) => {
    const name = nameOf(identity);
    const host = network.hosts.find((each) => each.name === name);
    if (facts === undefined || host === undefined) return [];
    const now = host.interfaces.flatMap((link) => link.peers.flatMap((id) => peers.get(id) ?? []));
    const of = (peer: PeerFacts): Peer | undefined => now.find((each) => each.host === nameOf(peer.identity));
    return [
      ...tellMtu(name, facts, host),
      ...facts.peers.flatMap((peer) => {
        const after = of(peer);
        return after === undefined
          ? [note(`${name} has no tunnel with ${nameOf(peer.identity)} any more: the shape has none`, peer.place)]
          : tellPrefixes(name, peer, after);
      }),
    ];
  });
}
