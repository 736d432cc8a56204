/** netgen as a user runs it: by itself or in a line of shell, in a directory of the test's own. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { builtPackage } from "./built-package.ts";

/** The script that `netgen` runs, built before the first test of a file begins: no test waits for the compiler. */
export const CLI = join(builtPackage(), "dist/cli.js");

/** How a command ended. */
export interface Finished {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly input?: string | Buffer;
  /** Besides what the tests themselves have. */
  readonly env?: Readonly<Record<string, string>>;
  /** Options of Node.js. */
  readonly node?: readonly string[];
  /** One that takes longer is ended, and has no exit code; milliseconds. */
  readonly timeout?: number;
}

function finish(cwd: string, [command = "", ...args]: readonly string[], options: RunOptions): Finished {
  const { NO_COLOR: _, ...inherited } = process.env;
  const { input = "", env = {}, timeout } = options;
  const common = { cwd, input, env: { ...inherited, ...env }, encoding: "utf8", timeout } as const;
  const { status, stdout, stderr } = spawnSync(command, args, common);
  return { status, stdout, stderr };
}

/** Runs netgen in a directory. */
export const runNetgen = (cwd: string, args: readonly string[], options: RunOptions = {}): Finished =>
  finish(cwd, [process.execPath, ...(options.node ?? []), CLI, ...args], options);

/** Runs a line of bash in a directory, in which `netgen` is what users call so; `pipefail` is not set. */
export function runShell(cwd: string, line: string, options: RunOptions = {}): Finished {
  const text = `netgen() { "${process.execPath}" "${CLI}" "$@"; }; export -f netgen; ${line}`;
  return finish(cwd, ["bash", "-c", text], options);
}
