/**
 * Boxes: hosts, routers and guests of a lab, each a network, mount and process namespace of its own, all inside one
 * process namespace that the lab opens first. Whoever ends that one ends everything: there is nothing to clean up.
 */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { PATIENCE } from "./patience.ts";

/** How a program ended; `output` is what it printed to both streams. */
export interface Ended {
  readonly status: number;
  readonly output: string;
}

export interface Box {
  readonly name: string;
  /** Of the process that holds the namespaces, as it is seen from outside. */
  readonly pid: number;
  /** Runs a program in the box, whatever comes of it. */
  readonly attempt: (command: string, ...args: readonly string[]) => Promise<Ended>;
  /** Runs a program in the box and gives what it printed. @throws Error when it fails, with what it printed. */
  readonly run: (command: string, ...args: readonly string[]) => Promise<string>;
  /** The same for lines of shell. */
  readonly shell: (script: string) => Promise<string>;
  /** Starts a program that goes on; what it prints goes to the log of this name in the box. */
  readonly start: (log: string, command: string, ...args: readonly string[]) => Promise<void>;
  /** What a program started so has printed so far. */
  readonly log: (name: string) => Promise<string>;
  /** A path in the box as it is reached from outside. */
  readonly outside: (path: string) => string;
}

const MAX_OUTPUT_BYTES = 1 << 26;
/** Longer than anything in a lab takes on a busy machine. */
const LONGEST_MS = 120_000 * PATIENCE;

/** Runs a program here. */
export function execute(command: string, args: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    const options = {
      encoding: "utf8",
      maxBuffer: MAX_OUTPUT_BYTES,
      timeout: LONGEST_MS,
      killSignal: "SIGKILL",
    } as const;
    execFile(command, args, options, (error, stdout, stderr) => {
      const status = error === null ? 0 : typeof error.code === "number" ? error.code : 1;
      resolve({ status, output: stdout + stderr });
    }).stdin?.end();
  });
}

// Process 1 of a box takes the dead off the process table: FRR's own script waits until they are gone.
const HOLD = "while :; do sleep 86400 & wait $!; done";

// Our end of its input closes with us, whatever way we end, unless we have said that the lab is to stay.
const SETUP_LAB = `
mount -t tmpfs -o mode=0755 tmpfs /run
ip link set lo up
echo ready
read -r word || exit 0
[ "$word" = keep ] || exit 0
exec < /dev/null > /dev/null 2>&1
${HOLD}
`;

// networkd waits for udev unless /sys is read-only; its state directory has to be its own, as have WireGuard's and FRR's
// sockets; with a machine-id in common two boxes would give the same MAC to what has none. What this machine itself is
// configured to be must not leak in: hence the empty directories.
const SETUP_BOX = `
umount -R /sys; mount -t sysfs -o ro sysfs /sys
mount -t tmpfs -o mode=0755 tmpfs /run
mount -t tmpfs -o mode=1777 tmpfs /var/tmp
mkdir -p /run/etc /run/log /run/systemd/netif/links /run/systemd/netif/leases /run/systemd/netif/lldp /run/frr /run/wireguard
cp -a /etc/. /run/etc
mount --bind /run/etc /etc
rm -rf /etc/wireguard /etc/netgen /etc/sysctl.d /etc/modules-load.d /etc/systemd/network /etc/systemd/networkd.conf.d \
  /etc/frr/frr.conf /etc/nftables.conf /etc/resolv.conf
mkdir -p /etc/wireguard /etc/frr
chown -R systemd-network:systemd-network /run/systemd/netif
[ ! -d /etc/frr ] || ! id frr > /dev/null 2>&1 || chown -R frr:frr /run/frr /etc/frr
od -An -N16 -tx1 /dev/urandom | tr -d ' \\n' > /etc/machine-id
printf '%s\\n' '127.0.0.1 localhost' '::1 localhost' > /etc/hosts
sysctl -qw net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.all.accept_dad=0
# Where br_netfilter is built in: without it, the IP rules do not see what a bridge forwards.
sysctl -qew net.bridge.bridge-nf-call-iptables=0 net.bridge.bridge-nf-call-ip6tables=0
ip link set lo up
echo ready
exec < /dev/null > /dev/null 2>&1
${HOLD}
`;

/** Starts a keeper, and resolves to its process when it says that it is ready. */
function startKeeper(command: string, args: readonly string[]): Promise<ChildProcess> {
  // A group of its own: Ctrl-C is for netgen, which then ends the lab in order.
  const keeper = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"], detached: true });
  let errors = "";
  keeper.stderr.on("data", (data) => {
    errors += data;
  });
  return new Promise((resolve, reject) => {
    keeper.once("error", reject);
    keeper.stdout.once("data", () => resolve(keeper));
    keeper.once("exit", (code) => reject(new Error(`a namespace could not be made (${code}): ${errors.trim()}`)));
  });
}

