/**
 * A host in a box: network, mount and process namespace of its own, with /etc, /run and the machine-id to itself. All of
 * it ends with the process that opened it, whatever way that ends.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { type Ended, run, succeed } from "./nft-helpers.ts";

/** A program that runs in a box; `log` is what it has printed so far. */
export interface Daemon {
  readonly log: () => string;
  /** Resolves when it has printed this. */
  readonly says: (text: string) => Promise<void>;
  /** Ends it and waits until it is gone. */
  readonly stop: () => Promise<void>;
}

export interface Box {
  /** Runs a program in the box; it must succeed. */
  readonly run: (command: string, ...args: readonly string[]) => string;
  readonly tryRun: (command: string, ...args: readonly string[]) => Ended;
  /** Runs a line of shell in the box; it must succeed. */
  readonly shell: (script: string) => string;
  readonly start: (command: string, ...args: readonly string[]) => Daemon;
  /** Joins two boxes by a cable with an end of this name in each, both up. */
  readonly cable: (name: string, other: Box, otherName: string) => void;
  /** Of the process that holds the namespaces. */
  readonly pid: number;
  readonly close: () => void;
}

// networkd waits for udev unless /sys is read-only; its state directory has to be its own; with a machine-id in common,
// two boxes would give the same MAC to what has none. The tree's files are used at their real paths.
const SETUP = `
umount -R /sys; mount -t sysfs -o ro sysfs /sys
mount -t tmpfs -o mode=0755 tmpfs /run
mount -t tmpfs -o mode=1777 tmpfs /var/tmp
cp -a /etc /run/etc
mount --bind /run/etc /etc
mkdir -p /run/systemd/netif/links /run/systemd/netif/leases /run/systemd/netif/lldp /run/frr
chown -R systemd-network:systemd-network /run/systemd/netif
rm -f /etc/frr/frr.conf
[ -z "$1" ] || cp -r "$1/etc/." /etc/
chown -R frr:frr /run/frr /etc/frr
od -An -N16 -tx1 /dev/urandom | tr -d ' \\n' > /etc/machine-id
ip link set lo up
echo ready
read -r _ || true
`;

/**
 * Everything in the box ends with the keeper: it is process 1 there, and it ends when our end of its input closes. It is
 * bash because bash, waiting for a line, still takes the dead off the process table: FRR's script waits until they are.
 */
function startKeeper(tree: string): Promise<ChildProcess> {
  const flags = ["-n", "-m", "-p", "--fork", "--mount-proc", "--kill-child"];
  const keeper = spawn("unshare", [...flags, "bash", "-euc", SETUP, "bash", tree]);
  let errors = "";
  keeper.stderr.on("data", (data) => {
    errors += data;
  });
  return new Promise((resolve, reject) => {
    keeper.stdout.once("data", () => resolve(keeper));
    keeper.once("exit", (code) => reject(new Error(`the box could not be made (${code}): ${errors}`)));
  });
}

// The first thing it says is its number in the box: ending nsenter would leave it running.
const ANNOUNCED = 'echo "$$"; exec "$@"';

function daemonOf(child: ChildProcess, end: (pid: string) => void): Daemon {
  let output = "";
  const append = (data: Buffer): void => {
    output += data;
  };
  child.stdout?.on("data", append);
  child.stderr?.on("data", append);
  const ended = new Promise<void>((resolve) => {
    child.once("close", () => resolve());
  });
  const log = (): string => output.slice(output.indexOf("\n") + 1);
  return {
    log,
    says: (text) =>
      until(
        () => log().includes(text),
        () => `"${text}" was not said:\n${log()}`,
      ),
    stop: () => {
      end(output.slice(0, output.indexOf("\n")));
      return ended;
    },
  };
}

/** Opens a box with the files of a tree (a directory that holds `etc`) over its own; without one, a bare box. */
export async function openBox(tree = ""): Promise<Box> {
  const keeper = await startKeeper(tree);
  const pid = keeper.pid as number;
  const spaces = ["-t", String(pid), "-n", "-m", `--pid=/proc/${pid}/ns/pid_for_children`];
  // Where the tests write is a place of theirs, and none that a host knows.
  const enter = [...spaces, "--", "env", "--unset=TMPDIR"];
  const box: Box = {
    pid,
    run: (command, ...args) => succeed("nsenter", [...enter, command, ...args]),
    tryRun: (command, ...args) => run("nsenter", [...enter, command, ...args]),
    shell: (script) => succeed("nsenter", [...enter, "sh", "-euc", script]),
    start: (...words) => {
      const child = spawn("nsenter", [...enter, "sh", "-euc", ANNOUNCED, "sh", ...words]);
      return daemonOf(child, (daemon) => box.run("kill", daemon));
    },
    cable: (name, other, otherName) => {
      const ends = ["type", "veth", "peer", "name", otherName, "netns", String(other.pid)];
      // Not in the box's process namespace: the other's number counts outside.
      succeed("nsenter", ["-t", String(pid), "-n", "ip", "link", "add", name, ...ends]);
      box.run("ip", "link", "set", name, "up");
      other.run("ip", "link", "set", otherName, "up");
    },
    close: () => {
      spawnSync("kill", ["-KILL", String(pid)]);
    },
  };
  return box;
}

/** Asks again and again until the answer is true, for as long as anything takes on a busy machine; then fails with `why`. */
export async function until(isTrue: () => boolean, why: () => string): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (!isTrue()) {
    if (performance.now() > deadline) throw new Error(why());
    await sleep(100);
  }
}
