/** Labs that were kept: who they are and which processes hold them, in a file each. */
import { linkSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { LabRoot } from "./box.ts";
import { clearControlGroups } from "./computer.ts";
import type { Lab } from "./running.ts";

/** Gone after a boot, as are the labs. */
const DIRECTORY = "/run/netgen/lab";

export interface KeptBox {
  readonly name: string;
  readonly kind: "host" | "guest" | "router" | "internet";
  readonly pid: number;
}

export interface KeptLab {
  readonly name: string;
  /** The process that everything in it ends with. */
  readonly pid: number;
  /** When that process began, in clock ticks since the machine's boot: a process number alone may come again. */
  readonly startTime: string;
  readonly boxes: readonly KeptBox[];
}

const fileOf = (name: string): string => `${name}.json`;

/** Field 22 of proc(5)'s stat; `undefined`: there is no such process. */
function startTimeOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // A program's name, in the parentheses before, may have blanks of its own.
    const [state, ...rest] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return state === "Z" || state === "X" ? undefined : rest[18];
  } catch {
    return undefined;
  }
}

const isUp = ({ pid, startTime }: KeptLab): boolean => startTimeOf(pid) === startTime;

function isKeptLab(value: unknown): value is KeptLab {
  const { name, pid, startTime, boxes } = (value ?? {}) as Partial<KeptLab>;
  return typeof name === "string" && Number.isInteger(pid) && typeof startTime === "string" && Array.isArray(boxes);
}

function read(file: string): KeptLab | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(join(DIRECTORY, file), "utf8"));
    return isKeptLab(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function listFiles(): readonly string[] {
  try {
    return readdirSync(DIRECTORY).filter((file) => file.endsWith(".json"));
  } catch {
    return [];
  }
}

function removeFile(file: string): void {
  rmSync(join(DIRECTORY, file), { force: true });
  try {
    for (const directory of [DIRECTORY, dirname(DIRECTORY)]) rmdirSync(directory);
  } catch {
    // Another lab's file is there.
  }
}

/** The kept labs that are up, by name; what is left of those that ended is cleared away. */
export function listKept(): readonly KeptLab[] {
  return listFiles().flatMap((file) => {
    const lab = read(file);
    if (lab !== undefined && isUp(lab)) return [lab];
    removeFile(file);
    return [];
  });
}

function boxesOf({ hosts, guests, routers, outsiders, premises, internet }: Lab): readonly KeptBox[] {
  const named = (kind: KeptBox["kind"], boxes: Iterable<{ readonly name: string; readonly pid: number }>) =>
    [...boxes].map(({ name, pid }) => ({ name, kind, pid }));
  return [
    ...named("host", hosts.values()),
    ...named("guest", guests.values()),
    ...named("router", [...routers.values(), ...outsiders.values(), ...premises.values()]),
    ...named("internet", [internet]),
  ];
}

/**
 * Lets a lab live on when netgen ends. The file comes first: a lab that nobody knows of could not be ended.
 * @throws Error with the code EEXIST when a lab of this name is kept already.
 */
export function keepLab(name: string, lab: Lab, root: LabRoot): void {
  const startTime = startTimeOf(root.pid);
  if (startTime === undefined) throw new Error("the lab has ended by itself");
  const kept: KeptLab = { name, pid: root.pid, startTime, boxes: boxesOf(lab) };
  mkdirSync(DIRECTORY, { recursive: true });
  // Linked when it is whole: what cannot be read is taken for a remnant.
  const whole = join(DIRECTORY, `.${process.pid}`);
  try {
    writeFileSync(whole, `${JSON.stringify(kept)}\n`, { mode: 0o600 });
    linkSync(whole, join(DIRECTORY, fileOf(name)));
  } finally {
    rmSync(whole, { force: true });
  }
  root.keep();
}

const POLL_MS = 20;

/** Ends a kept lab with all that is in it, and waits until it is gone. */
export async function endLab(lab: KeptLab): Promise<void> {
  if (isUp(lab)) process.kill(lab.pid, "SIGKILL");
  while (isUp(lab)) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  removeFile(fileOf(lab.name));
  await clearControlGroups();
}
