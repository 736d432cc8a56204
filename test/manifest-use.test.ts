/** What docs/outputs.md says about the manifest: its example, its fields, and the script that uses it, run word for word. */
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { compile } from "../src/compile.ts";
import type { Manifest } from "../src/write/manifest.ts";
import { BUILD_TIMEOUT_MS, ROOT } from "./built-package.ts";
import { listFixtures, sourceOf } from "./fixtures.ts";
import { CLI } from "./netgen.ts";

let home: string;

beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), "netgen-manifest-"));
}, BUILD_TIMEOUT_MS);
afterAll(() => {
  rmSync(home, { recursive: true, force: true });
});

/** Builds a topology; the manifest that then stands there. */
function manifestOf(topology: string, directory: string): Manifest {
  const args = [CLI, "build", topology, "-o", directory];
  const { status, stderr } = spawnSync(process.execPath, args, { cwd: home, encoding: "utf8" });
  expect([status, stderr]).toEqual([0, ""]);
  return JSON.parse(readFileSync(resolve(home, directory, "manifest.json"), "utf8"));
}

const MINIMAL = join(ROOT, "fixtures/minimal/topology.yaml");

const SECTION =
  readFileSync(join(ROOT, "docs/outputs.md"), "utf8")
    .split(/^## /m)
    .find((each) => each.startsWith("The manifest\n")) ?? "";
const blockOf = (language: string): string =>
  new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``).exec(SECTION)?.[1] ?? `no block of ${language}`;

