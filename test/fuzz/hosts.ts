/** Generated hosts: all that one may say of itself. */
import * as fc from "fast-check";
import { PLATFORM_NAMES } from "../../src/base/programs.ts";
import { peerKinds } from "./peers.ts";

/** How a host can be reached; `forwarded` and `inside` stand behind a NAT, `inside` without any way in. */
const WAYS = ["address4", "address4", "address6", "name", "forwarded", "inside", "port"] as const;

export interface HostDraft {
  readonly id: number;
  readonly way: (typeof WAYS)[number];
  readonly also: "address4" | "address6" | "name" | "port" | undefined;
  /** Index of its site; none below zero. */
  readonly site: number;
  readonly lan: "none" | "address4" | "address6" | "name";
  readonly routes: readonly number[];
  readonly peers: readonly number[];
  readonly isPinned: boolean;
  readonly isOutsider: boolean;
  readonly uplink: string | undefined;
  readonly lanInterface: string | undefined;
  readonly listenPort: number | undefined;
  readonly more: Readonly<Record<string, unknown>>;
}

const lines = (...some: readonly string[]) => fc.subarray([...some]);

const bgpLines = {
  bgp: lines("neighbor ROUTERS peer-group", "no bgp suppress-duplicates"),
  ipv4: lines("neighbor ROUTERS activate", "distance bgp 20 200 200"),
  ipv6: lines("table-map X", "no bgp dampening"),
  evpn: lines("flooding disable"),
};

