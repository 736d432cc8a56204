/**
 * The package as it is published, compiled from the sources as they are now and put beside the checkout's packages, so
 * that no test of it depends on a dist/ of another day.
 */
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("..", import.meta.url));
/** For the hook that builds: the compiler takes a few seconds, and many on a busy machine. */
export const BUILD_TIMEOUT_MS = 180_000;
const CACHE = join(ROOT, "node_modules/.cache");
const COPIED = ["package.json", "schemas", "docs", "README.md", "CHANGELOG.md", "LICENSE"];

export interface BuiltPackage {
  readonly directory: string;
  /** The script that `netgen` runs. */
  readonly cli: string;
  readonly remove: () => void;
}

/** Compiles the sources; types are checked elsewhere. */
export function buildPackage(): BuiltPackage {
  mkdirSync(CACHE, { recursive: true });
  const directory = mkdtempSync(join(CACHE, "netgen-test-"));
  for (const name of COPIED.filter((each) => existsSync(join(ROOT, each)))) {
    cpSync(join(ROOT, name), join(directory, name), { recursive: true });
  }
  const compiler = join(ROOT, "node_modules/typescript/bin/tsc");
  const args = [compiler, "-p", join(ROOT, "tsconfig.json"), "--noCheck", "--outDir", join(directory, "dist")];
  const { status, stdout } = spawnSync(process.execPath, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`the sources do not compile:\n${stdout}`);
  return {
    directory,
    cli: join(directory, "dist/cli.js"),
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}
