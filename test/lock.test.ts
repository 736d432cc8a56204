import { mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

/** What happens just before a lock is read. */
let interrupt = (_path: string): void => undefined;

vi.mock("node:fs", async (importOriginal) => {
  const original = await importOriginal<typeof import("node:fs")>();
  const readlinkSync = (path: string): string => {
    interrupt(path);
    return original.readlinkSync(path);
  };
  return { ...original, readlinkSync };
});
const { LOCK_NAME, withLock } = await import("../src/write/lock.ts");

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "netgen-lock-"));
  symlinkSync(String(process.ppid), join(directory, LOCK_NAME));
});
afterEach(() => rmSync(directory, { recursive: true }));

test("a build that ends between two looks at its lock is in nobody's way", () => {
  interrupt = (path) => rmSync(path, { force: true });
  expect(withLock(directory, () => "done")).toEqual({ kind: "done", value: "done" });
  expect(readdirSync(directory)).toEqual([]);
});

test("one that has begun when the other ended is", () => {
  interrupt = (path) => {
    rmSync(path);
    symlinkSync(String(process.ppid), path);
  };
  expect(withLock(directory, () => "done")).toEqual({ kind: "held" });
});
