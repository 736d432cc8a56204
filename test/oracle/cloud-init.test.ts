/** User-data in cloud-init's own judgement, of both releases; and files without comments in the programs that read them. */
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { must } from "../../src/base/invariant.ts";
import { compile } from "../../src/compile.ts";
import { userDataOf } from "../../src/deliver/cloud-init.ts";
import { bareFile } from "../../src/deliver/comments.ts";
import { contentOf, type OutputFile } from "../../src/emit/file.ts";
import { sourceOf } from "../fixtures.ts";
import { allScenarios, forNow, ON_EACH_CHANGE } from "../proofs.ts";
import { readerIn } from "./frr-grammar.ts";
import { isEquipped, run, scratch } from "./nft-helpers.ts";
import { trixieTree } from "./trixie-tree.ts";

const { directory, write, remove } = scratch();
afterAll(remove);

const compiled = forNow(allScenarios, ({ name }) => ON_EACH_CHANGE.has(name), "fixtures for cloud-init").map(
  (fixture) => {
    const { model, files, units } = compile(sourceOf(fixture));
    return { name: fixture.name, network: must(model, "a scenario has a model"), files, units };
  },
);
const textOf = (file: OutputFile): string => new TextDecoder().decode(contentOf(file));
/** Files of a kind, each text once: as they are, and bare. */
function bothOf(isAsked: (file: OutputFile) => boolean): readonly (readonly [whole: string, bare: string])[] {
  const files = compiled.flatMap((each) => each.files).filter(isAsked);
  return [...new Map(files.map((file) => [textOf(file), textOf(bareFile(file))]))];
}

/** What sets user-data of one host apart from another's, to the schema: its keys, and what packages there are. */
function kindOf(text: string): string {
  const config = JSON.parse(text.replace(/^#.*\n/, "")) as { readonly packages?: readonly string[] };
  return `${Object.keys(config).join(" ")}: ${config.packages?.join(" ")}`;
}

describe.runIf(isEquipped("cloud-init", "python3"))("cloud-init schema", () => {
  const main = ["-c", "from cloudinit.cmd.main import main; import sys; sys.exit(main())", "schema", "--config-file"];
  /** By this machine's Python, which takes both. */
  const judge = (root: string | undefined, file: string) =>
    root === undefined
      ? run("cloud-init", ["schema", "--config-file", file])
      : run("env", [`PYTHONPATH=${join(root, "usr/lib/python3/dist-packages")}`, "/usr/bin/python3", ...main, file]);

  const releases: readonly { readonly version: string; readonly root: string | undefined }[] = [
    { version: "22.4", root: undefined },
    ...[trixieTree()].filter((root) => root !== undefined).map((root) => ({ version: "25.1", root })),
  ];
  test.each(releases)("of $version takes every host's, and refuses another", ({ root }) => {
    const texts = compiled.flatMap(({ name, network, ...tree }) =>
      network.hosts
        .filter(({ app }) => app === undefined)
        .map((host) => [`${name}-${host.name}`, userDataOf(network, { name, ...tree }, host)] as const),
    );
    // A run of the program takes a second: one of each kind.
    const kinds = new Map(texts.map(([name, text]) => [kindOf(text), [name, text] as const]));
    expect(kinds.size).toBeGreaterThan(5);
    for (const [name, text] of kinds.values()) {
      const file = write(name, text);
      expect(judge(root, file), file).toMatchObject({ status: 0, output: expect.stringMatching(/^Valid /m) });
    }
    expect(judge(root, write("broken", '#cloud-config\n{"write_files":[{"content":7}]}\n')).status).not.toBe(0);
  });
});

describe.runIf(isEquipped("bash", "nft", "vtysh", "unshare", "systemd-analyze"))("without comments", () => {
  test("a script is the same to bash", () => {
    // It prints an empty line for a comment.
    const printed = (text: string) => {
      const { status, output } = run("bash", ["--pretty-print", write("script", text)]);
      return { status, output: output.replace(/^\s*\n/gm, "") };
    };
    const scripts = bothOf((file) => textOf(file).startsWith("#!"));
    expect(scripts.length).toBeGreaterThan(10);
    for (const [whole, bare] of scripts) {
      expect(bare.length).toBeLessThanOrEqual(whole.length);
      expect(printed(bare), whole).toEqual({ status: 0, output: printed(whole).output });
    }
    const quoted = bareFile({
      ...must(compiled[0]?.files[0], "there is a file"),
      content: [Buffer.from("#!/bin/bash\n# head\n# x\ncat << END\n# y\nEND\n")],
    });
    expect(textOf(quoted)).toBe("#!/bin/bash\n# head\ncat << END\n# y\nEND\n");
  });

  test("a ruleset is the same to nft", () => {
    const listed = (text: string) =>
      run("unshare", ["-rn", "sh", "-euc", 'nft -f "$1" && nft list ruleset', "sh", write("rules.nft", text)]);
    const rulesets = bothOf(({ path }) => path.endsWith(".nft"));
    expect(rulesets.length).toBeGreaterThan(5);
    for (const [whole, bare] of rulesets) {
      expect(bare).not.toMatch(/\n\s*#/);
      expect(listed(bare), whole).toEqual({ status: 0, output: listed(whole).output });
    }
  });

  test("a configuration of FRR is taken as it is with them", () => {
    const reader = readerIn(undefined);
    const files = bothOf(({ path }) => path.endsWith("/frr.conf"));
    expect(files.length).toBeGreaterThan(2);
    for (const [whole, bare] of files) expect(reader(bare), bare).toBe(reader(whole));
  });

  test("a host's units are taken by systemd, all of those that are there", () => {
    const lay = 'mount -t overlay overlay -o "lowerdir=$1:/etc" /etc; shift; exec systemd-analyze verify --man=no "$@"';
    for (const { name, files } of compiled.slice(0, 4)) {
      const [host = ""] = files.map(({ path }) => path.split("/")[0]);
      const root = mkdtempSync(join(directory, `${name}-`));
      const own = files.filter(({ path }) => path.startsWith(`${host}/etc/`));
      for (const file of own.map(bareFile)) {
        const path = join(root, file.path.slice(host.length + "/etc/".length));
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, contentOf(file), { mode: file.mode });
      }
      const units = own.flatMap(
        ({ path }) => /\/etc\/systemd\/system\/([^/]+\.(?:service|timer))$/.exec(path)?.[1] ?? [],
      );
      expect(units, name).not.toEqual([]);
      expect(run("unshare", ["-m", "sh", "-euc", lay, "sh", root, ...units]), name).toEqual({ status: 0, output: "" });
    }
  });
});
