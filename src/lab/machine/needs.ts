/** What a lab cannot do without, looked for before anything is started. */
import { accessSync, closeSync, constants, openSync } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";
import { listInWords } from "../../base/text.ts";
import { type Host, isOfSdn } from "../../model/host.ts";
import type { Network } from "../../model/network.ts";
import { execute } from "./keeper.ts";

/** A program, by its name or where Debian has it, and the package that brings it. */
export interface Program {
  readonly program: string;
  readonly package: string;
}

/** What is asked of the machine; the tests have other ones. */
export interface Machine {
  readonly platform: string;
  readonly isRoot: boolean;
  readonly hasProgram: (program: string) => boolean;
  /** Opens namespaces as a lab does, and makes a device of each kind there; gives the kinds that the kernel refused. */
  readonly probe: (kinds: readonly string[]) => Promise<Probe>;
  readonly canOpen: (path: string) => boolean;
}

/** What came of a probe; `refusal`: namespaces are not to be had, and why. */
export type Probe = { readonly refusal: string } | { readonly missing: readonly string[] };

const ALWAYS: readonly Program[] = [
  { program: "unshare", package: "util-linux" },
  { program: "nsenter", package: "util-linux" },
  { program: "setsid", package: "util-linux" },
  { program: "mount", package: "mount" },
  { program: "ip", package: "iproute2" },
  { program: "bridge", package: "iproute2" },
  { program: "sysctl", package: "procps" },
  { program: "pgrep", package: "procps" },
  { program: "nft", package: "nftables" },
  { program: "ping", package: "iputils-ping" },
  { program: "wg", package: "wireguard-tools" },
  { program: "wg-quick", package: "wireguard-tools" },
  { program: "/lib/systemd/systemd-sysctl", package: "systemd" },
];
/** What a host needs that boots by itself. */
const BOOTING: readonly Program[] = [
  { program: "setpriv", package: "util-linux" },
  { program: "systemctl", package: "systemd" },
  { program: "journalctl", package: "systemd" },
  { program: "/lib/systemd/systemd", package: "systemd" },
  { program: "/lib/systemd/systemd-udevd", package: "udev" },
  { program: "dbus-daemon", package: "dbus" },
];
const NETWORKD: readonly Program[] = [{ program: "/lib/systemd/systemd-networkd", package: "systemd" }];
const FRR: readonly Program[] = [
  { program: "/usr/lib/frr/frrinit.sh", package: "frr" },
  { program: "vtysh", package: "frr" },
  { program: "/usr/lib/frr/frr-reload.py", package: "frr-pythontools" },
];
const KEEPALIVED: readonly Program[] = [{ program: "keepalived", package: "keepalived" }];
/** What guests ask by. */
const DHCP: readonly Program[] = [{ program: "busybox", package: "busybox" }];
const RADVD: readonly Program[] = [{ program: "/usr/sbin/radvd", package: "radvd" }];
const WIREGUARD_GO: Program = { program: "wireguard-go", package: "wireguard-go" };
const TUN = "/dev/net/tun";

const hasLinks = ({ hosts }: Network): boolean =>
  hosts.some(({ bridges, vxlans, vrfs }) => bridges.length + vxlans.length + vrfs.length > 0);

/** The programs that the hosts of a network are run by. */
export function programsFor(network: Network): readonly Program[] {
  const hasSpeakers = network.hosts.some(({ bgp }) => bgp.kind !== "none");
  const isSharing = network.hosts.some(({ vrrp }) => vrrp !== undefined);
  const bridges = network.hosts.flatMap((host) => host.bridges);
  const isAsked = bridges.some(({ dhcp }) => dhcp !== undefined);
  const isAdvertising = bridges.some(({ advertisement }) => advertisement !== undefined);
  const asked = [
    ...(hasLinks(network) ? NETWORKD : []),
    ...(hasSpeakers ? FRR : []),
    ...(isSharing ? KEEPALIVED : []),
    ...(isAsked ? DHCP : []),
    ...(isAdvertising ? RADVD : []),
  ];
  return [...ALWAYS, ...asked];
}

/** Kinds of devices that the kernel has to make; WireGuard's is asked for apart, as there is something in its place. */
function kindsFor(network: Network): readonly string[] {
  const hasVrfs = network.vrfs.length > 0;
  const isOnLan = ({ interfaces, vrrp }: Host): boolean => interfaces.length === 0 || vrrp !== undefined;
  const hasBridge = hasLinks(network) || network.hosts.some(isOnLan);
  return [
    "veth",
    ...(hasBridge ? ["bridge"] : []),
    ...(network.segments.length > 0 || hasVrfs ? ["vxlan"] : []),
    ...(hasVrfs ? ["vrf"] : []),
    ...(network.hosts.some(({ vlanBridges }) => vlanBridges.length > 0) ? ["vlan"] : []),
  ];
}

/** Programs that are not there, by package, a line each. */
export function describeMissing(programs: readonly Program[]): readonly string[] {
  const packages = [...new Set(programs.map((each) => each.package))].sort();
  if (packages.length === 0) return [];
  const lines = packages.map((name) => {
    const own = programs.filter((each) => each.package === name).map(({ program }) => program);
    return `${own.join(", ")}: not found; Debian has it in the package ${name}`;
  });
  return [...lines, `all of these at once: apt-get install ${packages.join(" ")}`];
}

