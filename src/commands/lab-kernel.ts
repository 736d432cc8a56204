/** A lab on another kernel: the same netgen with the same arguments, inside a virtual machine. */
import { realpathSync } from "node:fs";
import { execPath } from "node:process";
import { Option } from "commander";
import { maskKeys } from "../base/key.ts";
import { findKernelObstacles, KERNELS, runInKernel } from "../lab/machine/kernel.ts";
import { thisMachine } from "../lab/machine/needs.ts";
import type { Network } from "../model/network.ts";
import { EXIT_MACHINE, machineError } from "./exit.ts";
import { proofIn, TO_OUTPUT, writeProof } from "./lab-record.ts";
import { exitCodeFor, type Signal, stopOn } from "./lab-watch.ts";
import { type CommonOptions, type Session, say } from "./session.ts";

export const kernelOption = (): Option =>
  new Option("--kernel <name>", "this machine's kernel, or Debian's in a virtual machine")
    .choices(KERNELS)
    .default("host");

export interface KernelLabOptions extends CommonOptions {
  readonly hosts?: string;
  readonly boot?: boolean;
  readonly prove?: readonly string[];
  readonly timeout?: number;
  readonly record?: string;
}

/** Most of its time it is started: V8 need not optimise code that an emulated processor runs once. */
const NODE_OPTIONS = ["--no-opt", "--max-lazy"];

/** What the virtual machine has of its own. */
const OWN_PATHS = /^\/(dev|proc|run|sys)\//;

/** A topology that the virtual machine cannot read by its name. */
const isElsewhere = (topology: string): boolean => topology === "-" || OWN_PATHS.test(realpathSync(topology));

/** This call as it is repeated inside; from there no diagnostic goes to the wrong name. */
function repeated(topology: string, { keysDirectory }: Session, options: KernelLabOptions): readonly string[] {
  return [
    "lab",
    ...["--keys", keysDirectory],
    ...(options.hosts === undefined ? [] : ["--hosts", options.hosts]),
    ...(options.prove === undefined ? [] : ["--prove", options.prove.join(",")]),
    ...(options.boot === true ? ["--boot"] : []),
    ...(options.quiet === true ? ["--quiet"] : []),
    ...(options.record === undefined ? [] : ["--record", TO_OUTPUT]),
    ...["--format", options.format ?? "text"],
    ...["--", topology],
  ];
}

/** @throws Error with all that is missing, before anything is started. */
function demand(network: Network): void {
  const obstacles = findKernelObstacles(network, thisMachine(), process.arch);
  if (obstacles.length === 0) return;
  throw machineError(
    `no lab can be started here with --kernel debian:\n${obstacles.map((each) => `  ${each}\n`).join("")}`.trimEnd(),
  );
}

/** Runs a lab inside a virtual machine, and gives the exit code that it ended with there. */
export async function labInKernel(topology: string, session: Session, options: KernelLabOptions): Promise<number> {
  if (session.model !== undefined) demand(session.model);
  const stop = stopOn(options.timeout);
  const hasProgress = options.quiet !== true && options.format !== "json";
  // The netgen inside has hidden the keys. In JSON a character that is spelt out would be another text.
  const isJson = options.format === "json";
  const onLine = (line: string): void => {
    const proof = options.record === undefined ? undefined : proofIn(line);
    if (proof !== undefined) writeProof(options.record as string, proof);
    else if (isJson) process.stdout.write(`${line}\n`);
    else say(`${line}\n`, process.stdout);
  };
  const hasNoName = isElsewhere(topology);
  const [, cli = ""] = process.argv;
  const end = await runInKernel({
    command: [execPath, ...NODE_OPTIONS, cli, ...repeated(hasNoName ? "-" : topology, session, options)],
    stdin: hasNoName ? session.source.text : "",
    signal: stop,
    onPhase: (phase) => hasProgress && process.stderr.write(`${phase}\n`),
    onLine,
    onErrorLine: (line) => say(`${line}\n`),
  });
  if (end.kind === "ended") return end.status;
  const left = "nothing of the lab is left";
  if (end.kind === "broken")
    throw machineError(`the virtual machine broke down; ${left}:\n${maskKeys(end.lines.join("\n"))}`);
  if (stop.reason === "timeout") {
    process.stderr.write(`netgen: ${options.timeout} s were over while the virtual machine ran; ${left}\n`);
    return EXIT_MACHINE;
  }
  process.stderr.write(`netgen: interrupted while the virtual machine ran; ${left}\n`);
  return exitCodeFor(stop.reason as Signal);
}
