import { type Diagnostic, diagnostic } from "../base/diagnostic.ts";
import { grouped } from "../base/grouped.ts";
import { must } from "../base/invariant.ts";
import { containsAddress, type IpAddress, type IpPrefix, prefixLengthBits } from "../base/ip.ts";
import { createPrefixIndex } from "../base/prefix-index.ts";
import type { Host, OwnedPrefix } from "../model/host.ts";
import type { Network } from "../model/network.ts";
import { originSpan } from "../model/origin.ts";
import type { Endpoint } from "../model/reach.ts";

/** Prefixes that lead into the overlay, each with its owner; pools, the tunnels' own and what is declared of a subnet have none. */
interface Routed extends Pick<OwnedPrefix, "prefix" | "origin"> {
  /** The LAN of its owner's site. */
  readonly isLan: boolean;
  readonly owner: string | undefined;
  /** In whose table it is; `undefined`: in the host's own. */
  readonly vrf: string | undefined;
}

function routedPrefixes(network: Network): readonly Routed[] {
  const owned = network.hosts.flatMap((host) =>
    host.ownedPrefixes.map(({ prefix, use, origin }) => ({
      prefix,
      origin,
      isLan: use.kind === "lan",
      owner: host.name,
      vrf: undefined,
    })),
  );
  const isOwned = new Set(owned.map(({ prefix }) => prefix));
  const declared = network.prefixes
    .filter(({ prefix, vrf }) => vrf !== undefined || !isOwned.has(prefix))
    .map(({ prefix, span, vrf }) => ({ prefix, origin: { "": span }, isLan: false, owner: undefined, vrf }));
  return [...owned, ...declared];
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

/** Where others dial a host, and which of its keys says so. */
function statedEndpoints({ reach: { endpoints, lanEndpoint } }: Host) {
  const outside = endpoints.map((endpoint) => ({ field: "endpoint" as const, endpoint }));
  return lanEndpoint === undefined ? outside : [...outside, { field: "lanEndpoint" as const, endpoint: lanEndpoint }];
}

/** Of prefixes that hold an address, the longest first, those by which each table decides. */
function decisive(holding: readonly Routed[]): readonly Routed[] {
  const longest = new Map(holding.toReversed().map(({ vrf, prefix }) => [vrf, prefix]));
  return holding.filter(({ vrf, prefix }) => prefix === longest.get(vrf));
}

/** Addresses by which the hosts of a site reach each other are its LAN's, which its gateway has for other sites. */
function endpointsInside(network: Network): readonly Inside[] {
  const index = createPrefixIndex(routedPrefixes(network));
  const sites = new Map(network.hosts.map(({ name, reach }) => [name, reach.site]));
  return network.hosts.flatMap((host) =>
    statedEndpoints(host).flatMap(({ field, endpoint }) => {
      if (endpoint.kind !== "address") return [];
      const isOnLan = ({ isLan, owner }: Routed): boolean =>
        field === "lanEndpoint" && isLan && sites.get(must(owner, "a LAN is behind a host")) === host.reach.site;
      const located: Located = { host, field, endpoint };
      return decisive(index.holding(endpoint.address))
        .filter((each) => !isOnLan(each))
        .map((each): Inside => ({ located, each }));
    }),
  );
}

/** True when the address is the host's own, on its LAN or its only one, rather than that of a router before it. */
const isOwnAddress = ({ host, field }: Located): boolean => field === "lanEndpoint" || !host.reach.isBehindNat;

/**
 * Whether packets to an address leave a host by something else than its way out: an unreachable route, a tunnel or the rules
 * for a remote, or on an exit the table of the VRF that the exit is for. What it owns itself is on its bridges or behind it, but for a part of it that is
 * another's.
 */
function isSentElsewhere(
  { ownedPrefixes, unreachable, vrfs, egress }: Host,
  address: IpAddress,
  vrf: string | undefined,
): boolean {
  if (vrf !== undefined) return vrfs.some(({ name, exit }) => name === vrf && exit !== undefined);
  const longest = (prefixes: readonly IpPrefix[]): number =>
    Math.max(-1, ...prefixes.filter((prefix) => containsAddress(prefix, address)).map(prefixLengthBits));
  const remotes = (egress?.remotes ?? []).flatMap(({ prefixes }) => prefixes);
  return longest([...unreachable, ...remotes]) > longest(ownedPrefixes.map(({ prefix }) => prefix));
}

/** Whether a host dials an endpoint and sends elsewhere; lists of peers are long, so only as much is read as is needed. */
function misleading(network: Network): (inside: Inside) => boolean {
  // By the address: of several interfaces each has a port of its own.
  const placeOf = (host: string, endpoint: Endpoint): string =>
    `${host} ${endpoint.kind === "address" ? endpoint.address : endpoint.name}`;
  const dialled = network.peers.flatMap(({ id, host, endpoints }) =>
    endpoints.map((endpoint) => ({ id, place: placeOf(host, endpoint) })),
  );
  const views = grouped(dialled, ({ place }) => place);
  return ({ located: { host, endpoint }, each: { vrf } }) => {
    const ids = new Set((views.get(placeOf(host.name, endpoint)) ?? []).map(({ id }) => id));
    const dials = ({ interfaces }: Host): boolean => interfaces.some(({ peers }) => peers.some((id) => ids.has(id)));
    return ids.size > 0 && network.hosts.some((each) => isSentElsewhere(each, endpoint.address, vrf) && dials(each));
  };
}

/** Said by lanAddressesOutsideOverlay, which names the owner too, or of a VRF by vrfsSpareHostAddresses. */
function isSaidElsewhere({ located, each: { owner, vrf } }: Inside): boolean {
  if (!isOwnAddress(located)) return false;
  if (vrf !== undefined) return located.host.vrfs.some(({ name }) => name === vrf);
  return owner !== undefined && owner !== located.host.name;
}

/** An endpoint inside a prefix that its dialler sends elsewhere would need the tunnel to reach the tunnel. */
export function endpointOutsideOverlay(network: Network): readonly Diagnostic[] {
  const isMisled = misleading(network);
  const seen = new Set<Located>();
  return endpointsInside(network).flatMap((inside): readonly Diagnostic[] => {
    const { located, each } = inside;
    if (seen.has(located)) return [];
    if (isSaidElsewhere(inside)) seen.add(located);
    else if (isMisled(inside)) {
      seen.add(located);
      const { host, field, endpoint } = located;
      const { prefix, origin } = each;
      const related = [{ message: `${prefix} is routed into the overlay here`, span: originSpan(origin) }];
      const params = { host: host.name, address: endpoint.address, prefix };
      return [diagnostic("endpoint-in-overlay", params, originSpan(host.origin, field), related)];
    }
    return [];
  });
}

/**
 * No prefix that holds a host's own LAN address leads through another host: wg-quick would fail with "File exists", or take
 * the LAN away from DHCP.
 */
export function lanAddressesOutsideOverlay(network: Network): readonly Diagnostic[] {
  return endpointsInside(network).flatMap(({ located, each: { prefix, owner, origin } }) => {
    const { host, field, endpoint } = located;
    if (!isOwnAddress(located) || owner === undefined || owner === host.name) return [];
    const params = { prefix, owner, address: endpoint.address, host: host.name };
    const related = [{ message: `${endpoint.address} is ${host.name}'s own`, span: originSpan(host.origin, field) }];
    return [diagnostic("lan-in-allowed-ips", params, originSpan(origin), related)];
  });
}
