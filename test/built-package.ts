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

/** Bundles the sources. */
function bundle(directory: string): void {
  for (const name of COPIED.filter((each) => existsSync(join(ROOT, each)))) {
    cpSync(join(ROOT, name), join(directory, name), { recursive: true });
  }
  runNode(join(ROOT, "scripts/bundle.mjs"), join(directory, "dist"));
}

/** Declares their types as well, which are checked elsewhere. */
function declareTypes(directory: string): void {
  cpSync(builtPackage(), directory, { recursive: true });
  const compiler = join(ROOT, "node_modules/typescript/bin/tsc");
  const dist = join(directory, "dist");
  runNode(compiler, "-p", join(ROOT, "tsconfig.json"), "--noCheck", "--emitDeclarationOnly", "--outDir", dist);
}

/** Where a directory of this name is, made by the first who asks for it. */
function once(name: string, make: (directory: string) => void): string {
  const packages = inject("packages");
  const directory = join(packages, name);
  if (existsSync(directory)) return directory;
  const part = mkdtempSync(join(packages, "part-"));
  make(part);
  try {
    renameSync(part, directory);
  } catch {
    // Another file's tests were quicker.
    rmSync(part, { recursive: true });
  }
  return directory;
}

/**
 * The directory of the package but for its types: those take the compiler three times as long as all the rest, and no program
 * asks for them. Tests may read it, and must leave it as it is.
 */
export const builtPackage = (): string => once("netgen", bundle);

/** The whole package, with its types. */
export const typedPackage = (): string => once("typed", declareTypes);
