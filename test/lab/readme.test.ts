/**
 * "Put it on a host" of the README, run word for word for every host of a fixture: on computers that boot by themselves and have
 * nothing but their programs. ssh leads into them.
 */
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { must } from "../../src/base/invariant.ts";
import { type Compilation, compile } from "../../src/compile.ts";
import { type Box, writeInto } from "../../src/lab/machine/box.ts";
import type { Network } from "../../src/model/network.ts";
import { ROOT } from "../built-package.ts";
import { FIXTURES } from "../fixtures.ts";
import { runShell } from "../netgen.ts";
import { forNow } from "../proofs.ts";
import { testPrivateKey } from "../test-keys.ts";
import { missingOn, openBare } from "./computers.ts";

/** The shell blocks of the section, in order: the packages on the host, and the rest on the machine with the topology. */
function commands(): readonly [packages: string, bringing: string] {
  const section = readFileSync(join(ROOT, "README.md"), "utf8").split("\n## Put it on a host\n")[1]?.split("\n## ")[0];
  const blocks = [...must(section, "it stands there").matchAll(/```sh\n([\s\S]*?)```/g)].map(([, text]) => text ?? "");
  expect(blocks).toHaveLength(2);
  return blocks as [string, string];
}

// The packages have to be known by these names and are here already: nothing is fetched, whatever is newer elsewhere.
const APT = 'APT::Get::Upgrade "false";\nAPT::Get::Download "false";\nAPT::Install-Recommends "false";\n';

// As ssh does: the words after the host are one command line for a shell, at home.
const ssh = (directory: string): string => `#!/bin/sh
pid=$(cat "${directory}/\${1#root@}.pid")
shift
exec nsenter -t "$pid" -n -m -p -u -- sh -c "cd /root; $*"
`;

/** What the machine with the topology has: the topology, the hosts' keys, and a way to each. */
function prepare(directory: string, fixture: string, boxes: readonly Box[]): void {
  copyFileSync(`${FIXTURES}/${fixture}/topology.yaml`, join(directory, "topology.yaml"));
  mkdirSync(join(directory, "keys"));
  mkdirSync(join(directory, "bin"));
  writeFileSync(join(directory, "bin/ssh"), ssh(directory), { mode: 0o755 });
  for (const { name, pid } of boxes) {
    writeFileSync(join(directory, "keys", `${name}.key`), `${testPrivateKey(name)}\n`, { mode: 0o600 });
    writeFileSync(join(directory, `${name}.pid`), String(pid));
  }
  expect(runShell(directory, "netgen keys generate topology.yaml -q")).toMatchObject({ status: 0, stderr: "" });
}

const stat = (box: Box, paths: readonly string[]): Promise<string> => box.run("stat", "-c", "%a %U:%G %n", ...paths);

async function haveAll(boxes: readonly Box[], { files, units }: Compilation): Promise<void> {
  for (const box of boxes) {
    const own = files.filter(({ path }) => path.startsWith(`${box.name}/`));
    const paths = own.map(({ path }) => path.slice(box.name.length));
    const modes = own.map(({ mode, owner, group }, index) => `${mode.toString(8)} ${owner}:${group} ${paths[index]}\n`);
    expect(await stat(box, paths)).toBe(modes.join(""));
    for (const [index, { content }] of own.entries())
      expect(readFileSync(box.outside(must(paths[index], "it has one")))).toEqual(Buffer.concat(content));
    const keys = (await box.run("find", "/etc/wireguard", "-name", "*.key", "-o", "-name", "*.psk")).trim().split("\n");
    expect(await stat(box, keys)).toBe(keys.map((key) => `600 root:root ${key}\n`).join(""));
    expect((await box.attempt("systemctl", "is-enabled", ...(units[box.name] ?? []))).status).toBe(0);
    expect((await box.run("ls", "-A", "/root")).trim()).not.toContain("new");
  }
}

async function open(model: Network) {
  const { lab, root } = await openBare(model);
  const boxes = model.hosts.map(({ name }) => must(lab.hosts.get(name), "every host has a box"));
  // Of Debian's packages a computer here has the programs; these directories are theirs.
  for (const box of boxes) await box.shell("rm -r /etc/wireguard/*; mkdir -p /etc/sysctl.d");
  return { boxes, root };
}

const DIRECTORIES = ["/", "/etc", "/etc/systemd", "/etc/systemd/system", "/etc/sysctl.d", "/etc/wireguard", "/etc/frr"];

const FIXTURES_HERE = forNow(["minimal", "kubernetes", "proxmox"], (name) => name === "minimal", "fixtures");

test.each(FIXTURES_HERE)("the hosts of %s are what their bundles say", { timeout: 1_200_000 }, async (fixture) => {
  const directory = mkdtempSync(join(tmpdir(), "netgen-readme-"));
  const compiled = compile({ name: fixture, text: readFileSync(`${FIXTURES}/${fixture}/topology.yaml`, "utf8") });
  const { boxes, root } = await open(must(compiled.model, "it has no mistake"));
  try {
    prepare(directory, fixture, boxes);
    const [packages, bringing] = commands();
    const env = { PATH: `${join(directory, "bin")}:${process.env.PATH}` };
    for (const box of boxes) {
      writeInto(box, "/etc/apt/apt.conf.d/99-netgen-test", APT);
      await box.shell(packages);
      const before = await stat(box, DIRECTORIES);
      const script = `set -euo pipefail; umask 077\n${bringing.replace("host=alpha", `host=${box.name}`)}`;
      const ended = runShell(directory, script, { env });
      expect(ended, ended.stderr).toMatchObject({ status: 0 });
      expect(ended.stderr).not.toMatch(/error|cannot|No such file/i);
      expect(await stat(box, [...DIRECTORIES, "/etc/netgen"])).toBe(`${before}755 root:root /etc/netgen\n`);
    }
    await haveAll(boxes, compiled);
    for (const box of boxes) expect(await missingOn(box), box.name).toEqual([]);
  } finally {
    await root.close();
    rmSync(directory, { recursive: true });
  }
});
