/** The line of progress: when it comes, how often it changes, and that nothing of it stays. */
import { expect, test } from "vitest";
import { progressOn } from "../src/commands/progress.ts";

const CLEAR = "\r\u001b[K";

/** A screen that keeps what is written, with a clock that goes on only when told to. */
function screenAt(start: number) {
  const written: string[] = [];
  const clock = { now: start };
  const progress = progressOn({ write: (text) => written.push(text), now: () => clock.now });
  return { written, clock, progress };
}

test("what takes no longer than a second shows nothing, also not at its end", () => {
  const { written, clock, progress } = screenAt(5000);
  progress.update(1, 3);
  clock.now += 999;
  progress.update(2, 3);
  progress.clear();
  expect(written).toEqual([]);
});

test("after a second one line stands there, in the place of the one before", () => {
  const { written, clock, progress } = screenAt(5000);
  clock.now += 1000;
  progress.update(10, 300);
  clock.now += 100;
  progress.update(20, 300);
  expect(written).toEqual([`${CLEAR}writing: 10 of 300 files`, `${CLEAR}writing: 20 of 300 files`]);
});

test("it changes ten times a second at most", () => {
  const { written, clock, progress } = screenAt(0);
  for (clock.now = 0; clock.now < 3000; clock.now += 1) progress.update(clock.now, 3000);
  expect(written).toHaveLength(20);
});

test("it is taken away once", () => {
  const { written, clock, progress } = screenAt(0);
  clock.now = 2000;
  progress.update(1, 2);
  progress.clear();
  progress.clear();
  expect(written.slice(1)).toEqual([CLEAR]);
});
