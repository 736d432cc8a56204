/** A virtual machine: its parts as qemu is told them, and what goes in and out while it runs. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { accessSync, constants, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { createInterface } from "node:readline";
import type { Duplex, Readable } from "node:stream";
import { must } from "../../base/invariant.ts";
import { PORTS, SHARES } from "./kernel-guest.ts";
import type { KernelImage } from "./kernel-image.ts";
import { availableBytes } from "./memory.ts";

const QEMU = "qemu-system-x86_64";

/** What a machine is started for. */
export interface Errand {
  readonly command: readonly string[];
  /** Where the command runs. */
  readonly directory: string;
  readonly stdin: string;
  readonly onOutput: (line: string) => void;
  readonly onErrors: (line: string) => void;
  /** How long it may say nothing, by which it says that it is alive; ms. */
  readonly silenceMs: number;
}

/** Whether the processor runs virtual machines itself. Some machines have the device and cannot. */
export function hasHardwareHelp(): boolean {
  try {
    accessSync("/dev/kvm", constants.R_OK | constants.W_OK);
    return /^flags\s*:.*\b(vmx|svm)\b/m.test(readFileSync("/proc/cpuinfo", "utf8"));
  } catch {
    return false;
  }
}

const MIB = 1 << 20;
const MOST_MIB = 4096;
const LEAST_MIB = 1024;
const MOST_PROCESSORS = 8;

/** Half of what is free, within reason; it is taken only as it is used. */
const memoryMib = (): number => Math.max(LEAST_MIB, Math.min(MOST_MIB, Math.floor((availableBytes() ?? 0) / MIB / 2)));

const share = (name: string, path: string): readonly string[] => [
  "-fsdev",
  // A comma ends a value unless it is doubled.
  `local,id=${name},path=${path.replaceAll(",", ",,")},security_model=none,readonly=on,multidevs=remap`,
  "-device",
  `virtio-9p-pci,fsdev=${name},mount_tag=${name}`,
];

/** What comes after qemu's own three streams. */
const PORT_NAMES = [PORTS.output, PORTS.errors, PORTS.control] as const;
const FIRST_PORT = 3;
const CONSOLE = FIRST_PORT + PORT_NAMES.length;

const port = (name: string, index: number): readonly string[] => [
  "-chardev",
  `socket,id=${name},fd=${FIRST_PORT + index}`,
  "-device",
  `virtserialport,chardev=${name},name=${name}`,
];

/** The arguments of qemu. No network: nothing in it can reach anything. */
function machineArguments({ kernel, initramfs, modules }: KernelImage): readonly string[] {
  return [
    ...(hasHardwareHelp() ? ["-accel", "kvm"] : []),
    ...["-accel", "tcg,thread=multi", "-cpu", "max", "-smp", String(Math.min(availableParallelism(), MOST_PROCESSORS))],
    ...["-m", String(memoryMib()), "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-nic", "none"],
    ...["-kernel", kernel, "-initrd", initramfs],
    // Nobody to protect from: what the processor's own mistakes cost is saved. An emulated timer may be late on a busy
    // machine: the kernel would take it for broken, and panic.
    ...["-append", "console=ttyS0 quiet panic=-1 mitigations=off random.trust_cpu=on no_timer_check"],
    ...["-chardev", `socket,id=console,fd=${CONSOLE}`, "-serial", "chardev:console"],
    ...share(SHARES.root, "/"),
    ...share(SHARES.modules, modules),
    ...["-device", "virtio-serial-pci"],
    ...PORT_NAMES.flatMap(port),
  ];
}

/** Starts qemu so that it ends with netgen, whatever way that ends; Ctrl-C is for netgen, which then ends it in order. */
function startMachine(image: KernelImage): ChildProcess {
  const words = ["--pdeathsig", "KILL", "--", QEMU, ...machineArguments(image)];
  const pipes = Array.from(
    { length: CONSOLE + 1 },
    (_, index) => (index === 0 ? "ignore" : "pipe") as "ignore" | "pipe",
  );
  return spawn("setpriv", words, { stdio: pipes, detached: true });
}

