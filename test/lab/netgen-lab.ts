/** Labs as a user runs them and as a test does, and what came of each promise. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { expect } from "vitest";
import { must } from "../../src/base/invariant.ts";
import { compile } from "../../src/compile.ts";
import { runInKernel } from "../../src/lab/machine/kernel.ts";
import { openLab, type Tamper } from "../../src/lab/machine/open.ts";
import { eventually } from "../../src/lab/machine/patience.ts";
import { type Lab, runningHosts } from "../../src/lab/machine/running.ts";
import type { Proven, Prover } from "../../src/lab/measure/promise.ts";
import { missingOn } from "../../src/lab/prove/verify.ts";
import { proveKind } from "../../src/lab/prove.ts";
import { ROOT } from "../built-package.ts";
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
  /** Lines of shell that put other programs in the place of this machine's, in the mount namespace that the lab is in. */
  readonly setUp?: string;
}

/** Runs `netgen lab … --format json` to its end. */
export function runLab(cli: string, args: readonly string[], options: RunOptions = {}): Promise<LabRun> {
  const { input = "", signal, isUrgent = false, setUp = ":" } = options;
  const niceness = isUrgent ? "-10" : "0";
  const inPlace = ["unshare", "-m", "bash", "-euc", `${setUp}\nexec "$@"`, "bash"];
  const words = [...inPlace, process.execPath, cli, "lab", ...args, "--format", "json"];
  const lab = spawn("nice", ["-n", niceness, ...words]);
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

/** Has a virtual machine with Debian's kernel run one test of a file: whether it ran there and passed, and all that was said. */
export async function proveInKernel(file: string, what: string, signal: AbortSignal) {
  const vitest = join(ROOT, "node_modules/vitest/vitest.mjs");
  const name = `^${what.replace(/[$()*+.?[\\\]^{|}]/g, "\\$&")}$`;
  // What tests say of themselves is in no report.
  const report = ["--reporter=tap-flat", "--disable-console-intercept"];
  const words = ["--config", "test/config/lab.config.ts", file, "-t", name, ...report];
  const lines: string[] = [];
  const onLine = (line: string) => lines.push(line);
  const end = await runInKernel({
    command: ["env", "NETGEN_PROOFS=whole", process.execPath, vitest, "run", ...words],
    stdin: "",
    signal,
    onPhase: () => undefined,
    onLine,
    onErrorLine: onLine,
  });
  // A run in which no test has that name ends well, too.
  const ran = lines.filter((line) => /^(?:not )?ok /.test(line) && !/# SKIP/.test(line));
  return { end, ran, said: lines.join("\n") };
}

export interface TamperedLab {
  readonly topology: string;
  readonly tamper: Tamper;
  /** What it is asked for. */
  readonly provers: readonly Prover[];
  readonly isBooting?: boolean;
  /** Looks at what has come up, before it is asked for anything. */
  readonly watch?: ((lab: Lab) => Promise<void>) | undefined;
  /** Ends it, as that of `RunOptions`. */
  readonly signal: AbortSignal;
}

/** Boots what was compiled and then tampered with, and measures what it is asked for. */
export async function proveTampered(tampered: TamperedLab): Promise<readonly Proven[]> {
  const { topology, tamper, provers, isBooting = false, watch, signal } = tampered;
  const { files, units, configurations, model } = compile({ name: "topology.yaml", text: topology });
  const network = must(model, "the topology has no mistake");
  const { lab, root } = await openLab({ network, files, units, configurations, isBooting }, quiet, tamper);
  signal.addEventListener("abort", root.close);
  try {
    await watch?.(lab);
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

/** By host: those of which nothing is missing are left out. */
export type Misses = Readonly<Record<string, readonly string[]>>;

async function missedIn(lab: Lab): Promise<Misses> {
  const hosts = runningHosts(lab).filter(({ host }) => host.app === undefined);
  const found = await Promise.all(hosts.map(async (each) => [each.host.name, await missingOn(lab, each)] as const));
  return Object.fromEntries(found.filter(([, lines]) => lines.length > 0));
}

/** Waits until verify of all hosts misses these lines and no others; tunnels and sessions take a moment to come up. */
export async function awaitMisses(lab: Lab, expected: Misses): Promise<void> {
  let found: Misses = {};
  await eventually(async () => {
    found = await missedIn(lab);
    return isDeepStrictEqual(found, expected);
  });
  expect(found).toEqual(expected);
}
