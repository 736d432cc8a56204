import { type Diagnostic, diagnostic } from "../../base/diagnostic.ts";
import { type IpPrefix, prefixLengthBits } from "../../base/ip.ts";
import { isWireguardKey } from "../../base/key.ts";
import { shellWord, sortedBy } from "../../base/text.ts";
import type { UdpPort } from "../../base/units.ts";
import type { InterfaceAddress } from "../../model/device.ts";
import { originSpan } from "../../model/origin.ts";
import type { Endpoint, Reach } from "../../model/reach.ts";
import { hasTunnels, poolAddress } from "../../topology/hosts.ts";
import { type Pair, pairOf, resolvePairs } from "../../topology/pairs.ts";
import type { EndpointInput, HostInput, Topology } from "../../topology/topology.ts";

/** A host with what follows from its own entry and the pools alone. */
export interface ResolvedHost {
  readonly input: HostInput;
  readonly reach: Reach;
  /** It dials, whatever endpoint it has, and is found where it last spoke from: a hub does not know where spokes are. */
  readonly isSpoke: boolean;
  readonly publicKey: string;
  /** One per pool, in the order of the pools; pools that have no address for this host are left out. */
  readonly addresses: readonly InterfaceAddress[];
}

function withPort(endpoint: EndpointInput | undefined, listenPort: UdpPort): Endpoint | undefined {
  return endpoint && { ...endpoint, port: endpoint.port ?? listenPort };
}

function resolveReach(host: HostInput, pair: Pair | undefined, listenPort: UdpPort): Reach {
  const reach: Reach = {
    name: host.name,
    site: host.site,
    endpoint: withPort(host.endpoint, listenPort),
    lanEndpoint: withPort(host.lanEndpoint, listenPort),
    isBehindNat: host.isBehindNat ?? false,
    isShared: false,
  };
  if (pair === undefined || !pair.isExclusive) return reach;
  const shared: Endpoint = { kind: "address", address: pair.vrrp.address.address, port: listenPort };
  const endpoint = reach.endpoint ?? (pair.isOfHubs ? shared : undefined);
  return { ...reach, endpoint, lanEndpoint: shared, isShared: true };
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

function resolvePublicKey(host: HostInput, options: ResolveOptions, found: Diagnostic[]): string {
  if (host.publicKey !== undefined) return host.publicKey;
  if (!hasTunnels(host)) return "";
  const key = Object.hasOwn(options.publicKeys, host.name) ? options.publicKeys[host.name] : undefined;
  const span = originSpan(host.origin);
  if (key === undefined) {
    const topology = shellWord(options.topologyName);
    found.push(diagnostic("public-key-missing", { host: host.name, topology }, span));
  } else if (!isWireguardKey(key)) {
    found.push(diagnostic("public-key-malformed", { host: host.name, value: key }, span));
  }
  return key ?? "";
}

/** Hosts sorted by name, each with its addresses, its key and the ways it can be reached. */
export function resolveHosts(topology: Topology, listenPort: UdpPort, options: ResolveOptions, found: Diagnostic[]) {
  const pools = topology.wireguard.addresses.map((pool) => pool.value);
  const { shape, hubs } = topology.wireguard;
  // Gateways are dialled as hubs are, by those behind them.
  const led = new Set([...hubs, ...topology.sites.flatMap((site) => site.gateways)].map(({ value }) => value));
  const pairs = resolvePairs(topology);
  return sortedBy(topology.hosts, (host) => host.name).map(
    (input): ResolvedHost => ({
      input,
      reach: resolveReach(input, pairOf(input.name, pairs), listenPort),
      isSpoke: shape === "hub-and-spoke" && !led.has(input.name),
      publicKey: resolvePublicKey(input, options, found),
      addresses: hasTunnels(input) ? resolveAddresses(input, pools) : [],
    }),
  );
}
