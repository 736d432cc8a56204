/** Labs as a user runs them and as a test does, and what came of each promise. */
import { spawn } from "node:child_process";
import { must } from "../../src/base/invariant.ts";
import { compile } from "../../src/compile.ts";
import { openLab, type Tamper } from "../../src/lab/machine/open.ts";
import type { Proven, Prover } from "../../src/lab/measure/promise.ts";
import { proveKind } from "../../src/lab/prove.ts";
import { quiet } from "./computers.ts";

/** A promise as `--format json` prints it. */
export interface PrintedPromise extends Pick<Proven, "kind" | "subject" | "promise" | "measured" | "command"> {
  readonly kept: boolean;
}

export interface LabRun {
  readonly status: number | null;
  readonly proven: readonly PrintedPromise[];
  /** Standard error. */
  readonly said: string;
}

interface RunOptions {
  /** What it reads. */
  readonly input?: string;
  /** Ends it: a lab that its test no longer waits for takes the time of those that follow. */
  readonly signal?: AbortSignal;
  /** Before what runs beside it: a virtual machine is one process, and the labs beside it are dozens. */
  readonly isUrgent?: boolean;
}

/** Runs `netgen lab … --format json` to its end. */
export function runLab(cli: string, args: readonly string[], options: RunOptions = {}): Promise<LabRun> {
  const { input = "", signal, isUrgent = false } = options;
  const niceness = isUrgent ? "-10" : "0";
  const lab = spawn("nice", ["-n", niceness, process.execPath, cli, "lab", ...args, "--format", "json"]);
  signal?.addEventListener("abort", () => lab.kill());
  let [printed, said] = ["", ""];
  lab.stdout.setEncoding("utf8").on("data", (text: string) => {
    printed += text;
  });
  lab.stderr.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  lab.stdin.end(input);
  return new Promise((resolve) => {
    lab.once("close", (status) => {
      const lines = printed.split("\n").filter((line) => line !== "");
      resolve({ status, proven: lines.map((line) => JSON.parse(line) as PrintedPromise), said });
    });
  });
}

/** What is broken, in full. */
export const brokenIn = ({ proven }: LabRun): readonly string[] =>
  proven
    .filter(({ kept }) => !kept)
    .map((each) => `${each.kind} ${each.subject}: ${each.promise}: ${each.measured}\n  $ ${each.command}`);

export interface TamperedLab {
  readonly topology: string;
  readonly tamper: Tamper;
  /** What it is asked for. */
  readonly provers: readonly Prover[];
  readonly isBooting?: boolean;
  /** Ends it, as that of `RunOptions`. */
  readonly signal: AbortSignal;
}

/** Boots what was compiled and then tampered with, and measures what it is asked for. */
export async function proveTampered(tampered: TamperedLab): Promise<readonly Proven[]> {
  const { topology, tamper, provers, isBooting = false, signal } = tampered;
  const { files, units, configurations, model } = compile({ name: "topology.yaml", text: topology });
  const network = must(model, "the topology has no mistake");
  const { lab, root } = await openLab({ network, files, units, configurations, isBooting }, quiet, tamper);
  signal.addEventListener("abort", root.close);
  try {
    const proven: Proven[] = [];
    for (const prover of provers) {
      signal.throwIfAborted();
      proven.push(...(await proveKind(lab, prover, () => undefined)));
    }
    return proven;
  } finally {
    await root.close();
  }
}
