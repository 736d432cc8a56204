/** How far writing has come: one line on a terminal, rewritten in place and gone at the end. */
import type { CommonOptions } from "./session.ts";

/** Less than this needs no progress, milliseconds. */
const PATIENCE_MS = 1000;
/** As often as the eye follows, milliseconds. */
const INTERVAL_MS = 100;
/** ECMA-48: to the first column, and erase to the end of the line. */
export const CLEAR_LINE = "\r\u001b[K";

/** A terminal, and a clock in milliseconds that never goes back. */
export interface Screen {
  readonly write: (text: string) => void;
  readonly now: () => number;
}

export interface Progress {
  /** To be called as often as there is something new; most calls print nothing. */
  readonly update: (doneFiles: number, totalFiles: number) => void;
  /** To be called before anything else is printed. */
  readonly clear: () => void;
}

/** Progress on a screen: nothing for the first second, then at most ten lines a second, each in place of the last. */
export function progressOn({ write, now }: Screen): Progress {
  let next = now() + PATIENCE_MS;
  let isShown = false;
  return {
    update: (doneFiles, totalFiles) => {
      const moment = now();
      if (moment < next) return;
      next = moment + INTERVAL_MS;
      isShown = true;
      write(`${CLEAR_LINE}writing: ${doneFiles} of ${totalFiles} files`);
    },
    clear: () => {
      if (isShown) write(CLEAR_LINE);
      isShown = false;
    },
  };
}

/** Progress on standard error; `undefined` where nobody watches, or a program reads along. */
export function progressFor({ quiet, format }: CommonOptions): Progress | undefined {
  const { stderr, env } = process;
  // A dumb terminal cannot rewrite a line.
  if (stderr.isTTY !== true || env.TERM === "dumb" || quiet === true || format === "json") return undefined;
  return progressOn({ write: (text) => stderr.write(text), now: () => performance.now() });
}
