import { cpSync, lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ROOT } from "./built-package.ts";
import { CLI, runShell } from "./netgen.ts";
import { eachInNewDirectory } from "./new-directory.ts";

let home: string;

eachInNewDirectory((path) => {
  home = path;
  cpSync(join(ROOT, "fixtures/proxmox/topology.yaml"), join(home, "topology.yaml"));
});

const shell = (line: string) => runShell(home, `set -o pipefail; ${line}`);

/** Paths of the files below a directory, with mode and content. */
function filesOf(name: string): readonly (readonly [string, string, string])[] {
  const directory = join(home, name);
  return readdirSync(directory, { recursive: true, encoding: "utf8" })
    .sort()
    .filter((path) => lstatSync(join(directory, path)).isFile())
    .map((path) => {
      const mode = (lstatSync(join(directory, path)).mode & 0o7777).toString(8);
      return [path, mode, readFileSync(join(directory, path), "utf8")];
    });
}

describe("build -o -", () => {
  test("is the tree that a build writes, with its modes and its manifest, and touches no disk", () => {
    const before = readdirSync(home);
    mkdirSync(join(home, "unpacked"));
    const { status, stderr } = shell("netgen build topology.yaml -o - | tar -x -p -C unpacked");
    expect(readdirSync(home).sort()).toEqual([...before, "unpacked"].sort());
    expect(shell("netgen build topology.yaml").status).toBe(0);
    const built = filesOf("out");
    expect(filesOf("unpacked")).toEqual(built);
    const count = `${built.length - 1} files of 3 hosts and manifest.json`;
    expect([status, stderr]).toEqual([0, `standard output: ${count}\n`]);
  });

  test("has the owners of the manifest, no time, no directory, and its names sorted", () => {
    const { stdout } = shell("netgen build topology.yaml -o - | tar -t -v --full-time --utc");
    const rows = stdout
      .trimEnd()
      .split("\n")
      .map((line) => line.split(/ +/));
    const names = rows.map((row) => row.at(-1) as string);
    expect(names).toEqual([...names].sort());
    expect(new Set(rows.map(([mode = ""]) => mode[0]))).toEqual(new Set(["-"]));
    expect(new Set(rows.map((row) => row.slice(3, 5).join(" ")))).toEqual(new Set(["1970-01-01 00:00:00"]));
    shell("netgen build topology.yaml -q");
    const manifest = JSON.parse(readFileSync(join(home, "out/manifest.json"), "utf8"));
    expect(rows).toHaveLength(manifest.files.length + 1);
    const owners = new Map(rows.map((row) => [row.at(-1), row[1]]));
    for (const { path, owner, group } of manifest.files) expect(owners.get(path)).toBe(`${owner}/${group}`);
    expect(owners.get("roz1/etc/frr/frr.conf")).toBe("frr/frr");
    // A host without the name takes the number, and that is root's.
    expect(shell("netgen build topology.yaml -q -o - | tar -t -v --numeric-owner | grep -vc ' 0/0 '").stdout).toBe(
      "0\n",
    );
  });

  test("is the same bytes every time", () => {
    shell("netgen build topology.yaml -q -o - > first.tar; netgen build - -q -o - < topology.yaml > second.tar");
    expect(readFileSync(join(home, "first.tar")).equals(readFileSync(join(home, "second.tar")))).toBe(true);
  });

  test("--hosts is these hosts alone, and a manifest of them alone", () => {
    mkdirSync(join(home, "unpacked"));
    const { stderr } = shell("netgen build topology.yaml -v -o - --hosts roz1 | tar -x -p -C unpacked");
    shell("netgen build topology.yaml --hosts roz1");
    const built = filesOf("out");
    expect(filesOf("unpacked")).toEqual(built);
    const [, list = "", count = ""] = /^((?: {2}\+ roz1\/etc\/\S+\n)+)standard output: (.*)\n$/.exec(stderr) ?? [];
    expect(count).toBe(`${built.length - 1} files of 1 host and manifest.json`);
    expect(list.split("\n").slice(0, -1)).toHaveLength(built.length - 1);
  });

  test("unpacked over a root directory, it leaves the directories that are there as they are", () => {
    mkdirSync(join(home, "root/etc/wireguard"), { recursive: true, mode: 0o700 });
    shell("netgen build topology.yaml -q -o - --hosts roz1 | tar -x -p -C root --strip-components=1");
    const mode = (path: string): string => (lstatSync(join(home, "root", path)).mode & 0o7777).toString(8);
    expect([mode("etc/wireguard"), mode("etc/wireguard/wg0.conf"), mode("etc/frr/frr.conf")]).toEqual([
      "700",
      "600",
      "640",
    ]);
    expect(readdirSync(join(home, "root"))).toEqual(["etc"]);
  });

  test("a long name is whole", () => {
    const name = "h".repeat(63);
    const text = readFileSync(join(ROOT, "fixtures/minimal/topology.yaml"), "utf8").replaceAll("alpha", name);
    writeFileSync(join(home, "long.yaml"), text.replaceAll(/iface-\w+/g, "x"));
    const { stdout } = shell("netgen build long.yaml -q -o - | tar -t");
    expect(stdout).toContain(`${name}/etc/systemd/system/wg-quick@wg0.service.d/10-netgen.conf\n`);
  });

  test("with errors there is no tar, and the code is 1", () => {
    writeFileSync(join(home, "wrong.yaml"), "netgen: 1\n");
    const { status, stdout, stderr } = shell("netgen build wrong.yaml -o -");
    expect([status, stdout]).toEqual([1, ""]);
    expect(stderr).toContain("error[");
  });

  test("it is not put onto a terminal", () => {
    const line = `script --quiet --return --command "${process.execPath} ${CLI} build topology.yaml -o -" /dev/null`;
    const { status, stdout } = shell(`${line} </dev/null`);
    expect([status, stdout.trimEnd()]).toEqual([
      2,
      "netgen: -o - prints a tar, and standard output is a terminal; send it into a file or a pipe",
    ]);
  });

  test("a reader that goes away is no error", () => {
    const { stdout, stderr } = shell("netgen build topology.yaml -q -o - | head -c 512 | wc -c; echo $PIPESTATUS");
    expect([stdout, stderr]).toEqual(["512\n0\n", ""]);
  });

  test("a full disk is one", () => {
    const { status, stderr } = shell("netgen build topology.yaml -o - > /dev/full");
    expect([status, stderr]).toEqual([
      2,
      "netgen: standard output: the disk is full; make room and run the same command again\n",
    ]);
  });

  test("diff has no use for it, and says so", () => {
    const { status, stdout, stderr } = shell("netgen diff topology.yaml -o -");
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toBe("netgen: -o - is no tree to compare with; name its directory, or ./- if that is its name\n");
  });
});