/** wireguard-go pads to a multiple of 16, never past the interface's MTU; the kernel's never past the route's. */
const PADDING_BYTES = 16;

function paddedTunnel({ hosts }: Network): string | undefined {
  for (const { name, interfaces } of hosts) {
    const peers = interfaces.flatMap(({ smallerPeers }) => smallerPeers);
    const peer = peers.find(({ mtu }) => mtu % PADDING_BYTES !== 0);
    if (peer === undefined) continue;
    return `the kernel has no WireGuard, and wireguard-go would pad what ${name} sends to ${peer.host} past its MTU of ${peer.mtu}: --kernel debian has it`;
  }
  return undefined;
}

/** What a container's kernel lacks most often. */
const OF_VIRTUAL_MACHINES = ["vrf", "vlan"];

function remedyFor(kind: string): string {
  const debian = `the module ${kind === "vlan" ? "8021q" : kind} of Debian's linux-image-amd64 does`;
  return OF_VIRTUAL_MACHINES.includes(kind)
    ? `${debian}, and so does a virtual machine with it: netgen lab --kernel debian`
    : debian;
}

async function kernelComplaints(network: Network, machine: Machine): Promise<readonly string[]> {
  const probe = await machine.probe([...kindsFor(network), "wireguard"]);
  if ("refusal" in probe) {
    return [`no namespace can be made (${probe.refusal}); a container needs to be started with --privileged`];
  }
  const lines = probe.missing
    .filter((kind) => kind !== "wireguard")
    .map((kind) => `the kernel makes no ${kind} device; ${remedyFor(kind)}`);
  if (!probe.missing.includes("wireguard")) return lines;
  const padded = paddedTunnel(network);
  const tun = `${TUN} cannot be opened, which wireguard-go needs: modprobe tun, or give it to the container`;
  return [
    ...lines,
    ...describeMissing(machine.hasProgram(WIREGUARD_GO.program) ? [] : [WIREGUARD_GO]),
    ...(machine.canOpen(TUN) ? [] : [tun]),
    ...(padded === undefined ? [] : [padded]),
  ];
}

/** Nobody here makes what Proxmox's SDN does. */
export function sdnObstacles({ hosts }: Network): readonly string[] {
  const names = hosts.filter(isOfSdn).map(({ name }) => name);
  if (names.length === 0) return [];
  const whose = names.length === 1 ? "leaves its" : "leave their";
  return [
    `${listInWords(names)} ${whose} segments to Proxmox's SDN, which no lab has: without "proxmox: sdn" netgen makes them`,
  ];
}

/** All that stands in the way of a lab on a machine, a line each; none: it can begin. */
export async function findObstacles(network: Network, machine: Machine, isBooting = false): Promise<readonly string[]> {
  if (machine.platform !== "linux") return [`it runs on Linux only, and this is ${machine.platform}`];
  const programs = [...programsFor(network), ...(isBooting ? BOOTING : [])];
  const missing = programs.filter(({ program }) => !machine.hasProgram(program));
  const canProbe = machine.isRoot && !missing.some(({ program }) => ["unshare", "mount", "ip"].includes(program));
  return [
    ...sdnObstacles(network),
    ...(machine.isRoot ? [] : ["it needs root, as namespaces and the hosts' daemons do: sudo netgen lab"]),
    ...describeMissing(missing),
    ...(canProbe ? await kernelComplaints(network, machine) : []),
  ];
}

function isAllowed(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}

function hasProgram(program: string): boolean {
  const directories = isAbsolute(program) ? [""] : (process.env.PATH ?? "").split(delimiter);
  return directories.some((directory) => isAllowed(join(directory, program), constants.X_OK));
}

const PROBE = `
echo namespaces
peer() { [ "$1" != veth ] || echo peer name probe-peer; }
below() { [ "$1" != vlan ] || { ip link add base type bridge && echo link base; }; }
details() { case $1 in vxlan) echo id 1 dstport 4789 ;; vrf) echo table 256 ;; vlan) echo id 1 ;; esac; }
for kind; do
  ip link add probe $(below "$kind") type "$kind" $(peer "$kind") $(details "$kind") 2> /dev/null || { echo "$kind"; continue; }
  ip link del probe
done
`;

async function probe(kinds: readonly string[]): Promise<Probe> {
  const unshare = ["-n", "-m", "-p", "--fork", "--mount-proc", "sh", "-uc", PROBE, "sh", ...kinds];
  const { output } = await execute("unshare", unshare);
  const [first, ...missing] = output.trim().split("\n");
  return first === "namespaces" ? { missing } : { refusal: output.trim() };
}

function canOpen(path: string): boolean {
  try {
    closeSync(openSync(path, "r+"));
    return true;
  } catch {
    return false;
  }
}

/** The machine that netgen runs on. */
export function thisMachine(): Machine {
  return { platform: process.platform, isRoot: process.getuid?.() === 0, hasProgram, probe, canOpen };
}
