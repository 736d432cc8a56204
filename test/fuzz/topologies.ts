/**
 * Generated topologies over the whole language. Most are meant to compile, so that the rest of the tree can be read; what
 * fits together is left to chance, and what does not is refused.
 */
import * as fc from "fast-check";
import { forVrf, type HostDraft, hostDrafts, hostEntry, isApp, more, nameOf, publicKeyOf } from "./hosts.ts";
import { peersOf } from "./peers.ts";
import { type SubnetDraft, subnetDrafts, subnetEntry } from "./subnets.ts";

/** A topology as it stands in a file. */
export type Topology = Readonly<Record<string, unknown>>;

const mtu = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(1500, 1492, 9000) },
  { weight: 2, arbitrary: fc.integer({ min: 1434, max: 9200 }) },
  { weight: 1, arbitrary: fc.integer({ min: 1250, max: 1500 }) },
);

const SHAPES = [
  "mesh",
  "mesh",
  "relay",
  "hub",
  "hubs",
  "chain",
  "ring",
  "gateway",
  "gateways",
  "pair",
  "hub-pair",
] as const;
type Shape = (typeof SHAPES)[number];

/** Where FRR routes. */
const SEVERAL_WAYS: readonly string[] = ["hubs", "ring", "gateways"];

const SITES = ["east", "west"] as const;

const exitDrafts = fc.array(
  fc.record({
    snat: fc.boolean(),
    ipv6: fc.boolean(),
    probe: fc.constantFrom(undefined, "9.9.9.9", ["9.9.9.9", "1.1.1.1"]),
    reach: fc.constantFrom(undefined, ["198.51.100.53/32"]),
  }),
  { maxLength: 2 },
);

const knobs = fc.record({
  hosts: hostDrafts,
  shape: fc.constantFrom(...SHAPES),
  pools: fc.constantFrom<string[][]>(
    ["10.250.0.0/16"],
    ["10.250.0.0/16", "fd00:250::/64"],
    ["fd00:250::/64"],
    ["10.250.0.0/27"],
  ),
  transit: fc.constantFrom(["10.251.0.0/16", "fd00:251::/64"], ["10.208.0.0/12", "fd00:251::/64"]),
  listenPort: fc.oneof(
    { weight: 12, arbitrary: fc.constant(undefined) },
    { weight: 3, arbitrary: fc.constant(443) },
    { weight: 1, arbitrary: fc.constantFrom(4789, 65_535) },
  ),
  ipVersion: fc.constantFrom("auto", 4, 6),
  interface: fc.constantFrom(undefined, undefined, "wg-net"),
  vrrpId: fc.constantFrom(undefined, 7),
  pathMtu: fc.oneof(fc.constant(undefined), mtu),
  presharedKeys: fc.boolean(),
  perPeer: fc.boolean(),
  sites: fc.array(
    fc.record(
      { lanMtu: mtu, wanMtu: mtu, hasLan: fc.boolean(), isRouted: fc.boolean(), asn: fc.constantFrom(65_001, 65_002) },
      { requiredKeys: [] },
    ),
    {
      minLength: 2,
      maxLength: 2,
    },
  ),
  paths: fc.array(fc.record({ ends: fc.tuple(fc.nat(8), fc.nat(8)), mtu }), { maxLength: 3 }),
  subnets: subnetDrafts,
  bgp: fc.constantFrom("none", "mesh", "reflector", "bfd"),
  bfd: fc.constantFrom({}, { intervalMs: 300, multiplier: 3 }),
  hasVrf: fc.boolean(),
  hasShared: fc.boolean(),
  vrf: fc.constantFrom(
    { vni: 5000 },
    { vni: 5000, routeTargets: { import: ["64512:5000", "65000:9500"] } },
    { vni: 200, table: 5000, routeTargets: { import: "64512:200", export: "65000:9200" } },
    { vni: 253, table: 1253, routeTargets: { export: ["65000:253", "65001:253"] } },
    { vni: 254 },
  ),
  vxlanPort: fc.oneof(
    { weight: 8, arbitrary: fc.constant(undefined) },
    { weight: 2, arbitrary: fc.constant(8472) },
    { weight: 1, arbitrary: fc.constantFrom(443, 4784, 51_820) },
  ),
  fleet: fc.constantFrom(undefined, undefined, undefined, 2),
  exits: exitDrafts,
  ways: exitDrafts,
  exitOrder: fc.constantFrom(undefined, undefined, "near", "strict"),
  remote: fc.constantFrom(
    undefined,
    { cidr: "192.168.250.0/24", probe: "192.168.250.1" },
    { cidr: ["192.168.250.7/32", "192.168.251.0/25"], probe: ["192.168.251.1", "9.9.9.9"] },
    { cidr: ["192.168.250.0/24", "fd99:250::/48"], probe: undefined },
  ),
  guard: fc.constantFrom(
    undefined,
    undefined,
    { allowFrom: ["198.51.100.7"] },
    { allowFrom: ["2001:db8::/48"], interfaces: ["cni*", "tun0"] },
  ),
  defaults: fc.oneof({ weight: 3, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: more }),
});