const NAMESPACES = ["-n", "-m", "-p", "--fork", "--mount-proc", "--kill-child", "bash", "-euc"] as const;

/** Joins a box that is open; `pid` is that of the process which holds it, its own parent aside. */
export function joinBox(name: string, pid: number): Box {
  const enter = ["-t", String(pid), "-n", "-m", "-p", "--"];
  const attempt: Box["attempt"] = (command, ...args) => execute("nsenter", [...enter, command, ...args]);
  const run: Box["run"] = async (command, ...args) => {
    const { status, output } = await attempt(command, ...args);
    if (status !== 0)
      throw new Error(`${name}: ${[command, ...args].join(" ")} ended with ${status}:\n${output.trim()}`);
    return output;
  };
  const shell: Box["shell"] = (script) => run("sh", "-euc", script);
  const logPath = (log: string): string => `/run/log/${log}`;
  return {
    name,
    pid,
    attempt,
    run,
    shell,
    start: async (log, ...words) => {
      await run("sh", "-euc", `log=$1; shift; setsid "$@" < /dev/null > "$log" 2>&1 &`, "sh", logPath(log), ...words);
    },
    log: (log) => run("sh", "-euc", 'cat "$1" 2>/dev/null || true', "sh", logPath(log)),
    outside: (path) => `/proc/${pid}/root${path}`,
  };
}

/** The process namespace that holds all boxes of a lab, and a directory in memory that ends with it. */
export interface LabRoot {
  readonly pid: number;
  readonly open: (name: string) => Promise<Box>;
  /** Lets it live on when netgen ends. */
  readonly keep: () => void;
  /** Ends it and all in it; resolves when it is gone. */
  readonly close: () => Promise<void>;
}

/** The process that an `unshare --fork` has put into its namespaces. */
async function heldBy(keeper: ChildProcess): Promise<number> {
  const { output } = await execute("cat", [`/proc/${keeper.pid}/task/${keeper.pid}/children`]);
  return Number(output.trim().split(" ")[0]);
}

/** A keeper's process below that of nsenter, which forks once more. */
async function heldBelow(keeper: ChildProcess): Promise<number> {
  const children = async (pid: number | undefined): Promise<number> => {
    const { output } = await execute("cat", [`/proc/${pid}/task/${pid}/children`]);
    return Number(output.trim().split(" ")[0]);
  };
  return children(await children(keeper.pid));
}

/** Opens the namespaces of a lab. @throws Error when the machine does not allow it. */
export async function openRoot(): Promise<LabRoot> {
  const keeper = await startKeeper("unshare", [...NAMESPACES, SETUP_LAB]);
  const pid = await heldBy(keeper);
  return {
    pid,
    open: async (name) => {
      const box = await startKeeper("nsenter", [
        "-t",
        String(pid),
        "-p",
        "-m",
        "--",
        "unshare",
        ...NAMESPACES,
        SETUP_BOX,
      ]);
      const held = await heldBelow(box);
      for (const stream of [box.stdin, box.stdout, box.stderr]) stream?.destroy();
      box.unref();
      return joinBox(name, held);
    },
    keep: () => {
      keeper.stdin?.write("keep\n");
      for (const stream of [keeper.stdin, keeper.stdout, keeper.stderr]) stream?.destroy();
      keeper.unref();
    },
    close: () =>
      new Promise((resolve) => {
        if (keeper.exitCode !== null || keeper.signalCode !== null) resolve();
        keeper.once("exit", () => resolve());
        keeper.stdin?.end();
      }),
  };
}

/** Writes a file into a box. */
export function writeInto(box: Box, path: string, text: string, mode = 0o644): void {
  writeFileSync(box.outside(path), text, { mode });
}

/** An end of a cable. */
export interface Plug {
  readonly box: Box;
  readonly link: string;
}

/** Joins two boxes by a cable, both ends up. */
export async function cable(one: Plug, other: Plug): Promise<void> {
  const ends = ["type", "veth", "peer", "name", other.link, "netns", String(other.box.pid)];
  // In the network namespace only: the other's process number counts outside.
  const { status, output } = await execute("nsenter", [
    "-t",
    String(one.box.pid),
    "-n",
    "ip",
    "link",
    "add",
    one.link,
    ...ends,
  ]);
  if (status !== 0) throw new Error(`${one.box.name}: no cable ${one.link} to ${other.box.name}: ${output.trim()}`);
  await Promise.all([one, other].map(({ box, link }) => box.run("ip", "link", "set", link, "up")));
}
