import { type Diagnostic, diagnostic } from "../base/diagnostic.ts";
import { addressToInteger, familyOf, formatAddressAndPort, type IpRange, rangeContains, rangeOf } from "../base/ip.ts";
import type { Endpoint, Host, Network, OwnedPrefix } from "../model/network.ts";
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
  readonly range: IpRange;
}

function routedPrefixes(network: Network): readonly Routed[] {
  const owned = network.hosts.flatMap((host) =>
    host.ownedPrefixes.map((each) => ({ ...each, owner: host.name, range: rangeOf(each.prefix) })),
  );
  const pools = network.prefixes
    .filter((each) => each.use.kind === "pool")
    .map(({ prefix, span }) => ({
      prefix,
      use: "pool",
      origin: { "": span },
      owner: undefined,
      range: rangeOf(prefix),
    }));
  return [...pools, ...owned];
}

interface Located {
  readonly host: Host;
  readonly field: "endpoint" | "lanEndpoint";
  readonly endpoint: Endpoint & { readonly kind: "address" };
  /** The address as an integer: each is held against every prefix. */
  readonly integer: bigint;
}

function literalEndpoints(network: Network): readonly Located[] {
  return network.hosts.flatMap((host) =>
    (["endpoint", "lanEndpoint"] as const).flatMap((field) => {
      const endpoint = host.reach[field];
      if (endpoint?.kind !== "address") return [];
      return [{ host, field, endpoint, integer: addressToInteger(endpoint.address) }];
    }),
  );
}

const holds = ({ range }: Routed, { endpoint, integer }: Located): boolean =>
  range.family === familyOf(endpoint.address) && rangeContains(range, integer);

/** True when the address is the host's own, on its LAN or its only one, rather than that of a router before it. */
const isOwnAddress = ({ host, field }: Located): boolean => field === "lanEndpoint" || !host.reach.isBehindNat;

/** Who dials each endpoint. */
function diallers(network: Network): ReadonlyMap<Endpoint, ReadonlySet<string>> {
  const endpoints = new Map(network.peers.map((peer) => [peer.id, peer.endpoint]));
  const found = new Map<Endpoint, Set<string>>();
  for (const host of network.hosts) {
    for (const id of host.interfaces.flatMap((link) => link.peers)) {
      const endpoint = endpoints.get(id);
      if (endpoint === undefined) continue;
      const names = found.get(endpoint) ?? new Set();
      found.set(endpoint, names.add(host.name));
    }
  }
  return found;
}

/** An endpoint inside a prefix that its dialler routes into the overlay would need the tunnel to reach the tunnel. */
export function endpointOutsideOverlay(network: Network): readonly Diagnostic[] {
  const routed = routedPrefixes(network);
  const inside = literalEndpoints(network).flatMap((located) =>
    routed.filter((each) => holds(each, located)).map((each) => ({ located, each })),
  );
  if (inside.length === 0) return [];
  const dialledBy = diallers(network);
  // For its owner a prefix is no overlay.
  const isDialledByOthers = ({ endpoint }: Located, owner: string | undefined): boolean =>
    [...(dialledBy.get(endpoint) ?? [])].some((name) => name !== owner);
  return (
    inside
      // Said by lanOutsideOverlay, which names the owner too.
      .filter(
        ({ located, each: { owner } }) => owner === undefined || owner === located.host.name || !isOwnAddress(located),
      )
      .filter(({ located, each }) => isDialledByOthers(located, each.owner))
      .map(({ located: { host, field, endpoint }, each: { prefix, origin } }) => {
        const related = [{ message: `${prefix} is routed into the overlay here`, span: originSpan(origin) }];
        const params = { host: host.name, address: endpoint.address, prefix };
        return diagnostic("endpoint-in-overlay", params, originSpan(host.origin, field), related);
      })
  );
}

/**
 * No prefix that holds a host's own LAN address leads through another host: wg-quick would fail with "File exists", or take
 * the LAN away from DHCP.
 */
export function lanOutsideOverlay(network: Network): readonly Diagnostic[] {
  const routed = routedPrefixes(network);
  return literalEndpoints(network)
    .filter(isOwnAddress)
    .flatMap((located) =>
      routed.flatMap((each) => {
        const { host, field, endpoint } = located;
        if (each.owner === undefined || each.owner === host.name || !holds(each, located)) return [];
        const params = { prefix: each.prefix, owner: each.owner, address: endpoint.address, host: host.name };
        const related = [
          { message: `${endpoint.address} is ${host.name}'s own`, span: originSpan(host.origin, field) },
        ];
        return [diagnostic("lan-in-allowed-ips", params, originSpan(each.origin), related)];
      }),
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