type Knobs = typeof knobs extends fc.Arbitrary<infer T> ? T : never;

/** How many hosts of each shape lead others, the first ones. */
const LEADERS: Readonly<Partial<Record<Shape, number>>> = {
  relay: 1,
  hub: 1,
  gateway: 1,
  hubs: 2,
  gateways: 2,
  pair: 2,
  "hub-pair": 2,
};
const isPaired = (shape: Shape): boolean => shape === "pair" || shape === "hub-pair";
const isGated = (shape: Shape): boolean => ["gateway", "gateways", "pair"].includes(shape);

/** A hub or gateway can be dialled; a pair has what makes it one peer to all others. */
function leader(host: HostDraft, shape: Shape): HostDraft {
  const common = { ...host, isOutsider: false, lan: "address4" } as const;
  if (isPaired(shape)) return { ...common, site: 0, way: "inside", isPinned: false, routes: [], uplink: "eth0" };
  const way = host.way === "inside" ? "address4" : host.way;
  return { ...common, way, site: isGated(shape) ? 0 : host.site };
}

function follower(host: HostDraft, shape: Shape, index: number): HostDraft {
  // Nobody leads a host without WireGuard but a gateway of its site.
  if (host.isOutsider && isGated(shape)) return { ...host, site: 0, lan: "address4" };
  // Two without a way in meet by a hub or gateway alone.
  const isAlone = host.way === "inside" && ["mesh", "chain", "ring"].includes(shape) && index % 2 === 1;
  return { ...host, isOutsider: false, way: isAlone ? "address4" : host.way };
}

/** Who is what, by the shape, and what that needs. */
function fitted(each: Knobs): Knobs {
  const { shape } = each;
  const count = LEADERS[shape] ?? 0;
  const hosts = each.hosts.map((host, index) => (index < count ? leader(host, shape) : follower(host, shape, index)));
  const needsBgp = SEVERAL_WAYS.includes(shape);
  const isIpv6Alone = !each.pools.some((pool) => pool.includes("."));
  const pools = needsBgp && isIpv6Alone ? ["10.250.0.0/16"] : each.pools;
  const fallback = needsBgp && each.bgp === "none" ? "bfd" : each.bgp;
  const bgp = isPaired(shape) || (isIpv6Alone && !needsBgp) ? "none" : fallback;
  return { ...each, hosts, pools, bgp };
}

