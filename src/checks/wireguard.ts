import { type Diagnostic, diagnostic } from "../base/diagnostic.ts";
import { containsAddress, formatAddressAndPort, type IpAddress } from "../base/ip.ts";
import type { Endpoint, Host, Network, OwnedPrefix, Peer } from "../model/network.ts";
import { originSpan } from "../model/origin.ts";

const endpointText = (endpoint: Endpoint): string =>
  endpoint.kind === "address"
    ? formatAddressAndPort(endpoint.address, endpoint.port)
    : `${endpoint.name}:${endpoint.port}`;

/** Reports each host after the first that has the same key of some kind. */
function findTwins(
  network: Network,
  keyOf: (host: Host) => string | undefined,
  report: (host: Host, first: Host, key: string) => Diagnostic,
): readonly Diagnostic[] {
  const found: Diagnostic[] = [];
  const first = new Map<string, Host>();
  for (const host of network.hosts) {
    const key = keyOf(host);
    if (key === undefined) continue;
    const other = first.get(key);
    if (other === undefined) first.set(key, host);
    else found.push(report(host, other, key));
  }
  return found;
}

/** No two hosts have one public key, be it from the topology or from a file. */
export function distinctPublicKeys(network: Network): readonly Diagnostic[] {
  return findTwins(
    network,
    (host) => (host.publicKey === "" ? undefined : host.publicKey),
    (host, other) =>
      diagnostic("public-key-duplicate", { host: other.name, other: host.name }, originSpan(host.origin, "publicKey"), [
        { message: `${other.name} has it here`, span: originSpan(other.origin, "publicKey") },
      ]),
  );
}

/** No two hosts are dialled at the same address and port. */
export function distinctEndpoints(network: Network): readonly Diagnostic[] {
  const report =
    (field: "endpoint" | "lanEndpoint") =>
    (host: Host, other: Host): Diagnostic => {
      const endpoint = endpointText(host.reach[field] as Endpoint);
      const params = { host: other.name, other: host.name, endpoint };
      return diagnostic("endpoint-duplicate", params, originSpan(host.origin, field), [
        { message: `${other.name} is dialled there too`, span: originSpan(other.origin, field) },
      ]);
    };
  return [
    ...findTwins(network, ({ reach }) => reach.endpoint && endpointText(reach.endpoint), report("endpoint")),
    ...findTwins(
      network,
      ({ reach }) => reach.lanEndpoint && `${reach.site ?? `${reach.name} alone`} ${endpointText(reach.lanEndpoint)}`,
      report("lanEndpoint"),
    ),
  ];
}

/** A host dialled on another port than it listens on is behind a router that forwards the port. */
export function forwardedPorts(network: Network): readonly Diagnostic[] {
  return network.hosts.flatMap((host) => {
    const { endpoint, isBehindNat } = host.reach;
    const listenPort = host.interfaces[0]?.listenPort;
    if (endpoint === undefined || isBehindNat || endpoint.port === listenPort || listenPort === undefined) return [];
    const params = { host: host.name, port: endpoint.port, listenPort };
    return [diagnostic("endpoint-port-unforwarded", params, originSpan(host.origin, "endpoint"))];
  });
}

/** Prefixes that lead into the overlay, each with its owner; pools have none. */
interface Routed extends OwnedPrefix {
  readonly owner: string | undefined;
}

function routedPrefixes(network: Network): readonly Routed[] {
  const owned = network.hosts.flatMap((host) => host.ownedPrefixes.map((each) => ({ ...each, owner: host.name })));
  const pools = network.prefixes
    .filter((each) => each.use.kind === "pool")
    .map(({ prefix, span }) => ({ prefix, use: "pool", origin: { "": span }, owner: undefined }));
  return [...pools, ...owned];
}

interface Located {
  readonly host: Host;
  readonly field: "endpoint" | "lanEndpoint";
  readonly address: IpAddress;
}

function literalEndpoints(network: Network): readonly Located[] {
  return network.hosts.flatMap((host) =>
    (["endpoint", "lanEndpoint"] as const).flatMap((field) => {
      const endpoint = host.reach[field];
      return endpoint?.kind === "address" ? [{ host, field, address: endpoint.address }] : [];
    }),
  );
}

/** True when a host other than the prefix's owner dials this endpoint: for the owner the prefix is no overlay. */
function isDialledByOthers(
  network: Network,
  peers: ReadonlyMap<string, Peer>,
  { host, field }: Located,
  owner?: string,
) {
  return network.hosts.some(
    (dialler) =>
      dialler.name !== owner &&
      dialler.interfaces.some((link) =>
        link.peers.some((id) => {
          const peer = peers.get(id);
          return peer?.host === host.name && peer.endpoint === host.reach[field];
        }),
      ),
  );
}

/** True when the address is the host's own, on its LAN or its only one, rather than that of a router before it. */
const isOwnAddress = ({ host, field }: Located): boolean => field === "lanEndpoint" || !host.reach.isBehindNat;

/** An endpoint inside a prefix that its dialler routes into the overlay would need the tunnel to reach the tunnel. */
export function endpointOutsideOverlay(network: Network): readonly Diagnostic[] {
  const routed = routedPrefixes(network);
  const peers = new Map(network.peers.map((peer) => [peer.id, peer]));
  return literalEndpoints(network).flatMap((located) => {
    const { host, field, address } = located;
    return (
      routed
        .filter((each) => containsAddress(each.prefix, address))
        // Said by lanOutsideOverlay, which names the owner too.
        .filter(({ owner }) => owner === undefined || owner === host.name || !isOwnAddress(located))
        .filter((each) => isDialledByOthers(network, peers, located, each.owner))
        .map((each) =>
          diagnostic(
            "endpoint-in-overlay",
            { host: host.name, address, prefix: each.prefix },
            originSpan(host.origin, field),
            [{ message: `${each.prefix} is routed into the overlay here`, span: originSpan(each.origin) }],
          ),
        )
    );
  });
}

/**
 * No prefix that holds a host's own LAN address leads through another host: wg-quick would fail with "File exists", or take
 * the LAN away from DHCP.
 */
export function lanOutsideOverlay(network: Network): readonly Diagnostic[] {
  const routed = routedPrefixes(network);
  return literalEndpoints(network)
    .filter(isOwnAddress)
    .flatMap(({ host, field, address }) =>
      routed
        .filter((each) => each.owner !== undefined && each.owner !== host.name && containsAddress(each.prefix, address))
        .map((each) =>
          diagnostic(
            "lan-in-allowed-ips",
            { prefix: each.prefix, owner: each.owner as string, address, host: host.name },
            originSpan(each.origin),
            [{ message: `${address} is ${host.name}'s own`, span: originSpan(host.origin, field) }],
          ),
        ),
    );
}

const MANY_HOSTS = 100;

/** A preshared key for every pair is n(n-1)/2 files. */
export function presharedKeysBearable(network: Network): readonly Diagnostic[] {
  const hosts = network.hosts.length;
  if (hosts <= MANY_HOSTS || !network.peers.some((peer) => peer.hasPresharedKey)) return [];
  const params = { hosts, count: (hosts * (hosts - 1)) / 2 };
  return [diagnostic("preshared-keys-many", params, originSpan(network.origin, "wireguard/presharedKeys"))];
}
