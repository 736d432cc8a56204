import { type Diagnostic, diagnostic } from "../base/diagnostic.ts";
import { must } from "../base/invariant.ts";
import {
  familyOf,
  formatAddressAndPort,
  type IpAddress,
  type IpPrefix,
  prefixLengthBits,
  prefixOf,
} from "../base/ip.ts";
import type { Host, OwnedPrefix } from "../model/host.ts";
import type { Network } from "../model/network.ts";
import { originSpan } from "../model/origin.ts";
import type { Endpoint } from "../model/reach.ts";

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
    else if (!isPair(host, other)) found.push(report(host, other, key));
  }
  return found;
}

/** True for two that share an address and a key, and are one peer to all others. */
function isPair(a: Host, b: Host): boolean {
  const [one, other] = [a.reach, b.reach].map(({ lanEndpoint }) => lanEndpoint && endpointText(lanEndpoint));
  return a.reach.isShared && b.reach.isShared && one === other;
}

/** Two that are one peer to all others have one key. */
export function pairsHaveOneKey({ hosts }: Network): readonly Diagnostic[] {
  const sharing = hosts.filter(({ reach }) => reach.isShared);
  return sharing.flatMap((host, index) => {
    const other = sharing.slice(index + 1).find((each) => isPair(host, each));
    if (other === undefined || [host.publicKey, ""].includes(other.publicKey) || host.publicKey === "") return [];
    const related = [{ message: `${host.name} is here`, span: originSpan(host.origin, "publicKey") }];
    const params = { host: host.name, other: other.name };
    return [diagnostic("vrrp-keys-differ", params, originSpan(other.origin, "publicKey"), related)];
  });
}

/** No two hosts have one public key, be it from the topology or from a file, unless they are one peer to all others. */
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
      // One that is shared is a host's own as well, or it is not: that has been looked at with the pair.
      ({ reach: { site, name, lanEndpoint, isShared } }) =>
        lanEndpoint && !isShared ? `${site ?? `${name} alone`} ${endpointText(lanEndpoint)}` : undefined,
      report("lanEndpoint"),
    ),
  ];
}

/**
 * A host dialled on another port than it listens on is behind a router that forwards the port. Of several interfaces one
 * listens where everyone dials, or none does; the others' ports are as far apart as those of their endpoints.
 */
export function forwardedPorts(network: Network): readonly Diagnostic[] {
  const dialled = new Set(
    network.peers.flatMap(({ host, endpoint }) => (endpoint ? [`${host} ${endpoint.port}`] : [])),
  );
  const isHeard = ({ name, interfaces }: Host): boolean =>
    interfaces.some(({ listenPort }) => dialled.has(`${name} ${listenPort}`));
  const isDialled = new Set(network.peers.flatMap(({ host, endpoint }) => (endpoint ? [host] : [])));
  return network.hosts.flatMap((host) => {
    const { endpoint, isBehindNat } = host.reach;
    const listenPort = host.interfaces[0]?.listenPort;
    const isOfMany = host.interfaces.some(({ table }) => table === "off");
    if (isOfMany && (isHeard(host) || !isDialled.has(host.name))) return [];
    if (endpoint === undefined || isBehindNat || endpoint.port === listenPort || listenPort === undefined) return [];
    const params = { host: host.name, port: endpoint.port, listenPort };
    return [diagnostic("endpoint-port-unforwarded", params, originSpan(host.origin, "endpoint"))];
  });
}

/** Prefixes that lead into the overlay, each with its owner; pools and the tunnels' own have none. */
interface Routed extends Pick<OwnedPrefix, "prefix" | "origin"> {
  /** The LAN of its owner's site. */
  readonly isLan: boolean;
  readonly owner: string | undefined;
}

function routedPrefixes(network: Network): readonly Routed[] {
  const owned = network.hosts.flatMap((host) =>
    host.ownedPrefixes.map(({ prefix, use, origin }) => ({
      prefix,
      origin,
      isLan: use.kind === "lan",
      owner: host.name,
    })),
  );
  const pools = network.prefixes
    .filter(({ use }) => use.kind === "pool" || use.kind === "transit")
    .map(({ prefix, span }) => ({ prefix, origin: { "": span }, isLan: false, owner: undefined }));
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

/** Addresses by which the hosts of a site reach each other are its LAN's, which its gateway has for other sites. */
function endpointsInside(network: Network): readonly Inside[] {
  const find = prefixIndex(network);
  const sites = new Map(network.hosts.map(({ name, reach }) => [name, reach.site]));
  return network.hosts.flatMap((host) =>
    (["endpoint", "lanEndpoint"] as const).flatMap((field) => {
      const endpoint = host.reach[field];
      if (endpoint?.kind !== "address") return [];
      const isOnLan = ({ isLan, owner }: Routed): boolean =>
        field === "lanEndpoint" && isLan && sites.get(must(owner, "a LAN is behind a host")) === host.reach.site;
      return find(endpoint.address)
        .filter((each) => !isOnLan(each))
        .map((each): Inside => ({ located: { host, field, endpoint }, each }));
    }),
  );
}

/** True when the address is the host's own, on its LAN or its only one, rather than that of a router before it. */
const isOwnAddress = ({ host, field }: Located): boolean => field === "lanEndpoint" || !host.reach.isBehindNat;

/** Whether a host other than its owner dials an endpoint; lists of peers are long, so only as much is read as is needed. */
function diallers(network: Network): (located: Located, owner: string | undefined) => boolean {
  // By the address: of several interfaces each has a port of its own.
  const placeOf = (host: string, endpoint: Endpoint): string =>
    `${host} ${endpoint.kind === "address" ? endpoint.address : endpoint.name}`;
  const views = new Map<string, string[]>();
  for (const { id, host, endpoint } of network.peers) {
    if (endpoint === undefined) continue;
    const place = placeOf(host, endpoint);
    views.set(place, [...(views.get(place) ?? []), id]);
  }
  return ({ host, endpoint }, owner) => {
    const ids = views.get(placeOf(host.name, endpoint)) ?? [];
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

/** As many keys for each host as in a mesh of 101. */
const MANY_PER_HOST = 50;

/** A preshared key for every pair of a mesh is n(n-1)/2 files. */
export function presharedKeysBearable({ hosts, peers, origin }: Network): readonly Diagnostic[] {
  const ends = hosts.flatMap((host) => host.interfaces.map((link) => link.peers.length));
  const count = ends.reduce((sum, each) => sum + each, 0) / 2;
  if (count < MANY_PER_HOST * hosts.length || !peers.some((peer) => peer.hasPresharedKey)) return [];
  const params = { hosts: hosts.length, count };
  return [diagnostic("preshared-keys-many", params, originSpan(origin, "wireguard/presharedKeys"))];
}