function wireguardOf(knobs: Knobs): Topology {
  const { shape, pools, transit, listenPort, presharedKeys, perPeer, hosts } = knobs;
  const names = hosts.filter(({ isOutsider }) => !isOutsider).map(nameOf);
  const chain = names.slice(1).map((name, index) => [names[index], name]);
  const ring = names.length > 2 ? [...chain, [names[0], names.at(-1)]] : chain;
  const base = {
    addresses: pools,
    interface: knobs.interface,
    listenPort,
    presharedKeys: presharedKeys && !isPaired(shape),
    mtu: perPeer ? "per-peer" : undefined,
  };
  switch (shape) {
    case "mesh":
    case "gateway":
    case "pair":
      return base;
    case "gateways":
      return { ...base, transit, mtu: undefined };
    case "relay":
      return { ...base, hubs: names.slice(0, 1) };
    case "hub":
      return { ...base, shape: "hub-and-spoke", hubs: names.slice(0, 1) };
    case "hubs":
      return { ...base, shape: "hub-and-spoke", hubs: names.slice(0, 2), transit, mtu: undefined };
    case "hub-pair":
      return {
        ...base,
        shape: "hub-and-spoke",
        hubs: names.slice(0, 2),
        vrrp: { address: "198.18.0.10/24", id: knobs.vrrpId },
      };
    case "chain":
      return { ...base, shape: "links", links: chain };
    case "ring":
      return { ...base, shape: "links", links: ring, transit, mtu: undefined };
  }
}

/** Of two hubs a spoke in four, and now and then all of a site, prefer the second. */
function preferredBy({ shape, hosts }: Knobs, isAsked: boolean): readonly string[] | undefined {
  return shape === "hubs" && isAsked ? hosts.slice(1, 2).map(nameOf) : undefined;
}

function sitesOf(each: Knobs): Topology {
  const { sites, shape, hosts, vrrpId: id } = each;
  const gateways = isGated(shape) ? (LEADERS[shape] ?? 0) : 0;
  const first = hosts.slice(0, gateways).map(nameOf);
  return Object.fromEntries(
    SITES.map((name, index) => {
      const { hasLan, isRouted, asn, ...rest } = sites[index] ?? {};
      const lan = hasLan === true ? [`192.168.${index + 3}.0/24`] : undefined;
      const isLed = index === 0 && gateways > 0;
      const hasTwo = isLed && gateways === 2 && (shape === "pair" || hasLan === true);
      const vrrp = hasTwo ? { address: "192.168.3.254/24", id } : undefined;
      // Of one IP version with all that are on the LAN.
      const isOfOne = hosts.every((host) => host.site !== index || host.lan !== "address6");
      const lanRouter = isLed && !hasTwo && isRouted === true && isOfOne ? "192.168.3.253" : undefined;
      const hasSpoke = hosts.slice(2).some((host) => host.site === index && !host.isOutsider);
      const hubs = preferredBy(each, hasSpoke && id !== undefined);
      return [name, { ...rest, asn, lan, lanRouter, gateways: isLed ? first : undefined, hubs, vrrp }];
    }),
  );
}

function pathsOf({ paths, hosts }: Knobs): readonly unknown[] {
  const ends = [...hosts.map(nameOf), ...SITES];
  return paths.map(({ ends: [a, b], mtu: bytes }) => ({
    between: [ends[a % ends.length], ends[b % ends.length]],
    mtu: bytes,
  }));
}

function bgpOf({ bgp, bfd, hosts }: Knobs): unknown {
  if (bgp === "none") return undefined;
  return {
    asn: 65_000,
    routeReflectors: bgp === "reflector" ? hosts.slice(0, 1).map(nameOf) : undefined,
    bfd: bgp === "bfd" ? bfd : undefined,
  };
}

/** Exits on the first hosts. */
const onFirst = (exits: Knobs["exits"], hosts: readonly HostDraft[]) =>
  exits.slice(0, hosts.length).map((exit, index) => ({
    ...exit,
    host: nameOf(hosts[index] as HostDraft),
    interface: "eth0",
  }));

const unlessEmpty = <T>(list: readonly T[]): readonly T[] | undefined => (list.length > 0 ? list : undefined);

function vrfsOf({ hasVrf, hasShared, vrf, exits, exitOrder, hosts, bgp }: Knobs): unknown {
  if (!hasVrf || bgp === "none") return undefined;
  const ways = onFirst(exits, hosts).map((exit) => ({ ...exit, localRouting: exit.snat }));
  const blue = { ...vrf, exitOrder, exits: unlessEmpty(ways) };
  if (!hasShared) return { blue };
  // Another tenant that imports the same has no guests: who of either is there is left to chance.
  return { blue: { ...blue, imports: ["shared"] }, green: { vni: 7001, imports: ["shared"] }, shared: { vni: 7000 } };
}

