/** Compiled files → hosts that run them: put in place as a user would, and started in the order of their units. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { must } from "../../base/invariant.ts";
import { DEFAULT_VRF } from "../../model/exit.ts";
import type { Host } from "../../model/host.ts";
import { peersOf } from "../../model/peer.ts";
import { type Box, writeInto } from "./box.ts";
import { keepCredentials } from "./credentials.ts";
import { type Furnished, type Keys, PEER_PASSWORD, type PlacedFile } from "./keys.ts";
import { eventually } from "./patience.ts";
import { serveRadvd } from "./radvd.ts";

/** Puts files and keys where the host's programs look for them. */
export async function install(box: Box, host: Host, files: readonly PlacedFile[], keys: Keys): Promise<void> {
  for (const { path, mode, text } of files) {
    mkdirSync(dirname(box.outside(path)), { recursive: true });
    writeFileSync(box.outside(path), text, { mode });
  }
  const owned = files.filter(({ owner, group }) => owner !== "root" || group !== "root");
  for (const { owner, group, path } of owned) await box.run("chown", `${owner}:${group}`, path);
  // What an app takes in holds its keys.
  if (host.app !== undefined) return;
  mkdirSync(box.outside(`/etc/wireguard/psk${box.fleet}`), { recursive: true, mode: 0o700 });
  for (const { passwordFile: path } of peersOf(host)) {
    if (path === undefined) continue;
    mkdirSync(dirname(box.outside(path)), { recursive: true, mode: 0o700 });
    writeInto(box, path, `${PEER_PASSWORD}\n`, 0o600);
  }
  for (const { name } of host.interfaces) {
    writeInto(
      box,
      `/etc/wireguard/${name}.key`,
      `${must(keys.privateKeys.get(host.name), "a host has a key")}\n`,
      0o600,
    );
  }
  if (host.keyStore === "credential") await keepCredentials(box, host);
  const configurations = files.filter(({ path }) => path.startsWith("/etc/wireguard/"));
  for (const [, path] of configurations.flatMap(({ text }) => [...text.matchAll(/preshared-key (\S+)/g)])) {
    writeInto(box, must(path, "the expression has a group"), `${keys.presharedKey}\n`, 0o600);
  }
}

// ── Starting ────────────────────────────────────────────────────────────────────────────────────────────────────────

const VERBS: Readonly<Record<string, string>> = { ExecStart: "start", ExecReload: "reload" };

/** The same where systemd does it; a drop-in's unit is the one that it belongs to. */
async function askSystemd(box: Box, key: string, unit: string): Promise<void> {
  await box.run("systemctl", must(VERBS[key], "systemd has a word for it"), unit.replace(/\.d\/.*$/, ""));
}

/** Does what a unit file says under a key, line by line; nothing where there is no such file. */
export async function runUnit(
  { box, files }: Furnished,
  unit: string,
  { key = "ExecStart", instance = "" }: { readonly key?: string; readonly instance?: string } = {},
): Promise<void> {
  const file = files.find(({ path }) => path === join("/etc/systemd/system", unit));
  if (box.power !== undefined) return file && askSystemd(box, key, unit.replace("@.", `@${instance}.`));
  for (const line of file?.text.split("\n") ?? []) {
    const command = line.startsWith(`${key}=`) ? line.slice(key.length + 1).replaceAll("%i", instance) : "";
    if (command !== "") await box.shell(command);
  }
}

const has = (files: readonly PlacedFile[], path: string): boolean => files.some((file) => file.path === path);

const sysctlOf = ({ fleet }: Box): string => `/etc/sysctl.d/90-netgen${fleet}.conf`;
const applyScript = (path: string): string => `grep -E '^(-?net[./]|[#;]|$)' ${path} > /run/net.conf
/lib/systemd/systemd-sysctl /run/net.conf >> /run/log/sysctl 2>&1 || true`;

// The lab's hosts have networks of their own, but one kernel with this machine: what is not of the network is not theirs to
// set. Without udev nothing sets the keys of an interface when it appears: hence before and after. A value that is not taken ends
// no boot, here or on a machine: that all are is a promise to be measured.
export async function applySysctl(box: Box, files: readonly PlacedFile[]): Promise<void> {
  const path = sysctlOf(box);
  if (has(files, path) && box.power === undefined) await box.shell(applyScript(path));
}

// What is to be merged by hand, in the words of the snippet's own head.
const snippetOf = ({ fleet }: Box): string => `/etc/netgen${fleet}/frr.conf.snippet`;
const mergeScript = (path: string): string => `
{ echo 'frr defaults datacenter'; cat ${path}; } > /etc/frr/frr.conf
sed -i -e s/^bgpd=no/bgpd=yes/ -e s/^bfdd=no/bfdd=yes/ /etc/frr/daemons
chown frr:frr /etc/frr/frr.conf
`;

