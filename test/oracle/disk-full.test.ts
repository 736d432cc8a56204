/** A disk that fills up, and one that is read-only, as the kernel has them: an error that says so, and nothing torn. */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { parseManifest } from "../../src/write/manifest.ts";
import { runNetgen } from "../netgen.ts";
import { testPublicKey } from "../test-keys.ts";
import { isEquipped } from "./nft-helpers.ts";

/** Linux on every machine that Debian has an installer for; tmpfs gives room in pages. */
const PAGE_BYTES = 4096;
const ADVICE = "the disk is full; make room and run the same command again";

let home: string;
/** The small disk, mounted at `disk` below home. */
let disk: string;

function must(command: string, ...args: readonly string[]): void {
  const { status, stderr } = spawnSync(command, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")}: ${stderr}`);
}

const netgen = (...args: readonly string[]) => runNetgen(home, args, { timeout: 100_000 });

/** Leaves this many pages free on the small disk. */
function leaveFree(pages: number): void {
  const ballast = join(disk, "ballast");
  rmSync(ballast, { force: true });
  const { bavail, bsize } = statfsSync(disk);
  writeFileSync(ballast, Buffer.alloc(Math.max(0, bavail * bsize - pages * PAGE_BYTES)));
  expect(statfsSync(disk).bavail * bsize).toBe(pages * PAGE_BYTES);
}

const makeRoom = (): void => rmSync(join(disk, "ballast"));

type Files = ReadonlyMap<string, string>;

function filesOf(directory: string): Files {
  const paths = readdirSync(directory, { recursive: true, encoding: "utf8" }).sort();
  const files = paths.filter((path) => !lstatSync(join(directory, path)).isDirectory());
  return new Map(files.map((path) => [path, readFileSync(join(directory, path), "latin1")]));
}

function topology(name: string, ids: readonly number[], more = ""): void {
  const hosts = ids.map(
    (id) => `  host${id}: {id: ${id}, endpoint: 198.51.100.${id}, publicKey: "${testPublicKey(`host${id}`)}"}\n`,
  );
  const text = `netgen: 1\nname: ${name}\nwireguard: {addresses: [10.250.0.0/16]${more}}\nhosts:\n${hosts.join("")}`;
  writeFileSync(join(home, `${name}.yaml`), text);
}

const range = (from: number, to: number): readonly number[] =>
  Array.from({ length: to - from }, (_, index) => from + index);

/** Of a key directory: no torn key, no other file, and what was there before still is. */
function expectWhole(files: Files, kept: Files): void {
  for (const [path, text] of kept) expect(files.get(path), path).toBe(text);
  for (const [path, text] of files) {
    expect(path).toMatch(/^(host\d\.(key|pub)|psk\/host\d--host\d\.psk|\.gitignore)$/);
    if (path !== ".gitignore") expect(text, path).toMatch(/^[A-Za-z0-9+/]{43}=\n$/);
  }
}

describe.skipIf(!isEquipped("mount", "umount"))("a small disk", () => {
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), "netgen-disk-"));
    disk = join(home, "disk");
    mkdirSync(disk);
    must("mount", "-t", "tmpfs", "-o", "size=8m,mode=0755", "tmpfs", disk);
    topology("old", range(1, 16));
    topology("new", range(8, 24), ", listenPort: 4500");
    return () => {
      must("umount", "--recursive", disk);
      rmSync(home, { recursive: true, force: true });
    };
  });

  test("a build that fills it: every file is the old one or the new one, and the next build completes it", () => {
    const fresh = ["old", "new"].map((name) => {
      expect(netgen("build", `${name}.yaml`, "-o", name).status).toBe(0);
      return filesOf(join(home, name));
    });
    const [old, wanted] = fresh as [Files, Files];
    const out = join(disk, "out");
    let halfway = 0;
    for (const pages of [0, 1, 8, 20, 40, 60, 80]) {
      expect(netgen("build", "old.yaml", "-o", "disk/out").status).toBe(0);
      leaveFree(pages);
      const { status, stdout, stderr } = netgen("build", "new.yaml", "-o", "disk/out");
      expect([status, stdout], `${pages} pages: ${stderr}`).toEqual([2, ""]);
      const [first, second] = stderr.split("\n");
      expect(first).toMatch(/^netgen: disk\/out\/[\w./@-]+: /);
      expect(first?.endsWith(ADVICE)).toBe(true);
      expect(second).toBe("Each file in disk/out is whole, the old one or the new one; a build completes them.");

      const files = filesOf(out);
      const listed = parseManifest(files.get("manifest.json") ?? "")?.files.map(({ path }) => path) ?? [];
      for (const [path, text] of files) {
        if (path === "manifest.json") continue;
        expect(listed).toContain(path);
        expect([old.get(path), wanted.get(path)], path).toContain(text);
      }
      if ([...files].some(([path, text]) => wanted.get(path) === text && old.get(path) !== text)) halfway += 1;

      makeRoom();
      expect(netgen("build", "new.yaml", "-o", "disk/out")).toMatchObject({ status: 0, stderr: "" });
      expect(filesOf(out)).toEqual(wanted);
    }
    expect(halfway).toBeGreaterThan(2);
  });

  test("no room for another name: the same", () => {
    must("mount", "-o", "remount,nr_inodes=4", disk);
    while (statfsSync(disk).ffree > 0) writeFileSync(join(disk, `name${statfsSync(disk).ffree}`), "");
    const { status, stderr } = netgen("build", "old.yaml", "-o", "disk/out");
    expect([status, stderr.split("\n")[0]]).toEqual([2, `netgen: disk/out: ${ADVICE}`]);
    expect(existsSync(join(disk, "out"))).toBe(false);
  });

  test("keys generate: a key is there whole or not at all, none is lost, and the next one makes the others", () => {
    const hosts = range(1, 9).map((id) => `  host${id}: {id: ${id}, endpoint: 198.51.100.${id}}\n`);
    const head = "netgen: 1\nname: keyless\nwireguard: {addresses: [10.250.0.0/24], presharedKeys: true}\nhosts:\n";
    writeFileSync(join(disk, "keyless.yaml"), `${head}${hosts.join("")}`);
    let kept: Files = new Map();
    for (const pages of [0, 1, 5, 12]) {
      leaveFree(pages);
      const { status, stderr } = netgen("keys", "generate", "disk/keyless.yaml");
      expect(status, `${pages} pages: ${stderr}`).toBe(2);
      expect(stderr).toMatch(
        /^netgen: disk\/keys[\w./-]*: the disk is full; make room and run the same command again\n/,
      );
      const files = existsSync(join(disk, "keys")) ? filesOf(join(disk, "keys")) : new Map<string, string>();
      expectWhole(files, kept);
      kept = files;
    }
    makeRoom();
    expect(netgen("keys", "generate", "disk/keyless.yaml")).toMatchObject({ status: 0, stderr: "" });
    const files = filesOf(join(disk, "keys"));
    expect(files.size).toBe(8 + 8 + 28 + 1);
    expectWhole(files, kept);
    expect(netgen("check", "disk/keyless.yaml").status).toBe(0);
  });

  test("init: no half file stands in the way of the next try", () => {
    leaveFree(0);
    const { status, stdout, stderr } = netgen("init", "disk/mine.yaml");
    expect([status, stdout, stderr]).toEqual([2, "", `netgen: disk/mine.yaml: ${ADVICE}\n`]);
    expect(readdirSync(disk)).toEqual(["ballast"]);
    makeRoom();
    expect(netgen("init", "disk/mine.yaml").status).toBe(0);
  });

  test("host add: the topology stays as it is", () => {
    expect(netgen("init", "disk/mine.yaml", "--hosts", "60").status).toBe(0);
    const before = readFileSync(join(disk, "mine.yaml"), "utf8");
    leaveFree(0);
    const added = netgen("host", "add", "gamma", "--topology", "disk/mine.yaml");
    expect(added).toMatchObject({ status: 2, stdout: "" });
    expect(added.stderr).toMatch(
      /^netgen: disk\/[\w./-]+: the disk is full; make room and run the same command again\n/,
    );
    expect(readFileSync(join(disk, "mine.yaml"), "utf8")).toBe(before);
    expect(readdirSync(disk).sort()).toEqual(["ballast", "mine.yaml"]);
    makeRoom();
    expect(netgen("host", "add", "gamma", "--topology", "disk/mine.yaml")).toMatchObject({ status: 0 });
  });

  test("a read-only one: what is complete is no error, a change is, and nothing is written", () => {
    expect(netgen("build", "old.yaml", "-o", "disk/out").status).toBe(0);
    chmodSync(join(disk, "out/host1"), 0o755);
    expect(netgen("init", "mine.yaml").status).toBe(0);
    must("mount", "-o", "remount,ro", disk);
    const before = filesOf(disk);
    expect(netgen("build", "old.yaml", "-o", "disk/out")).toMatchObject({ status: 0, stderr: "" });
    expect(netgen("diff", "new.yaml", "-o", "disk/out").status).toBe(1);
    const refused = "the file system is read-only\n";
    for (const [args, path] of [
      [["build", "new.yaml", "-o", "disk/out"], "disk/out/.netgen-lock"],
      [["build", "new.yaml", "-o", "disk/other"], "disk/other"],
      [["init", "disk/mine.yaml"], "disk/mine.yaml"],
      [["keys", "generate", "mine.yaml", "--keys", "disk/keys"], "disk/keys"],
    ] as const) {
      const { status, stdout, stderr } = netgen(...args);
      expect([status, stdout, stderr]).toEqual([2, "", `netgen: ${path}: ${refused}`]);
    }
    expect(filesOf(disk)).toEqual(before);
  });
});
