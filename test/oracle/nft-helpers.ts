/** What the tests of nftables, sysctl and units share: model objects, network namespaces, traffic. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { must } from "../../src/base/invariant.ts";
import { type IpAddress, type IpPrefix, parseAddress, parsePrefix } from "../../src/base/ip.ts";
import { asn, type MtuBytes, mtuBytes, udpPort, vni } from "../../src/base/units.ts";
import { createContext, type Emitter } from "../../src/emit/context.ts";
import { contentOf } from "../../src/emit/file.ts";
import type { Bfd, Bgp, BgpSpeaker } from "../../src/model/bgp.ts";
import type { Bridge, VxlanDevice, WireguardInterface } from "../../src/model/device.ts";
import type { Extra } from "../../src/model/extra.ts";
import type { Host } from "../../src/model/host.ts";
import type { Network } from "../../src/model/network.ts";
import { PLATFORMS } from "../../src/resolve/hosts/platform.ts";

// ── Model objects ───────────────────────────────────────────────────────────────────────────────────────────────────

export const address = (text: string): IpAddress => must(parseAddress(text), `${text} is an address`);
export const prefix = (text: string): IpPrefix => must(parsePrefix(text), `${text} is a prefix`).prefix;
export const mtu = (bytes: number): MtuBytes => must(mtuBytes(bytes), `${bytes} is an MTU`);

const NOWHERE = { start: 0, end: 0 };
const AS = must(asn(65_000), "65000 is an ASN");

export function aTunnel(name: string, bytes = 1420): WireguardInterface {
  const listenPort = must(udpPort(51_820), "51820 is a port");
  return {
    name,
    addresses: [],
    linkLocal: undefined,
    listenPort,
    mtu: mtu(bytes),
    limitingPeer: undefined,
    smallerPeers: [],
    routedBy: "file",
    peers: [],
  };
}

export function aBridge(name: string, fields: Partial<Bridge> = {}): Bridge {
  const own = {
    mtu: undefined,
    addresses: [],
    isSharedGateway: false,
    dhcp: undefined,
    advertisement: undefined,
    ports: [],
    vrf: undefined,
    origin: { "": NOWHERE },
  };
  return {
    name,
    vlan: undefined,
    link: name,
    subnet: "vms",
    isExisting: false,
    macAddress: "02:00:00:00:64:01",
    ...own,
    ...fields,
  };
}

export function aVxlan(name: string, fields: Partial<VxlanDevice> = {}): VxlanDevice {
  return {
    name,
    segment: "vms",
    vni: must(vni(100), "100 is a VNI"),
    macAddress: "06:00:00:00:64:01",
    local: address("10.250.0.1"),
    port: must(udpPort(4789), "4789 is a port"),
    mtu: mtu(1370),
    bridge: "br-vms",
    vlan: undefined,
    cut: undefined,
    flooding: { kind: "evpn", suppressesNeighbors: false },
    origin: { "": NOWHERE },
    ...fields,
  };
}

export const NO_EXTRA: Extra = {
  wireguard: [],
  frr: { global: [], bgp: [], ipv4: [], ipv6: [], evpn: [], routeMaps: [] },
  nftables: { prerouting: [], input: [], forward: [], output: [], postrouting: [], dstnat: [], srcnat: [] },
  sysctl: [],
};

export function aHost(name: string, fields: Partial<Host> = {}): Host {
  return {
    name,
    platform: "debian12",
    programs: PLATFORMS.debian12,
    app: undefined,
    hasDocker: false,
    kubernetes: undefined,
    hasMetrics: false,
    healthGate: undefined,
    guardOpen: { vxlan: [], bgp: [], bfd: [] },
    id: 1,
    reach: {
      name,
      site: undefined,
      endpoints: [],
      lanEndpoint: undefined,
      isBehindNat: false,
      families: "both",
      isShared: false,
      isApp: false,
    },
    publicKey: "",
    keyStore: "file",
    uplink: undefined,
    lanInterface: undefined,
    networkManager: "networkd",
    acceptsRa: false,
    interfaces: [aTunnel("wg0")],
    vtep: undefined,
    bridges: [],
    vlanBridges: [],
    vxlans: [],
    containers: [],
    vrfs: [],
    ownedPrefixes: [],
    forwards: { ipv4: false, ipv6: false },
    snat: [],
    exit: undefined,
    egress: undefined,
    unreachable: [],
    lanRoutes: [],
    vrrp: undefined,
    bgp: { kind: "none" },
    frrMode: "complete",
    segmentsBy: "netgen",
    neighbourCount: { ipv4: 0, ipv6: 0 },
    extra: NO_EXTRA,
    origin: {},
    ...fields,
  };
}

const BFD: Bfd = { kind: "on", intervalMs: 1000, multiplier: 5 };

export const EVPN = { kind: "evpn", asn: AS, bfd: BFD, origin: {} } satisfies Bgp;

export const SPEAKER = {
  kind: "evpn",
  asn: AS,
  routerId: "10.250.0.1",
  updateSource: address("10.250.0.1"),
  isReflector: false,
  isVtep: true,
  neighbours: [],
  peers: [],
  originated: [],
  vnis: [],
  bfd: BFD,
  isDrained: false,
} satisfies BgpSpeaker;

/** A network of these hosts, with 10.250.0.0/24 and fd00:250::/64 as pools. */
export function aNetwork(hosts: readonly Host[], fields: Partial<Network> = {}): Network {
  const pools = ["10.250.0.0/24", "fd00:250::/64"].map(prefix);
  return {
    name: "test",
    fleet: undefined,
    underlay: { pathMtu: mtu(1500), ipVersion: "auto", paths: [] },
    sites: [],
    hosts,
    peers: [],
    segments: [],
    vrfs: [],
    exits: [],
    remotes: [],
    ovn: undefined,
    prefixes: pools.map((pool) => ({
      prefix: pool,
      use: { kind: "pool" },
      vrf: undefined,
      exceptsMoreSpecifics: false,
      span: NOWHERE,
    })),
    bgp: { kind: "none" },
    kubernetes: undefined,
    guardAllowFrom: [],
    guardInterfaces: [],
    origin: {},
    ...fields,
  };
}

