/** A ping that goes on while something is done: which packets were lost, and for how long nothing came back. */
import type { IpAddress } from "../../base/ip.ts";
import type { Box } from "../machine/box.ts";
import { eventually } from "../machine/patience.ts";

/** An answer: the packet's number, and when it came, in seconds. */
export interface Reply {
  readonly sequence: number;
  readonly at: number;
}

/** What `ping -D` printed → the answers, in their order, each packet once. Pure. */
export function parseReplies(log: string): readonly Reply[] {
  const lines = log.matchAll(/^\[(\d+\.\d+)\] \d+ bytes from .*icmp_seq=(\d+) /gm);
  const first = new Map<number, number>();
  for (const [, at, sequence] of lines) {
    if (!first.has(Number(sequence))) first.set(Number(sequence), Number(at));
  }
  return [...first].map(([sequence, at]) => ({ sequence, at }));
}

/** The packets that were not answered, by number, between the first and the last that were. Pure. */
export function unanswered(replies: readonly Reply[]): readonly number[] {
  const answered = new Set(replies.map(({ sequence }) => sequence));
  const first = Math.min(...answered);
  const count = answered.size === 0 ? 0 : Math.max(...answered) - first + 1;
  return Array.from({ length: count }, (_, index) => first + index).filter((sequence) => !answered.has(sequence));
}

/** The longest time between two answers, in seconds. Pure. */
export function longestGapSeconds(replies: readonly Reply[]): number {
  const times = replies.map(({ at }) => at).sort((a, b) => a - b);
  return Math.max(0, ...times.slice(1).map((at, index) => at - (times[index] ?? at)));
}

/** Who pings whom. */
export interface Watched {
  readonly box: Box;
  readonly to: IpAddress;
}

/** What a ping saw. */
export interface PingRecord {
  readonly answered: number;
  readonly lost: number;
  /** Those that were lost, by number. */
  readonly unanswered: readonly number[];
  readonly gapSeconds: number;
  /** Answers came after what was done, within the time given. */
  readonly isBack: boolean;
}

/** Whether a few pings are answered within some seconds. Where there is no route just now, ping itself gives up at once. */
export function isAnswered({ box, to }: Watched, seconds: number): Promise<boolean> {
  const words = ["-n", "-c", "3", "-i", "0.3", "-w", String(seconds), to];
  return eventually(async () => / [1-9]\d* received/.test((await box.attempt("ping", ...words)).output), seconds);
}

/** What each packet carries: more than any other ping of the lab that goes where this one does. */
export const STEADY_BYTES = 1000;
// 50 a second. Its number is noted, so that just this one is ended.
const PING = `echo $$ > "/run/log/$1.pid"; exec ping -n -D -i 0.02 -s ${STEADY_BYTES} "$2"`;
const STOP = 'kill -INT "$(cat "/run/log/$1.pid")" 2> /dev/null || true';

let pings = 0;

/** Pings 50 times a second from before something is done until after it. @throws Error when there is no answer before. */
export async function pingDuring(watched: Watched, work: () => Promise<void>, backSeconds = 60): Promise<PingRecord> {
  const { box, to } = watched;
  const silence = new Error(`${box.name} gets no answer from ${to} even before, expected one`);
  // A lab may have been up for no longer than BGP takes, and ping gives up at once where no route is.
  if (!(await isAnswered(watched, 30))) throw silence;
  pings += 1;
  const log = `ping-${pings}`;
  const replies = async (): Promise<readonly Reply[]> => parseReplies(await box.log(log));
  const more = async (count: number, seconds: number): Promise<boolean> => {
    const wanted = (await replies()).length + count;
    return eventually(async () => (await replies()).length >= wanted, seconds);
  };
  await box.start(log, "sh", "-uc", PING, "sh", log, to);
  try {
    if (!(await more(15, 30))) throw silence;
    await work();
    const isBack = await more(50, backSeconds);
    const seen = await replies();
    const lost = unanswered(seen);
    return {
      answered: seen.length,
      lost: lost.length,
      unanswered: lost,
      gapSeconds: longestGapSeconds(seen),
      isBack,
    };
  } finally {
    await box.run("sh", "-uc", STOP, "sh", log);
  }
}
