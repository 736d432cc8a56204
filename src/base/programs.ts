/** The programs that read netgen's files on a host: what they must know, and what each version of them does. */

export const PROGRAMS = ["systemd", "frr", "nft", "wireguardTools", "docker", "podman", "kernel"] as const;
export type Program = (typeof PROGRAMS)[number];
/** Those of every host; Podman is asked for where there are containers of it. */
export const COMMON_PROGRAMS: readonly Program[] = PROGRAMS.filter((program) => program !== "podman");

/** What a host may run: distributions, and what is configured by hand. */
export const PLATFORM_NAMES = [
  "debian12",
  "debian13",
  "proxmox8",
  "proxmox9",
  "ubuntu2204",
  "ubuntu2404",
  "rocky9",
  "alma9",
  "fedora44",
  "wireguard-app",
] as const;

/** A version of each program: one to four numbers with dots between them, such as `10.3`. */
export type ProgramVersions = Readonly<Record<Program, string>>;

/** Less than, number by number: 10.2 is older than 10.10, and as old as 10.2.0. */
export function isOlder(version: string, other: string): boolean {
  const own = version.split(".").map(Number);
  const others = other.split(".").map(Number);
  const differences = [0, 1, 2, 3].map((place) => (own[place] ?? 0) - (others[place] ?? 0));
  return (differences.find((difference) => difference !== 0) ?? 0) < 0;
}

export interface Need {
  /** What the program calls itself. */
  readonly title: string;
  readonly oldest: string;
  readonly reason: string;
}

/** What netgen needs of each program, wherever it needs it at all. */
export const NEEDS: Readonly<Record<Program, Need>> = {
  // networkd.conf(5). An older one takes away the rules that others have set.
  systemd: { title: "systemd", oldest: "249", reason: "networkd knows ManageForeignRoutingPolicyRules= since then" },
  frr: { title: "FRR", oldest: "8.0", reason: "nobody has tried netgen's files with an older series" },
  nft: { title: "nft", oldest: "0.9.4", reason: "rules can ask which link of a VRF (sdifname) since then" },
  wireguardTools: {
    title: "wireguard-tools",
    oldest: "1.0.20191226",
    reason: "the tools are released by themselves since then",
  },
  docker: { title: "Docker", oldest: "17.06", reason: "the chain DOCKER-USER is there since then" },
  podman: { title: "Podman", oldest: "4.0", reason: "netavark makes its networks since then, from files" },
  kernel: { title: "the kernel", oldest: "5.6", reason: "WireGuard is a part of it since then" },
};

/** What `keyStore: credential` needs of systemd besides: `LoadCredentialEncrypted=` and systemd-creds are "new" in the NEWS of 250. */
export const CREDENTIAL_NEED: Pick<Need, "oldest" | "reason"> = {
  oldest: "250",
  reason: "credentials are encrypted since then",
};

interface Feature {
  readonly program: Program;
  /** The first version that has it; `undefined`: all have it. */
  readonly since?: string;
  /** The first version that has it no more. */
  readonly until?: string;
}

/** What some versions know and others do not. An emitter asks for one of these, and for nothing else about a program. */
const FEATURES = {
  /**
   * KeepMaster= in .network (systemd.network(5)), as 250 began to take a link out of a bridge that its file does not name. Before,
   * it only put links in (`link_enter_join_netdev` of 249).
   */
  "networkd-keep-master": { program: "systemd", since: "250" },
  /** MACAddress=none in .netdev, as 250 began to give a bridge a MAC of its own "once again" (NEWS of 250). */
  "networkd-mac-none": { program: "systemd", since: "250" },
  /** ManageForeignNextHops= in networkd.conf(5), "added in version 256"; before, nobody else's nexthop objects stay. */
  "networkd-foreign-next-hops": { program: "systemd", since: "256" },
  /** mgmtd, a daemon that listens too (FRR's notes on 9.0). */
  "frr-mgmtd": { program: "frr", since: "9.0" },
  /** Route-maps refuse EVPN's type-3 whatever they say (FRR's issue 14082, mended in 8.5.3). */
  "frr-route-maps-refuse-evpn": { program: "frr", since: "8.5", until: "8.5.3" },
  /** Direct access to containers is dropped in raw PREROUTING, on the way to their own address (Docker's notes on 28). */
  "docker-direct-access": { program: "docker", since: "28" },
  /** Networks say which NAT there is of them (Docker's notes on 27.0). */
  "docker-gateway-mode": { program: "docker", since: "27" },
  /** Networks name the interfaces by which their containers are reached directly (Docker's notes on 28.2). */
  "docker-trusted-interfaces": { program: "docker", since: "28.2" },
  /** Networks as systemd's units, with options of any kind (podman-systemd.unit(5) of 5.0). */
  "podman-quadlet": { program: "podman", since: "5.0" },
  /** /etc/sysctl.conf as /etc/sysctl.d/99-sysctl.conf: a link of Debian's package, which that of 257 in Debian 13 lacks. */
  "sysctl-conf": { program: "systemd", until: "257" },
} as const satisfies Readonly<Record<string, Feature>>;

export type FeatureName = keyof typeof FEATURES;

/** Whether the host's version of the program that it is a feature of has it. */
export function knows(versions: ProgramVersions, name: FeatureName): boolean {
  const { program, since = "0", until }: Feature = FEATURES[name];
  const version = versions[program];
  return !isOlder(version, since) && (until === undefined || isOlder(version, until));
}
