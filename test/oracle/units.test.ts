/** Units and drop-ins through systemd-analyze, at their paths, with the stock units; scripts through shellcheck. */
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { must } from "../../src/base/invariant.ts";
import { compile } from "../../src/compile.ts";
import { cloudFiles } from "../../src/deliver/cloud-routes.ts";
import { CLOUDS, type CloudName } from "../../src/deliver/clouds.ts";
import { proxmoxTree } from "../../src/deliver/proxmox.ts";
import { contentOf } from "../../src/emit/file.ts";
import { emitNftables } from "../../src/emit/nftables.ts";
import { sourceOf } from "../fixtures.ts";
import { allScenarios } from "../proofs.ts";
import { goldenTrees } from "./golden-trees.ts";
import { aHost, aNetwork, type Ended, emitted, isEquipped, run, scratch } from "./nft-helpers.ts";

const { directory, write, remove } = scratch();
afterAll(remove);

/** Every file below a directory, sorted, as paths relative to it. */
function filesBelow(root: string): readonly string[] {
  const entries = existsSync(root) ? readdirSync(root, { withFileTypes: true, recursive: true }) : [];
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return files.map((file) => file.slice(root.length + 1)).sort();
}

const isScript = (file: string): boolean => readFileSync(file, "utf8").startsWith("#!");

/** The units that a tree has or has a drop-in for. */
function unitsOf(tree: string): readonly string[] {
  const paths = filesBelow(join(tree, "etc/systemd/system"));
  const units = paths.map((path) => (path.includes("/") ? basename(dirname(path)).replace(/\.d$/, "") : path));
  return [...new Set(units)];
}

/** Units that netgen has drop-ins for, of programs that this machine does not have. */
const ABSENT = ["k3s.service", "k3s-agent.service", "kubelet.service"];

/** Verifies all units of a tree with its etc laid over this machine's, in a mount namespace of its own. */
function verify(tree: string): Ended {
  const copy = mkdtempSync(join(directory, "tree-"));
  cpSync(join(tree, "etc"), join(copy, "etc"), { recursive: true });
  for (const unit of ABSENT.filter((name) => unitsOf(tree).includes(name)))
    writeFileSync(join(copy, "etc/systemd/system", unit), "[Service]\nExecStart=/bin/true\n");
  // Modes are the manifest's business; a unit's command must be executable to pass.
  const scripts = filesBelow(copy)
    .map((path) => join(copy, path))
    .filter(isScript);
  for (const script of scripts) chmodSync(script, 0o755);
  const lay =
    'mount -t overlay overlay -o "lowerdir=$1/etc:/etc" /etc; shift; exec systemd-analyze verify --man=no "$@"';
  return run("unshare", ["-m", "sh", "-euc", lay, "sh", copy, ...unitsOf(tree)]);
}

const shellcheck = (file: string): Ended => run("shellcheck", [file]);

const trees = goldenTrees();

test("there are golden trees, with units and scripts", () => {
  expect(trees.flatMap(({ directory }) => unitsOf(directory))).not.toEqual([]);
  expect(
    trees.flatMap(({ directory }) => filesBelow(directory).filter((path) => isScript(join(directory, path)))),
  ).not.toEqual([]);
});

describe.skipIf(!isEquipped("systemd-analyze", "unshare", "nft"))("systemd-analyze verify", () => {
  const unit = "etc/systemd/system/netgen-nftables.service";
  const router = aNetwork([aHost("alpha", { forwards: { ipv4: true, ipv6: false } })]);

  /** A tree with one unit, changed. */
  function treeOf(change: (text: string) => string): string {
    const tree = mkdtempSync(join(directory, "unit-"));
    mkdirSync(join(tree, dirname(unit)), { recursive: true });
    writeFileSync(join(tree, unit), change(emitted(emitNftables, router).get(unit) ?? ""));
    return tree;
  }

  test("takes the unit of the rules", () => {
    expect(verify(treeOf((text) => text))).toEqual({ status: 0, output: "" });
  });

  test.each([
    ["a misspelt key", (text: string) => text.replace("ExecStart=", "ExecStrat=")],
    ["a program that is not there", (text: string) => text.replaceAll("/usr/sbin/nft", "/usr/sbin/nftt")],
    ["a dependency cycle", (text: string) => text.replace("DefaultDependencies=no", "After=network-pre.target")],
  ])("refuses %s", (_, change) => {
    expect(verify(treeOf(change)).output).not.toBe("");
  });

  test.each(trees.filter(({ directory }) => unitsOf(directory).length > 0))("takes $name", ({ directory }) => {
    expect(verify(directory)).toEqual({ status: 0, output: "" });
  });
});

describe.skipIf(!isEquipped("shellcheck"))("shellcheck", () => {
  test("refuses a broken script", () => {
    expect(shellcheck(write("broken", "#!/bin/bash\nif [ $1 = x ]; then rm $2/*\n")).status).not.toBe(0);
  });

  // Most hosts have the same scripts but for their comments: each is looked at once.
  const scripts = new Map(
    trees
      .flatMap(({ name, directory }) =>
        filesBelow(directory).map((path) => ({ name: `${name}/${path}`, file: join(directory, path) })),
      )
      .filter(({ file }) => isScript(file))
      .map((script) => [readFileSync(script.file, "utf8").replace(/^#.*$/gm, ""), script]),
  );
  test.each([...scripts.values()])("takes $name", ({ file }) => {
    expect(shellcheck(file)).toEqual({ status: 0, output: "" });
  });

  test("takes what netgen proxmox writes for each cluster", () => {
    const scenario = must(
      allScenarios.find(({ name }) => name === "proxmox-sdn"),
      "the scenario is there",
    );
    const { files } = must(proxmoxTree(must(compile(sourceOf(scenario)).model, "it compiles")), "it has an SDN");
    const programs = files.filter(({ path }) => path.endsWith("/sdn-apply"));
    for (const [index, each] of programs.entries()) {
      const file = write(`sdn-apply-${index}`, new TextDecoder().decode(contentOf(each)));
      expect(shellcheck(file)).toEqual({ status: 0, output: "" });
    }
    expect(programs.length).toBe(2);
  });

  test("takes what netgen cloud-routes writes for each provider", () => {
    const scenario = must(
      allScenarios.find(({ name }) => name === "routed-lan"),
      "the scenario is there",
    );
    const model = must(compile(sourceOf(scenario)).model, "it compiles");
    const site = must(model.sites[0], "it has a site");
    for (const name of Object.keys(CLOUDS) as readonly CloudName[]) {
      const program = must(
        cloudFiles(model, site, name).find(({ path }) => path.endsWith("/routes-apply")),
        "it is written",
      );
      const file = write(`routes-apply-${name}`, new TextDecoder().decode(contentOf(program)));
      expect(shellcheck(file)).toEqual({ status: 0, output: "" });
    }
  });
});
