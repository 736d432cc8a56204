/** The links that .netdev and .network files ask for, in the real systemd-networkd, and what the kernel has of them then. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Box, type Daemon, openBox, until } from "./netns.ts";

const UNITS = "etc/systemd/network";

// ── What the files say ──────────────────────────────────────────────────────────────────────────────────────────────

/** Sections of a unit file in order, each with its name and the values of every key. */
type Section = { readonly name: string; readonly keys: Readonly<Record<string, readonly string[]>> };

function parseUnit(text: string): readonly Section[] {
  const sections: { name: string; keys: Record<string, string[]> }[] = [];
  for (const line of text.split("\n")) {
    const header = /^\[(.+)\]$/.exec(line)?.[1];
    const [, key, value] = /^([^#=]+)=(.*)$/.exec(line) ?? [];
    if (header !== undefined) sections.push({ name: header, keys: {} });
    else if (key !== undefined && value !== undefined) {
      const { keys } = sections.at(-1) as { keys: Record<string, string[]> };
      keys[key] = [...(keys[key] ?? []), value];
    }
  }
  return sections;
}

/** What the two files of a link ask for. */
export interface Asked {
  readonly name: string;
  readonly netdev: readonly Section[];
  readonly network: readonly Section[];
}

export const all = (sections: readonly Section[], section: string, key: string): readonly string[] =>
  sections.filter((each) => each.name === section).flatMap((each) => each.keys[key] ?? []);

export const one = (sections: readonly Section[], section: string, key: string): string | undefined =>
  all(sections, section, key)[0];

export function askedOf(tree: string): readonly Asked[] {
  const directory = join(tree, UNITS);
  const asked = new Map<string, Asked>();
  for (const file of readdirSync(directory)) {
    const sections = parseUnit(readFileSync(join(directory, file), "utf8"));
    const name = one(sections, "NetDev", "Name") ?? one(sections, "Match", "Name") ?? "";
    const known = asked.get(name) ?? { name, netdev: [], network: [] };
    asked.set(name, { ...known, [file.endsWith(".netdev") ? "netdev" : "network"]: sections });
  }
  return [...asked.values()];
}

export const isKind = (kind: string) => (asked: Asked) => one(asked.netdev, "NetDev", "Kind") === kind;
export const isTunnel = ({ network }: Asked): boolean => one(network, "Link", "Unmanaged") === "yes";
export const isManaged = (asked: Asked): boolean => asked.network.length > 0 && !isTunnel(asked);
export const isPort = (asked: Asked): boolean => isManaged(asked) && asked.netdev.length === 0 && asked.name !== "lo";

/** Bridges that ports are put into but that have no .network: someone else's. */
export function foreignBridges(asked: readonly Asked[]): readonly string[] {
  const own = new Set(asked.filter((each) => isKind("bridge")(each) && isManaged(each)).map(({ name }) => name));
  const used = new Set(asked.flatMap(({ network }) => all(network, "Network", "Bridge")));
  return [...used].filter((name) => !own.has(name));
}

// ── What the kernel has ─────────────────────────────────────────────────────────────────────────────────────────────

interface LinkJson {
  readonly ifname: string;
  readonly mtu: number;
  readonly address: string;
  readonly master?: string;
  readonly linkinfo?: {
    readonly info_kind?: string;
    readonly info_data?: Readonly<Record<string, unknown>>;
    readonly info_slave_data?: Readonly<Record<string, unknown>>;
  };
  readonly addr_info?: readonly {
    readonly local: string;
    readonly prefixlen: number;
    readonly scope: string;
    readonly dadfailed?: boolean;
    readonly tentative?: boolean;
  }[];
}

const links = (box: Box): readonly LinkJson[] => JSON.parse(box.run("ip", "-d", "-j", "address", "show"));

export function link(box: Box, name: string): LinkJson {
  const found = links(box).find((each) => each.ifname === name);
  if (found === undefined) throw new Error(`${name} does not exist`);
  return found;
}

export const globalAddresses = ({ addr_info = [] }: LinkJson): readonly string[] =>
  addr_info
    .filter((each) => each.scope === "global")
    .map((each) => `${each.local}/${each.prefixlen}`)
    .sort();

export function floodList(box: Box, name: string): readonly string[] {
  const entries = JSON.parse(box.run("bridge", "-j", "fdb", "show", "dev", name)) as { mac: string; dst?: string }[];
  const remotes = entries.flatMap(({ mac, dst }) => (mac === "00:00:00:00:00:00" && dst !== undefined ? [dst] : []));
  return remotes.sort();
}

// ── networkd ────────────────────────────────────────────────────────────────────────────────────────────────────────

const COMPLAINT =
  /Unknown key|Unknown section|(?<!Failed to get cgroup path, )[Ii]gnoring|Failed to (?!get cgroup path)|Invalid|Could not|Missing|not found/;

export const complaints = (log: string): readonly string[] => log.split("\n").filter((line) => COMPLAINT.test(line));

/** A link whose other end is plugged in as well. */
function makeCable(box: Box, name: string): void {
  const peer = `p-${name}`.slice(0, 15);
  box.shell(`ip link add ${name} type veth peer name ${peer}; ip link set ${name} up; ip link set ${peer} up`);
}

/** The tunnels as wg-quick makes them: with the VTEP's address and a route. */
function makeTunnels(box: Box, asked: readonly Asked[]): void {
  const locals = new Set(asked.flatMap(({ netdev }) => all(netdev, "VXLAN", "Local")));
  for (const { name } of asked.filter(isTunnel)) {
    makeCable(box, name);
    for (const local of locals) box.run("ip", "address", "add", local, "dev", name, "nodad");
    // No subnet here owns it: what stands on wg0 is wg-quick's.
    box.run("ip", "route", "append", "198.18.0.0/24", "dev", name);
  }
}

function makeForeignBridges(box: Box, asked: readonly Asked[]): void {
  for (const name of foreignBridges(asked)) {
    box.shell(`ip link add ${name} type bridge && ip address add 192.0.2.1/24 dev ${name} && ip link set ${name} up
      ip link add guest0 type veth peer name guest1 && ip link set guest0 master ${name} up && ip link set guest1 up`);
  }
}

/** networkd in a box, with the log level at which it says what it ignores. */
export function startNetworkd(box: Box): Daemon {
  const environment = ["SYSTEMD_LOG_TARGET=console", "SYSTEMD_LOG_LEVEL=info"];
  return box.start("env", ...environment, "/lib/systemd/systemd-networkd");
}

const askedAddresses = ({ network }: Asked): readonly string[] =>
  [...all(network, "Network", "Address"), ...all(network, "Address", "Address")].sort();

function hasAddresses(box: Box, asked: Asked): boolean {
  const wanted = askedAddresses(asked);
  return wanted.length > 0 && wanted.join() === globalAddresses(link(box, asked.name)).join();
}

/** Waits until networkd has done with every link it manages. */
export async function settle(box: Box, networkd: Daemon, asked: readonly Asked[]): Promise<void> {
  await networkd.says("Enumeration completed");
  const managed = asked.filter(isManaged);
  const state = (name: string): string =>
    box.tryRun("sh", "-c", 'cat "/run/systemd/netif/links/$(cat "/sys/class/net/$1/ifindex")"', "sh", name).output;
  // Without a carrier an IPv6 address stays tentative, and networkd waits for it: it has done what it can.
  const isDone = (asked: Asked): boolean =>
    state(asked.name).includes("ADMIN_STATE=configured") ||
    (state(asked.name).includes("CARRIER_STATE=no-carrier") && hasAddresses(box, asked));
  await until(
    () => managed.every(isDone),
    () => `${managed.filter((each) => !isDone(each)).map(({ name }) => name)} stay unconfigured:\n${networkd.log()}`,
  );
}

export interface Booted {
  readonly box: Box;
  readonly asked: readonly Asked[];
  readonly networkd: Daemon;
}

/** A tree in networkd, all of its links configured. */
export async function boot(tree: string, { hasForeignBridges = true, hasTunnel = true } = {}): Promise<Booted> {
  const asked = askedOf(tree);
  const box = await openBox(tree);
  try {
    for (const { name } of asked.filter(isPort)) makeCable(box, name);
    if (hasTunnel) makeTunnels(box, asked);
    if (hasForeignBridges) makeForeignBridges(box, asked);
    const networkd = startNetworkd(box);
    await settle(box, networkd, asked);
    return { box, asked, networkd };
  } catch (error) {
    box.close();
    throw error;
  }
}

const yesOrNo = (value: unknown): string => (value === true ? "yes" : "no");

/** The kernel's state of a link in the words of the files, and what the files ask for, key by key. */
export function compared(box: Box, { name, netdev, network }: Asked) {
  const state = link(box, name);
  const { mtu: bytes, address: mac, master, linkinfo } = state;
  const { info_kind: kind, info_data: data = {}, info_slave_data: slave = {} } = linkinfo ?? {};
  const actual: Record<string, string | undefined> = {
    "NetDev.Kind": kind,
    "NetDev.MACAddress": mac,
    "NetDev.MTUBytes": String(bytes),
    "Link.MTUBytes": String(bytes),
    "Network.Bridge": master,
    "VXLAN.VNI": String(data.id),
    "VXLAN.Local": String(data.local ?? data.local6),
    "VXLAN.DestinationPort": String(data.port),
    "VXLAN.MacLearning": yesOrNo(data.learning),
    "VXLAN.IPDoNotFragment": data.df === "set" ? "yes" : "no",
    "VXLAN.Independent": data.link === undefined ? "yes" : "no",
    "Bridge.STP": data.stp_state === 0 ? "no" : "yes",
    "Bridge.MulticastSnooping": data.mcast_snooping === 0 ? "no" : "yes",
    "Bridge.Learning": yesOrNo(slave.learning),
    "Bridge.NeighborSuppression": yesOrNo(slave.neigh_suppress),
  };
  const asked = Object.fromEntries(
    Object.keys(actual).flatMap((key) => {
      const [section, field] = key.split(".") as [string, string];
      const value = one(netdev, section, field) ?? one(network, section, field);
      return value === undefined ? [] : [[key, value]];
    }),
  );
  return {
    actual: {
      ...Object.fromEntries(Object.keys(asked).map((key) => [key, actual[key]])),
      addresses: globalAddresses(state),
    },
    asked: { ...asked, addresses: askedAddresses({ name, netdev, network }) },
  };
}
