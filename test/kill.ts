/** Programs that are killed at a random moment of their life, for tests of what is left behind. */
import { spawn } from "node:child_process";

/** A run of a program that may be cut short. */
export interface Victim {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** What it reads on standard input; nothing if left out. */
  readonly input?: string;
}

export interface Death {
  /** False when it had ended before the signal came. */
  readonly isKilled: boolean;
  /** From its start to its end, milliseconds. */
  readonly lifeMs: number;
  /** The exit code; null when it was killed. */
  readonly status: number | null;
  readonly stderr: string;
}

/** Runs it, and sends SIGKILL `afterMs` after it `hasBegun`; to the end if that is left out. */
export function runVictim(
  { command, args, cwd, input = "" }: Victim,
  afterMs?: number,
  hasBegun = (): boolean => true,
): Promise<Death> {
  return new Promise((resolve, reject) => {
    const born = performance.now();
    const child = spawn(command, args, { cwd, stdio: ["pipe", "ignore", "pipe"] });
    let timer: NodeJS.Timeout | undefined;
    const lieInWait = (): void => {
      timer = hasBegun() ? setTimeout(() => child.kill("SIGKILL"), afterMs) : setTimeout(lieInWait, 1);
    };
    if (afterMs !== undefined) lieInWait();
    let stderr = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    // It may be dead before it reads.
    child.stdin.on("error", () => undefined).end(input);
    child.on("error", reject).on("close", (status, signal) => {
      clearTimeout(timer);
      resolve({ isKilled: signal === "SIGKILL", lifeMs: performance.now() - born, status, stderr });
    });
  });
}

/** Kills it at a moment that is uniform over the life of an undisturbed run, a tenth more so that its end is in. */
export const killAtRandom = (victim: Victim, lifeMs: number): Promise<Death> =>
  runVictim(victim, Math.random() * lifeMs * 1.1);

/** How many kills a test does: `NETGEN_KILLS`, or `usual`. */
export function killCount(usual: number): number {
  const asked = process.env.NETGEN_KILLS;
  if (asked === undefined || asked === "") return usual;
  if (!/^[1-9]\d*$/.test(asked)) throw new Error(`NETGEN_KILLS=${asked} is not a number of kills`);
  return Number(asked);
}