/** Has FRR start, stop or do both. */
export async function serveFrr(box: Box, verb: "start" | "stop" | "restart"): Promise<void> {
  if (box.power !== undefined) await box.run("systemctl", verb, "frr.service");
  else {
    // The limit of Debian's frr.service; the soft one only, as root in a container may not raise the other. What has no
    // "daemons" of netgen's has watchfrr's 20 s, too few for many hosts that start at once.
    const script = `ulimit -Sn 1024; watchfrr_options='-T 600' /usr/lib/frr/frrinit.sh ${verb}`;
    await box.shell(`${script} >> /run/log/frr 2>&1 < /dev/null`);
    // As frr.service has its unit started, whoever starts it: until then sessions with a password are shut.
    const passwords = `/etc/netgen${box.fleet}/frr-passwords`;
    if (verb !== "stop") await box.shell(`[ ! -x ${passwords} ] || ${passwords}`);
  }
}

async function startFrr(box: Box, files: readonly PlacedFile[]): Promise<void> {
  const isSnippet = has(files, snippetOf(box));
  if (!isSnippet && !has(files, "/etc/frr/frr.conf")) return;
  if (isSnippet) await box.shell(mergeScript(snippetOf(box)));
  await serveFrr(box, "start");
}

/** Interfaces that networkd is to configure, by the files that name them. */
export function managedLinks(files: readonly PlacedFile[]): readonly string[] {
  return files
    .filter(({ path, text }) => path.endsWith(".network") && !/^Unmanaged=yes$/m.test(text))
    .flatMap(({ text }) => [...text.matchAll(/^Name=(\S+)$/gm)].map(([, name]) => must(name, "a match has its group")));
}

const NETWORKD = "/lib/systemd/systemd-networkd";

/**
 * Links that networkd has not done with; of what it has written after a file was touched, if there is that file. Without a
 * carrier an IPv6 address stays tentative: then it has done what it can.
 */
export async function unconfigured(box: Box, files: readonly PlacedFile[], since = ""): Promise<readonly string[]> {
  const names = managedLinks(files);
  if (names.length === 0) return [];
  const script =
    'since=$1; shift; for name; do file=/run/systemd/netif/links/$(cat "/sys/class/net/$name/ifindex" 2>/dev/null || true); ' +
    'state=; if [ -z "$since" ] || [ "$file" -nt "$since" ]; then state=$(cat "$file" 2>/dev/null || true); fi; ' +
    'case $state in *ADMIN_STATE=configured*|*CARRIER_STATE=no-carrier*) ;; *) echo "$name";; esac; done';
  const { output } = await box.attempt("sh", "-uc", script, "sh", since, ...names);
  return output.split("\n").filter((line) => line !== "");
}

/** @throws Error when networkd has ended: what it has not done by then never comes. */
async function assertNetworkd(box: Box, files: readonly PlacedFile[]): Promise<void> {
  // By its whole command line: that of the shell that starts it has the same words.
  const { output } = await box.attempt("pgrep", "-f", NETWORKD);
  if (output === "" && managedLinks(files).length > 0) throw new Error(`${box.name}: systemd-networkd has ended`);
}

export async function startNetworkd(box: Box, files: readonly PlacedFile[]): Promise<void> {
  if (managedLinks(files).length === 0) return;
  if (box.power !== undefined) return void (await box.run("systemctl", "start", "systemd-networkd.service"));
  // On a host a unit tells it that /var can be written; from 256 on its DHCP server waits for that.
  const isReady = "SYSTEMD_NETWORK_PERSISTENT_STORAGE_READY=1";
  const environment = ["SYSTEMD_LOG_TARGET=console", "SYSTEMD_LOG_LEVEL=info", isReady];
  await box.start("networkd", "env", ...environment, NETWORKD);
}

/** What a boot ends in, whether it went well or not. */
const isOver = async (box: Box): Promise<boolean> => {
  const { output } = await box.attempt("systemctl", "is-system-running");
  return ["running", "degraded", "maintenance"].includes(output.trim());
};

const LONGEST_BOOT_SECONDS = 180;

/** Waits until all is done that the boot of a computer is to do. */
export async function booted(box: Box, files: readonly PlacedFile[]): Promise<void> {
  if (!(await eventually(() => isOver(box), LONGEST_BOOT_SECONDS))) {
    const { output } = await box.attempt("systemctl", "list-jobs", "--no-pager", "--no-legend");
    throw new Error(`${box.name}: not booted after ${LONGEST_BOOT_SECONDS} s; it waits for ${output.trim()}`);
  }
  await eventually(async () => (await unconfigured(box, files)).length === 0);
}

