/** FRR in boxes: started by its own script from /etc/frr/daemons, as on a host, with the addresses of a tunnel that is a cable. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { must } from "../../src/base/invariant.ts";
import { compile } from "../../src/compile.ts";
import type { BgpLines } from "../../src/model/extra.ts";
import { listFixtures, sourceOf } from "../fixtures.ts";
import { type Box, openBox, until } from "./netns.ts";
import { type Booted, boot } from "./networkd-box.ts";

/** FRR's own start script reads `daemons`, starts what it names and loads frr.conf; prints what it had to say. */
export function startFrr(box: Box): string {
  // The limit of Debian's frr.service; the soft one only, as root in a container may not raise the other. What the daemons
  // inherit must not be our pipe: they outlive the script.
  return box.shell("ulimit -Sn 1024; /usr/lib/frr/frrinit.sh start > /run/frr.log 2>&1 < /dev/null; cat /run/frr.log");
}

export const vtysh = (box: Box, command: string): string => box.run("vtysh", "-c", command);

export const vtyshJson = (box: Box, command: string): unknown => JSON.parse(vtysh(box, `${command} json`));

/** The lines that say something, without what surrounds them. */
export function statements(text: string): readonly string[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("!"));
}

/** The statements of blocks that begin so, such as `router bgp`, each with those of its sub-blocks. */
export function blockStatements(text: string, ...begins: readonly string[]): readonly string[] {
  const blocks = text.split(/\n(?=\S)/).filter((block) => begins.some((begin) => block.startsWith(begin)));
  return blocks.flatMap(statements);
}

/** The statements of each block, by the lines that lead there, joined by a slash; `""`: those of no block. */
function statementsByBlock(text: string): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  const way: string[] = [];
  for (const line of text.split("\n").filter((each) => !/^\s*(?:!|$)/.test(each))) {
    const depth = line.search(/\S/);
    const block = way.slice(0, depth).join("/");
    found.set(block, [...(found.get(block) ?? []), line.trim()]);
    way.splice(depth, way.length, line.trim());
  }
  return found;
}

const EXTRA = listFixtures().find(({ name }) => name === "extra");

