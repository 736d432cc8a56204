/** Tab in the real shells, on a terminal of their own. */
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { BUILD_TIMEOUT_MS } from "../built-package.ts";
import { CLI } from "../netgen.ts";

let home: string;

beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), "netgen-shells-"));
  mkdirSync(join(home, "bin"));
  writeFileSync(join(home, "bin/netgen"), `#!/bin/sh\nexec "${process.execPath}" "${CLI}" "$@"\n`);
  chmodSync(join(home, "bin/netgen"), 0o755);
  writeFileSync(join(home, "topology.yaml"), "hosts: {alpha: {id: 1}, beta: {id: 2}, gamma: {id: 3}}\n");
  writeFileSync(join(home, "my net.yml"), "hosts: {}\n");
  writeFileSync(join(home, "notes.txt"), "");
  mkdirSync(join(home, "sub"));
}, BUILD_TIMEOUT_MS);
afterAll(() => {
  rmSync(home, { recursive: true, force: true });
});

/** A line as it is typed, and as it is after Tab. */
type Typed = readonly [before: string, after: string];

const COMMON: readonly Typed[] = [
  ["netgen bui", "netgen build "],
  ["netgen keys gen", "netgen keys generate "],
  ["netgen build --forc", "netgen build --force "],
  ["netgen build --format j", "netgen build --format json "],
  ["netgen build --format=j", "netgen build --format=json "],
  ["netgen build t", "netgen build topology.yaml "],
  ["netgen build m", "netgen build my\\ net.yml "],
  ["netgen build -o s", "netgen build -o sub/"],
  ["netgen build --keys=s", "netgen build --keys=sub/"],
  ["netgen build topology.yaml --hosts alpha,gamma,", "netgen build topology.yaml --hosts alpha,gamma,beta "],
  ["netgen keys export g", "netgen keys export gamma "],
  ["netgen completion f", "netgen completion fish "],
  ["bin/netgen che", "bin/netgen check "],
];

function environment(): NodeJS.ProcessEnv {
  return { PATH: `${join(home, "bin")}:${process.env.PATH}`, HOME: home, TERM: "dumb", LC_ALL: "C.UTF-8" };
}

/** Types each line and Tab into an interactive shell, on a terminal that zsh provides, and reads what the line is then. */
function typed(shell: string, setUp: string, lines: readonly string[]): readonly string[] {
  // Ctrl-X prints the line between marks, which the shell's set-up sees to, and empties it.
  writeFileSync(join(home, ".set-up"), `${setUp}\nprintf READY\n`);
  const script = `
    zmodload zsh/zpty
    zpty shell ${shell}
    zpty -w shell '. ./.set-up'
    zpty -r shell answer '*READY*' || exit 1
    for line in "$@"; do
      zpty -n -w shell "$line"$'\\t\\x18'
      zpty -r shell answer '*<<*>>*' || exit 1
      print -r -- "\${\${answer#*<<}%>>*}"
    done
    zpty -d shell`;
  const args = ["-f", "-c", script, "zsh", ...lines];
  const output = execFileSync("zsh", args, { cwd: home, env: environment(), encoding: "utf8", timeout: 120_000 });
  return output.split("\n").slice(0, -1);
}

test("bash completes as it should", () => {
  const setUp = [
    'bind "set enable-bracketed-paste off" "set bell-style none"',
    `show() { printf '<<%s>>' "$READLINE_LINE"; READLINE_LINE=; }`,
    `bind -x '"\\C-x": show'`,
    'eval "$(netgen completion bash)"',
  ].join("\n");
  const lines = COMMON.map(([before]) => before);
  expect(typed("bash --norc --noprofile -i", setUp, lines)).toEqual(COMMON.map(([, after]) => after));
});

const ZSH_LINE =
  "show() { print -rn -- \"<<$BUFFER>>\"; BUFFER=; }; zle -N show; bindkey '^X' show; bindkey '^I' complete-word; " +
  "unsetopt zle_bracketed_paste; setopt noautomenu nobeep";

test("zsh completes as it should, sourced", () => {
  const setUp = `autoload -U compinit; compinit -u -D; source <(netgen completion zsh); ${ZSH_LINE}`;
  const lines = COMMON.map(([before]) => before);
  expect(typed("zsh -f -i", setUp, lines)).toEqual(COMMON.map(([, after]) => after));
});

test("zsh completes as it should, from its fpath", () => {
  const setUp = `netgen completion zsh > sub/_netgen; fpath=($PWD/sub $fpath); autoload -U compinit; compinit -u -D; ${ZSH_LINE}`;
  const lines = COMMON.slice(0, 3);
  const after = typed(
    "zsh -f -i",
    setUp,
    lines.map(([before]) => before),
  );
  rmSync(join(home, "sub/_netgen"));
  expect(after).toEqual(lines.map(([, each]) => each));
});

/** What fish offers for a line, without descriptions. */
function offered(line: string): readonly string[] {
  const script = "netgen completion fish | source; complete -C $argv[1]";
  const args = ["--no-config", "-c", script, line];
  const output = execFileSync("fish", args, { cwd: home, env: environment(), encoding: "utf8" });
  return output
    .split("\n")
    .slice(0, -1)
    .map((each) => each.replace(/\t.*/, ""));
}

test.each<[string, readonly string[]]>([
  ["netgen b", ["build", "bundle"]],
  ["netgen keys gen", ["generate"]],
  ["netgen build --fo", ["--force", "--format"]],
  ["netgen build --format ", ["json", "text"]],
  ["netgen build --format=j", ["--format=json"]],
  ["netgen build ", ["bin/", "my net.yml", "sub/", "topology.yaml"]],
  ["netgen build n", ["notes.txt"]],
  ["netgen build -o ", ["bin/", "sub/"]],
  ["netgen build --keys=s", ["--keys=sub/"]],
  ["netgen build topology.yaml --hosts alpha,", ["alpha,beta", "alpha,gamma"]],
  ["netgen keys export g", ["gamma"]],
  ["netgen init n", ["notes.txt"]],
  ["bin/netgen che", ["check"]],
  ["netgen nonsense ", []],
])("fish offers for %j: %j", (line, candidates) => {
  expect([...offered(line)].sort()).toEqual([...candidates].sort());
});

test("fish shows what each command does", () => {
  const script = "netgen completion fish | source; complete -C 'netgen sche'";
  const args = ["--no-config", "-c", script];
  expect(execFileSync("fish", args, { cwd: home, env: environment(), encoding: "utf8" })).toMatch(
    /^schema\tprint the JSON schema/,
  );
});