/** What the VRFs share, on one host. */
function servicesOf({ hasShared }: Knobs, vrf: string | undefined, names: readonly string[]) {
  if (!hasShared || vrf === undefined) return [];
  return [["services", { cidr: ["10.90.0.0/24", "fd90::/64"], hosts: names.slice(-1), vrf: "shared" }]] as const;
}

/** Ways out of what is in no VRF: on hosts that all others have tunnels with. */
function waysOf({ ways, hosts, shape }: Knobs) {
  const count = { mesh: 2, hub: 1, hubs: 2 }[shape as string] ?? 0;
  return count === 0 ? [] : onFirst(ways, hosts).slice(0, count);
}

/** Where some of these hosts lead as well, each in the same words but for what only others take. */
function remotesOf(each: Knobs) {
  const { remote } = each;
  const exits = waysOf(each).map(({ host, interface: link, snat }) => ({
    host,
    interface: link,
    snat,
    probe: remote?.probe,
  }));
  if (remote === undefined || exits.length === 0) return undefined;
  return { office: { cidr: remote.cidr, exits, exitOrder: each.exitOrder } };
}

/** What two that are one peer to all others have alike: a key, an endpoint, a network between them. */
function sharedBy({ shape, hosts }: Knobs, index: number): Topology {
  const publicKey = publicKeyOf(nameOf(hosts[0] as HostDraft));
  if (shape === "pair") return { publicKey, endpoint: "203.0.113.1:20001", behindNat: true };
  return { publicKey, endpoint: undefined, behindNat: undefined, lanEndpoint: `198.18.0.${index + 1}` };
}

/** The pinned address of each pool; the smallest has no room. */
const pinsOf = (pools: readonly string[], id: number): readonly string[] =>
  pools.flatMap((pool) => {
    if (pool.endsWith("/27")) return [];
    return pool.includes(":") ? [`fd00:250::1:${id.toString(16)}`] : [`10.250.200.${(id % 250) + 1}`];
  });

/** Of a host that can speak with others: of the rest it would be a mistake nearly each time. */
function peersBeside({ bgp }: Knobs, host: HostDraft, vrf: string | undefined) {
  const isSilent = bgp === "none" || host.isOutsider || isApp(host);
  return isSilent ? undefined : peersOf(host.id, host.peers, vrf);
}

/** OVN on those that can be on a subnet: one of them has its databases, and is the gateway of a network, with another where several can. */
function ovnOf({ shape, vrrpId, fleet }: Knobs, names: readonly string[]): unknown {
  const [central] = names;
  if (central === undefined || vrrpId === undefined || fleet !== undefined || isPaired(shape)) return undefined;
  const chassis = names.length > 2 ? names.slice(1) : undefined;
  const gateway = SEVERAL_WAYS.includes(shape) && names.length > 1 ? names.slice(0, 2) : central;
  const networks = {
    tenant: { cidr: "10.9.250.0/24", gateway },
    office: { cidr: "10.9.252.0/24", gateway: central },
    lonely: { cidr: "10.9.251.0/28" },
  };
  return { central, chassis, networks };
}

