/** Cautions about tunnels, of which both ends have to be told the same. */
import { containsAddress, parsePrefix } from "../base/ip.ts";
import { listInWords, someOf } from "../base/text.ts";
import { type Judge, NO_PLACE, type Tunnel, textAt, tunnelLinksOf, unique } from "./caution.ts";
import type { Side } from "./sides.ts";
import { peersIn, valuesOf, type WireguardPeer } from "./wireguard-file.ts";

/** Peers that a tunnel has on both sides, and of which something differs. */
const changedPeersOf = ({ before, after }: Tunnel, differs: (old: WireguardPeer, next: WireguardPeer) => boolean) => {
  const next = peersIn(after);
  return [...peersIn(before)].flatMap(([name, old]) => {
    const peer = next.get(name);
    return peer !== undefined && differs(old, peer) ? [name] : [];
  });
};

const keys: Judge = (_, tunnels) => {
  const rotated = unique(tunnels.flatMap((tunnel) => changedPeersOf(tunnel, (a, b) => a.publicKey !== b.publicKey)));
  return rotated.map((host) => ({
    kind: "key",
    hosts: [host],
    interrupts: `tunnels of ${host}`,
    ...NO_PLACE,
    text: `${host} has a new key, and each tunnel of it is dark while one end alone knows. Do not bring this one host after the other: "netgen keys rotate" prints the roll-out in which it loads its key first and its peers right after it, and what is sent meanwhile waits (docs/keys.md).`,
  }));
};

const presharedKeys: Judge = (_, tunnels) => {
  const pairs = unique(
    tunnels.flatMap((tunnel) =>
      changedPeersOf(tunnel, (a, b) => a.hasPresharedKey !== b.hasPresharedKey).map((peer) =>
        [tunnel.host, peer].sort().join("\n"),
      ),
    ),
  ).map((pair) => pair.split("\n"));
  if (pairs.length === 0) return [];
  const named = someOf(pairs.map((pair) => pair.join(" and ")));
  return [
    {
      kind: "preshared-key",
      hosts: unique(pairs.flat()),
      interrupts: "tunnels between these hosts, if the two ends change more than a minute apart",
      ...NO_PLACE,
      text: `Preshared keys come or go between ${named}. A session in use goes on for at least a minute more; one that begins needs both ends alike: bring both within a minute.`,
    },
  ];
};

/** Tunnels of which the value of a key differs. */
const valueChanges = (tunnels: readonly Tunnel[], key: string) =>
  tunnels
    .map((tunnel) => ({
      ...tunnel,
      from: valuesOf(tunnel.before, key).join(", "),
      to: valuesOf(tunnel.after, key).join(", "),
    }))
    .filter(({ from, to }) => from !== to);

const listenPorts: Judge = (_, tunnels) =>
  valueChanges(tunnels, "ListenPort").map(({ host, link, from, to }) => ({
    kind: "listen-port",
    hosts: [host],
    interrupts: `tunnels of ${host} by ${link} with peers that have nothing from it to answer`,
    ...NO_PLACE,
    text: `${host} listens on port ${to} in place of ${from}. First let ${to} through all firewalls and forwardings before it, then bring ${host} and its peers right after each other, then close ${from}: in between, a peer finds it by what ${host} itself sends.`,
  }));

const addresses: Judge = (_, tunnels) =>
  valueChanges(tunnels, "Address").map(({ host, link, from, to }) => ({
    kind: "address",
    hosts: [host],
    interrupts: `what comes to ${host} by ${link}, and BGP sessions and segments by that address`,
    ...NO_PLACE,
    text: `${host} is ${to} on ${link}, and no more ${from}: peers take nothing from the new address before they have changed, too. Bring all of them right after each other.`,
  }));

/** The peers that are sent what is meant for others: their AllowedIPs hold the host's own address. */
function hubsIn(text: string): readonly string[] {
  const prefixes = (texts: readonly string[]) =>
    texts.flatMap((list) => list.split(", ")).flatMap((each) => parsePrefix(each) ?? []);
  const own = prefixes(valuesOf(text, "Address"));
  const holdsOwn = ({ allowedIps }: WireguardPeer): boolean =>
    prefixes(allowedIps).some(({ prefix }) => own.some(({ address }) => containsAddress(prefix, address)));
  return [...peersIn(text)].filter(([, peer]) => holdsOwn(peer)).map(([name]) => name);
}

const hubsOf = (side: Side): readonly string[] =>
  unique(tunnelLinksOf(side).flatMap((link) => hubsIn(textAt(side, `etc/wireguard/${link}.conf`))));

const hubs: Judge = (changes) => {
  const moved = changes
    .filter(({ before, after }) => before.files.size > 0 && after.files.size > 0)
    .map(({ host, before, after }) => ({ host, before: hubsOf(before), after: hubsOf(after) }))
    .filter((each) => each.before.join() !== each.after.join());
  if (moved.length === 0) return [];
  const came = unique(moved.flatMap(({ before, after }) => after.filter((hub) => !before.includes(hub))));
  const left = unique(moved.flatMap(({ before, after }) => before.filter((hub) => !after.includes(hub))));
  const hosts = moved.map(({ host }) => host);
  const ways = `${came.length > 0 ? `by ${listInWords(came)}` : "without a hub"}${left.length > 0 ? `, and no more by ${listInWords(left)}` : ""}`;
  return [
    {
      kind: "hub",
      hosts,
      interrupts: "what goes between hosts of which one alone has changed",
      first: came,
      last: left.filter((hub) => !came.includes(hub)),
      text: `${someOf(hosts)} send ${ways}. Those that others send to from now on come first here, and those that they leave come last; bring all of them right after each other.`,
    },
  ];
};

export const tunnelJudges: readonly Judge[] = Object.freeze([keys, presharedKeys, listenPorts, addresses, hubs]);
