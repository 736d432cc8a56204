/** Places of a test's own on the disk, and how they are looked at. */
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach } from "vitest";

/** Gives each test a new directory, gone after it. */
export function eachInNewDirectory(begin: (path: string) => void | Promise<void>): void {
  beforeEach(async () => {
    const path = mkdtempSync(join(tmpdir(), "netgen-"));
    await begin(path);
    return () => rmSync(path, { recursive: true, force: true });
  });
}

/** The permission bits of a file as `chmod` is told them. */
export const modeOf = (path: string): string => (statSync(path).mode & 0o7777).toString(8);
