/** What every edge reads with: a file or standard input, a piece at a time. */
import { readSync } from "node:fs";

/** How long to wait for more from an input that would not wait itself, milliseconds. */
const POLL_MS = 10;

/** `readSync` that also waits where another program has made standard input non-blocking; 0: the end. */
export function readSome(descriptor: number, chunk: Buffer): number {
  for (;;) {
    try {
      return readSync(descriptor, chunk);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, POLL_MS);
    }
  }
}
