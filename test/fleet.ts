/** Generated fleets: topologies that are right, and vary in all that decides who dials whom and what gets which number. */
import * as fc from "fast-check";
import { compareText } from "../src/base/text.ts";
import { type Compilation, compile } from "../src/compile.ts";
import type { Network } from "../src/model/network.ts";
import { testPublicKey } from "./test-keys.ts";

/** How a host can be reached; `forwarded` and `inside` stand behind a NAT, `inside` without any way in. */
const ways = ["address4", "address6", "name", "forwarded", "inside"] as const;

export interface FleetHost {
  readonly id: number;
  readonly way: (typeof ways)[number];
  readonly site: "east" | "west" | undefined;
  readonly hasLanEndpoint: boolean;
  readonly isPinned: boolean;
  readonly hasRoute: boolean;
}

export interface Fleet {
  readonly hosts: readonly FleetHost[];
  readonly pools: readonly string[];
  readonly pathMtu: number;
  readonly ipVersion: 4 | 6 | "auto";
  readonly sites: Readonly<Record<"east" | "west", { readonly lanMtu?: number; readonly wanMtu?: number }>>;
  /** Ends as numbers: an index into the hosts, or -1 and -2 for the two sites. */
  readonly paths: readonly { readonly ends: readonly [number, number]; readonly mtu: number }[];
  readonly isTagged: boolean;
  readonly gateway: "none" | "one" | "shared" | "each";
  readonly bgp: "none" | "mesh" | "reflector";
  readonly hasPresharedKeys: boolean;
}

export const IPV4_POOL = "10.250.0.0/24";
export const IPV6_POOL = "fd00:250::/64";

// Large enough for IPv6 in a tagged segment over IPv6 VTEPs over IPv6 endpoints: 1280 + 74 + 80.
const pathMtu = fc.integer({ min: 1434, max: 9000 });

const host = fc.record({
  id: fc.integer({ min: 1, max: 99 }),
  way: fc.constantFrom(...ways),
  site: fc.constantFrom(undefined, "east" as const, "west" as const),
  hasLanEndpoint: fc.boolean(),
  isPinned: fc.boolean(),
  hasRoute: fc.boolean(),
});

/** Only one host may be without any way in, or two of them could never meet; nor may two meet through their own NAT. */
function meetable(hosts: readonly FleetHost[]): readonly FleetHost[] {
  const hidden = hosts.find((each) => each.way === "inside");
  return hosts.map((each) => ({
    ...each,
    way: each.way === "inside" && each !== hidden ? "forwarded" : each.way,
    hasLanEndpoint: each.hasLanEndpoint || (each.site !== undefined && isBehindNat(each)),
  }));
}

const isBehindNat = ({ way }: FleetHost): boolean => way === "forwarded" || way === "inside";

const site = fc.record({ lanMtu: pathMtu, wanMtu: pathMtu }, { requiredKeys: [] });

/** Without IPv4 addresses there is no EVPN, and so no gateway that several hosts share. */
function fitting(fleet: Fleet): Fleet {
  if (fleet.pools.includes(IPV4_POOL)) return fleet;
  return { ...fleet, bgp: "none", gateway: fleet.gateway === "shared" ? "each" : fleet.gateway };
}

export const fleets: fc.Arbitrary<Fleet> = fc
  .record({
    hosts: fc.uniqueArray(host, { minLength: 2, maxLength: 6, selector: (each) => each.id }).map(meetable),
    pools: fc.constantFrom([IPV4_POOL], [IPV6_POOL], [IPV4_POOL, IPV6_POOL], [IPV6_POOL, IPV4_POOL]),
    pathMtu,
    ipVersion: fc.constantFrom<Fleet["ipVersion"][]>(4, 6, "auto"),
    sites: fc.record({ east: site, west: site }),
    paths: fc.array(
      fc.record({ ends: fc.tuple(fc.integer({ min: -2, max: 5 }), fc.integer({ min: -2, max: 5 })), mtu: pathMtu }),
      { maxLength: 5 },
    ),
    isTagged: fc.boolean(),
    gateway: fc.constantFrom("none", "one", "shared", "each"),
    bgp: fc.constantFrom("none", "mesh", "reflector"),
    hasPresharedKeys: fc.boolean(),
  })
  .map(fitting);

export const nameOf = ({ id }: FleetHost): string => `host${id}`;

/** Where the outside reaches a host; every address is one of documentation space. */
function endpointOf({ way, id }: FleetHost): string | undefined {
  switch (way) {
    case "address4":
      return `198.51.100.${id}`;
    case "address6":
      return `[2001:db8::${id}]`;
    case "name":
      return `host${id}.example.net`;
    case "forwarded":
      return `203.0.113.1:${51_000 + id}`;
    case "inside":
      return undefined;
  }
}

/** The IPv4 and IPv6 address of a pinned host, which no id up to 99 leads to. */
export function pinsOf({ pools }: Fleet, { id, isPinned }: FleetHost): readonly string[] {
  if (!isPinned) return [];
  return pools.map((pool) => (pool === IPV4_POOL ? `10.250.0.${id + 100}` : `fd00:250::1:${id}`));
}

