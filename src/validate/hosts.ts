/** Hosts as written → decoded, with hostDefaults laid under each. */
import { must } from "../base/invariant.ts";
import { PLATFORM_NAMES, PROGRAMS, type ProgramVersions } from "../base/programs.ts";
import type { Span } from "../base/source.ts";
import type { GuardedService, Platform } from "../model/host.ts";
import type { Origin } from "../model/origin.ts";
import type { HostInput, RouteInput } from "../topology/topology.ts";
import { endpointAt } from "./endpoint.ts";
import { type ExtraInput, extraAt, NO_LINES } from "./extra.ts";
import { nodeAt } from "./kubernetes.ts";
import { peersAt } from "./peers.ts";
import {
  choiceAt,
  entries,
  member,
  members,
  type Node,
  numberAt,
  originOf,
  type Reader,
  rootOf,
  textAt,
  truthAt,
  valueSpan,
} from "./reader.ts";
import { addressAt, addressOrPrefixAt, locatedAt, portAt, prefixAt } from "./scalars.ts";

/** What hostDefaults may say. */
interface Shared {
  readonly site: string | undefined;
  readonly isBehindNat: boolean | undefined;
  readonly families: HostInput["families"];
  readonly uplink: string | undefined;
  readonly lanInterface: string | undefined;
  readonly platform: Platform | undefined;
  readonly programs: Partial<ProgramVersions>;
  readonly hasWireguard: boolean | undefined;
  readonly hasDocker: boolean | undefined;
  readonly hasMetrics: boolean | undefined;
  readonly healthGate: HostInput["healthGate"];
  readonly guardOpen: HostInput["guardOpen"];
  readonly networkManager: HostInput["networkManager"];
  readonly acceptsRa: boolean | undefined;
  readonly keyStore: HostInput["keyStore"];
  readonly frr: HostInput["frr"];
  readonly proxmox: HostInput["proxmox"];
  readonly extra: ExtraInput;
  readonly origin: Origin;
}

/** An entry of the topology that may have had mistakes; `value` is of use only if none was reported below `pointer`. */
export interface Entry<T> {
  readonly pointer: string;
  readonly value: T;
}

/** Every host with an id, also those with a mistake, in the order of the file. */
export function decodeHosts(reader: Reader): readonly Entry<HostInput>[] {
  const root = rootOf(reader);
  const defaultsNode = member(root, "hostDefaults");
  const defaults = defaultsNode.value === undefined ? NO_DEFAULTS : decodeShared(reader, defaultsNode);
  return members(member(root, "hosts")).flatMap(([name, node]) => {
    const { id, ...rest } = decodeHost(reader, node, defaults);
    return id === undefined ? [] : [{ pointer: node.pointer, value: { name, id, ...rest } }];
  });
}

const NOTHING_GIVEN: ExtraInput = { wireguard: undefined, frr: undefined, nftables: undefined, sysctl: undefined };
const NO_DEFAULTS: Shared = {
  site: undefined,
  isBehindNat: undefined,
  families: undefined,
  uplink: undefined,
  lanInterface: undefined,
  platform: undefined,
  programs: {},
  hasWireguard: undefined,
  hasDocker: undefined,
  hasMetrics: undefined,
  healthGate: undefined,
  guardOpen: undefined,
  networkManager: undefined,
  acceptsRa: undefined,
  keyStore: undefined,
  frr: undefined,
  proxmox: undefined,
  extra: NOTHING_GIVEN,
  origin: {},
};

function healthGateAt(reader: Reader, node: Node): HostInput["healthGate"] {
  if (node.value === undefined) return undefined;
  return {
    failures: numberAt(reader, member(node, "failures")),
    run: textAt(reader, member(node, "run")),
    recovers: truthAt(member(node, "recover")),
  };
}

function decodeShared(reader: Reader, node: Node): Shared {
  return {
    site: textAt(reader, member(node, "site")),
    isBehindNat: truthAt(member(node, "behindNat")),
    families: choiceAt(member(node, "families"), [4, 6, "ds-lite", "464xlat"]),
    uplink: textAt(reader, member(node, "uplink")),
    lanInterface: textAt(reader, member(node, "lanInterface")),
    platform: choiceAt(member(node, "platform"), PLATFORM_NAMES),
    programs: programsAt(reader, member(node, "programs")),
    hasWireguard: truthAt(member(node, "wireguard")),
    hasDocker: truthAt(member(node, "docker")),
    hasMetrics: truthAt(member(node, "metrics")),
    healthGate: healthGateAt(reader, member(node, "healthGate")),
    guardOpen: guardAt(reader, member(node, "guard")),
    networkManager: choiceAt(member(node, "networkManager"), ["networkd", "NetworkManager", "other"]),
    acceptsRa: truthAt(member(node, "acceptRa")),
    keyStore: choiceAt(member(node, "keyStore"), ["file", "credential"]),
    frr: choiceAt(member(node, "frr"), ["complete", "snippet"]),
    proxmox: choiceAt(member(node, "proxmox"), ["sdn"]),
    extra: extraAt(reader, member(node, "extra")),
    origin: originOf(reader, node),
  };
}

/** What hostDefaults say of devices that an app configures as well; the rest is of hosts with files. */
const KEYS_OF_APPS: ReadonlySet<string> = new Set(["site", "behindNat", "families", "platform"]);

