/** What a build may do to a tree on disk, and above all what it may not. */
import { spawnSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { OutputFile } from "../src/emit/file.ts";
import { isTreePath, parseManifest } from "../src/write/manifest.ts";
import type { Tree, WriteOptions } from "../src/write/plan.ts";
import { type WriteResult, type Written, writeTree } from "../src/write/write.ts";

const ALPHA = "alpha/etc/wireguard/wg0.conf";
const ALPHA_FRR = "alpha/etc/frr/frr.conf";
const BETA = "beta/etc/wireguard/wg0.conf";

let sandbox: string;
/** The tree's directory, not made yet. */
let out: string;

beforeEach(() => {
  sandbox = mkdtempSync(join(tmpdir(), "netgen-write-"));
  out = join(sandbox, "out");
});

afterEach(() => {
  rmSync(sandbox, { recursive: true, force: true });
});

const AFTER = ["systemctl reload frr.service", "networkctl reload"];

function file(path: string, text: string, mode = 0o600): OutputFile {
  // In several chunks, as the emitters give it.
  const content = [...(text.match(/[\s\S]{1,4}/g) ?? [])].map((chunk) => new TextEncoder().encode(chunk));
  return { path, mode, owner: "root", group: "root", after: AFTER, content };
}

function treeOf(files: readonly OutputFile[], name = "test"): Tree {
  const hosts = [...new Set(files.map(({ path }) => path.split("/")[0] as string))];
  const units = Object.fromEntries(hosts.map((host) => [host, [`wg-quick@${host}.service`]]));
  return { name, files, units };
}

const standard = (): Tree =>
  treeOf([
    file(ALPHA_FRR, "hostname alpha\n", 0o640),
    file(ALPHA, "[Interface] # alpha\n"),
    file(BETA, "[Interface]\n"),
  ]);

function write(tree: Tree, options: Partial<WriteOptions> = {}): WriteResult {
  return writeTree(tree, { directory: out, hosts: undefined, force: false, ...options });
}

function written(tree: Tree, options: Partial<WriteOptions> = {}): Written {
  const result = write(tree, options);
  if (result.kind === "refused") throw new Error(`${result.reason}: ${result.paths.join(" ")}`);
  return result;
}

interface Entry {
  readonly path: string;
  readonly mode: string;
  readonly mtimeNs: bigint;
  readonly inode: bigint;
  readonly text: string | undefined;
}

/** Everything below a directory, itself included: nothing can change unseen. */
function snapshot(directory: string): readonly Entry[] {
  if (!existsSync(directory)) return [];
  const paths = readdirSync(directory, { recursive: true, encoding: "utf8" }).sort();
  return ["", ...paths].map((path) => {
    const { mode, mtimeNs, ino, ...stats } = lstatSync(join(directory, path), { bigint: true });
    const isFile = (mode & 0o170000n) === 0o100000n;
    expect(stats.nlink).toBeGreaterThan(0n);
    const text = isFile ? readFileSync(join(directory, path), "utf8") : undefined;
    return { path, mode: mode.toString(8), mtimeNs, inode: ino, text };
  });
}

const contentAndMode = (entries: readonly Entry[]) => entries.map(({ path, mode, text }) => ({ path, mode, text }));
const read = (path: string): string => readFileSync(join(out, path), "utf8");
const modeOf = (path: string): string => (statSync(join(out, path)).mode & 0o7777).toString(8);

/** A file of the user's in the tree. */
function put(path: string, text: string): void {
  mkdirSync(join(out, path, ".."), { recursive: true });
  writeFileSync(join(out, path), text);
}

describe("a first build", () => {
  test("writes every file with its mode, and a manifest, and leaves nothing else", () => {
    expect(written(standard())).toEqual({
      kind: "written",
      created: [ALPHA_FRR, ALPHA, BETA],
      changed: [],
      edited: [],
      removed: [],
      unchanged: 0,
    });
    expect(read(ALPHA)).toBe("[Interface] # alpha\n");
    expect([modeOf(ALPHA), modeOf(ALPHA_FRR), modeOf("manifest.json")]).toEqual(["600", "640", "644"]);
    expect(readdirSync(out).sort()).toEqual(["alpha", "beta", "manifest.json"]);
  });

  test("makes directories above the tree", () => {
    const directory = join(sandbox, "a/b/out");
    expect(written(standard(), { directory }).created).toHaveLength(3);
    expect(existsSync(join(directory, BETA))).toBe(true);
  });

  test("gives a manifest that lists path, mode, owner, group and SHA-256 of each file, and the units of each host", () => {
    written(standard());
    const manifest = JSON.parse(read("manifest.json"));
    expect(manifest).toEqual({
      netgenManifest: 1,
      name: "test",
      hosts: { alpha: { enable: ["wg-quick@alpha.service"] }, beta: { enable: ["wg-quick@beta.service"] } },
      files: [
        // sha256sum of the three texts above.
        {
          path: ALPHA_FRR,
          mode: "0640",
          owner: "root",
          group: "root",
          sha256: spawnSync("sha256sum", { input: "hostname alpha\n", encoding: "utf8" }).stdout.slice(0, 64),
          after: AFTER,
        },
        {
          path: ALPHA,
          mode: "0600",
          owner: "root",
          group: "root",
          sha256: spawnSync("sha256sum", { input: "[Interface] # alpha\n", encoding: "utf8" }).stdout.slice(0, 64),
          after: AFTER,
        },
        {
          path: BETA,
          mode: "0600",
          owner: "root",
          group: "root",
          sha256: spawnSync("sha256sum", { input: "[Interface]\n", encoding: "utf8" }).stdout.slice(0, 64),
          after: AFTER,
        },
      ],
    });
    // To be read by people too, and with `git diff`.
    expect(read("manifest.json").split("\n").slice(0, 4)).toEqual([
      "{",
      '  "netgenManifest": 1,',
      '  "name": "test",',
      '  "hosts": {',
    ]);
    expect(read("manifest.json").endsWith("}\n")).toBe(true);
  });

  test("gives a manifest whose bytes do not depend on the order of files and hosts", () => {
    const { files, units } = standard();
    written(standard());
    const first = read("manifest.json");
    const reversed = Object.fromEntries(Object.entries(units).reverse());
    written({ name: "test", files: [...files].reverse(), units: reversed }, { directory: join(sandbox, "other") });
    expect(readFileSync(join(sandbox, "other/manifest.json"), "utf8")).toBe(first);
  });

  test.each([0o077, 0o000, 0o022])("gives the same modes under umask %o", (umask) => {
    const before = process.umask(umask);
    try {
      written(standard());
    } finally {
      process.umask(before);
    }
    expect(["", "alpha", "alpha/etc", "alpha/etc/wireguard"].map(modeOf)).toEqual(["755", "755", "755", "755"]);
    expect([modeOf(ALPHA), modeOf(ALPHA_FRR), modeOf("manifest.json")]).toEqual(["600", "640", "644"]);
  });

  test("leaves the mode of a directory that exists", () => {
    mkdirSync(join(out, "alpha/etc"), { recursive: true });
    chmodSync(join(out, "alpha/etc"), 0o700);
    chmodSync(out, 0o750);
    written(standard());
    expect([modeOf(""), modeOf("alpha/etc"), modeOf("alpha/etc/frr")]).toEqual(["750", "700", "755"]);
  });
});

describe("a second build", () => {
  test("of the same touches nothing, not even a directory's time", () => {
    written(standard());
    const before = snapshot(out);
    expect(written(standard())).toEqual({
      kind: "written",
      created: [],
      changed: [],
      edited: [],
      removed: [],
      unchanged: 3,
    });
    expect(snapshot(out)).toEqual(before);
  });

  test("writes a changed file and no other", () => {
    written(standard());
    const before = snapshot(out);
    const tree = treeOf([
      file(ALPHA_FRR, "hostname alpha\n", 0o640),
      file(ALPHA, "new\n"),
      file(BETA, "[Interface]\n"),
    ]);
    expect(written(tree)).toMatchObject({ changed: [ALPHA], edited: [], created: [], removed: [], unchanged: 2 });
    const touched = snapshot(out).filter(({ path, inode }) => before.find((old) => old.path === path)?.inode !== inode);
    expect(touched.map(({ path }) => path)).toEqual([ALPHA, "manifest.json"]);
    expect(read(ALPHA)).toBe("new\n");
  });

  test("removes a file that is no longer made, and the directories that it leaves empty", () => {
    written(standard());
    put("alpha/notes.txt", "mine");
    expect(written(treeOf([file(BETA, "[Interface]\n")])).removed).toEqual([ALPHA_FRR, ALPHA]);
    expect(readdirSync(join(out, "alpha"))).toEqual(["notes.txt"]);
    expect(JSON.parse(read("manifest.json")).files.map((each: { path: string }) => each.path)).toEqual([BETA]);
    expect(Object.keys(JSON.parse(read("manifest.json")).hosts)).toEqual(["beta"]);
  });

  test("never removes a file that it did not write, also in a directory of its own", () => {
    written(standard());
    put("alpha/etc/wireguard/wg1.conf", "mine");
    written(treeOf([]));
    expect(readdirSync(out, { recursive: true, encoding: "utf8" }).sort()).toEqual([
      "alpha",
      "alpha/etc",
      "alpha/etc/wireguard",
      "alpha/etc/wireguard/wg1.conf",
      "manifest.json",
    ]);
  });

  test("forgets a file that is gone by itself, and does not say that it removed it", () => {
    written(standard());
    rmSync(join(out, BETA));
    const { files } = standard();
    expect(written(treeOf(files.filter(({ path }) => path !== BETA))).removed).toEqual([]);
    expect(read("manifest.json")).not.toContain("beta");
  });

  test("leaves a directory that stands where a file is no longer made", () => {
    written(standard());
    rmSync(join(out, BETA));
    put(`${BETA}/mine`, "mine");
    const { files } = standard();
    expect(written(treeOf(files.filter(({ path }) => path !== BETA))).removed).toEqual([]);
    expect(read(`${BETA}/mine`)).toBe("mine");
  });

  test("replaces a listed file that was edited, and names it", () => {
    written(standard());
    writeFileSync(join(out, ALPHA), "edited by hand\n");
    expect(written(standard())).toMatchObject({ changed: [ALPHA], edited: [ALPHA], unchanged: 2 });
    expect(read(ALPHA)).toBe("[Interface] # alpha\n");
  });

  test("replaces a listed file to which a line was added", () => {
    written(standard());
    appendFileSync(join(out, ALPHA), "# by hand\n");
    expect(written(standard())).toMatchObject({ changed: [ALPHA], edited: [ALPHA], unchanged: 2 });
    expect(read(ALPHA)).toBe("[Interface] # alpha\n");
  });

  test.each([
    ["the first byte", "#Interface] # alpha\n"],
    ["the last word", "[Interface] # gamma\n"],
  ])("replaces a listed file as long as before, in which %s is another", (_, edited) => {
    written(standard());
    writeFileSync(join(out, ALPHA), edited);
    expect(written(standard())).toMatchObject({ changed: [ALPHA], edited: [ALPHA], unchanged: 2 });
    expect(read(ALPHA)).toBe("[Interface] # alpha\n");
  });

  test("removes files that are no longer made although they were edited, and names those alone, in order", () => {
    written(standard());
    writeFileSync(join(out, BETA), "edited by hand\n");
    writeFileSync(join(out, ALPHA), "edited by hand\n");
    const { removed, edited } = written(treeOf([]));
    expect({ removed, edited }).toEqual({ removed: [ALPHA_FRR, ALPHA, BETA], edited: [ALPHA, BETA] });
  });

  test("puts back a listed file that was deleted", () => {
    written(standard());
    rmSync(join(out, ALPHA));
    expect(written(standard())).toMatchObject({ created: [ALPHA], changed: [], unchanged: 2 });
    expect(read(ALPHA)).toBe("[Interface] # alpha\n");
  });

  test("repairs a mode without rewriting the file", () => {
    written(standard());
    chmodSync(join(out, ALPHA), 0o644);
    const before = lstatSync(join(out, ALPHA), { bigint: true });
    expect(written(standard())).toMatchObject({ changed: [], unchanged: 3 });
    const after = lstatSync(join(out, ALPHA), { bigint: true });
    expect([modeOf(ALPHA), after.mtimeNs, after.ino]).toEqual(["600", before.mtimeNs, before.ino]);
  });

  test("has a new mode in the manifest too", () => {
    written(treeOf([file(ALPHA, "same\n", 0o600)]));
    expect(written(treeOf([file(ALPHA, "same\n", 0o640)])).unchanged).toBe(1);
    expect([modeOf(ALPHA), JSON.parse(read("manifest.json")).files[0].mode]).toEqual(["640", "0640"]);
  });
});

describe("files that netgen did not write", () => {
  test("which differ: refused, and nothing at all is written", () => {
    put(ALPHA, "from another tool\n");
    const before = snapshot(sandbox);
    expect(write(standard())).toEqual({
      kind: "refused",
      reason: "was not written by netgen and differs",
      paths: [ALPHA],
      canForce: true,
    });
    expect(snapshot(sandbox)).toEqual(before);
  });

  test("all of them are named", () => {
    put(ALPHA, "one\n");
    put(BETA, "two\n");
    expect(write(standard())).toMatchObject({ kind: "refused", paths: [ALPHA, BETA] });
  });

  test("which are equal: adopted, as they are", () => {
    put(ALPHA, "[Interface] # alpha\n");
    utimesSync(join(out, ALPHA), 1, 1);
    expect(written(standard())).toMatchObject({ created: [ALPHA_FRR, BETA], changed: [], unchanged: 1 });
    expect(statSync(join(out, ALPHA)).mtimeMs).toBe(1000);
    expect(written(treeOf([])).removed).toContain(ALPHA);
  });

  test("all adopted: the manifest is written all the same", () => {
    put(ALPHA, "same\n");
    expect(written(treeOf([file(ALPHA, "same\n")]))).toMatchObject({ created: [], unchanged: 1 });
    expect(read("manifest.json")).toContain(ALPHA);
  });

  test("--force takes them over", () => {
    put(ALPHA, "from another tool\n");
    expect(written(standard(), { force: true })).toMatchObject({ changed: [ALPHA], edited: [] });
    expect(read(ALPHA)).toBe("[Interface] # alpha\n");
    expect(written(standard()).unchanged).toBe(3);
  });

  test("a file that a host of another topology would need is not forced by a manifest of ours for others", () => {
    written(treeOf([file(BETA, "[Interface]\n")]));
    put(ALPHA, "mine\n");
    expect(write(standard())).toMatchObject({ kind: "refused", paths: [ALPHA] });
  });
});

describe("what is no plain file or directory", () => {
  test.each([false, true])("a link at a file's place is refused, and what it leads to stays (force: %s)", (force) => {
    writeFileSync(join(sandbox, "precious"), "precious\n");
    mkdirSync(join(out, "alpha/etc/wireguard"), { recursive: true });
    symlinkSync(join(sandbox, "precious"), join(out, ALPHA));
    const before = snapshot(sandbox);
    expect(write(standard(), { force })).toMatchObject({ kind: "refused", reason: "is no plain file", paths: [ALPHA] });
    expect(snapshot(sandbox)).toEqual(before);
  });

  test("a link to the very bytes is refused as well", () => {
    writeFileSync(join(sandbox, "same"), "[Interface] # alpha\n");
    mkdirSync(join(out, "alpha/etc/wireguard"), { recursive: true });
    symlinkSync(join(sandbox, "same"), join(out, ALPHA));
    expect(write(standard())).toMatchObject({ kind: "refused", paths: [ALPHA], canForce: false });
  });

  test("a dangling link is refused", () => {
    mkdirSync(join(out, "alpha/etc/wireguard"), { recursive: true });
    symlinkSync(join(sandbox, "nowhere"), join(out, ALPHA));
    expect(write(standard())).toMatchObject({ kind: "refused", paths: [ALPHA] });
    expect(existsSync(join(sandbox, "nowhere"))).toBe(false);
  });

  test("a directory at a file's place is refused", () => {
    mkdirSync(join(out, ALPHA), { recursive: true });
    expect(write(standard(), { force: true })).toMatchObject({ kind: "refused", paths: [ALPHA] });
  });

  test("a file at a directory's place is refused", () => {
    put("alpha/etc", "not a directory");
    expect(write(standard(), { force: true })).toMatchObject({
      kind: "refused",
      reason: "is no directory (netgen follows no links)",
      paths: ["alpha/etc"],
    });
  });

  test("several of them are named in order", () => {
    put("beta", "not a directory");
    put("alpha/etc", "not a directory");
    const tree = treeOf([file(BETA, "beta\n"), file(ALPHA, "alpha\n")]);
    expect(write(tree, { force: true })).toMatchObject({ kind: "refused", paths: ["alpha/etc", "beta"] });
  });

  test.each(["alpha", "alpha/etc", "alpha/etc/wireguard"])("a link at the directory %s is refused", (link) => {
    mkdirSync(join(sandbox, "elsewhere"));
    mkdirSync(join(out, link, ".."), { recursive: true });
    symlinkSync(join(sandbox, "elsewhere"), join(out, link));
    const before = snapshot(sandbox);
    expect(write(standard(), { force: true })).toMatchObject({ kind: "refused", paths: [link], canForce: false });
    expect(snapshot(sandbox)).toEqual(before);
  });

  test("a stale file is not removed through a link", () => {
    written(standard());
    renameSync(join(out, "alpha"), join(sandbox, "alpha"));
    symlinkSync(join(sandbox, "alpha"), join(out, "alpha"));
    expect(write(treeOf([file(BETA, "[Interface]\n")]))).toMatchObject({ kind: "refused", paths: ["alpha"] });
    expect(existsSync(join(sandbox, ALPHA))).toBe(true);
  });

  test("a manifest that is a link is refused", () => {
    written(standard());
    renameSync(join(out, "manifest.json"), join(sandbox, "manifest.json"));
    symlinkSync(join(sandbox, "manifest.json"), join(out, "manifest.json"));
    expect(write(standard())).toMatchObject({ kind: "refused", paths: ["manifest.json"], canForce: false });
  });

  test("the tree itself may be reached by a link: the user named it", () => {
    mkdirSync(join(sandbox, "real"));
    symlinkSync(join(sandbox, "real"), out);
    expect(written(standard()).created).toHaveLength(3);
    expect(readdirSync(join(sandbox, "real")).sort()).toEqual(["alpha", "beta", "manifest.json"]);
  });
});

describe("--hosts", () => {
  const changed = (): Tree => treeOf([file(ALPHA, "alpha 2\n"), file(BETA, "beta 2\n")]);

  test("writes and removes only what belongs to the hosts named", () => {
    written(standard());
    expect(written(changed(), { hosts: ["beta"] })).toMatchObject({ changed: [BETA], removed: [], unchanged: 0 });
    expect([read(ALPHA), read(ALPHA_FRR), read(BETA)]).toEqual([
      "[Interface] # alpha\n",
      "hostname alpha\n",
      "beta 2\n",
    ]);
  });

  test("keeps the manifest's entries of the others", () => {
    written(standard());
    const before = JSON.parse(read("manifest.json"));
    written({ ...changed(), units: { alpha: ["other.service"], beta: ["other.service"] } }, { hosts: ["beta"] });
    const after = JSON.parse(read("manifest.json"));
    expect(after.files.slice(0, 2)).toEqual(before.files.slice(0, 2));
    expect(after.files[2].sha256).not.toBe(before.files[2].sha256);
    expect(after.hosts).toEqual({ alpha: before.hosts.alpha, beta: { enable: ["other.service"] } });
  });

  test("forgets a host that is named and no longer there", () => {
    written(standard());
    expect(written(treeOf([file(BETA, "beta 2\n")]), { hosts: ["alpha"] }).removed).toEqual([ALPHA_FRR, ALPHA]);
    expect(Object.keys(JSON.parse(read("manifest.json")).hosts)).toEqual(["beta"]);
    expect(read(BETA)).toBe("[Interface]\n");
  });

  test("one host after the other gives the tree of one build of all", () => {
    written(standard(), { hosts: ["beta"] });
    expect(existsSync(join(out, "alpha"))).toBe(false);
    written(standard(), { hosts: ["alpha"] });
    written(standard(), { directory: join(sandbox, "whole") });
    expect(contentAndMode(snapshot(out))).toEqual(contentAndMode(snapshot(join(sandbox, "whole"))));
  });

  test("is not stopped by a stranger's file of another host", () => {
    put(ALPHA, "mine\n");
    expect(written(standard(), { hosts: ["beta"] }).created).toEqual([BETA]);
    expect(read(ALPHA)).toBe("mine\n");
  });
});

describe("a manifest that somebody changed", () => {
  /** Lists a file more in the manifest of a standard tree. */
  function tamper(path: unknown): void {
    written(standard());
    const manifest = JSON.parse(read("manifest.json"));
    manifest.files.push({ ...manifest.files[0], path });
    writeFileSync(join(out, "manifest.json"), JSON.stringify(manifest));
  }

  test.each([
    "../victim",
    "alpha/../../victim",
    "alpha/../../out/../victim",
    "/VICTIM",
    "alpha//etc",
    "alpha/./x",
    "alpha/etc/",
    "victim",
    "",
    "..",
    "alpha/\0",
  ])("with the path %j removes nothing", (path) => {
    const victim = join(sandbox, "victim");
    writeFileSync(victim, "precious");
    tamper(path.replace("/VICTIM", victim));
    mkdirSync(join(sandbox, "empty"));
    const before = snapshot(sandbox);
    expect(write(treeOf([]))).toMatchObject({ kind: "refused", paths: ["manifest.json"], canForce: true });
    expect(snapshot(sandbox)).toEqual(before);
    written(treeOf([]), { force: true });
    expect(readFileSync(victim, "utf8")).toBe("precious");
    expect(existsSync(join(sandbox, "empty"))).toBe(true);
    // Forced, the old list counts for nothing: its files are strangers now.
    expect(existsSync(join(out, ALPHA))).toBe(true);
  });

  test("so that a path is no text is refused", () => {
    tamper(7);
    expect(write(standard())).toMatchObject({ kind: "refused", paths: ["manifest.json"] });
  });

  test.each([
    "",
    "not JSON",
    "null",
    "[]",
    "{}",
    '{"netgenManifest":2,"name":"x","hosts":{},"files":[]}',
    '{"netgenManifest":1,"name":"x","hosts":null,"files":[]}',
    '{"netgenManifest":1,"name":"x","hosts":{},"files":{}}',
    '{"netgenManifest":1,"name":"x","hosts":{},"files":[null]}',
    '{"netgenManifest":1,"hosts":{},"files":[]}',
  ])("to %j is refused, and replaced with --force", (text) => {
    mkdirSync(out);
    writeFileSync(join(out, "manifest.json"), text);
    expect(write(standard())).toMatchObject({ kind: "refused", paths: ["manifest.json"], canForce: true });
    expect(written(standard(), { force: true }).created).toHaveLength(3);
    expect(parseManifest(read("manifest.json"))?.files).toHaveLength(3);
  });

  test("isTreePath takes paths below a host and no others", () => {
    expect(["alpha/etc", "alpha/..x/y", "a/b/c"].map(isTreePath)).toEqual([true, true, true]);
    expect(["alpha", "/etc", "alpha/", "../x", "a/../b", "a/./b", "a//b", "a/\0"].filter(isTreePath)).toEqual([]);
  });
});

describe("a build that is cut short", () => {
  /** A file that cannot be written: no system takes its mode. */
  const failing = (path: string): OutputFile => file(path, "never written\n", -1);

  test("claims old and new before it writes a file, so that the next build knows both", () => {
    written(standard());
    const gamma = "gamma/etc/wireguard/wg0.conf";
    const next = treeOf([file(ALPHA, "alpha 2\n"), file(gamma, "gamma\n")]);
    expect(() => write({ ...next, files: [...next.files, failing("gamma/etc/last")] })).toThrow(/mode/);
    const listed = JSON.parse(read("manifest.json")).files.map((each: { path: string }) => each.path);
    expect(listed).toEqual(expect.arrayContaining([ALPHA, ALPHA_FRR, BETA, gamma]));
    expect(readdirSync(out).filter((name) => name.startsWith("."))).toEqual([]);
    // Nothing is a stranger, and nothing is taken for an edit.
    expect(written(next)).toMatchObject({ edited: [], removed: [ALPHA_FRR, BETA] });
    expect(
      contentAndMode(snapshot(out))
        .filter(({ text }) => text !== undefined)
        .map(({ path }) => path),
    ).toEqual([ALPHA, gamma, "manifest.json"]);
  });

  test("at any file: the next build ends in the same tree as if nothing had happened", () => {
    const target = treeOf([file(ALPHA, "alpha 2\n"), file("gamma/etc/a", "a\n"), file("gamma/etc/b", "b\n")]);
    written(target, { directory: join(sandbox, "clean") });
    const clean = contentAndMode(snapshot(join(sandbox, "clean")));
    for (const [index] of target.files.entries()) {
      rmSync(out, { recursive: true, force: true });
      written(standard());
      const files = [...target.files.slice(0, index), failing("gamma/etc/z"), ...target.files.slice(index)];
      expect(() => write({ ...target, files })).toThrow(/mode/);
      expect(written(target).edited).toEqual([]);
      expect(contentAndMode(snapshot(out))).toEqual(clean);
    }
  });

  describe("and then another topology", () => {
    const PATHS = [ALPHA_FRR, ALPHA, BETA];
    const of = (text: string): Tree => treeOf(PATHS.map((path) => file(path, `${text}\n`)));
    /** Cut short once so many of the files of the tree are written. */
    const cutShort = (tree: Tree, count: number, options: Partial<WriteOptions> = {}): void => {
      const files = [...tree.files.slice(0, count), failing("alpha/etc/z"), ...tree.files.slice(count)];
      expect(() => write({ ...tree, files }, options)).toThrow(/mode/);
    };

    test.each([0, 1, 2, 3])("nothing that it wrote, %i files, was edited by anybody", (count) => {
      written(of("first"));
      cutShort(of("second"), count);
      expect(written(of("third"))).toMatchObject({ changed: PATHS, edited: [] });
      expect(read("manifest.json")).not.toContain('"before"');
    });

    test("nor was any after two deaths, or one that was to write the same again", () => {
      written(of("first"));
      cutShort(of("second"), 1);
      cutShort(of("third"), 2);
      cutShort(of("first"), 0);
      expect(written(of("fourth"))).toMatchObject({ changed: PATHS, edited: [] });
    });

    test("nor what goes, or what a build of other hosts has left as it was", () => {
      written(of("first"));
      cutShort(of("second"), 1);
      expect(written(of("third"), { hosts: ["beta"] })).toMatchObject({ changed: [BETA], edited: [] });
      expect(written(treeOf([file(BETA, "third\n")]))).toMatchObject({ removed: [ALPHA_FRR, ALPHA], edited: [] });
    });

    test("but what somebody edited meanwhile was", () => {
      written(of("first"));
      cutShort(of("second"), 1);
      writeFileSync(join(out, ALPHA), "mine\n");
      expect(written(of("third")).edited).toEqual([ALPHA]);
    });
  });

  test("leaves a half file that the next build takes away", () => {
    mkdirSync(out);
    writeFileSync(join(out, ".netgen-tmp"), "half a fi");
    written(standard());
    expect(readdirSync(out).sort()).toEqual(["alpha", "beta", "manifest.json"]);
  });

  test("does not write through a link in the place of the temporary file", () => {
    mkdirSync(out);
    writeFileSync(join(sandbox, "precious"), "precious");
    symlinkSync(join(sandbox, "precious"), join(out, ".netgen-tmp"));
    written(standard());
    expect(readFileSync(join(sandbox, "precious"), "utf8")).toBe("precious");
  });
});

describe("two builds at once", () => {
  const lock = (): string => join(out, ".netgen-lock");

  test("the second is refused while the first one runs", () => {
    mkdirSync(out);
    symlinkSync(String(process.ppid), lock());
    const before = snapshot(out);
    expect(write(standard(), { force: true })).toMatchObject({
      kind: "refused",
      paths: [".netgen-lock"],
      canForce: false,
    });
    expect(snapshot(out)).toEqual(before);
  });

  test("what is no lock of ours is not taken away", () => {
    mkdirSync(out);
    writeFileSync(lock(), "mine\n");
    expect(write(standard())).toMatchObject({ kind: "refused", paths: [".netgen-lock"] });
    expect(readFileSync(lock(), "utf8")).toBe("mine\n");
  });

  test("an unchanged tree needs no lock", () => {
    written(standard());
    symlinkSync(String(process.ppid), lock());
    expect(written(standard()).unchanged).toBe(3);
    expect(readlinkSync(lock())).toBe(String(process.ppid));
  });

  test("a tree that is complete is rid of what a build left that was killed just before its end", () => {
    written(standard());
    const before = contentAndMode(snapshot(out));
    symlinkSync(String(spawnSync("true").pid), lock());
    writeFileSync(join(out, ".netgen-tmp"), "half a fi");
    expect(written(standard()).unchanged).toBe(3);
    expect(contentAndMode(snapshot(out))).toEqual(before);
  });

  test("a build that was killed while it took an abandoned lock over is no obstacle either", () => {
    mkdirSync(out);
    const [first, second] = [spawnSync("true").pid, spawnSync("true").pid];
    symlinkSync(String(first), lock());
    symlinkSync(String(second), `${lock()}.${first}`);
    expect(written(standard()).created).toHaveLength(3);
    expect(readdirSync(out).sort()).toEqual(["alpha", "beta", "manifest.json"]);
  });

  test("while another build takes an abandoned lock over, that one has the tree", () => {
    mkdirSync(out);
    const { pid } = spawnSync("true");
    symlinkSync(String(pid), lock());
    symlinkSync(String(process.ppid), `${lock()}.${pid}`);
    const before = snapshot(out);
    expect(write(standard())).toMatchObject({ kind: "refused", paths: [".netgen-lock"] });
    expect(snapshot(out)).toEqual(before);
  });

  /** The tree of three files, before whose files are looked at, and after the manifest was read, something happens. */
  function interrupted(happens: () => void): Tree {
    const { files, ...rest } = standard();
    let isFirst = true;
    return {
      ...rest,
      get files() {
        if (isFirst) happens();
        isFirst = false;
        return files;
      },
    };
  }
  const other = (): Tree => treeOf([file(ALPHA, "[Interface] # another's\n")]);

  test("what another build has just written, start to end, is no stranger's", () => {
    const tree = interrupted(() => written(other()));
    expect(written(tree)).toMatchObject({ created: [ALPHA_FRR, BETA], changed: [ALPHA] });
  });

  test("what another build is just writing is no stranger's: that build is in the way", () => {
    const tree = interrupted(() => {
      written(other());
      symlinkSync(String(process.ppid), lock());
    });
    expect(write(tree)).toMatchObject({ kind: "refused", paths: [".netgen-lock"] });
    expect(read(ALPHA)).toBe("[Interface] # another's\n");
  });

  test("a stranger's file that another build passes by is a stranger's all the same", () => {
    const tree = interrupted(() => {
      written(treeOf([file(BETA, "[Interface] # another's\n")]));
      put(ALPHA, "a stranger's\n");
    });
    expect(write(tree)).toMatchObject({ kind: "refused", paths: [ALPHA], canForce: true });
  });

  test.each([
    ["that was killed", () => spawnSync("true").pid],
    ["with our own id, killed in an earlier life of a container", () => process.pid],
  ])("the lock of a build %s is taken over", (_, pid) => {
    mkdirSync(out);
    symlinkSync(String(pid()), lock());
    expect(written(standard()).created).toHaveLength(3);
    expect(readdirSync(out).sort()).toEqual(["alpha", "beta", "manifest.json"]);
  });
});

describe("errors of the machine", () => {
  test("a tree that is a file", () => {
    writeFileSync(out, "a file");
    expect(() => write(standard())).toThrow(expect.objectContaining({ code: "EEXIST", path: out }));
    expect(readFileSync(out, "utf8")).toBe("a file");
  });

  test("a directory that may not be written to", () => {
    written(standard());
    chmodSync(join(out, "alpha/etc"), 0o555);
    chmodSync(out, 0o555);
    chmodSync(sandbox, 0o755);
    const before = snapshot(out);
    // Root may write everywhere: become nobody for the while.
    const isRoot = process.geteuid?.() === 0;
    if (isRoot) process.seteuid?.(65_534);
    try {
      expect(() => write(treeOf([file("alpha/new", "new\n")]), { hosts: ["alpha"] })).toThrow(
        expect.objectContaining({ code: "EACCES" }),
      );
    } finally {
      if (isRoot) process.seteuid?.(0);
      chmodSync(out, 0o755);
      chmodSync(join(out, "alpha/etc"), 0o755);
    }
    expect(contentAndMode(snapshot(out)).slice(3)).toEqual(contentAndMode(before).slice(3));
  });

  test("a path that leaves the tree is a bug of ours, and nothing is written", () => {
    expect(() => write(treeOf([file("alpha/../../victim", "x")]))).toThrow(/lies in the tree/);
    expect(readdirSync(sandbox)).toEqual([]);
  });
});
