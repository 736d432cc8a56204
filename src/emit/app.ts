/** What an app takes in for a device that netgen writes no files for. */
import { must } from "../base/invariant.ts";
import type { IpFamily } from "../base/ip.ts";
import type { AppSettings, Host } from "../model/host.ts";
import type { Network } from "../model/network.ts";
import { endpointText, type Peer } from "../model/reach.ts";
import { render } from "./template.ts";

/** All that there is, of these families. */
const everything = (families: readonly IpFamily[]) => families.map((family) => (family === 4 ? "0.0.0.0/0" : "::/0"));

function peerView(
  { host, publicKey, endpoints: [endpoint], keepaliveSeconds, allowedIps }: Peer,
  { exit, remotes }: Pick<AppSettings, "exit" | "remotes">,
) {
  const whole = host === exit?.host ? everything(exit.families) : [];
  const beyond = remotes.filter((remote) => remote.host === host).flatMap(({ prefixes }) => prefixes);
  return {
    host,
    publicKey,
    allowedIps: [...allowedIps, ...beyond, ...whole].join(", "),
    // Of several an app takes one, and it looks up names itself.
    hasEndpoint: endpoint !== undefined,
    endpoint: endpoint === undefined ? "" : endpointText(endpoint),
    hasKeepalive: keepaliveSeconds > 0,
    keepalive: String(keepaliveSeconds),
  };
}

function configurationOf(
  { interfaces: [tunnel] }: Host,
  { dns, exit, remotes, listenPort }: AppSettings,
  peers: PeersById,
): string {
  const { addresses, mtu, peers: ids } = must(tunnel, "what an app configures has a tunnel");
  return render("wireguard/app.conf.njk", {
    addresses: addresses.map(({ address, lengthBits }) => `${address}/${lengthBits}`).join(", "),
    isDialled: listenPort !== undefined,
    listenPort: String(listenPort ?? ""),
    hasDns: dns.length > 0,
    dns: dns.join(", "),
    mtu: String(mtu),
    peers: ids.map((id) => peerView(must(peers.get(id), "every id is that of a peer"), { exit, remotes })),
  });
}

type PeersById = ReadonlyMap<string, Peer>;

/**
 * The configuration of each device that an app configures, by its name: what the apps of all systems take (wg-quick's
 * Address, DNS and MTU with WireGuard's own keys) and nothing that one of them refuses, which are hooks and Table. Without
 * PrivateKey and PresharedKey.
 */
export function emitConfigurations({ hosts, peers }: Network): Readonly<Record<string, string>> {
  const byId = new Map(peers.map((peer) => [peer.id, peer]));
  return Object.fromEntries(
    hosts.flatMap((host) => (host.app === undefined ? [] : [[host.name, configurationOf(host, host.app, byId)]])),
  );
}
