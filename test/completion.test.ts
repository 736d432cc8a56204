/** What Tab offers: the answer that every shell is given, and bash with it. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Argument, Command, type Option } from "commander";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { complete, PLACEHOLDERS, placeholderOf } from "../src/commands/complete.ts";
import { BUILD_TIMEOUT_MS, ROOT } from "./built-package.ts";
import { CLI, runNetgen } from "./netgen.ts";

let home: string;
let program: Command;
const start = process.cwd();

const TOPOLOGY = `netgen: 1
sites: {roz: {}, wro: {}}
hosts: {alpha: {id: 1}, beta: {id: 2}, alpine: {id: 3}}
subnets: {vms: {hosts: all}}
# Not one that compiles: who is writing it wants its names all the same.
`;

beforeAll(async () => {
  program = await wholeProgram();
  home = mkdtempSync(join(tmpdir(), "netgen-completion-"));
  writeFileSync(join(home, "topology.yaml"), TOPOLOGY);
  writeFileSync(join(home, "other net.yml"), TOPOLOGY.replace("alpine", "delta"));
  writeFileSync(join(home, "broken.yaml"), "hosts: [\n");
  writeFileSync(join(home, "notes.txt"), "");
  mkdirSync(join(home, "sub"));
  // The usual topology is the one of the directory where the shell is.
  process.chdir(home);
}, BUILD_TIMEOUT_MS);
afterAll(() => {
  process.chdir(start);
  rmSync(home, { recursive: true, force: true });
});

const netgen = (...args: readonly string[]) => runNetgen(home, args);

/** The kind of what comes next, and the candidates. */
function offered(...words: readonly string[]): readonly string[] {
  const { kind, candidates } = complete(program, words);
  return [kind, ...candidates.map(({ value }) => value)];
}

/** Every command that cli.ts wires, in its order. */
async function wholeProgram(): Promise<Command> {
  const source = readFileSync(join(ROOT, "src/cli.ts"), "utf8");
  const wired = [...source.matchAll(/import\("(\.\/commands\/[a-z-]+\.ts)"\)\)\.(\w+)/g)];
  const whole = new Command("netgen").helpCommand(false).version("0", "-V, --version");
  for (const [, file = "", name = ""] of wired) {
    const module = await import(join(ROOT, "src", file));
    whole.addCommand(module[name](() => undefined) as Command);
  }
  return whole;
}