/** What is laid under a host that says so much itself. */
function defaultsOf(own: Shared, shared: Shared): Shared {
  if ((own.platform ?? shared.platform) !== "wireguard-app") return shared;
  const { site, isBehindNat, families, platform, origin } = shared;
  const places = Object.entries(origin).filter(([path]) => KEYS_OF_APPS.has(path));
  return { ...NO_DEFAULTS, site, isBehindNat, families, platform, origin: Object.fromEntries(places) };
}

/** What runs on a host and how: its own word, else that of all. */
function layServices(own: Shared, defaults: Shared) {
  return {
    hasWireguard: own.hasWireguard ?? defaults.hasWireguard,
    hasDocker: own.hasDocker ?? defaults.hasDocker,
    hasMetrics: own.hasMetrics ?? defaults.hasMetrics,
    healthGate: own.healthGate ?? defaults.healthGate,
    guardOpen: own.guardOpen ?? defaults.guardOpen,
    networkManager: own.networkManager ?? defaults.networkManager,
    acceptsRa: own.acceptsRa ?? defaults.acceptsRa,
    keyStore: own.keyStore ?? defaults.keyStore,
    frr: own.frr ?? defaults.frr,
    proxmox: own.proxmox ?? defaults.proxmox,
  };
}

function decodeHost(reader: Reader, node: Node, shared: Shared) {
  const own = decodeShared(reader, node);
  const defaults = defaultsOf(own, shared);
  const lanEndpoint = endpointAt(reader, member(node, "lanEndpoint"));
  return {
    id: numberAt(reader, member(node, "id")),
    site: own.site ?? defaults.site,
    endpoints: locatedAt(reader, member(node, "endpoint"), endpointAt),
    listenPort: portAt(reader, member(node, "listenPort")),
    hubs: locatedAt(reader, member(node, "hubs"), textAt),
    exits: locatedAt(reader, member(node, "exits"), textAt),
    isDrained: truthAt(member(node, "drained")) ?? false,
    lanEndpoint,
    isBehindNat: own.isBehindNat ?? defaults.isBehindNat,
    families: own.families ?? defaults.families,
    addresses: locatedAt(reader, member(node, "addresses"), addressAt),
    publicKey: textAt(reader, member(node, "publicKey")),
    uplink: own.uplink ?? defaults.uplink,
    lanInterface: own.lanInterface ?? (lanEndpoint === undefined ? undefined : defaults.lanInterface),
    routes: routesAt(reader, member(node, "routes")),
    peers: peersAt(reader, member(node, "peers")),
    kubernetes: nodeAt(member(node, "kubernetes")),
    dns: locatedAt(reader, member(node, "dns"), addressAt),
    platform: own.platform ?? defaults.platform,
    programs: { ...defaults.programs, ...own.programs },
    ...layServices(own, defaults),
    ...layExtra(own.extra, defaults.extra),
    origin: layOrigin(own.origin, defaults.origin),
  };
}

function programsAt(reader: Reader, node: Node): Partial<ProgramVersions> {
  const stated = PROGRAMS.map((program) => [program, textAt(reader, member(node, program))] as const);
  return Object.fromEntries(stated.filter(([, version]) => version !== undefined));
}

function guardAt(reader: Reader, node: Node): HostInput["guardOpen"] {
  const of = (service: GuardedService) => locatedAt(reader, member(node, service), addressOrPrefixAt);
  return node.value === undefined ? undefined : { vxlan: of("vxlan"), bgp: of("bgp"), bfd: of("bfd") };
}

/** Prefixes, or mappings with a cidr and what else is to say of it. */
function routesAt(reader: Reader, list: Node): readonly RouteInput[] {
  return entries(list).flatMap((node) => {
    const value = prefixAt(reader, typeof node.value === "string" ? node : member(node, "cidr"));
    if (value === undefined) return [];
    const [vrf] = locatedAt(reader, member(node, "vrf"), textAt);
    const exceptsMoreSpecifics = truthAt(member(node, "exceptMoreSpecifics")) ?? false;
    return [{ value, span: valueSpan(reader, node.pointer), vrf, exceptsMoreSpecifics, isOfOvn: false }];
  });
}

/** Kind by kind, each as a whole: blocks and chains of the defaults are not mixed with the host's own. */
function layExtra(own: ExtraInput, defaults: ExtraInput): Pick<HostInput, "extra" | "vrfLines"> {
  const { vrfs, ...frr } = own.frr ?? defaults.frr ?? NO_LINES.frr;
  const extra = {
    wireguard: own.wireguard ?? defaults.wireguard ?? NO_LINES.wireguard,
    frr,
    nftables: own.nftables ?? defaults.nftables ?? NO_LINES.nftables,
    sysctl: own.sysctl ?? defaults.sysctl ?? NO_LINES.sysctl,
  };
  return { extra, vrfLines: vrfs };
}

/** What is laid over as a whole: a field, or one member of those that are laid over member by member. */
function layer(path: string): string {
  const [field, member] = path.split("/");
  const isWhole = member === undefined || (field !== "extra" && field !== "programs");
  return isWhole ? must(field, "a path has a first part") : `${field}/${member}`;
}

/** Places of the host's own fields, and of those that come from the defaults. */
function layOrigin(own: Origin, defaults: Origin): Origin {
  const given = new Set(Object.keys(own).map(layer));
  const inherited: [string, Span][] = Object.entries(defaults).filter(
    ([path]) => path !== "" && !given.has(layer(path)),
  );
  return inherited.length === 0 ? own : { ...Object.fromEntries(inherited), ...own };
}

/** The names of all hosts that the file has, whatever is wrong with them. */
export function hostNames(reader: Reader): ReadonlySet<string> {
  return new Set(members(member(rootOf(reader), "hosts")).map(([name]) => name));
}
