/** The package as a user has it: packed, and installed from the archive into an empty project. Nothing is fetched. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { typedPackage } from "./built-package.ts";

/** What `npm pack` says of an archive. */
export interface Archive {
  readonly filename: string;
  readonly version: string;
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string; readonly size: number; readonly mode: number }[];
}

export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface InstalledPackage {
  readonly archive: Archive;
  /** The user's project. */
  readonly project: string;
  /** The package in the project. */
  readonly directory: string;
  /** Runs a program in the project; none that asks the network gets an answer. */
  readonly run: (program: string, ...args: readonly string[]) => Ended;
  readonly remove: () => void;
}

const NPM_SETTINGS = { npm_config_offline: "true", npm_config_update_notifier: "false", npm_config_loglevel: "error" };

function runIn(cwd: string, program: string, args: readonly string[]): Ended {
  const env = { ...process.env, ...NPM_SETTINGS, npm_config_cache: join(cwd, ".cache"), NODE_PATH: "" };
  const { status, stdout, stderr, error } = spawnSync(program, args, { cwd, env, encoding: "utf8", timeout: 120_000 });
  return { status, stdout: stdout ?? "", stderr: `${stderr ?? ""}${error?.message ?? ""}` };
}

function npm(cwd: string, ...args: readonly string[]): string {
  const { status, stdout, stderr } = runIn(cwd, "npm", args);
  if (status !== 0) throw new Error(`npm ${args[0]}: status ${status}\n${stdout}${stderr}`);
  return stdout;
}

/** Compiles, packs and installs. Takes some ten seconds. */
export function installPackage(): InstalledPackage {
  const built = typedPackage();
  const project = mkdtempSync(join(tmpdir(), "netgen-user-"));
  mkdirSync(join(project, "archives"));
  // Without scripts: `prepare` would compile once more, in a place without sources.
  const args = ["pack", "--json", "--ignore-scripts", "--pack-destination", "archives"];
  const [archive] = JSON.parse(npm(project, ...args, built)) as readonly [Archive];
  const dependencies = { netgen: `file:archives/${archive.filename}` };
  const user = { name: "user", version: "1.0.0", private: true, type: "module", dependencies };
  writeFileSync(join(project, "package.json"), JSON.stringify(user));
  npm(project, "install", "--no-audit", "--no-fund");
  return {
    archive,
    project,
    directory: join(project, "node_modules/netgen"),
    run: (program, ...programArgs) => runIn(project, program, programArgs),
    remove: () => rmSync(project, { recursive: true, force: true }),
  };
}

/** The files of the package that one leads to by its imports, itself included; `toFile` says what a target is called. */
export function reachableFrom(
  directory: string,
  start: string,
  toFile = (target: string) => target,
): ReadonlySet<string> {
  const found = new Set<string>();
  const visit = (path: string): void => {
    if (found.has(path)) return;
    found.add(path);
    const text = readFileSync(join(directory, path), "utf8");
    for (const [, target] of text.matchAll(/(?:\bfrom ?|\bimport\(|(?:^|;)import ?)["`](\.[^"`]+)["`]/gm)) {
      visit(join(dirname(path), toFile(target as string)));
    }
  };
  visit(start);
  return found;
}