describe("the answer", () => {
  test("is every command, before one is written", () => {
    const help = netgen("--help").stdout.split("Commands:")[1] ?? "";
    const commands = [...(help.split("\n\n")[0]?.matchAll(/^ {2}([a-z-]+)/gm) ?? [])].map(([, name]) => name);
    expect(commands).toContain("completion");
    expect(netgen("completion", "bash", "--", "").stdout).toBe(["values", ...commands, ""].join("\n"));
    expect(offered("")).toEqual(["values", ...commands]);
    expect(offered("b")).toEqual(["values", "build", "bundle"]);
    expect(offered("bu", "")).toEqual(["values"]);
  });

  test("is the part of a command", () => {
    expect(offered("keys", "ge")).toEqual(["values", "generate"]);
    expect(offered("host", "")).toEqual(["values", "add"]);
    expect(offered("keys", "--h")).toEqual(["values", "--help"]);
    expect(offered("--v")).toEqual(["values", "--version"]);
  });

  test("is every option that --help has", () => {
    const long = [...netgen("build", "--help").stdout.matchAll(/^ +(?:-\w, )?(--[a-z-]+)/gm)].map(([, flag]) => flag);
    expect(long.length).toBeGreaterThan(5);
    expect(offered("build", "-")).toEqual(["values", ...long]);
    expect(offered("build", "topology.yaml", "--fo")).toEqual(["values", "--force", "--format"]);
  });

  test.each<[readonly string[], readonly string[]]>([
    [
      ["build", "--format", ""],
      ["values", "text", "json"],
    ],
    [
      ["build", "--format=j"],
      ["values", "json"],
    ],
    [
      ["build", "--format", "=", "j"],
      ["values", "json"],
    ],
    [
      ["build", "--format", "="],
      ["values", "text", "json"],
    ],
    [["build", ""], ["topologies"]],
    [["build", "--force", "top"], ["topologies"]],
    [["build", "-o", "out", "top"], ["topologies"]],
    [["build", "-o", ""], ["directories"]],
    [["build", "--keys="], ["directories"]],
    [["build", "--force=x"], ["nothing"]],
    [["build", "topology.yaml", ""], ["nothing"]],
    [["check", "topology.yaml", ""], ["topologies"]],
    [["build", "--", "--format"], ["topologies"]],
    [["build", "-", "--hosts", ""], ["values"]],
    [["init", ""], ["files"]],
    [["init", "--hosts", ""], ["nothing"]],
    [
      ["completion", ""],
      ["values", "bash", "zsh", "fish"],
    ],
  ])("for %j is %j", (words, answer) => {
    expect(offered(...words)).toEqual(answer);
  });

  test.each<[readonly string[], readonly string[]]>([
    [
      ["keys", "export", "al"],
      ["values", "alpha", "alpine"],
    ],
    [
      ["keys", "export", "--topology", "other net.yml", "d"],
      ["values", "delta"],
    ],
    [
      ["keys", "export", "--topology=other net.yml", "d"],
      ["values", "delta"],
    ],
    [
      ["build", "topology.yaml", "--hosts", "al"],
      ["values", "alpha", "alpine"],
    ],
    [
      ["build", "other net.yml", "--hosts", "beta,"],
      ["values", "beta,alpha", "beta,delta"],
    ],
    [["build", "broken.yaml", "--hosts", ""], ["values"]],
    [["build", "sub", "--hosts", ""], ["values"]],
    [["build", "none.yaml", "--hosts", ""], ["values"]],
    [
      ["host", "add", "gamma", "--site", ""],
      ["values", "roz", "wro"],
    ],
    [
      ["host", "add", "gamma", "--subnets", ""],
      ["values", "vms"],
    ],
    [["host", "add", ""], ["nothing"]],
  ])("takes names from the topology: %j is %j", (words, answer) => {
    expect(offered(...words)).toEqual(answer);
  });

  test("knows what comes in the place of every <placeholder> of every command", () => {
    expect(program.commands.length).toBeGreaterThan(8);
    const unknown: string[] = [];
    const visit = (command: Command, call: string): void => {
      const options = command.options.filter(({ required, optional }) => required || optional);
      for (const part of [...options, ...command.registeredArguments] as readonly (Option | Argument)[]) {
        const isKnown = part.argChoices !== undefined || Object.hasOwn(PLACEHOLDERS, placeholderOf(part));
        if (!isKnown) unknown.push(`${call}: ${placeholderOf(part)}`);
      }
      for (const inner of command.commands) visit(inner, `${call} ${inner.name()}`);
    };
    visit(program, "netgen");
    expect(unknown).toEqual([]);
  });

  test("comes with descriptions where the shell shows them", () => {
    expect(netgen("completion", "fish", "--", "sche").stdout).toMatch(/^values\nschema\tprint the JSON schema/);
    expect(netgen("completion", "zsh", "--", "sche").stdout).toMatch(/^values\nschema:print the JSON schema/);
  });

  test("a shell that netgen does not know is refused", () => {
    const { status, stdout, stderr } = netgen("completion", "tcsh");
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toContain("bash, zsh, fish");
  });
});

describe("bash", () => {
  let installed: string;
  beforeAll(() => {
    installed = netgen("completion", "bash").stdout;
  });

  /** What the completion function makes of a line that is being written; options that it sets for readline come first. */
  function completed(...words: readonly string[]): readonly string[] {
    const script = `
      netgen() { "${process.execPath}" "${CLI}" "$@"; }
      eval "$SCRIPT"
      compopt() { printf '%s\\n' "$@"; }
      COMP_WORDS=(netgen "$@") COMP_CWORD=$#
      $(complete -p netgen | sed 's/.*-F \\([^ ]*\\) .*/\\1/') netgen "\${!#}" "\${COMP_WORDS[$#-1]}"
      printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { status, stdout, stderr } = spawnSync("bash", ["--norc", "-c", script, "bash", ...words], {
      cwd: home,
      encoding: "utf8",
      env: { ...process.env, SCRIPT: installed },
    });
    expect([status, stderr]).toEqual([0, ""]);
    return stdout.split("\n").filter((line) => line !== "");
  }

  test("completes commands, options and their values", () => {
    expect(completed("b")).toEqual(["build", "bundle"]);
    expect(completed("build", "--fo")).toEqual(["--force", "--format"]);
    expect(completed("build", "--format", "=", "t")).toEqual(["text"]);
  });

  test("completes topologies and directories, with blanks in their names", () => {
    const paths = ["broken.yaml", "other net.yml", "sub", "topology.yaml"];
    expect([...completed("build", "")].sort()).toEqual([...["-o", "filenames", "-o", "default"], ...paths].sort());
    expect(completed("build", "o")).toContain("other net.yml");
    // These are readline's own to find.
    expect(completed("build", "-o", "")).toEqual(["-o", "dirnames"]);
    expect(completed("init", "")).toEqual(["-o", "default"]);
  });

  test("completes names, also from a topology in quotes", () => {
    expect(completed("keys", "export", "b")).toEqual(["beta"]);
    expect(completed("build", '"other net.yml"', "--hosts", "d")).toEqual(["delta"]);
    expect(completed("build", "other\\ net.yml", "--hosts", "d")).toEqual(["delta"]);
  });

  test("offers nothing, and says nothing, where netgen itself fails", () => {
    expect(completed("nonsense", "")).toEqual([]);
  });
});
