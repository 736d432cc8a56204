/** A lab inside a small virtual machine, with another kernel than this machine's own. */
import { cwd } from "node:process";
import type { Network } from "../../model/network.ts";
import { debianKernel } from "./kernel-image.ts";
import { type MachineEnd, runMachine } from "./kernel-machine.ts";
import { describeMissing, type Machine, type Program, programsFor, sdnObstacles } from "./needs.ts";

/** Kernels that a lab can run on: this machine's own, or Debian's stock one in a virtual machine. */
export const KERNELS = ["host", "debian"] as const;

/** What the virtual machine is made with; what runs in it are this machine's programs as well. */
const KERNEL_PROGRAMS: readonly Program[] = [
  { program: "qemu-system-x86_64", package: "qemu-system-x86" },
  { program: "/bin/busybox", package: "busybox-static" },
  { program: "cpio", package: "cpio" },
  { program: "depmod", package: "kmod" },
  { program: "modprobe", package: "kmod" },
  { program: "apt-get", package: "apt" },
  { program: "dpkg-deb", package: "dpkg" },
  { program: "setpriv", package: "util-linux" },
  { program: "tar", package: "tar" },
];

/** The one that a machine with the programs of this one can boot. */
const ARCHITECTURE = "x64";

/** All that stands in the way of a lab in a virtual machine, a line each; none: it can begin. */
export function findKernelObstacles(network: Network, machine: Machine, architecture: string): readonly string[] {
  if (machine.platform !== "linux") return [`it runs on Linux only, and this is ${machine.platform}`];
  if (architecture !== ARCHITECTURE) return [`it runs on ${ARCHITECTURE} processors only, and this is ${architecture}`];
  const programs = [...programsFor(network), ...KERNEL_PROGRAMS];
  return [
    ...sdnObstacles(network),
    ...(machine.isRoot
      ? []
      : ["it needs root, to show all of this machine's disk to the virtual one: sudo netgen lab"]),
    ...describeMissing(programs.filter(({ program }) => !machine.hasProgram(program))),
  ];
}

export interface KernelRun {
  /** The program and its arguments, as they would be typed on this machine, whose disk is what it sees. */
  readonly command: readonly string[];
  readonly stdin: string;
  /** Ends it early. */
  readonly signal: AbortSignal;
  readonly onPhase: (phase: string) => void;
  /** Each line that the command writes to its standard output, as it comes. */
  readonly onLine: (line: string) => void;
  /** The same of its standard error. */
  readonly onErrorLine: (line: string) => void;
  /** How long the machine may say nothing before it is taken for hung, in ms; left out: {@link SILENCE_MS}. */
  readonly silenceMs?: number;
}

/** An emulated machine says every 5 s that it is alive; it boots in 10 s, and on a busy one in a minute or two. */
export const SILENCE_MS = 300_000;

/**
 * Runs a command under Debian's stock kernel, in the directory that this process is in. It sees this machine's disk, and
 * can change nothing of it; nothing that it starts outlives it, and nothing in it reaches a network. An emulated processor
 * can hang, at boot above all: such a machine is ended, and another one started if nothing had come out of it yet.
 *
 * @throws Error when there is no kernel to be had.
 */
export async function runInKernel(run: KernelRun): Promise<MachineEnd> {
  const image = await debianKernel(run).catch((error: unknown) => {
    if (run.signal.aborted) return undefined;
    throw error;
  });
  if (image === undefined) return { kind: "stopped" };
  const { command, stdin, signal, silenceMs = SILENCE_MS } = run;
  let hasSpoken = false;
  const onOutput = (line: string): void => {
    hasSpoken = true;
    run.onLine(line);
  };
  const boot = (): Promise<MachineEnd> => {
    run.onPhase(`booting Linux ${image.release}`);
    return runMachine(
      image,
      { command, directory: cwd(), stdin, onOutput, onErrors: run.onErrorLine, silenceMs },
      signal,
    );
  };
  const end = await boot();
  return end.kind === "broken" && end.isHung && !hasSpoken ? boot() : end;
}
