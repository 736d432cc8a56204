/** What hosts that boot take of the kernel's inotify instances, of which a user has few, and what is left of them. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import type { Network } from "../../model/network.ts";

// Seen with systemd 252: systemd itself has 5; udevd, D-Bus, wireguard-go and, for as long as it waits, wait-online have one.
const BOOT_INSTANCES = 9;

/** The descriptors of a process; none of one that has ended meanwhile. */
function descriptorsOf(pid: string): readonly string[] {
  const directory = join("/proc", pid, "fd");
  try {
    return readdirSync(directory).map((descriptor) => readlinkSync(join(directory, descriptor)));
  } catch {
    return [];
  }
}

/** How many some processes have. */
export function instancesOf(pids: readonly string[]): number {
  return pids.flatMap(descriptorsOf).filter((target) => target === "anon_inode:inotify").length;
}

/** How many root may still have, whatever else runs. */
export function freeInstances(): number {
  const limit = Number(readFileSync("/proc/sys/fs/inotify/max_user_instances", "utf8"));
  return limit - instancesOf(readdirSync("/proc").filter((entry) => /^\d+$/.test(entry)));
}

/** The limit that is proposed is a multiple of this, and leaves half of it to others. */
const STEP = 1024;

/** Why the hosts of a network would not boot; `undefined` when they would. */
export function instancesComplaint({ hosts }: Network, free: number): string | undefined {
  const needed = hosts.length * BOOT_INSTANCES;
  if (needed <= free) return undefined;
  const enough = STEP * Math.ceil((needed + STEP / 2) / STEP);
  return (
    `${hosts.length} hosts that boot need ${needed} inotify instances, and the kernel has ${Math.max(0, free)} left, without which udev ` +
    `and WireGuard fail: sysctl -w fs.inotify.max_user_instances=${enough}; or choose some with --hosts`
  );
}