describe("outputs.md", () => {
  test("shows a part of a real manifest", () => {
    const shown = JSON.parse(blockOf("json")) as Manifest;
    const { name, hosts, files } = manifestOf(MINIMAL, "shown");
    expect([shown.name, shown.hosts]).toEqual([name, { alpha: hosts.alpha }]);
    expect(shown.files).toEqual(files.filter(({ path }) => path === shown.files[0]?.path));
  });

  test("names every field", () => {
    const cells = SECTION.split("\n").flatMap((line) => /^\| (`[^|]*`) \|/.exec(line)?.[1] ?? []);
    const shown = cells.join(" ").replace(/[`,]/g, "").replaceAll("files[].", "").split(" ");
    const fields = [
      "netgenManifest",
      "name",
      "hosts.HOST.enable",
      ...Object.keys(manifestOf(MINIMAL, "fields").files[0] ?? {}),
      // In one that a killed build has left.
      "before",
    ];
    expect([...shown].sort()).toEqual([...fields].sort());
  });

  test("runs by the script and by the playbook, in the same order, whatever a manifest asks for", () => {
    const [, list = ""] = /for step in ([\s\S]*?); do/.exec(blockOf("bash")) ?? [];
    const steps = [...list.matchAll(/'([^']+)'/g)].map(([, step]) => step ?? "");
    const [, played = ""] = /^ {4}steps:\n((?: {6}- .*\n)+)/m.exec(blockOf("yaml")) ?? [];
    expect([...played.matchAll(/- (.*)/g)].map(([, step]) => step)).toEqual(steps);

    const scenarios = listFixtures().filter(({ kind }) => kind === "scenario");
    const asked = new Set(scenarios.flatMap((each) => compile(sourceOf(each)).files.flatMap(({ after }) => after)));
    // Both do it once, before anything is started.
    asked.delete("systemctl daemon-reload");
    const idle = steps.filter((step) => ![...asked].some((command) => new RegExp(`^${step}`).test(command)));
    const skipped = [...asked].filter((command) => !steps.some((step) => new RegExp(`^${step}`).test(command)));
    expect({ idle, skipped }).toEqual({ idle: [], skipped: [] });
  });
});

/** jq is not everywhere; CI has it. */
function isEquipped(): boolean {
  if (spawnSync("jq", ["--version"]).status === 0) return true;
  if (process.env.CI) throw new Error("this test needs jq");
  console.warn("SKIPPED: the documented script needs jq");
  return false;
}

describe.runIf(isEquipped())("the documented script", () => {
  const stubs = (log: string) => ({
    systemctl: `echo "systemctl $*" >> ${log}`,
    networkctl: `echo "networkctl $*" >> ${log}`,
    // Nobody but root may give a file away.
    install: `args=(); for each; do [[ $each == --owner=* || $each == --group=* ]] && echo "$each" >> ${log}.owners || args+=("$each"); done; exec /usr/bin/install "\${args[@]}"`,
  });

  /** A host's root and the directory that the tree was copied to. */
  function openHost(name: string) {
    const host = join(home, name);
    const log = join(host, "log");
    for (const directory of ["bin", "root", "tree"]) mkdirSync(join(host, directory), { recursive: true });
    for (const [program, script] of Object.entries(stubs(log))) {
      writeFileSync(join(host, "bin", program), `#!/bin/bash\n${script}\n`);
      chmodSync(join(host, "bin", program), 0o755);
    }
    const script = blockOf("bash")
      .replaceAll("/root/netgen", join(host, "tree"))
      .replaceAll(/"\/\$\{path/g, `"${host}/root/\${path`)
      .replaceAll("target=/", `target=${host}/root/`)
      .replaceAll("/sys/class/net", join(host, "root/sys/class/net"));
    return {
      root: join(host, "root"),
      /** Brings a topology to the host; the commands that ran there. */
      apply: (topology: string): readonly string[] => {
        writeFileSync(join(host, "topology.yaml"), topology);
        manifestOf(join(host, "topology.yaml"), join(host, "tree"));
        writeFileSync(log, "");
        const env = { ...process.env, PATH: `${join(host, "bin")}:${process.env.PATH}` };
        const { status, stderr } = spawnSync("bash", ["-uo", "pipefail", "-c", script], { env, encoding: "utf8" });
        expect([status, stderr]).toEqual([0, ""]);
        return readFileSync(log, "utf8").trimEnd().split("\n");
      },
    };
  }

  const minimal = readFileSync(MINIMAL, "utf8");
  const ALWAYS = "systemctl daemon-reload";
  const ENABLE =
    "systemctl enable --now netgen-nftables-watch.timer netgen-nftables.service netgen-routes.service systemd-networkd.service wg-quick@wg0.service";

  test("puts every file in place with its mode, in an order that works, and does nothing the second time", () => {
    const host = openHost("first");
    const commands = host.apply(minimal);
    expect(commands.slice(0, 2)).toEqual([ALWAYS, ENABLE]);
    expect(commands.slice(2)).toEqual([
      "systemctl restart systemd-modules-load.service",
      "systemctl restart systemd-sysctl.service",
      "systemctl restart systemd-networkd.service",
      "networkctl reload",
      "systemctl reload netgen-routes.service",
      "systemctl reload netgen-nftables.service",
      "systemctl restart netgen-nftables-watch.timer",
      "systemctl reload wg-quick@wg0.service",
    ]);
    const { files } = manifestOf(MINIMAL, "modes");
    for (const { path, mode } of files.filter((each) => each.path.startsWith("alpha/"))) {
      const place = join(host.root, path.slice("alpha/".length));
      expect([path, (statSync(place).mode & 0o7777).toString(8)]).toEqual([path, mode.slice(1)]);
    }
    expect(existsSync(join(host.root, "etc/hosts"))).toBe(false);
    expect(host.apply(minimal)).toEqual([ALWAYS, ENABLE]);
  });

  test("deletes a device that changed, if it is there, before networkd reads its file", () => {
    const host = openHost("changed");
    host.apply(minimal);
    mkdirSync(join(host.root, "sys/class/net/vx100"), { recursive: true });
    // Another address of the device's own end: networkd would keep the old one.
    const commands = host.apply(minimal.replace("id: 1\n", "id: 7\n"));
    const order = ["networkctl delete vx100", "networkctl reload"].map((each) => commands.indexOf(each));
    expect(order[0]).toBeGreaterThan(0);
    expect(order[1]).toBe((order[0] as number) + 1);
  });

  test("removes what the topology no longer has, and only that", () => {
    const host = openHost("removed");
    const foreign = join(host.root, "etc/systemd/network/10-mine.network");
    mkdirSync(dirname(foreign), { recursive: true });
    writeFileSync(foreign, "mine\n");
    host.apply(minimal);
    mkdirSync(join(host.root, "sys/class/net/vx100"), { recursive: true });
    const commands = host.apply(minimal.replace(/^subnets:[\s\S]*/m, ""));
    expect(existsSync(join(host.root, "etc/systemd/network/20-netgen-vx100.netdev"))).toBe(false);
    expect(commands.filter((each) => each.startsWith("networkctl"))).toEqual(["networkctl delete vx100"]);
    expect(readFileSync(foreign, "utf8")).toBe("mine\n");
    expect(existsSync(join(host.root, "etc/wireguard/wg0.conf"))).toBe(true);
  });
});
