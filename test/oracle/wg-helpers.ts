/** Hosts as network namespaces with a private /etc and /run, joined by one bridge, and the compiled files on them. */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { createInterface } from "node:readline";
import { compile } from "../../src/compile.ts";
import type { OutputFile } from "../../src/emit/file.ts";

export interface LabHost {
  readonly name: string;
  /** A process that lives in the namespaces: the way into them. */
  readonly pid: number;
}

export interface Lab {
  readonly hosts: Readonly<Record<string, LabHost>>;
  readonly close: () => void;
}

export interface Finished {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

const SPY_DIRECTORY = "/run/spy";
const SPY_LOG = "/run/spy.log";

function must(command: string, ...args: string[]): string {
  return execFileSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
}

/** Runs a bash command on a host and gives back how it ended. */
export function attempt(host: LabHost, command: string, input = ""): Finished {
  const path = `${SPY_DIRECTORY}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`;
  const args = ["-t", String(host.pid), "-n", "-m", "env", `PATH=${path}`, "bash", "-c", command];
  const { status, stdout, stderr } = spawnSync("nsenter", args, { input, encoding: "utf8" });
  return { status: status ?? -1, stdout, stderr };
}

/** Runs a bash command on a host, which has to succeed. */
export function run(host: LabHost, command: string, input = ""): string {
  const { status, stdout, stderr } = attempt(host, command, input);
  if (status !== 0) throw new Error(`${host.name}: ${command}: ${status}\n${stdout}${stderr}`);
  return stdout;
}

/** Where a file of a host is seen from here. */
function outside(host: LabHost, path: string): string {
  return `/proc/${host.pid}/root${path}`;
}

export function writeOn(host: LabHost, path: string, content: string | Uint8Array, mode = 0o644): void {
  const target = outside(host, path);
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, content);
  chmodSync(target, mode);
}

export function readOn(host: LabHost, path: string): string {
  return readFileSync(outside(host, path), "utf8");
}

export function removeOn(host: LabHost, path: string): void {
  rmSync(outside(host, path), { force: true, recursive: true });
}

// Every call of wg is written down, so that a test can say that there was none, and that no secret was an argument.
const SPY = `#!/bin/bash\necho "$*" >> ${SPY_LOG}\nexec /usr/bin/wg "$@"\n`;

const PREPARE = `set -e
mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/upper /run/work
mount -t overlay overlay -o lowerdir=/etc,upperdir=/run/upper,workdir=/run/work /etc
ip link set lo up
echo ready
exec sleep infinity`;

async function startHost(namespace: string, name: string): Promise<LabHost> {
  must("ip", "netns", "add", namespace);
  const child = spawn("ip", ["netns", "exec", namespace, "unshare", "-m", "bash", "-c", PREPARE], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  for await (const line of createInterface(child.stdout)) if (line === "ready") break;
  const host = { name, pid: child.pid ?? 0 };
  writeOn(host, `${SPY_DIRECTORY}/wg`, SPY, 0o755);
  return host;
}

function connect(namespace: string, underlay: string, number: number): void {
  const port = `port${number}`;
  must("ip", "-n", underlay, "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", namespace);
  must("ip", "-n", underlay, "link", "set", port, "master", "bridge0", "up");
  for (const address of [`192.0.2.${number}/24`, `192.0.2.${100 + number}/24`, `2001:db8::${number}/64`]) {
    const dad = address.includes(":") ? ["nodad"] : [];
    must("ip", "-n", namespace, "address", "add", address, "dev", "eth0", ...dad);
  }
  must("ip", "-n", namespace, "link", "set", "eth0", "up");
}

function closeNamespaces(namespaces: readonly string[]): void {
  for (const namespace of namespaces) {
    // What was started in there, and only that: wireguard-go goes on when its starter has left.
    const pids = spawnSync("ip", ["netns", "pids", namespace], { encoding: "utf8" }).stdout.split("\n");
    for (const pid of pids.filter(Boolean)) spawnSync("kill", ["-9", pid]);
    spawnSync("ip", ["netns", "delete", namespace]);
  }
}

/** One namespace per name; the n-th host has 192.0.2.n, 192.0.2.(100+n) and 2001:db8::n on a common link. */
export async function openLab(prefix: string, names: readonly string[]): Promise<Lab> {
  const underlay = `${prefix}-net`;
  const all = [underlay, ...names.map((name) => `${prefix}-${name}`)];
  closeNamespaces(all);
  must("ip", "netns", "add", underlay);
  must("ip", "-n", underlay, "link", "add", "bridge0", "type", "bridge", "mcast_snooping", "0");
  must("ip", "-n", underlay, "link", "set", "bridge0", "up");
  const hosts: Record<string, LabHost> = {};
  for (const [index, name] of names.entries()) {
    hosts[name] = await startHost(`${prefix}-${name}`, name);
    connect(`${prefix}-${name}`, underlay, index + 1);
  }
  return { hosts, close: () => closeNamespaces(all) };
}

/** A WireGuard key pair on a host, in the file that PostUp loads. Gives back the public key. */
export function makeKey(host: LabHost): string {
  return run(host, "umask 077; wg genkey | tee /etc/wireguard/wg0.key | wg pubkey").trim();
}

/** A preshared key for two hosts, in the files that PostUp loads. */
export function makePresharedKey(a: LabHost, b: LabHost): void {
  const key = run(a, "wg genpsk");
  writeOn(a, `/etc/wireguard/psk/${b.name}.psk`, key, 0o600);
  writeOn(b, `/etc/wireguard/psk/${a.name}.psk`, key, 0o600);
}

/** The files that netgen compiles a topology to. */
export function compileFiles(text: string, publicKeys: Readonly<Record<string, string>>): readonly OutputFile[] {
  const { files, diagnostics } = compile({ name: "test.yaml", text }, { publicKeys });
  const errors = diagnostics.filter(({ severity }) => severity === "error");
  if (errors.length > 0) throw new Error(errors.map(({ message }) => message).join("\n"));
  return files;
}

const OURS = /^etc\/(wireguard|netgen|systemd\/system)\//;

/** Puts a host's WireGuard files where they belong. `as`: the host whose files they are, when it is another's. */
export function install(host: LabHost, files: readonly OutputFile[], as = host.name): void {
  for (const { path, mode, content } of files.filter((file) => file.path.startsWith(`${as}/`))) {
    const target = path.slice(as.length + 1);
    if (OURS.test(target)) writeOn(host, `/${target}`, Buffer.concat(content), mode);
  }
}

export function spiedCalls(host: LabHost): readonly string[] {
  const { stdout } = attempt(host, `cat ${SPY_LOG}`);
  return stdout.split("\n").filter(Boolean);
}

export function forgetCalls(host: LabHost): void {
  removeOn(host, SPY_LOG);
}

const fingerprint = (secret: string): string =>
  secret === "(none)" ? secret : createHash("sha256").update(secret).digest("hex").slice(0, 8);

/** One peer as `wg show` has it, or its endpoint where the file leaves that to the peer. */
function peerState(line: string, fixed: (key: string) => boolean): readonly string[] {
  const [key = "", psk = "", endpoint = "", prefixes = "", , , , keepalive = ""] = line.split("\t");
  const shown = fixed(key) ? endpoint : "learned";
  return [key, fingerprint(psk), shown, prefixes.split(",").sort().join(","), keepalive];
}

const sortedLines = (text: string): readonly string[] =>
  text
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean)
    .sort();

