import { type Diagnostic, diagnostic } from "../base/diagnostic.ts";
import {
  familyOf,
  formatAddressAndPort,
  type IpAddress,
  type IpPrefix,
  prefixLengthBits,
  prefixOf,
} from "../base/ip.ts";
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
}

function routedPrefixes(network: Network): readonly Routed[] {
  const owned = network.hosts.flatMap((host) => host.ownedPrefixes.map((each) => ({ ...each, owner: host.name })));
  const pools = network.prefixes
    .filter((each) => each.use.kind === "pool")
    .map(({ prefix, span }) => ({ prefix, use: "pool", origin: { "": span }, owner: undefined }));
  return [...pools, ...owned];
}

/**
 * Finds the prefixes that hold an address: one look for each length that there is, for a thousand hosts with a thousand
 * prefixes would be a million to compare.
 */
function prefixIndex(network: Network): (address: IpAddress) => readonly Routed[] {
  const byPrefix = new Map<IpPrefix, Routed[]>();
  const lengths = { 4: new Set<number>(), 6: new Set<number>() };
  for (const each of routedPrefixes(network)) {
    const { prefix } = each;
    const same = byPrefix.get(prefix);
    if (same === undefined) byPrefix.set(prefix, [each]);
    else same.push(each);
    lengths[familyOf(prefix)].add(prefixLengthBits(prefix));
  }
  return (address) =>
    [...lengths[familyOf(address)]].flatMap((lengthBits) => byPrefix.get(prefixOf(address, lengthBits)) ?? []);
}

interface Located {
  readonly host: Host;
  readonly field: "endpoint" | "lanEndpoint";
  readonly endpoint: Endpoint & { readonly kind: "address" };
}

/** An endpoint that stands in a prefix of the overlay. */
interface Inside {
  readonly located: Located;
  readonly each: Routed;
}

function endpointsInside(network: Network): readonly Inside[] {
  const find = prefixIndex(network);
  return network.hosts.flatMap((host) =>
    (["endpoint", "lanEndpoint"] as const).flatMap((field) => {
      const endpoint = host.reach[field];
      if (endpoint?.kind !== "address") return [];
      return find(endpoint.address).map((each): Inside => ({ located: { host, field, endpoint }, each }));
    }),
  );
}

/** True when the address is the host's own, on its LAN or its only one, rather than that of a router before it. */
const isOwnAddress = ({ host, field }: Located): boolean => field === "lanEndpoint" || !host.reach.isBehindNat;

/** Whether a host other than its owner dials an endpoint; lists of peers are long, so only as much is read as is needed. */
function diallers(network: Network): (located: Located, owner: string | undefined) => boolean {
  const views = new Map<Endpoint, string[]>();
  for (const { id, endpoint } of network.peers) {
    if (endpoint !== undefined) views.set(endpoint, [...(views.get(endpoint) ?? []), id]);
  }
  return ({ endpoint }, owner) => {
    const ids = views.get(endpoint) ?? [];
    const dials = ({ name, interfaces }: Host): boolean =>
      name !== owner && interfaces.some((link) => link.peers.some((id) => ids.includes(id)));
    return ids.length > 0 && network.hosts.some(dials);
  };
}

/** An endpoint inside a prefix that its dialler routes into the overlay would need the tunnel to reach the tunnel. */
export function endpointOutsideOverlay(network: Network): readonly Diagnostic[] {
  const isDialledByOthers = diallers(network);
  return (
    endpointsInside(network)
      // Said by lanOutsideOverlay, which names the owner too.
      .filter(
        ({ located, each: { owner } }) => owner === undefined || owner === located.host.name || !isOwnAddress(located),
      )
      // For its owner a prefix is no overlay.
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
  return endpointsInside(network).flatMap(({ located, each: { prefix, owner, origin } }) => {
    const { host, field, endpoint } = located;
    if (!isOwnAddress(located) || owner === undefined || owner === host.name) return [];
    const params = { prefix, owner, address: endpoint.address, host: host.name };
    const related = [{ message: `${endpoint.address} is ${host.name}'s own`, span: originSpan(host.origin, field) }];
    return [diagnostic("lan-in-allowed-ips", params, originSpan(origin), related)];
  });
}

const MANY_HOSTS = 100;

/** A preshared key for every pair is n(n-1)/2 files. */
export function presharedKeysBearable(network: Network): readonly Diagnostic[] {
  const hosts = network.hosts.length;
  if (hosts <= MANY_HOSTS || !network.peers.some((peer) => peer.hasPresharedKey)) return [];
  const params = { hosts, count: (hosts * (hosts - 1)) / 2 };
  return [diagnostic("preshared-keys-many", params, originSpan(network.origin, "wireguard/presharedKeys"))];
}
