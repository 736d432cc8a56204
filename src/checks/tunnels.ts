/** Laws of hosts with more than one tunnel interface. */
import { type Diagnostic, diagnostic } from "../base/diagnostic.ts";
import type { Network } from "../model/network.ts";
import { originSpan } from "../model/origin.ts";
import { type Endpoint, endpointText, type Peer, type Reach } from "../model/reach.ts";
import { MAX_INTERFACE_NAME_LENGTH } from "./interfaces.ts";

/** A tunnel's name, made of the interface's and an id, fits the kernel. */
export function tunnelNamesFit(network: Network): readonly Diagnostic[] {
  const named = network.hosts.flatMap(({ name: host, interfaces }) => interfaces.map(({ name }) => ({ host, name })));
  const long = named.find(({ name }) => name.length > MAX_INTERFACE_NAME_LENGTH);
  if (long === undefined) return [];
  const params = { ...long, length: long.name.length };
  return [diagnostic("tunnel-name-too-long", params, originSpan(network.origin, "wireguard/interface"))];
}

/**
 * No two hosts are dialled at one address and port. Those of the endpoints themselves are judged elsewhere; here, those
 * of the ports above them.
 */
export function distinctTunnelEndpoints(network: Network): readonly Diagnostic[] {
  const several = network.hosts.filter(({ interfaces }) => interfaces.some(({ routedBy }) => routedBy === "bgp"));
  const routing = new Map(several.map((host) => [host.name, host]));
  const first = new Map<string, Peer>();
  const found = new Map<string, Diagnostic>();
  for (const peer of network.peers) {
    const host = routing.get(peer.host);
    if (host === undefined) continue;
    for (const each of peer.endpoints) {
      const endpoint = endpointText(each);
      // On a LAN the same address may be another one's.
      const key = isOnLan(host.reach, each) ? `${host.reach.site} ${endpoint}` : endpoint;
      const other = first.get(key);
      if (other === undefined) first.set(key, peer);
      else if (other.host !== peer.host && !found.has(`${other.host} ${peer.host}`)) {
        const params = { host: other.host, other: peer.host, endpoint };
        const span = originSpan(host.origin, "endpoint");
        found.set(`${other.host} ${peer.host}`, diagnostic("tunnel-endpoint-duplicate", params, span));
      }
    }
  }
  return [...found.values()];
}

const isOnLan = ({ lanEndpoint }: Reach, endpoint: Endpoint): boolean =>
  endpoint.kind === "address" && lanEndpoint?.kind === "address" && lanEndpoint.address === endpoint.address;
