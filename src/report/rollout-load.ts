/** When hosts load what a roll-out has put in place, and by which command. */
import { must } from "../base/invariant.ts";
import { shellWord } from "../base/text.ts";
import type { Network } from "../model/network.ts";
import { isDialledByScript } from "../model/reach.ts";
import { addressOf, hostNamed, hostsByText, type View, words } from "./rollout-files.ts";

/** How long hosts wait before they load a key, seconds: the order has to reach all of them first, side by side. */
export const WAIT_SECONDS = 30;
/**
 * How much later than the host itself its peers load its new key: what the timer of a busy host may be late by. What waits
 * meanwhile grows with it, and a peer that has to have its own key decrypted takes longer to load.
 */
const AFTER_SECONDS = 0.5;
/** MAX_STAGED_PACKETS of Linux (drivers/net/wireguard/messages.h): what waits for a handshake with a peer; then the oldest goes. */
export const STAGED_PACKETS = 128;

// In time to a millisecond: systemd's own habit is a minute.
const later = (seconds: number): string =>
  `systemd-run --quiet --on-active=${seconds} --timer-property=AccuracySec=1ms`;

const reload = (links: readonly string[]): string =>
  `systemctl reload ${links.map((link) => `wg-quick@${link}`).join(" ")}`;

const linksOf = (network: Network, name: string): readonly string[] =>
  hostNamed(network, name).interfaces.map((link) => link.name);

const untilLoaded = (seconds: number): string => `wait; sleep ${Math.ceil(seconds) + 5}`;

/** Hosts load what they have, all of them at the same time. */
export function loadTogether(network: Network, hosts: readonly string[]): readonly string[] {
  const groups = hostsByText(hosts.map((host) => [reload(linksOf(network, host)), host] as const));
  const loops = groups.map(
    ([command, group]) =>
      `for host in ${words(group)}; do\n  ssh "root@$host" ${later(WAIT_SECONDS)} ${command} &\ndone`,
  );
  return [...loops, untilLoaded(WAIT_SECONDS)];
}

/** A host and the public key that it gets. */
export interface NewKey {
  readonly host: string;
  readonly publicKey: string;
}

/**
 * To WireGuard, a peer with another key is another peer, and nobody knows where it is. A host whose file has no address of it
 * tells the new one where the old one is, found by what that carries.
 */
function keepPlace({ link, peer }: View, publicKey: string): string {
  if (peer.endpoints.length > 0 && !isDialledByScript(peer)) return "";
  const carried = must(peer.allowedIps[0], "a peer carries its own address");
  const old = `$(wg show ${link} allowed-ips | grep -wF ${carried} | cut -f 1)`;
  return `wg set ${link} peer ${publicKey} endpoint $(wg show ${link} endpoints | grep ^${old} | cut -f 2); `;
}

/**
 * A host loads its new key, and its peers after it. Meanwhile it still takes what they send by the old key, and what it sends
 * waits in the kernel: peers that came first would refuse it. They are those that shake hands, at once, by a ping, as the host
 * did so already in vain and tries again only after five seconds.
 */
export function loadInTurn(
  network: Network,
  { host: name, publicKey }: NewKey,
  views: readonly View[],
): readonly string[] {
  const address = addressOf(hostNamed(network, name));
  const peers = [...new Set(views.map(({ host }) => host))];
  const commands = peers.map((peer) => {
    const own = views.filter(({ host }) => host === peer);
    const places = own.map((view) => keepPlace(view, publicKey)).join("");
    return [`${places}${reload(own.map(({ link }) => link))}; ping -c 1 -w 5 ${address}`, peer] as const;
  });
  const after = WAIT_SECONDS + AFTER_SECONDS;
  return [
    `ssh ${shellWord(`root@${name}`)} ${later(WAIT_SECONDS)} ${reload(linksOf(network, name))}`,
    ...hostsByText(commands).map(
      ([command, group]) =>
        `load=${shellWord(command)}\nfor host in ${words(group)}; do\n  ssh "root@$host" ${later(after)} sh -c "'$load'" &\ndone`,
    ),
    untilLoaded(after),
  ];
}