const frrBlocks = fc.record(
  {
    ...bgpLines,
    global: lines("ip prefix-list OURS seq 5 permit 10.20.0.0/16", "bgp community alias 65000:1 ours"),
    routeMaps: fc.dictionary(fc.constantFrom("X permit 10", "X deny 20"), lines("set metric 7", "on-match next")),
    vrfs: fc.record(
      { blue: fc.record({ ...bgpLines, vrf: lines("ip nht resolve-via-default") }, { requiredKeys: [] }) },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: [] },
);

const nftChains = fc.record(
  {
    prerouting: lines("iifname eth1 meta mark set 0x10"),
    input: lines("tcp dport 9100 drop"),
    forward: lines("ip daddr 10.1.1.7 drop"),
    output: lines("udp dport 123 meta mark set 0x10"),
    postrouting: lines("counter"),
    dstnat: lines("tcp dport 8443 dnat ip to 10.1.1.7:443"),
    srcnat: lines("oifname eth1 masquerade"),
  },
  { requiredKeys: [] },
);

const extra = fc.record(
  {
    wireguard: fc.constantFrom([], ["PostUp = logger up"], ["FwMark = 0x1"]),
    frr: fc.oneof(
      fc.constantFrom([], ["timers bgp 3 9"], ["no bgp suppress-duplicates", "coalesce-time 900"]),
      frrBlocks,
    ),
    nftables: fc.oneof(fc.constantFrom([], ["ip daddr 10.1.1.7 drop"], ["tcp dport { 25, 465 } reject"]), nftChains),
    sysctl: fc.constantFrom({}, { "net.core.rmem_max": 4194304 }, { "net.bridge.bridge-nf-call-iptables": 1 }),
  },
  { requiredKeys: [] },
);

const opened = fc.constantFrom([], ["192.168.7.0/24"], ["192.168.7.1", "fd00:7::/64"]);

/** On either side of what netgen asks of a program. */
const programs = fc.record(
  {
    systemd: fc.constantFrom("252", "257"),
    frr: fc.constantFrom("8.4", "8.5.1", "10.3"),
    nft: fc.constantFrom("1.0.6", "1.1.3"),
    wireguardTools: fc.constant("1.0.20210914"),
    docker: fc.constantFrom("20.10", "28.1"),
    podman: fc.constantFrom("4.3", "5.4"),
    kernel: fc.constantFrom("6.1", "6.12"),
  },
  { requiredKeys: [] },
);

/** What a host may share with all others and has besides its numbers. */
export const more = fc.record(
  {
    families: fc.constantFrom(undefined, undefined, undefined, undefined, undefined, 4, 6, "ds-lite", "464xlat"),
    programs,
    guard: fc.record({ vxlan: opened, bgp: opened, bfd: opened }, { requiredKeys: [] }),
    platform: fc.constantFrom(...PLATFORM_NAMES.filter((name) => name !== "wireguard-app")),
    networkManager: fc.constantFrom("networkd", "NetworkManager", "other"),
    keyStore: fc.constantFrom("file", "credential"),
    frr: fc.constantFrom("complete", "snippet"),
    proxmox: fc.constantFrom(undefined, undefined, undefined, "sdn"),
    docker: fc.boolean(),
    metrics: fc.boolean(),
    healthGate: fc.constantFrom({}, { failures: 2, run: "/usr/local/sbin/changed", recover: true }),
    acceptRa: fc.boolean(),
    extra,
  },
  { requiredKeys: [] },
);

/** What a device that an app configures may say: what it may not is drawn for it, too. */
const app = fc.record(
  {
    families: fc.constantFrom(4, 6, "ds-lite", "464xlat"),
    platform: fc.constant("wireguard-app"),
    dns: fc.constantFrom(["9.9.9.9"], ["10.77.0.53", "fd77::53"]),
    docker: fc.constantFrom(undefined, undefined, undefined, undefined, undefined, true),
  },
  { requiredKeys: ["platform"] },
);

const small = fc.integer({ min: 1, max: 30 });

export const hostDrafts: fc.Arbitrary<readonly HostDraft[]> = fc.uniqueArray(
  fc.record({
    id: fc.oneof({ weight: 19, arbitrary: small }, { weight: 1, arbitrary: fc.constantFrom(31, 200, 255, 4000) }),
    way: fc.constantFrom(...WAYS),
    also: fc.constantFrom(undefined, undefined, undefined, undefined, "address4", "address6", "name", "port"),
    site: fc.integer({ min: -2, max: 1 }),
    lan: fc.constantFrom("none", "address4", "address4", "address6", "name"),
    routes: fc.uniqueArray(fc.integer({ min: 0, max: 5 }), { maxLength: 2 }),
    peers: peerKinds,
    isPinned: fc.boolean(),
    isOutsider: fc.integer({ min: 0, max: 7 }).map((each) => each === 0),
    uplink: fc.constantFrom("eth0", "eth0", "vmbr0", undefined),
    lanInterface: fc.constantFrom(undefined, undefined, undefined, undefined, undefined, undefined, "eth0", "eth1"),
    listenPort: fc.constantFrom(undefined, undefined, undefined, undefined, 443, 51830, 65530),
    more: fc.oneof(
      { weight: 12, arbitrary: fc.constant({}) },
      { weight: 5, arbitrary: more },
      { weight: 1, arbitrary: app },
    ),
  }),
  { minLength: 1, maxLength: 7, selector: (each) => each.id },
);

export const nameOf = ({ id }: HostDraft): string => `h${id}`;

/** An app configures it: files of netgen's, or a part in a subnet, are not for it. */
export const isApp = ({ more: { platform } }: HostDraft): boolean => platform === "wireguard-app";

/** Where others dial a host: documentation space but for one in twenty, which lies in what the topology may use itself. */
function endpointOf({ way, id }: HostDraft): string | undefined {
  const byte = (id % 250) + 1;
  switch (way) {
    case "address4":
      return id === 13 ? "10.77.0.5" : `198.51.100.${byte}`;
    case "address6":
      return id === 17 ? "[fd77::5]" : `[2001:db8::${id.toString(16)}]`;
    case "name":
      return `h${id}.example.net`;
    case "port":
      return `192.0.2.${byte}:51900`;
    case "forwarded":
      return `203.0.113.${(id % 3) + 1}:${20_000 + id}`;
    case "inside":
      return undefined;
  }
}

/** A second place to dial a host at, behind the first. */
function endpointsOf(draft: HostDraft): string | readonly string[] | undefined {
  const { id, also } = draft;
  const first = endpointOf(draft);
  if (first === undefined || also === undefined) return first;
  const second = {
    address4: `203.0.113.${(id % 200) + 50}`,
    address6: `[2001:db8:1::${id.toString(16)}]`,
    name: `h${id}.example.org`,
    port: `h${id}.example.org:443`,
  };
  return [first, second[also]];
}

function lanEndpointOf({ lan, id, site }: HostDraft): string | undefined {
  const byte = (id % 250) + 1;
  switch (lan) {
    case "none":
      return undefined;
    case "address4":
      return `192.168.${site + 3}.${byte}`;
    case "address6":
      return `[fd00:${site + 3}::${id.toString(16)}]`;
    case "name":
      return `h${id}.lan`;
  }
}

/** No pair has it: to derive one takes longer than to compile. */
export const publicKeyOf = (name: string): string => Buffer.from(name.padEnd(32, "-")).toString("base64");

const isBehindNat = ({ way }: HostDraft): boolean => way === "forwarded" || way === "inside";

/** Prefixes behind a host: by its id, or from the same few as others, of which some overlap. */
function routeOf(id: number, kind: number, vrf: string | undefined): unknown {
  const own = [`172.20.${id % 250}.0/24`, `fd20:${id.toString(16)}::/64`, `192.168.${(id % 200) + 30}.0/24`];
  const shared = id % 9 === 0 ? "10.99.0.0/16" : `10.${100 + (id % 100)}.0.0/16`;
  const cidr = [...own, shared][kind] ?? `172.21.${id % 250}.${kind * 8}/29`;
  return kind === 2 && vrf !== undefined ? { cidr, vrf } : cidr;
}

/** Behind a few hosts, by id: what holds pools, subnets, LANs, and what is behind other hosts; one lies in another. */
const WIDE: ReadonlyMap<number, string> = new Map([
  [12, "10.0.0.0/8"],
  [25, "10.96.0.0/11"],
  [7, "fd00:200::/23"],
  [31, "192.168.0.0/16"],
]);

function wideRoutes({ id, routes }: HostDraft, vrf: string | undefined): readonly unknown[] {
  const cidr = routes.length > 0 ? WIDE.get(id) : undefined;
  return cidr === undefined ? [] : [{ cidr, exceptMoreSpecifics: true, vrf: id === 31 ? vrf : undefined }];
}

/** Lines for the VRF only where there is one. */
export function forVrf(said: HostDraft["more"], vrf: string | undefined): HostDraft["more"] {
  const { extra: lines } = said as { extra?: { frr?: object } };
  if (vrf !== undefined || lines?.frr === undefined || Array.isArray(lines.frr)) return said;
  return { ...said, extra: { ...lines, frr: { ...lines.frr, vrfs: undefined } } };
}

/** What stands under `hosts`; pins only where the pools have room for them. */
export function hostEntry(
  draft: HostDraft,
  sites: readonly string[],
  vrf: string | undefined,
  pins: readonly string[],
) {
  const { id, isOutsider, isPinned, routes } = draft;
  // Of a device it would be a mistake nearly each time.
  const { uplink, lanInterface } = isApp(draft) ? { uplink: undefined, lanInterface: undefined } : draft;
  const common = {
    ...forVrf(draft.more, vrf),
    id,
    site: sites[draft.site],
    lanEndpoint: lanEndpointOf(draft),
    uplink,
    lanInterface: lanEndpointOf(draft) === undefined ? undefined : lanInterface,
    routes: [
      ...(isOutsider ? routes.slice(0, 1) : routes).map((kind) => routeOf(id, kind, isOutsider ? undefined : vrf)),
      ...wideRoutes(draft, isOutsider ? undefined : vrf),
    ],
  };
  if (isOutsider) return { ...common, wireguard: false };
  return {
    ...common,
    publicKey: publicKeyOf(nameOf(draft)),
    endpoint: endpointsOf(draft),
    listenPort: draft.listenPort,
    behindNat: isBehindNat(draft),
    addresses: isPinned && pins.length > 0 ? pins : undefined,
  };
}