/** A cluster of all that can be nodes, where there is one way; it is drawn by what else is. */
function clusterOf(
  each: Knobs,
): { readonly shared: unknown; readonly nodes: ReadonlyMap<string, unknown> } | undefined {
  const { shape, hosts, presharedKeys, perPeer, vxlanPort, hasShared, hasVrf, pathMtu, pools } = each;
  if (!(presharedKeys && perPeer) || isPaired(shape) || SEVERAL_WAYS.includes(shape)) return undefined;
  const own = vxlanPort === 8472 || !hasVrf ? "flannel" : "cilium";
  const shared = { cni: hasShared ? "calico" : own, distribution: pathMtu === undefined ? "k3s" : "kubeadm" };
  const able = hosts.filter((host) => !(host.isOutsider || isApp(host)));
  const nodes = able.map(
    (host, index) => [nameOf(host), { ...shared, role: index === 0 ? "server" : "agent" }] as const,
  );
  const families = pools.map((pool) => (pool.includes(":") ? 6 : 4));
  const pods = families.map((family) => (family === 4 ? "100.72.0.0/16" : "fd00:42::/56"));
  const services = families.map((family) => (family === 4 ? "100.73.0.0/16" : "fd00:43::/112"));
  return { shared: { pods, services }, nodes: new Map(nodes) };
}

interface Surroundings {
  readonly vrf: string | undefined;
  readonly exits: readonly string[] | undefined;
}

/** What a host says of itself, by its place and what is around it. */
function entryOf(
  each: Knobs,
  drawn: HostDraft,
  index: number,
  { vrf, exits }: Surroundings,
): readonly [string, Topology] {
  // Those that may lead others are hosts.
  const host = index < 2 && isApp(drawn) ? { ...drawn, more: {} } : drawn;
  const peers = peersBeside(each, host, vrf);
  const entry = { ...hostEntry(host, SITES, vrf, pinsOf(each.pools, host.id)), peers };
  // Of two that can stand in for each other.
  const drained = LEADERS[each.shape] === 2 && index === host.id % 3 ? true : undefined;
  if (isPaired(each.shape) && index < 2) return [nameOf(host), { ...entry, drained, ...sharedBy(each, index) }];
  if (index < 2) return [nameOf(host), { ...entry, drained }];
  if (host.isOutsider) return [nameOf(host), entry];
  const hubs = preferredBy(each, host.id % 4 === 0);
  const own = host.id % 3 === 0 ? exits?.slice(0, isApp(host) ? 1 : 2) : undefined;
  return [nameOf(host), { ...entry, hubs, exits: own }];
}

function topologyOf(each: Knobs): Topology {
  const vrf = each.hasVrf && each.bgp !== "none" ? "blue" : undefined;
  const isPair = isPaired(each.shape);
  const ways = waysOf(each);
  const exits = unlessEmpty([...new Set(ways.map(({ host }) => host))]);
  const cluster = clusterOf(each);
  const entries = each.hosts
    .map((drawn, index) => entryOf(each, drawn, index, { vrf, exits }))
    .map(([name, entry]) => [name, { ...entry, kubernetes: cluster?.nodes.get(name) }]);
  // Nothing may be on one of two that share a key.
  const names = each.hosts
    .slice(isPair ? 2 : 0)
    .filter((host) => !host.isOutsider && (!isApp(host) || host.id % 8 === 0))
    .map(nameOf);
  const subnets = (names.length > 0 ? each.subnets : []).map((draft: SubnetDraft, index) =>
    subnetEntry(draft, { index, names, vrf, exits, hasBgp: each.bgp !== "none" }),
  );
  return {
    netgen: 1,
    name: "fuzz",
    underlay: { pathMtu: each.pathMtu, ipVersion: each.ipVersion, paths: pathsOf(each) },
    sites: sitesOf(each),
    wireguard: wireguardOf(each),
    hostDefaults: forVrf(each.defaults, vrf),
    hosts: Object.fromEntries(entries),
    subnets: Object.fromEntries([...subnets, ...(names.length > 0 ? servicesOf(each, vrf, names) : [])]),
    vrfs: vrfsOf(each),
    exits: unlessEmpty(ways),
    exitOrder: each.exitOrder,
    remotes: remotesOf(each),
    bgp: bgpOf(each),
    ovn: ovnOf(each, names),
    kubernetes: cluster?.shared,
    vxlanPort: each.vxlanPort,
    fleet: each.fleet,
    guard: each.guard,
  };
}

export const topologies: fc.Arbitrary<Topology> = knobs
  .map(fitted)
  .map(topologyOf)
  .map((each) => JSON.parse(JSON.stringify(each)));
