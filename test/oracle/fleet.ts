/** Hosts of a fixture, each in a box, brought up from the compiled tree as its own units would, and what surrounds them. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { must } from "../../src/base/invariant.ts";
import { compile } from "../../src/compile.ts";
import { writeTree } from "../../src/write/write.ts";
import { listFixtures, sourceOf } from "../fixtures.ts";
import { testPrivateKey } from "../test-keys.ts";
import { type Box, openBox } from "./netns.ts";
import { askedOf, settle, startNetworkd } from "./networkd-box.ts";
import { scratch } from "./nft-helpers.ts";
import { writeOn } from "./wg-helpers.ts";

/** What it takes. */
export const PROGRAMS = [
  ...["unshare", "nsenter", "ip", "bridge", "nft", "ping", "sysctl", "wg-quick", "vtysh"],
  ...["/lib/systemd/systemd-networkd", "/lib/systemd/systemd-sysctl", "/usr/lib/frr/frrinit.sh"],
];

/** A host with its tree, not started yet. */
export interface FleetHost extends Box {
  readonly name: string;
  readonly tree: string;
}

export interface Fleet {
  /** A host of the fixture, by its name there. */
  readonly host: (name: string) => FleetHost;
  /** A box without a tree: a router, or a guest. */
  readonly bare: () => Promise<Box>;
  readonly guest: (host: Box, options: GuestOptions) => Promise<Box>;
  readonly close: () => void;
}

export interface GuestOptions {
  /** Of the host's end of the cable. */
  readonly port: string;
  /** Where that end is plugged in; "" where the host's own files do it. */
  readonly bridge: string;
  readonly addresses: readonly string[];
  readonly gateways: readonly string[];
}

/** Writes what a fixture compiles to: its golden trees, byte for byte (golden.test.ts), and with the modes they have none of. */
function writeFixture(name: string, directory: string): void {
  const fixture = must(
    listFixtures().find((each) => each.name === name),
    `${name} is a fixture`,
  );
  const { files } = compile(sourceOf(fixture));
  writeTree({ name, files, units: {} }, { directory, hosts: undefined, force: false });
}

/** Boxes for some hosts of a fixture: the tree over /etc, the private key where PostUp looks for it. */
export async function openFleet(fixture: string, names: readonly string[]): Promise<Fleet> {
  const boxes: Box[] = [];
  const hosts = new Map<string, FleetHost>();
  const { directory, remove } = scratch();
  const close = (): void => {
    for (const box of boxes) box.close();
    remove();
  };
  const open = async (tree = ""): Promise<Box> => {
    const box = await openBox(tree);
    boxes.push(box);
    box.run("sysctl", "-qw", "net.ipv6.conf.default.accept_dad=0");
    // Where the kernel has br_netfilter built in: as without it, the IP rules do not see what a bridge forwards.
    box.run("sysctl", "-qew", ...["iptables", "ip6tables"].map((each) => `net.bridge.bridge-nf-call-${each}=0`));
    return box;
  };
  try {
    writeFixture(fixture, directory);
    for (const name of names) {
      const tree = join(directory, name);
      const box = await open(tree);
      writeOn({ name, pid: box.pid }, "/etc/wireguard/wg0.key", testPrivateKey(name), 0o600);
      hosts.set(name, { ...box, name, tree });
    }
  } catch (error) {
    close();
    throw error;
  }
  return {
    host: (name) => hosts.get(name) as FleetHost,
    bare: open,
    guest: async (host, options) => plugGuest(await open(), host, options),
    close,
  };
}

// ── Cables ──────────────────────────────────────────────────────────────────────────────────────────────────────────

// A virtual cable would carry what is not yet cut into segments past any MTU.
function cutIntoSegments(box: Box, link: string): void {
  box.run("ip", "link", "set", link, "gso_max_segs", "1");
}

// What says "too big" gets lost on so many ways.
const DEAF = `
table inet deaf {
  chain input {
    type filter hook input priority 0
    icmp type destination-unreachable drop
    icmpv6 type packet-too-big drop
  }
}
`;

