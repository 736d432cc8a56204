/** The kernel and what it starts from, made once and kept in the user's cache directory. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { basename, dirname, isAbsolute, join } from "node:path";
import { env } from "node:process";
import { must } from "../../base/invariant.ts";
import { EARLY_MODULES, INIT, START } from "./kernel-guest.ts";

/** What a virtual machine boots. */
export interface KernelImage {
  /** As `uname -r` will say it. */
  readonly release: string;
  readonly kernel: string;
  readonly initramfs: string;
  /** A directory with the release's modules, to stand in the place of /lib/modules. */
  readonly modules: string;
}

/** How an image is made: it can be given up, and tells what takes long. */
export interface Making {
  readonly signal: AbortSignal;
  readonly onPhase: (phase: string) => void;
}

/** The package that always depends on Debian's newest kernel. */
const META_PACKAGE = "linux-image-amd64";
const MAX_OUTPUT_BYTES = 1 << 24;

const fault = (message: string): Error => Object.assign(new Error(message), { code: "ENETGEN" });

/** Runs a program to its end. @throws Error with what it printed when it fails. */
function run(signal: AbortSignal, directory: string, command: string, ...args: readonly string[]): Promise<string> {
  const options = {
    cwd: directory,
    signal,
    encoding: "utf8",
    maxBuffer: MAX_OUTPUT_BYTES,
    env: { ...env, LC_ALL: "C" },
  } as const;
  return new Promise((resolve, reject) => {
    const child = execFile(command, [...args], options, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else if (signal.aborted) reject(error);
      else reject(fault(`${[command, ...args].join(" ")} failed:\n${`${stdout}${stderr}`.trim()}`));
    });
    child.stdin?.end();
  });
}

/** Where netgen keeps what can be made again (XDG base directory specification: a relative path is to be ignored). */
function cacheDirectory(): string {
  const { XDG_CACHE_HOME: cache = "" } = env;
  return join(isAbsolute(cache) ? cache : join(homedir(), ".cache"), "netgen");
}

/** Name of the package with the newest kernel that apt knows of. */
async function kernelPackage(signal: AbortSignal): Promise<string> {
  const output = await run(signal, "/", "apt-cache", "depends", META_PACKAGE).catch((error) => {
    if (signal.aborted) throw error;
    return "";
  });
  const name = /^ *\|?Depends: (linux-image-\S+)$/m.exec(output)?.[1];
  if (name !== undefined) return name;
  throw fault(
    `apt knows of no package ${META_PACKAGE}, from which --kernel debian takes its kernel; ` +
      "it comes from Debian's own package sources: apt-get update",
  );
}

// Drivers of hardware that the virtual machine does not have: two thirds of all modules.
const HARDWARE = /^kernel\/(sound|drivers\/(?!char$|net$|virtio$)[^/]+|drivers\/net\/(ethernet|wireless))$/;

function dropHardware(modules: string): void {
  for (const parent of ["kernel", "kernel/drivers", "kernel/drivers/net"]) {
    for (const name of readdirSync(join(modules, parent))) {
      if (HARDWARE.test(`${parent}/${name}`)) rmSync(join(modules, parent, name), { recursive: true });
    }
  }
}

async function unpackKernel(directory: string, name: string, { signal, onPhase }: Making): Promise<void> {
  onPhase(`fetching ${name}`);
  await run(signal, directory, "apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", name);
  const archive = must(readdirSync(directory)[0], "apt-get has put a package here");
  onPhase(`unpacking ${name}`);
  await run(signal, directory, "dpkg-deb", "-x", archive, ".");
  rmSync(join(directory, archive));
  // Debian 13 has them there.
  if (!existsSync(join(directory, "lib"))) symlinkSync("usr/lib", join(directory, "lib"));
  const release = releaseOf(name);
  dropHardware(join(directory, "lib/modules", release));
  await run(signal, directory, "depmod", "-b", directory, release);
}

const releaseOf = (name: string): string => name.slice("linux-image-".length);

/** Where netgen keeps a thing until it is whole; older than this, whoever was making it has been killed. */
const ABANDONED_MS = 24 * 60 * 60 * 1000;

function sweep(cache: string): void {
  for (const name of readdirSync(cache).filter((each) => each.includes(PART))) {
    const path = join(cache, name);
    const age = Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Number.POSITIVE_INFINITY);
    if (age > ABANDONED_MS) rmSync(path, { recursive: true, force: true });
  }
}

