import { type Diagnostic, diagnostic, type Result } from "../../base/diagnostic.ts";
import { type IpPrefix, prefixLengthBits } from "../../base/ip.ts";
import { isWireguardKey } from "../../base/key.ts";
import { shellWord, sortedBy } from "../../base/text.ts";
import type { UdpPort } from "../../base/units.ts";
import type { InterfaceAddress } from "../../model/device.ts";
import { originSpan } from "../../model/origin.ts";
import type { Endpoint, Reach } from "../../model/reach.ts";
import { hasTunnels, isApp, poolAddress } from "../../topology/hosts.ts";
import { listenPortOf } from "../../topology/listen-ports.ts";
import { type Pair, pairOf, resolvePairs } from "../../topology/pairs.ts";

import type { EndpointInput, HostInput, Topology } from "../../topology/topology.ts";

/** A host with what follows from its own entry and the pools alone. */
export interface ResolvedHost {
  readonly input: HostInput;
  readonly listenPort: UdpPort;
  readonly reach: Reach;
  /** It dials, whatever endpoint it has, and is found where it last spoke from: a hub does not know where spokes are. */
  readonly isSpoke: boolean;
  readonly publicKey: string;
  /** One per pool, in the order of the pools; pools that have no address for this host are left out. */
  readonly addresses: readonly InterfaceAddress[];
}

function withPort(endpoint: EndpointInput, listenPort: UdpPort): Endpoint {
  return { ...endpoint, port: endpoint.port ?? listenPort };
}

function wayOut({ isBehindNat, families }: HostInput): Pick<Reach, "isBehindNat" | "families"> {
  return { isBehindNat: isBehindNat ?? false, families: families ?? "both" };
}

function resolveReach(host: HostInput, pair: Pair | undefined, topology: Topology): Reach {
  const listenPort = listenPortOf(host, topology);
  const reach: Reach = {
    name: host.name,
    site: host.site,
    endpoints: host.endpoints.map(({ value }) => withPort(value, listenPort)),
    lanEndpoint: host.lanEndpoint && withPort(host.lanEndpoint, listenPort),
    ...wayOut(host),
    isShared: false,
    isApp: isApp(host),
  };
  if (pair === undefined || !pair.isExclusive) return reach;
  const [first] = pair.hosts;
  const { address } = pair.vrrp.address;
  const shared: Endpoint = { kind: "address", address, port: listenPortOf(first, topology) };
  const endpoints = reach.endpoints.length === 0 && pair.isOfHubs ? [shared] : reach.endpoints;
  // Others know the two as one, which a law has them be; where they differ, as the first.
  return { ...reach, ...wayOut(first), endpoints, lanEndpoint: shared, isShared: true };
}

/** One per pool; where there is none, that has been said. */
function resolveAddresses(host: HostInput, pools: readonly IpPrefix[]): readonly InterfaceAddress[] {
  return pools.flatMap((pool) => {
    const address = poolAddress(host, pool);
    return address === undefined ? [] : [{ address, lengthBits: prefixLengthBits(pool) }];
  });
}

/** What compile was called with, besides the topology. */
export interface ResolveOptions {
  /** Keys from files, by host name; a key in the topology goes before them. */
  readonly publicKeys: Readonly<Record<string, string>>;
  /** How the user names the topology, for hints that can be pasted. */
  readonly topologyName: string;
}

/** The key of a host that runs WireGuard, from a file unless the topology has it. */
function publicKeyOf(host: HostInput, { publicKeys }: ResolveOptions): string | undefined {
  if (host.publicKey !== undefined || !hasTunnels(host)) return host.publicKey;
  return Object.hasOwn(publicKeys, host.name) ? publicKeys[host.name] : undefined;
}

/** Every host that runs WireGuard has a key. One of the topology's has been judged with its other values. */
function keyDiagnostics(host: HostInput, options: ResolveOptions): readonly Diagnostic[] {
  if (!hasTunnels(host) || host.publicKey !== undefined) return [];
  const value = publicKeyOf(host, options);
  const span = originSpan(host.origin);
  if (value === undefined) {
    return [diagnostic("public-key-missing", { host: host.name, topology: shellWord(options.topologyName) }, span)];
  }
  return isWireguardKey(value) ? [] : [diagnostic("public-key-malformed", { host: host.name, value }, span)];
}

/** The hosts by name, in the order of their names, each with its addresses, its key and the ways it can be reached. */
export function resolveHosts(topology: Topology, options: ResolveOptions): Result<ReadonlyMap<string, ResolvedHost>> {
  const { shape, hubs, addresses } = topology.wireguard;
  const pools = addresses.map((pool) => pool.value);
  // Gateways are dialled as hubs are, by those behind them.
  const led = new Set([...hubs, ...topology.sites.flatMap((site) => site.gateways)].map(({ value }) => value));
  const pairs = resolvePairs(topology);
  const hosts = sortedBy(topology.hosts, (host) => host.name).map(
    (input): ResolvedHost => ({
      input,
      listenPort: listenPortOf(input, topology),
      reach: resolveReach(input, pairOf(input.name, pairs), topology),
      isSpoke: shape === "hub-and-spoke" && !led.has(input.name),
      publicKey: publicKeyOf(input, options) ?? "",
      addresses: hasTunnels(input) ? resolveAddresses(input, pools) : [],
    }),
  );
  return {
    value: new Map(hosts.map((host) => [host.input.name, host])),
    diagnostics: hosts.flatMap(({ input }) => keyDiagnostics(input, options)),
  };
}
