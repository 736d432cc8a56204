/** By which link a host is to lead what others have, asked of the kernel for one address of each prefix. */
import { must } from "../base/invariant.ts";
import {
  addressBits,
  addressFromInteger,
  comparePrefixes,
  containsPrefix,
  type IpAddress,
  type IpPrefix,
  isHostAddress,
  rangeOf,
} from "../base/ip.ts";
import { once, onceByKey } from "../base/once.ts";
import type { WireguardInterface } from "../model/device.ts";
import type { Host } from "../model/host.ts";
import { unicastOf } from "../model/loopback.ts";
import type { Peer } from "../model/reach.ts";
import type { EmitContext } from "./context.ts";
import { layOut, type Print, piecesOf, print, type Strip } from "./shared.ts";
import { render } from "./template.ts";

/**
 * A promise: its kind, of which unit, link, table or host, and what is expected. Of most kinds these are a command, or a file
 * where it begins with a slash, and words that it says; "! " before them: that it does not say; "^ ": that it begins with.
 */
export type Line = readonly [kind: string, name: string, ...expected: readonly string[]];

export const printOf = (line: Line): Print => ({
  template: "delivery/verify.line.njk",
  view: { line: line.join("\t") },
});

export function textOf(line: Line): string {
  const { template, view } = printOf(line);
  return render(template, view);
}

/** Every prefix that somebody has, sorted: what lies within another one follows it. */
const allPrefixes = once(({ network, hosts }: EmitContext) => {
  const owned = [...hosts.values()].flatMap(({ ownedPrefixes }) => ownedPrefixes);
  const all = [...owned, ...network.prefixes].map(({ prefix }) => prefix);
  return [...new Set([...all, ...network.peers.flatMap(({ allowedIps }) => allowedIps)])].sort(comparePrefixes);
});

/** One address for each of them that lies in no longer one: the last that a host may have, or the first. */
const addresses = once((context: EmitContext) => {
  const all = allPrefixes(context);
  const found = new Map<IpPrefix, IpAddress>();
  for (const [index, prefix] of all.entries()) {
    const { family, first, last } = rangeOf(prefix);
    const candidates = [last, last - 1n, first + 1n]
      .filter((value) => value >= first && value <= last)
      .map((value) => addressFromInteger(family, value))
      .filter((address) => isHostAddress(prefix, address));
    let next = index + 1;
    const inside: IpPrefix[] = [];
    for (let other = all[next]; other !== undefined && containsPrefix(prefix, other); other = all[++next])
      inside.push(other);
    const free = candidates.find((address) => {
      const single = `${address}/${addressBits(family)}` as IpPrefix;
      return !inside.some((each) => containsPrefix(each, single));
    });
    if (free !== undefined) found.set(prefix, free);
  }
  return found;
});

/** An address by which the kernel can be asked for the way to a prefix; `undefined`: all that it holds may be others'. */
export const addressWithin = (prefix: IpPrefix, context: EmitContext): IpAddress | undefined =>
  addresses(context).get(prefix);

/** On a node of Kubernetes a route of the CNI's to another node's pods is better than netgen's, which others go by. */
const isOfPods = (prefix: IpPrefix, { network: { kubernetes } }: EmitContext): boolean =>
  (kubernetes?.pods ?? []).some((pods) => containsPrefix(pods, prefix));

function wayLines(prefix: IpPrefix, words: readonly string[], context: EmitContext): readonly Line[] {
  const address = addressWithin(prefix, context);
  if (address === undefined || isOfPods(prefix, context)) return [];
  return words.map((each) => ["way", each === "dev" ? prefix : `${prefix} ${each}`, `ip route get ${address}`, each]);
}

const strips = onceByKey<EmitContext, Strip>();

/** The lines of all peers for interfaces of one name, of which most files take long pieces. */
const peerLines = (device: string, context: EmitContext): Strip =>
  strips(context, device, () =>
    layOut(
      context.network.peers.map(({ id, routes }) => {
        const lines = routes.flatMap((prefix) => wayLines(prefix, [`dev ${device}`], context));
        return [id, lines.map(textOf).join("")] as const;
      }),
    ),
  );

function tunnelWays({ name, peers, smallerPeers }: WireguardInterface, context: EmitContext): readonly Uint8Array[] {
  const smaller = new Set(smallerPeers.map(({ host }) => host));
  const hostOf = (id: string): string => must<Peer>(context.peers.get(id), "every id is that of a peer").host;
  const sized = smallerPeers.flatMap(({ prefixes, mtu }) =>
    prefixes.flatMap((prefix) => wayLines(prefix, [`dev ${name}`, `mtu ${mtu}`], context)),
  );
  return [
    ...piecesOf(
      peerLines(name, context),
      peers.filter((id) => !smaller.has(hostOf(id))),
    ),
    ...sized.map((line) => print(context, printOf(line))),
  ];
}

/** What BGP brings: anything but no way at all, as it is the tunnels' state that decides. */
function bgpWays(host: Host, context: EmitContext): readonly Line[] {
  if (unicastOf(host) === undefined) return [];
  const others = [...context.hosts.values()].filter(({ name }) => name !== host.name);
  const prefixes = others.flatMap((other) => unicastOf(other)?.announced ?? []);
  return [...new Set(prefixes)].flatMap((prefix) => wayLines(prefix, ["dev"], context));
}

/** What leads to others, through the tunnels and by the LAN. */
export function waysOf(host: Host, context: EmitContext): readonly Uint8Array[] {
  const silent = host.vrrp?.isExclusive === true;
  const lines = [
    ...host.lanRoutes.flatMap(({ prefix, via }) => wayLines(prefix, [`via ${via}`], context)),
    ...bgpWays(host, context),
  ];
  return [
    ...(silent ? [] : host.interfaces.flatMap((link) => tunnelWays(link, context))),
    ...lines.map((line) => print(context, printOf(line))),
  ];
}