/** What an emitter writes for the first host of a network: text by path on that host. */
export function emitted(emitter: Emitter, network: Network): ReadonlyMap<string, string> {
  const host = must(network.hosts[0], "the network has a host");
  const files = emitter(host, createContext(network));
  return new Map(files.map((file) => [file.path.slice(host.name.length + 1), Buffer.from(contentOf(file)).toString()]));
}

// ── The machine ─────────────────────────────────────────────────────────────────────────────────────────────────────

export interface Ended {
  readonly status: number | null;
  readonly output: string;
}

/** Runs a program to its end; `output` is what it printed, errors included. */
export function run(command: string, args: readonly string[]): Ended {
  const ended = spawnSync(command, args, { encoding: "utf8" });
  return { status: ended.status, output: `${ended.stdout ?? ""}${ended.stderr ?? ""}${ended.error?.message ?? ""}` };
}

/** Runs a program that must succeed. */
export function succeed(command: string, args: readonly string[]): string {
  const { status, output } = run(command, args);
  if (status !== 0) throw new Error(`${command} ${args.join(" ")}: status ${status}\n${output}`);
  return output;
}

/** True when all programs are there and we are root. What is missing fails under CI, and is said aloud elsewhere. */
export function isEquipped(...programs: readonly string[]): boolean {
  const missing = programs.filter((program) => run("sh", ["-c", 'command -v "$1"', "sh", program]).status !== 0);
  if (process.getuid?.() !== 0) missing.push("root");
  if (missing.length === 0) return true;
  const message = `these oracles need ${missing.join(", ")}`;
  if (process.env.CI === "true") throw new Error(message);
  console.warn(`SKIPPED: ${message}`);
  return false;
}

const PROBES = {
  vrf: "ip link add probe0 type vrf table 9",
  vlan: "ip link add below0 type bridge && ip link add probe0 link below0 type vlan id 1",
};

/** Whether this kernel makes devices of a kind. */
export const isKindMade = (kind: keyof typeof PROBES): boolean =>
  run("unshare", ["-n", "sh", "-c", PROBES[kind]]).status === 0;

export interface Scratch {
  readonly directory: string;
  /** Writes a file into it; the result is its path. */
  readonly write: (name: string, text: string) => string;
  readonly remove: () => void;
}

/** A new directory for the files of one test. */
export function scratch(): Scratch {
  const directory = mkdtempSync(join(tmpdir(), "netgen-oracle-"));
  const write = (name: string, text: string): string => {
    const path = join(directory, name);
    writeFileSync(path, text);
    return path;
  };
  return { directory, write, remove: () => rmSync(directory, { recursive: true, force: true }) };
}