const eachLine = (stream: Readable, onLine: (line: string) => void): void => {
  const lines = createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY });
  lines.on("line", onLine);
  // Of a machine that ends while something is on its way: its end says so. Whoever reads lines says it once more.
  for (const each of [stream, lines]) each.on("error", () => undefined);
};

const MAX_ARCHIVE_BYTES = 1 << 28;

/** This machine's configuration as an archive. */
function archiveEtc(): Promise<Buffer> {
  const options = { encoding: "buffer", maxBuffer: MAX_ARCHIVE_BYTES } as const;
  return new Promise((resolve, reject) => {
    execFile("tar", ["-C", "/", "--exclude-backups", "-cf", "-", "etc"], options, (error, stdout) => {
      // 1: a file has changed meanwhile.
      if (error === null || error.code === 1) resolve(stdout);
      else reject(error);
    });
  });
}

/** What the process in the machine waits for. */
async function orders({ command, directory, stdin }: Errand): Promise<Buffer> {
  const etc = await archiveEtc();
  const words = [directory, String(command.length), ...command, String(Buffer.byteLength(stdin)), ""];
  return Buffer.concat([Buffer.from(`${words.join("\0")}${stdin}${etc.length}\0`), etc]);
}

/** Lines of the console that are shown when a machine breaks down. */
const LAST_LINES = 12;

/** The end of what the console said, and above it why the kernel gave up, where it has: a trace may stand between. */
function lastWords(lines: readonly string[]): readonly string[] {
  const last = lines.slice(-LAST_LINES);
  return [...lines.filter((line) => line.includes("Kernel panic") && !last.includes(line)), ...last];
}

/** How a machine ended: with the status of its command; by the signal; or with its last words, hung or not. */
export type MachineEnd =
  | { readonly kind: "ended"; readonly status: number }
  | { readonly kind: "stopped" }
  | { readonly kind: "broken"; readonly lines: readonly string[]; readonly isHung: boolean };

/** Boots a machine, runs one command in it and ends it; an aborted signal ends it at once. */
export async function runMachine(image: KernelImage, errand: Errand, signal: AbortSignal): Promise<MachineEnd> {
  const input = await orders(errand);
  if (signal.aborted) return { kind: "stopped" };
  const machine = startMachine(image);
  const end = (): unknown => machine.kill("SIGKILL");
  signal.addEventListener("abort", end, { once: true });
  const stream = (index: number): Duplex => must(machine.stdio[index], "every stream is a pipe") as Duplex;
  const lines: string[] = [];
  for (const each of [1, 2, CONSOLE]) eachLine(stream(each), (line) => line.trim() !== "" && lines.push(line));
  eachLine(stream(FIRST_PORT), errand.onOutput);
  eachLine(stream(FIRST_PORT + 1), errand.onErrors);
  const control = stream(FIRST_PORT + 2);
  let status: number | undefined;
  let isHung = false;
  const patience = setTimeout(() => {
    isHung = true;
    end();
  }, errand.silenceMs);
  eachLine(control, (line) => {
    patience.refresh();
    if (line === "") return;
    status = Number(line);
    end();
  });
  control.write(input);
  return new Promise((resolve, reject) => {
    machine.once("error", reject);
    machine.once("close", (code, killedBy) => {
      signal.removeEventListener("abort", end);
      clearTimeout(patience);
      const last = isHung
        ? `nothing was heard from it for ${errand.silenceMs / 1000} s`
        : `${QEMU} ended with ${killedBy ?? code}`;
      if (status !== undefined) resolve({ kind: "ended", status });
      else
        resolve(signal.aborted ? { kind: "stopped" } : { kind: "broken", lines: [...lastWords(lines), last], isHung });
    });
  });
}
