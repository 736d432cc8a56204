/** `netgen lab` as a user runs it, and what came of each promise. */
import { spawn } from "node:child_process";
import type { Proven } from "../../src/lab/measure/promise.ts";

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

/** Runs `netgen lab … --format json` to its end; `input` is what it reads. */
export function runLab(cli: string, args: readonly string[], input = ""): Promise<LabRun> {
  const lab = spawn(process.execPath, [cli, "lab", ...args, "--format", "json"]);
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
