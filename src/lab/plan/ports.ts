/** Where others dial a host, and which of its ports that leads to. */
import type { IpAddress } from "../../base/ip.ts";
import type { Host } from "../../model/host.ts";
import { unicastOf } from "../../model/loopback.ts";
import type { Network } from "../../model/network.ts";
import { type Endpoint, endpointText } from "../../model/reach.ts";

/** An endpoint, and the port that the host listens on there. */
export interface DialledPort {
  readonly address: IpAddress;
  readonly port: number;
  readonly toPort: number;
}

const isSamePlace = (a: Endpoint, b: Endpoint): boolean =>
  a.kind === "address" ? b.kind === "address" && a.address === b.address : b.kind === "name" && a.name === b.name;

/** Gives the address that an endpoint leads to. */
export type Resolve = (endpoint: Endpoint) => IpAddress;

/** Where others dial a host from outside: each of its interfaces that is dialled has a port of its own. */
export function dialledPorts({ hosts, peers }: Network, host: Host, resolve: Resolve): readonly DialledPort[] {
  const { endpoints } = host.reach;
  const [only] = host.interfaces;
  if (only === undefined) return [];
  const portOf = (endpoint: Endpoint, toPort: number): DialledPort => ({
    address: resolve(endpoint),
    port: endpoint.port,
    toPort,
  });
  if (unicastOf(host) === undefined) return endpoints.map((endpoint) => portOf(endpoint, only.listenPort));
  const hostOf = new Map(peers.map((peer) => [peer.id, peer.host]));
  const views = new Map(peers.filter((peer) => peer.host === host.name).map((peer) => [peer.id, peer]));
  const ports = hosts.flatMap((other) => {
    const own = host.interfaces.find((link) => link.peers.some((id) => hostOf.get(id) === other.name));
    return other.interfaces.flatMap((link) =>
      link.peers.flatMap((id): readonly (readonly [string, DialledPort])[] => {
        const dialled = views.get(id)?.endpoints ?? [];
        if (own === undefined) return [];
        return dialled
          .filter((each) => endpoints.some((endpoint) => isSamePlace(each, endpoint)))
          .map((each) => [endpointText(each), portOf(each, own.listenPort)]);
      }),
    );
  });
  return [...new Map(ports).values()];
}
