/** Programs that are run here, and those that are started to hold namespaces. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { PATIENCE } from "./patience.ts";

/** How a program ended; `output` is what it printed to both streams. */
export interface Ended {
  readonly status: number;
  readonly output: string;
}

const MAX_OUTPUT_BYTES = 1 << 26;
/** Longer than anything in a lab takes on a busy machine. */
const LONGEST_MS = 120_000 * PATIENCE;

/** Runs a program here. */
export function execute(command: string, args: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    const options = {
      encoding: "utf8",
      maxBuffer: MAX_OUTPUT_BYTES,
      timeout: LONGEST_MS,
      killSignal: "SIGKILL",
    } as const;
    execFile(command, args, options, (error, stdout, stderr) => {
      const status = error === null ? 0 : typeof error.code === "number" ? error.code : 1;
      resolve({ status, output: stdout + stderr });
    }).stdin?.end();
  });
}

/** Starts a keeper, and resolves to its process when it says that it is ready. */
export function startKeeper(command: string, args: readonly string[]): Promise<ChildProcess> {
  // A group of its own: Ctrl-C is for netgen, which then ends the lab in order.
  const keeper = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"], detached: true });
  let errors = "";
  keeper.stderr.on("data", (data) => {
    errors += data;
  });
  return new Promise((resolve, reject) => {
    keeper.once("error", reject);
    keeper.stdout.once("data", () => resolve(keeper));
    keeper.once("exit", (code) => reject(new Error(`a namespace could not be made (${code}): ${errors.trim()}`)));
  });
}

/** What a keeper opens, and the words before the lines of bash that it runs there. */
export const NAMESPACES = ["-n", "-m", "-p", "--fork", "--mount-proc", "--kill-child", "bash", "-euc"] as const;

/** The process that an `unshare --fork` has put into its namespaces. */
export async function heldBy(keeper: ChildProcess): Promise<number> {
  const { output } = await execute("cat", [`/proc/${keeper.pid}/task/${keeper.pid}/children`]);
  return Number(output.trim().split(" ")[0]);
}

/** Starts a keeper from within namespaces that a process holds; gives the process of its own that holds what it made. */
export async function startWithin(
  pid: number,
  namespaces: readonly string[],
  words: readonly string[],
): Promise<number> {
  const keeper = await startKeeper("nsenter", ["-t", String(pid), ...namespaces, "--", ...words]);
  const children = async (parent: number | undefined): Promise<number> => {
    const { output } = await execute("cat", [`/proc/${parent}/task/${parent}/children`]);
    return Number(output.trim().split(" ")[0]);
  };
  // nsenter forks once more.
  const held = await children(await children(keeper.pid));
  for (const stream of [keeper.stdin, keeper.stdout, keeper.stderr]) stream?.destroy();
  keeper.unref();
  return held;
}