function hostEntry(fleet: Fleet, each: FleetHost): Record<string, unknown> {
  return {
    id: each.id,
    endpoint: endpointOf(each),
    behindNat: isBehindNat(each),
    site: each.site,
    lanEndpoint: each.hasLanEndpoint ? `192.168.7.${each.id}` : undefined,
    addresses: each.isPinned ? pinsOf(fleet, each) : undefined,
    routes: each.hasRoute ? [`172.20.${each.id}.0/24`, `fd20:${each.id}::/64`] : [],
    uplink: "eth0",
  };
}

function gatewayOf({ gateway, hosts }: Fleet): unknown {
  const names = hosts.map(nameOf);
  switch (gateway) {
    case "none":
      return "none";
    case "one":
      return { [names[0] as string]: ["10.77.0.1", "fd77::1"] };
    case "shared":
      return ["10.77.0.1", "fd77::1"];
    case "each":
      return Object.fromEntries(hosts.map((each) => [nameOf(each), [`10.77.0.${each.id}`, `fd77::${each.id}`]]));
  }
}

function subnetsOf(fleet: Fleet): Record<string, unknown> {
  const [first] = fleet.hosts.map(nameOf);
  return {
    guests: { cidr: ["10.1.1.0/24", "fd01::/64"], hosts: [first] },
    slices: { cidr: "10.3.0.0/16", perHost: 24, hosts: "all" },
    stretched: {
      cidr: ["10.77.0.0/24", "fd77::/64"],
      vxlan: { vni: 100 },
      hosts: "all",
      tagged: fleet.isTagged,
      gateway: gatewayOf(fleet),
      isolated: fleet.gateway === "shared" || fleet.gateway === "each",
    },
    bare: { vxlan: { vni: 16_777_215 }, hosts: "all", gateway: "none" },
  };
}

/** Whether the fleet has BGP: a gateway shared by several hosts cannot do without. */
export const hasBgp = ({ bgp, gateway }: Fleet): boolean => bgp !== "none" || gateway === "shared";

function bgpOf(fleet: Fleet): unknown {
  if (!hasBgp(fleet)) return undefined;
  const reflectors = fleet.bgp === "reflector" ? [nameOf(fleet.hosts[0] as FleetHost)] : undefined;
  return { asn: 65_000, routeReflectors: reflectors };
}

/** The two ends of the paths that lie in the fleet and join two different things. */
export function pathsOf({ paths, hosts }: Fleet): readonly { between: readonly [string, string]; mtu: number }[] {
  const end = (number: number): string | undefined =>
    number < 0 ? ["east", "west"][-1 - number] : hosts[number] && nameOf(hosts[number]);
  return paths.flatMap(({ ends, mtu }) => {
    const [a, b] = [end(ends[0]), end(ends[1])];
    const isUsable = a !== undefined && b !== undefined && (a !== b || ends[0] < 0);
    return isUsable ? [{ between: [a, b] as const, mtu }] : [];
  });
}

/** The fleet as a file; JSON is YAML. */
export function topologyOf(fleet: Fleet): string {
  const hosts = fleet.hosts.map((each) => [nameOf(each), hostEntry(fleet, each)] as const);
  return JSON.stringify({
    netgen: 1,
    name: "fleet",
    underlay: { pathMtu: fleet.pathMtu, ipVersion: fleet.ipVersion, paths: pathsOf(fleet) },
    sites: fleet.sites,
    wireguard: { addresses: fleet.pools, presharedKeys: fleet.hasPresharedKeys },
    hosts: Object.fromEntries(hosts.sort(([a], [b]) => compareText(a, b))),
    subnets: subnetsOf(fleet),
    bgp: bgpOf(fleet),
  });
}

// Deriving a key takes longer than compiling: all that any fleet needs, once.
const keys = new Map<string, string>();
function keyOf(name: string): string {
  const key = keys.get(name) ?? testPublicKey(name);
  keys.set(name, key);
  return key;
}

type Compiled = Omit<Compilation, "model"> & { readonly model: Network };

// Every property looks at the same fleets: the generator starts from one seed.
const compiled = new Map<string, Compiled>();

/** Compiles a fleet, which must have no mistakes. */
export function compileFleet(fleet: Fleet): Compiled {
  const text = topologyOf(fleet);
  const known = compiled.get(text);
  if (known !== undefined) return known;
  const publicKeys = Object.fromEntries(fleet.hosts.map((each) => [nameOf(each), keyOf(nameOf(each))]));
  const { model, ...rest } = compile({ name: "fleet.yaml", text }, { publicKeys });
  const errors = rest.diagnostics.filter((each) => each.severity === "error");
  if (errors.length > 0 || model === undefined) throw new Error(JSON.stringify(errors, null, 1));
  const result = { ...rest, model };
  compiled.set(text, result);
  return result;
}