/** Everything that wg-quick and wg-reload set on an interface, comparable between two hosts. */
export function interfaceState(host: LabHost, name = "wg0"): object {
  const file = readOn(host, `/etc/wireguard/${name}.conf`);
  const blocks = file.split("[Peer]");
  const isFixed = (key: string): boolean => blocks.some((each) => each.includes(key) && each.includes("\nEndpoint ="));
  const [own = "", ...peers] = run(host, `/usr/bin/wg show ${name} dump`).trim().split("\n");
  const [privateKey = "", publicKey, port, mark] = own.split("\t");
  return {
    own: [fingerprint(privateKey), publicKey, port, mark],
    peers: peers.map((line) => peerState(line, isFixed)).sort(),
    mtu: /mtu (\d+)/.exec(run(host, `ip link show dev ${name}`))?.[1],
    addresses: sortedLines(run(host, `ip -br address show dev ${name} scope global`)).map((line) =>
      line.split(/\s+/).slice(2).sort(),
    ),
    routes: sortedLines(run(host, `ip -d -4 route show dev ${name}; ip -d -6 route show dev ${name} | grep -v fe80`)),
  };
}

export interface Ping {
  /** Resolves once so many more replies have come. */
  readonly replies: (count: number) => Promise<void>;
  /** Ends it. Gives back the sequence numbers between the first and the last reply that had none. */
  readonly stop: () => Promise<readonly number[]>;
}

/** 50 packets a second to an address, each reply counted. */
export function startPing(host: LabHost, ...address: readonly string[]): Ping {
  const args = ["-t", String(host.pid), "-n", "-m", "ping", "-n", "-D", "-i", "0.02", "-s", "1000", ...address];
  const child = spawn("nsenter", args, { stdio: ["ignore", "pipe", "inherit"] });
  const seen: number[] = [];
  const waiting: { readonly until: number; readonly wake: () => void }[] = [];
  const ended = new Promise((resolve) => child.once("close", resolve));
  createInterface(child.stdout).on("line", (line) => {
    const reply = /bytes from .*icmp_seq=(\d+)/.exec(line);
    if (reply === null) return;
    seen.push(Number(reply[1]));
    for (const each of waiting.filter(({ until }) => until === seen.length)) each.wake();
  });
  return {
    replies: (count) => new Promise((wake) => waiting.push({ until: seen.length + count, wake })),
    stop: async () => {
      child.kill("SIGINT");
      await ended;
      const answered = new Set(seen);
      const first = Math.min(...seen);
      const all = Array.from({ length: Math.max(...seen) - first }, (_, index) => first + index);
      return all.filter((each) => !answered.has(each));
    },
  };
}
