/** What a lab takes of memory, by what was measured, and how much of it would fit. */
import { readFileSync } from "node:fs";
import type { Network } from "../../model/network.ts";
import type { LabPlan } from "../plan/plan.ts";

const MIB = 1 << 20;

// Measured on Debian 12 as the sum of PSS and of what is in the box's own tmpfs, and rounded up for what the kernel
// keeps of a namespace: 7 MB for a host (networkd 2.4, wireguard-go 1.8, its copy of /etc 2.4), 28 MB with FRR (bgpd
// alone 10 to 12), 3 MB for a router or a guest.
const HOST_BYTES = 10 * MIB;
const FRR_BYTES = 24 * MIB;
const BOX_BYTES = 4 * MIB;
/** Of a host that boots by itself, besides: systemd, its journal, udev, D-Bus, and what its disk takes in memory. */
const BOOT_BYTES = 50 * MIB;
/** netgen itself, and the programs that measure. */
const BASE_BYTES = 400 * MIB;

/** What the hosts of a plan take with all that surrounds them, bytes. */
export function neededBytes({ hosts }: Network, plan: LabPlan, isBooting = false): number {
  const speakers = hosts.filter(({ bgp }) => bgp.kind !== "none").length + plan.outsiders.length;
  const others = 1 + plan.routers.length + plan.guests.length + plan.outsiders.length + plan.premises.length;
  const each = HOST_BYTES + (isBooting ? BOOT_BYTES : 0);
  return BASE_BYTES + hosts.length * each + speakers * FRR_BYTES + others * BOX_BYTES;
}

/** What the kernel would give without swapping, bytes; `undefined` where it does not say. */
export function availableBytes(): number | undefined {
  const kibibytes = /^MemAvailable:\s+(\d+) kB$/m.exec(readFileSync("/proc/meminfo", "utf8"))?.[1];
  return kibibytes === undefined ? undefined : Number(kibibytes) * 1024;
}

const inMib = (bytes: number): string => `${Math.ceil(bytes / MIB)} MiB`;

/** Why a lab of hosts that take so much does not fit, and how many of them would; `undefined` when it does. */
export function memoryComplaint(network: Network, needed: number, available: number | undefined): string | undefined {
  if (available === undefined || needed <= available) return undefined;
  const each = (needed - BASE_BYTES) / network.hosts.length;
  const fitting = Math.max(0, Math.floor((available - BASE_BYTES) / each));
  return (
    `${network.hosts.length} hosts need about ${inMib(needed)} of memory, ${inMib(each)} each with guests and routers, ` +
    `and ${inMib(available)} are free: ${fitting} would fit; choose some with --hosts`
  );
}
