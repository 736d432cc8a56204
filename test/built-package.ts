/**
 * The package as it is published, compiled from the sources as they are now and put beside the checkout's packages, so
 * that no test of it depends on a dist/ of another day. It is built once for a whole run of tests.
 */
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { inject } from "vitest";
import "./config/package.ts";

export const ROOT = fileURLToPath(new URL("..", import.meta.url));
/** For a hook that may have to build: the compiler takes a few seconds, and many on a busy machine. */
export const BUILD_TIMEOUT_MS = 180_000;
const COPIED = ["package.json", "schemas", "docs", "README.md", "CHANGELOG.md", "LICENSE"];

function runNode(...args: readonly string[]): void {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`the sources do not compile:\n${stdout}${stderr}`);
}

/** Bundles the sources and declares their types, which are checked elsewhere. */
function build(directory: string): void {
  for (const name of COPIED.filter((each) => existsSync(join(ROOT, each)))) {
    cpSync(join(ROOT, name), join(directory, name), { recursive: true });
  }
  const dist = join(directory, "dist");
  const compiler = join(ROOT, "node_modules/typescript/bin/tsc");
  runNode(compiler, "-p", join(ROOT, "tsconfig.json"), "--noCheck", "--emitDeclarationOnly", "--outDir", dist);
  runNode(join(ROOT, "scripts/bundle.mjs"), dist);
}

/** The directory of the package. Tests may read it, and must leave it as it is. */
export function builtPackage(): string {
  const packages = inject("packages");
  const directory = join(packages, "netgen");
  if (existsSync(directory)) return directory;
  const part = mkdtempSync(join(packages, "part-"));
  build(part);
  try {
    renameSync(part, directory);
  } catch {
    // Another file's tests were quicker.
    rmSync(part, { recursive: true });
  }
  return directory;
}
