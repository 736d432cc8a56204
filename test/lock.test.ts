import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, expect, test, vi } from "vitest";

/** What happens just before a lock, or a file, is read. */
let interrupt = (_path: string): void => undefined;

vi.mock("node:fs", async (importOriginal) => {
  const original = await importOriginal<typeof import("node:fs")>();
  const readlinkSync = (path: string): string => {
    interrupt(path);
    return original.readlinkSync(path);
  };
  const readFileSync = (path: string, encoding: "utf8"): string => {
    interrupt(path);
    return original.readFileSync(path, encoding);
  };
  return { ...original, readlinkSync, readFileSync };
});
// Other files of tests may have loaded them with the real one, and load them after this with it.
vi.resetModules();
const { LOCK_NAME, withLock } = await import("../src/write/lock.ts");
const { planTree } = await import("../src/write/plan.ts");
const { writeTree } = await import("../src/write/write.ts");

let directory: string;
beforeEach(() => {
  interrupt = () => undefined;
  directory = mkdtempSync(join(tmpdir(), "netgen-lock-"));
  symlinkSync(String(process.ppid), join(directory, LOCK_NAME));
});
afterEach(() => rmSync(directory, { recursive: true }));
afterAll(() => {
  vi.resetModules();
});

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

test("a lock whose process id is another process's by now is no lock", () => {
  const lock = join(directory, LOCK_NAME);
  rmSync(lock);
  // The parent began, but not when the machine did.
  symlinkSync(`${process.ppid}-0`, lock);
  expect(withLock(directory, () => readlinkSync(lock))).toEqual({
    kind: "done",
    value: expect.stringMatching(new RegExp(`^${process.pid}-\\d+$`)),
  });
  expect(readdirSync(directory)).toEqual([]);
});

test("one whose holder lives, and began when it says, holds", () => {
  const fields = readFileSync(`/proc/${process.ppid}/stat`, "latin1").split(") ").at(-1)?.split(" ");
  const lock = join(directory, LOCK_NAME);
  rmSync(lock);
  symlinkSync(`${process.ppid}-${fields?.[19]}`, lock);
  expect(withLock(directory, () => "done")).toEqual({ kind: "held" });
});

test("a file that another build removes while this one looks at it is no error", () => {
  const file = {
    path: "alpha/etc/x",
    content: [Buffer.from("x\n")],
    mode: 0o644,
    owner: "root",
    group: "root",
    after: [],
  };
  const options = { directory: join(directory, "out"), hosts: undefined, force: false };
  writeTree({ name: "before", files: [file], units: { alpha: [] } }, options);
  interrupt = (path) => {
    if (path.endsWith(file.path)) rmSync(path);
  };
  expect(planTree({ name: "after", files: [], units: {} }, options)).toMatchObject({ kind: "plan", edited: [] });
});