/** A guest believes in 1500 bytes, whatever the segment carries, and nobody can tell it otherwise. */
function plugGuest(guest: Box, host: Box, { port, bridge, addresses, gateways }: GuestOptions): Box {
  guest.cable("eth0", host, port);
  cutIntoSegments(guest, "eth0");
  if (bridge !== "") host.run("ip", "link", "set", port, "master", bridge);
  for (const address of addresses) guest.run("ip", "address", "add", address, "dev", "eth0");
  guest.shell(`echo '${DEAF}' | nft -f -`);
  for (const gateway of gateways) guest.run("ip", "route", "add", "default", "via", gateway);
  return guest;
}

/** A cable between a router and what has one address there, and its default route. The router's end is `to-<name>`. */
export function plug(router: Box, name: string, box: Box, [link, address]: readonly [string, string]): void {
  const isIpv6 = address.includes(":");
  const gateway = isIpv6 ? "fe80::ffff" : "192.0.2.254";
  router.cable(`to-${name}`, box, link);
  router.run("ip", "address", "add", gateway + (isIpv6 ? "/64" : "/32"), "dev", `to-${name}`);
  router.run("ip", "route", "add", address, "dev", `to-${name}`);
  box.run("ip", "address", "add", address, "dev", link);
  box.run("ip", "route", "add", "default", "via", gateway, "dev", link, "onlink");
}

/** Between two hosts that are plugged into a router, it carries only so many bytes. */
export function narrow(router: Box, ends: readonly (readonly [name: string, address: string])[], bytes: number): void {
  for (const [from] of ends) {
    for (const [to, address] of ends.filter(([name]) => name !== from)) {
      const ip = address.includes(":") ? "ip -6" : "ip -4";
      router.shell(`${ip} rule add iif to-${from} to ${address} table ${bytes}
        ${ip} route add ${address} dev to-${to} mtu lock ${bytes} table ${bytes}`);
    }
  }
}

// ── Starting ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Does what a unit file says under a key, for an instance, line by line; nothing where there is no such file. */
export function runUnit(host: FleetHost, unit: string, key = "ExecStart"): void {
  const path = join(host.tree, "etc/systemd/system", unit);
  const lines = existsSync(path) ? readFileSync(path, "utf8").split("\n") : [];
  for (const line of lines) {
    const command = line.startsWith(`${key}=`) ? line.slice(key.length + 1).replaceAll("%i", "wg0") : "";
    if (command !== "") host.shell(command);
  }
}

// Without udev nothing sets the keys of an interface when it appears.
function applySysctl(host: FleetHost): void {
  const file = "/etc/sysctl.d/90-netgen.conf";
  if (existsSync(join(host.tree, file))) host.run("/lib/systemd/systemd-sysctl", file);
}

// Where the files are to be merged by hand, in the words of the snippet's own head.
const MERGE = `
{ echo 'frr defaults datacenter'; cat /etc/netgen/frr.conf.snippet; } > /etc/frr/frr.conf
sed -i -e s/^bgpd=no/bgpd=yes/ -e s/^bfdd=no/bfdd=yes/ /etc/frr/daemons
`;

/** FRR by its own start script, if the host has a configuration for it. */
function startFrr(host: FleetHost): void {
  const has = (path: string): boolean => existsSync(join(host.tree, path));
  if (!has("etc/netgen/frr.conf.snippet") && !has("etc/frr/frr.conf")) return;
  if (has("etc/netgen/frr.conf.snippet")) host.shell(MERGE);
  host.run("/usr/lib/frr/frrinit.sh", "start");
}

/** Brings a host up, in the order in which its units do. Its cables are there before. */
export async function startHost(host: FleetHost): Promise<void> {
  applySysctl(host);
  runUnit(host, "netgen-nftables.service");
  runUnit(host, "netgen-routes.service");
  const networkd = startNetworkd(host);
  host.run("wg-quick", "up", "wg0");
  await settle(host, networkd, askedOf(host.tree));
  applySysctl(host);
  runUnit(host, "netgen-endpoints.service");
  startFrr(host);
}
