/**
 * The package as a user has it: packed, and installed from the archive into an empty project. Its dependencies are packed
 * from the checkout's node_modules at the versions of the lockfile, so that nothing is fetched and no cache is needed.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { buildPackage, ROOT } from "./built-package.ts";

interface LockedPackage {
  readonly version: string;
  readonly dev?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly bin?: Readonly<Record<string, string>>;
  readonly integrity?: string;
}

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

/** The dependencies of the lockfile that a user gets, by their place; what is for other machines is not there. */
function lockedDependencies(): readonly (readonly [string, LockedPackage])[] {
  const { packages } = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8")) as {
    readonly packages: Readonly<Record<string, LockedPackage>>;
  };
  return Object.entries(packages).filter(([path, { dev }]) => path !== "" && !dev && existsSync(join(ROOT, path)));
}

/** Compiles, packs and installs. Takes some ten seconds. */
export function installPackage(): InstalledPackage {
  const built = buildPackage();
  const project = mkdtempSync(join(tmpdir(), "netgen-user-"));
  mkdirSync(join(project, "archives"));
  const locked = lockedDependencies();
  // Without scripts: `prepare` would compile once more, in a place without sources.
  const args = ["pack", "--json", "--ignore-scripts", "--pack-destination", "archives"];
  const places = [built.directory, ...locked.map(([path]) => join(ROOT, path))];
  const archives = JSON.parse(npm(project, ...args, ...places)) as readonly Archive[];
  const manifest = JSON.parse(readFileSync(join(built.directory, "package.json"), "utf8")) as LockedPackage;
  built.remove();

  const [own, ...others] = archives.map(({ filename }) => `file:archives/${filename}`);
  const user = { name: "user", version: "1.0.0", private: true, type: "module", dependencies: { netgen: own } };
  const { version, dependencies, bin } = manifest;
  const packages = Object.fromEntries([
    ["", user],
    ["node_modules/netgen", { version, dependencies, bin, resolved: own }],
    ...locked.map(([path, { integrity: _, ...entry }], index) => [path, { ...entry, resolved: others[index] }]),
  ]);
  writeFileSync(join(project, "package.json"), JSON.stringify(user));
  writeFileSync(join(project, "package-lock.json"), JSON.stringify({ ...user, lockfileVersion: 3, packages }));
  npm(project, "install", "--no-audit", "--no-fund");
  return {
    archive: archives[0] as Archive,
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
    for (const [, target] of text.matchAll(/(?:\bfrom |\bimport\(|^import )"(\.[^"]+)"/gm)) {
      visit(join(dirname(path), toFile(target as string)));
    }
  };
  visit(start);
  return found;
}
