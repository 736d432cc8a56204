/**
 * Boxes: hosts, routers and guests of a lab, each a network, mount and process namespace of its own, all inside one
 * process namespace that the lab opens first. Whoever ends that one ends everything: there is nothing to clean up.
 */
import { writeFileSync } from "node:fs";
import { type Ended, execute, heldBy, NAMESPACES, startKeeper, startWithin } from "./keeper.ts";

/** The switch of a box that is a computer. */
export interface Power {
  /** Starts systemd; resolves when it is process 1. */
  readonly on: () => Promise<void>;
  /** Shuts down in the order of the units. What was set on the network's devices is gone then; the disk stays. */
  readonly off: () => Promise<void>;
}

export interface Box {
  readonly name: string;
  /** What names of netgen's own have of the fleet on it: nothing, or its number. */
  readonly fleet: string;
  /** Of the process that holds the namespaces, as it is seen from outside. */
  readonly pid: number;
  /** Where process 1 is systemd, and what runs in the box is its business; else the lab itself starts programs there. */
  readonly power: Power | undefined;
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

/** Where br_netfilter is built in: without it, the IP rules do not see what a bridge forwards. */
export const QUIET_BRIDGES = "sysctl -qew net.bridge.bridge-nf-call-iptables=0 net.bridge.bridge-nf-call-ip6tables=0";

// networkd waits for udev unless /sys is read-only; its state directories have to be its own, as have WireGuard's and FRR's
// sockets, and the secret that opens credentials; with a machine-id in common two boxes would give the same MAC to what has
// none. What this machine itself is configured to be must not leak in: hence the empty directories.
const SETUP_BOX = `
umount -R /sys; mount -t sysfs -o ro sysfs /sys
mount -t tmpfs -o mode=0755 tmpfs /run
mount -t tmpfs -o mode=1777 tmpfs /var/tmp
[ ! -d /var/lib/systemd ] || mount -t tmpfs -o mode=0755 tmpfs /var/lib/systemd
mkdir -p /run/etc /run/log /run/systemd/netif/links /run/systemd/netif/leases /run/systemd/netif/lldp /run/frr /run/wireguard
cp -a /etc/. /run/etc
mount --bind /run/etc /etc
rm -rf /etc/wireguard /etc/netgen* /etc/sysctl.d /etc/modules-load.d /etc/systemd/network /etc/systemd/networkd.conf.d \
  /etc/frr/frr.conf /etc/nftables.conf /etc/resolv.conf
mkdir -p /etc/wireguard /etc/frr
chown -R systemd-network:systemd-network /run/systemd/netif
[ ! -d /var/lib/systemd ] || install -d -o systemd-network -g systemd-network /var/lib/systemd/network
[ ! -d /etc/frr ] || ! id frr > /dev/null 2>&1 || chown -R frr:frr /run/frr /etc/frr
od -An -N16 -tx1 /dev/urandom | tr -d ' \\n' > /etc/machine-id
printf '%s\\n' '127.0.0.1 localhost' '::1 localhost' > /etc/hosts
sysctl -qw net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.all.accept_dad=0
${QUIET_BRIDGES}
ip link set lo up
echo ready
exec < /dev/null > /dev/null 2>&1
${HOLD}
`;

const JOURNAL = ["--boot", "--no-pager", "--quiet", "--output=cat"];

/** Who speaks in the journal of a computer, by the names that logs have elsewhere. */
const JOURNAL_NAMES: Readonly<Record<string, readonly string[]>> = {
  "wg-quick": ["wg-quick"],
  networkd: ["systemd-networkd"],
  frr: ["frrinit.sh", "watchfrr.sh"],
  keepalived: ["Keepalived", "Keepalived_vrrp"],
};

/** What a box is held by, which need not stay the same. */
export interface Hold {
  readonly pid: () => number;
  /** Where that process does not have the box's root as its own: the directory that it has it in. */
  readonly root?: () => string | undefined;
  readonly power?: Power;
  /** Left out: nothing. */
  readonly fleet?: string;
}

/** Joins a box that is open. */
export function joinBox(name: string, { pid, root = () => undefined, power, fleet = "" }: Hold): Box {
  const attempt: Box["attempt"] = (command, ...args) => {
    const directory = root();
    const change = directory === undefined ? [] : ["chroot", directory];
    return execute("nsenter", ["-t", String(pid()), "-n", "-m", "-p", "-u", "--", ...change, command, ...args]);
  };
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
    fleet,
    get pid() {
      return pid();
    },
    power,
    attempt,
    run,
    shell,
    start: async (log, ...words) => {
      await run("sh", "-euc", `log=$1; shift; setsid "$@" < /dev/null > "$log" 2>&1 &`, "sh", logPath(log), ...words);
    },
    log: (log) => {
      const names = power === undefined ? undefined : JOURNAL_NAMES[log];
      if (names !== undefined) return run("journalctl", ...JOURNAL, ...names.map((name) => `--identifier=${name}`));
      return run("sh", "-euc", 'cat "$1" 2>/dev/null || true', "sh", logPath(log));
    },
    outside: (path) => `/proc/${pid()}/root${root() ?? ""}${path}`,
  };
}

/** The process namespace that holds all boxes of a lab, and a directory in memory that ends with it. */
export interface LabRoot {
  readonly pid: number;
  readonly open: (name: string, fleet?: string) => Promise<Box>;
  /** Lets it live on when netgen ends. */
  readonly keep: () => void;
  /** Ends it and all in it; resolves when it is gone. */
  readonly close: () => Promise<void>;
}

/** Opens the namespaces of a lab. @throws Error when the machine does not allow it. */
export async function openRoot(): Promise<LabRoot> {
  const keeper = await startKeeper("unshare", [...NAMESPACES, SETUP_LAB]);
  const pid = await heldBy(keeper);
  return {
    pid,
    open: async (name, fleet) => {
      const held = await startWithin(pid, ["-p", "-m"], ["unshare", ...NAMESPACES, SETUP_BOX]);
      return joinBox(name, { pid: () => held, ...(fleet === undefined ? {} : { fleet }) });
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