/** The topology of the fixture whose hosts have lines of the user's in each block, less what all topologies begin with. */
export const USERS_LINES = sourceOf(must(EXTRA, "there is the fixture")).text.replace(/^(?:#|netgen:|name:).*\n/gm, "");

/** Its lines that are not in their block of what alpha's FRR runs with. */
export function strayLines(running: string): readonly string[] {
  const { model } = compile({ name: "topology.yaml", text: `netgen: 1\nname: t\n${USERS_LINES}` });
  const { extra, vrfs } = must(
    model?.hosts.find(({ name }) => name === "alpha"),
    "it is there",
  );
  const ofInstance = (router: string, lines: BgpLines): readonly (readonly [string, readonly string[]])[] => [
    [router, lines.bgp],
    [`${router}/address-family ipv4 unicast`, lines.ipv4],
    [`${router}/address-family ipv6 unicast`, lines.ipv6],
    [`${router}/address-family l2vpn evpn`, lines.evpn],
  ];
  const wanted = [
    ["", extra.frr.global] as const,
    ...extra.frr.routeMaps.map(({ entry, lines }) => [`route-map ${entry}`, lines] as const),
    ...ofInstance("router bgp 65000", extra.frr),
    ...vrfs.map(({ name, extra: lines }) => [`vrf ${name}`, lines.vrf] as const),
    ...vrfs.flatMap(({ name, extra: lines }) => ofInstance(`router bgp 65000 vrf ${name}`, lines)),
  ];
  const found = statementsByBlock(running);
  return wanted.flatMap(([block, lines]) => {
    // A block without lines would prove nothing.
    if (lines.length === 0) return [`no line for ${block}`];
    return lines.filter((line) => !found.get(block)?.includes(line)).map((line) => `${block}: ${line}`);
  });
}

/** What `systemctl reload frr` would change: lines that FRR has and the file has not, and the other way round. */
export function reloadChanges(box: Box): readonly string[] {
  // A frr.conf of the user's own is reloaded by FRR's own script.
  const script = 'own=/etc/netgen/frr-reload; [ -e "$own" ] || own=/usr/lib/frr/frr-reload.py; echo "$own"';
  const report = box.run(box.shell(script).trim(), "--test", "--stdout", "/etc/frr/frr.conf");
  // Its own log goes the same way, each line with a date.
  const lists = report
    .replace(/^\d{4}-.*\n/gm, "")
    .split(/^Lines To (?:Delete|Add)\n=+$/m)
    .slice(1);
  return lists.flatMap(statements);
}

/** The values of a key in a host's wg-quick file. */
function tunnelSetting(tree: string, key: string): readonly string[] {
  const text = readFileSync(join(tree, "etc/wireguard/wg0.conf"), "utf8");
  const line = text.split("\n").find((each) => each.startsWith(`${key} = `)) ?? "";
  return line.slice(key.length + 3).split(", ");
}

export interface Mesh {
  /** In the order of their trees. */
  readonly hosts: readonly Booted[];
  /** All there are, to be closed. */
  readonly boxes: readonly Box[];
}

/** Boots trees in networkd and joins them by a bridge that stands for the tunnels: FRR sees wg0 with its addresses. */
export async function openMesh(trees: readonly string[]): Promise<Mesh> {
  const middle = await openBox();
  middle.run("ip", "link", "add", "br0", "type", "bridge");
  middle.run("ip", "link", "set", "br0", "up");
  const hosts: Booted[] = [];
  for (const [index, tree] of trees.entries()) {
    const host = await boot(tree, { hasTunnel: false });
    const { box } = host;
    box.cable("wg0", middle, `host${index}`);
    middle.run("ip", "link", "set", `host${index}`, "master", "br0");
    box.run("ip", "link", "set", "wg0", "mtu", ...tunnelSetting(tree, "MTU"));
    for (const address of tunnelSetting(tree, "Address"))
      box.run("ip", "address", "add", address, "dev", "wg0", "nodad");
    hosts.push(host);
  }
  return { hosts, boxes: [middle, ...hosts.map(({ box }) => box)] };
}

interface Summary {
  readonly peers?: Readonly<Record<string, { readonly state: string }>>;
}

interface BfdPeer {
  readonly peer: string;
  readonly status: string;
}

/** Waits until exactly these neighbours have a session each, and BFD with them is up. */
export async function established(box: Box, addresses: readonly string[]): Promise<void> {
  const wanted = [...addresses].sort().join();
  const sessions = (): string => {
    const { peers = {} } = vtyshJson(box, "show bgp l2vpn evpn summary") as Summary;
    const up = Object.entries(peers).map(([address, { state }]) => (state === "Established" ? address : state));
    return up.sort().join();
  };
  const watched = (): string => {
    const peers = vtyshJson(box, "show bfd peers") as readonly BfdPeer[];
    return peers
      .map(({ peer, status }) => (status === "up" ? peer : status))
      .sort()
      .join();
  };
  await until(
    () => sessions() === wanted && watched() === wanted,
    () => `${vtysh(box, "show bgp l2vpn evpn summary")}\n${vtysh(box, "show bfd peers brief")}`,
  );
}

/** The VTEPs behind which the kernel has a MAC on a vxlan device. */
export function remoteVteps(box: Box, vxlan: string, mac: string): readonly string[] {
  const entries = JSON.parse(box.run("bridge", "-j", "fdb", "show", "dev", vxlan)) as { mac: string; dst?: string }[];
  return entries.flatMap((entry) => (entry.mac === mac && entry.dst !== undefined ? [entry.dst] : [])).sort();
}

/** The MAC of the entries that make up a flood list. */
export const FLOOD = "00:00:00:00:00:00";

/** Arguments of vtysh that enter these commands one after the other. */
export const commands = (...lines: readonly string[]): readonly string[] => lines.flatMap((line) => ["-c", line]);