const PART = ".part-";
const INITRAMFS = "-initramfs-";
/** Whoever has just made one may not have booted it yet. */
const FRESH_MS = 10 * 60 * 1000;

/** Each version of netgen, and of busybox, has its own: those of others are made again in a second. */
function clearInitramfses(cache: string, own: string): void {
  for (const name of readdirSync(cache).filter((each) => each.includes(INITRAMFS))) {
    const path = join(cache, name);
    const age = Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (path !== own && age > FRESH_MS) rmSync(path, { recursive: true, force: true });
  }
}

/** Makes a directory that is there whole or not at all; of two who make it at once, the first has made it. */
async function makeOnce(target: string, make: (directory: string) => Promise<void>): Promise<void> {
  if (existsSync(target)) return;
  const part = mkdtempSync(`${target}${PART}`);
  try {
    await make(part);
    renameSync(part, target);
  } catch (error) {
    const isThere = ["ENOTEMPTY", "EEXIST"].includes((error as NodeJS.ErrnoException).code ?? "");
    if (!isThere) throw error;
  } finally {
    rmSync(part, { recursive: true, force: true });
  }
}

/** Paths of the modules that are loaded before there is a disk, in the order in which they have to be. */
async function earlyModules(directory: string, release: string, signal: AbortSignal): Promise<readonly string[]> {
  const command = ["modprobe", "-d", directory, "-S", release, "--show-depends"] as const;
  const outputs: string[] = [];
  for (const name of EARLY_MODULES) outputs.push(await run(signal, directory, ...command, name));
  // What is built in has a line of another kind.
  return [...new Set([...outputs.join("").matchAll(/^insmod (\S+)/gm)].map(([, path]) => path ?? ""))];
}

const BUSYBOX = "/bin/busybox";

/** What a program names that is not whole by itself. */
const LOADER = "/lib64/ld-linux-x86-64.so.2";

async function makeInitramfs(image: KernelImage, directory: string, signal: AbortSignal): Promise<void> {
  if (readFileSync(BUSYBOX).includes(LOADER)) {
    throw fault(`${BUSYBOX} needs shared libraries, which are not there at first: apt-get install busybox-static`);
  }
  const root = join(directory, "root");
  mkdirSync(join(root, "bin"), { recursive: true });
  mkdirSync(join(root, "modules"));
  copyFileSync(BUSYBOX, join(root, "bin/busybox"));
  writeFileSync(join(root, "init"), INIT, { mode: 0o755 });
  writeFileSync(join(root, "start"), START);
  const modules = await earlyModules(dirname(dirname(image.modules)), image.release, signal);
  for (const path of modules) copyFileSync(path, join(root, "modules", basename(path)));
  writeFileSync(join(root, "modules/order"), modules.map((path) => `${basename(path)}\n`).join(""));
  await run(signal, root, "sh", "-c", "find . | cpio --quiet -o -H newc > ../initramfs");
  rmSync(root, { recursive: true });
}

/** Name of the initramfs of a recipe: with another recipe, it is another. */
function recipeName(): string {
  const hash = createHash("sha256");
  for (const part of [INIT, START, EARLY_MODULES.join(" "), readFileSync(BUSYBOX)]) hash.update(part);
  return `${INITRAMFS}${hash.digest("hex").slice(0, 16)}`;
}

/**
 * The newest kernel that Debian has, with an initramfs to start it from; fetched and made where it is not in the cache.
 *
 * @throws Error with the code `ENETGEN` when the machine's apt does not give one.
 */
export async function debianKernel(making: Making): Promise<KernelImage> {
  const cache = cacheDirectory();
  mkdirSync(cache, { recursive: true });
  sweep(cache);
  const name = await kernelPackage(making.signal);
  const release = releaseOf(name);
  const directory = join(cache, `kernel-${release}`);
  await makeOnce(directory, (part) => unpackKernel(part, name, making));
  const recipe = join(cache, `kernel-${release}${recipeName()}`);
  const image = {
    release,
    kernel: join(directory, `boot/vmlinuz-${release}`),
    initramfs: join(recipe, "initramfs"),
    modules: join(directory, "lib/modules"),
  };
  if (!existsSync(recipe)) clearInitramfses(cache, recipe);
  await makeOnce(recipe, (part) => makeInitramfs(image, part, making.signal));
  return image;
}