/** Brings a computer up with its files in place, and its units enabled as the manifest says. */
export async function bootComputer(box: Box, files: readonly PlacedFile[], units: readonly string[]): Promise<void> {
  const isSnippet = has(files, snippetOf(box));
  if (isSnippet) await box.shell(mergeScript(snippetOf(box)));
  // Whoever has an frr.conf to merge it into runs FRR, as Debian's package does by itself.
  const enabled = isSnippet ? [...units, "frr.service"] : units;
  if (enabled.length > 0) await box.run("systemctl", "enable", ...enabled);
  await box.power?.on();
  await booted(box, files);
}

/** What netgen-lan-routes.service does, with its routes there at once. */
async function startLanRoutes({ box, files }: Furnished): Promise<void> {
  const follow = `/etc/netgen${box.fleet}/routes-follow`;
  if (!has(files, follow)) return;
  await runUnit({ box, files }, `netgen${box.fleet}-routes.service`, { key: "ExecReload" });
  await box.start("routes", follow);
}

/** What wg-quick hands a device's name servers over to; this machine's own would ask daemons that a box has not. */
export const NAME_SERVERS_FILE = "/run/resolv.conf";
const RESOLVCONF = `resolvconf() { [ "$1" != -a ] || cat > ${NAME_SERVERS_FILE}; }; export -f resolvconf`;

/** Brings a device up as its app would; a vendor's router forwards by itself. */
export async function bootDevice(box: Box, { forwards, interfaces }: Host): Promise<void> {
  const keys = [
    ...(forwards.ipv4 ? ["net.ipv4.ip_forward=1"] : []),
    ...(forwards.ipv6 ? ["net.ipv6.conf.all.forwarding=1"] : []),
  ];
  if (keys.length > 0) await box.run("sysctl", "-qw", ...keys);
  for (const { name } of interfaces) {
    const script = `${RESOLVCONF}; wg-quick up ${name} >> /run/log/wg-quick 2>&1 < /dev/null`;
    await box.run("bash", "-euc", script);
  }
}

/** How devices that are made get link-local addresses: 0 by the kernel, 1 not at all (ip-sysctl). */
const LINK_LOCAL = "net.ipv6.conf.default.addr_gen_mode";

/** Brings a host up in the order in which its units do. Its cables are there before. */
export async function bootHost(box: Box, host: Host, files: readonly PlacedFile[]): Promise<void> {
  const own = `netgen${box.fleet}`;
  // What netgen-egress.service runs.
  const egress = `/etc/${own}/egress`;
  await applySysctl(box, files);
  for (const unit of ["nftables", "nftables-extra", "routes"]) await runUnit({ box, files }, `${own}-${unit}.service`);
  await startLanRoutes({ box, files });
  if (host.egress !== undefined) await box.run(egress, "--hold");
  await startNetworkd(box, files);
  // Where two share one key, keepalived does that.
  const links = host.vrrp?.isExclusive ? [] : host.interfaces;
  // No systemd is process 1 here, to decrypt a credential: wg-quick is shown the key itself.
  const shown = host.keyStore === "credential" ? "CREDENTIALS_DIRECTORY=/etc/wireguard " : "";
  // The kernel gives a device of its own WireGuard no link-local address. Without this, one of wireguard-go's would have one.
  await box.run("sysctl", "-eqw", `${LINK_LOCAL}=1`);
  for (const { name } of links) await box.shell(`${shown}wg-quick up ${name} >> /run/log/wg-quick 2>&1 < /dev/null`);
  await box.run("sysctl", "-eqw", `${LINK_LOCAL}=0`);
  await eventually(async () => {
    await assertNetworkd(box, files);
    return (await unconfigured(box, files)).length === 0;
  });
  const vlanJoin = `/etc/${own}/vlan-join`;
  if (has(files, vlanJoin)) await box.start("vlans", vlanJoin);
  await applySysctl(box, files);
  await runUnit({ box, files }, `${own}-endpoints.service`);
  await serveRadvd({ box, files }, "start");
  await startFrr(box, files);
  for (const vrf of exitsOf(host)) await startExit(box, vrf);
  if (host.egress !== undefined) await box.start("egress", egress);
}

/** VRFs that this host is an exit of, and remotes that it leads to. */
export const exitsOf = ({ vrfs, exit: own, egress }: Host): readonly string[] => [
  ...vrfs.filter(({ exit }) => exit !== undefined).map(({ name }) => name),
  ...(own === undefined ? [] : [DEFAULT_VRF]),
  ...(egress?.remotes ?? []).filter((remote) => remote.own !== undefined).map(({ name }) => name),
];

/** Does what netgen-exit@.service does for a VRF. */
export async function startExit(box: Box, vrf: string): Promise<void> {
  if (box.power === undefined) await box.start(`exit-${vrf}`, `/etc/netgen${box.fleet}/exit`, vrf);
  else await box.run("systemctl", "start", `netgen${box.fleet}-exit@${vrf}.service`);
}
