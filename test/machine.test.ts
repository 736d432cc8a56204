/** What the machine refuses, closes, fills or takes away: each a sentence and an exit code, never a stack trace. */
import { spawn } from "node:child_process";
import { cpSync, existsSync, lstatSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { ROOT } from "./built-package.ts";
import { runVictim } from "./kill.ts";
import { CLI, runShell } from "./netgen.ts";
import { eachInNewDirectory } from "./new-directory.ts";
import { testPublicKey } from "./test-keys.ts";

let home: string;

eachInNewDirectory((path) => {
  home = path;
  cpSync(join(ROOT, "fixtures/minimal/topology.yaml"), join(home, "topology.yaml"));
});

/** No command here takes so long: one that hangs is ended, and has no exit code. */
const HANGING_MS = 50_000;

const shell = (line: string) => runShell(home, line, { timeout: HANGING_MS });

const netgen = (...args: readonly string[]) => ({ command: process.execPath, args: [CLI, ...args], cwd: home });

/** The files of a tree with their contents, hidden ones too. */
const filesOf = (name: string): readonly (readonly [string, string])[] =>
  readdirSync(join(home, name), { recursive: true, encoding: "utf8" })
    .sort()
    .filter((path) => !lstatSync(join(home, name, path)).isDirectory())
    .map((path) => [path, readFileSync(join(home, name, path), "utf8")]);

/** A mesh large enough that writing it takes a while. */
function mesh(name: string, hosts: number): void {
  const lines = Array.from({ length: hosts }, (_, index) => {
    const id = index + 1;
    return `  host${id}: {id: ${id}, endpoint: 198.51.100.${id}, publicKey: "${testPublicKey(`host${id}`)}"}\n`;
  });
  writeFileSync(
    join(home, `${name}.yaml`),
    `netgen: 1\nname: ${name}\nwireguard: {addresses: [10.250.0.0/16]}\nhosts:\n${lines.join("")}`,
  );
}

describe("every command that reads a topology takes it from standard input", () => {
  test.each([
    "build TOPOLOGY -o tree",
    "build TOPOLOGY -o -",
    "diff TOPOLOGY -o tree",
    "check TOPOLOGY",
    "model TOPOLOGY",
    "mtu TOPOLOGY",
    "mtu TOPOLOGY --format json",
    "keys list TOPOLOGY --keys keys",
    "keys generate TOPOLOGY --keys keys",
  ])("%s", (command) => {
    const fromFile = shell(`netgen ${command.replace("TOPOLOGY", "topology.yaml")}`);
    rmSync(join(home, "tree"), { recursive: true, force: true });
    rmSync(join(home, "keys"), { recursive: true, force: true });
    const fromInput = shell(`netgen ${command.replace("TOPOLOGY", "-")} < topology.yaml`);
    expect(fromInput.stdout).not.toBe("");
    expect({ ...fromInput, stdout: fromInput.stdout.replace(/^-:/gm, "topology.yaml:") }).toEqual(fromFile);
  });

  test("init - writes it to standard output, and no file", () => {
    const { status, stdout, stderr } = shell(
      "netgen init - --hosts 3 | netgen keys generate - && netgen init - --hosts 3 | netgen build -",
    );
    expect([status, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/\nout: \d+ new, 0 changed, 0 removed, 0 as they were\n$/);
    expect(readdirSync(home).sort()).toEqual(["keys", "out", "topology.yaml"]);
  });
});

describe("an input that is none", () => {
  test.each([
    ["a link that leads to itself", "ln -s loop loop; netgen check loop", "loop: symbolic links lead in a circle"],
    ["a name of 300 characters", `netgen check ${"n".repeat(300)}`, `${"n".repeat(300)}: the name is too long`],
    [
      "a socket",
      `perl -MIO::Socket::UNIX -e 'IO::Socket::UNIX->new(Local => "s", Listen => 1)'; netgen check s`,
      "s: it is a socket or a device that is not there",
    ],
    ["a directory", "netgen check - < .", "standard input: it is a directory, not a file"],
    [
      "a directory for a page",
      "mkdir page; netgen report topology.yaml -o page",
      "page: it is a directory, not a file",
    ],
    [
      "a directory for a proof",
      "mkdir proof; netgen lab topology.yaml --record proof",
      "proof: it is a directory, not a file",
    ],
    [
      "a directory in a seed",
      "mkdir -p seed/user-data; netgen cloud-init topology.yaml --host alpha -o seed",
      "seed/user-data: it is a directory, not a file",
    ],
    [
      "what has no end",
      "netgen check - < /dev/zero",
      "standard input has more than 67108864 bytes: this is no topology",
    ],
    [
      "UTF-16",
      "iconv -f utf-8 -t utf-16 topology.yaml | netgen check -",
      "standard input is not UTF-8 text; save it as UTF-8",
    ],
    [
      "a file below a file",
      "netgen keys list topology.yaml/x",
      "topology.yaml/x: a part of the path is a file, not a directory",
    ],
  ])("%s", (_, line, message) => {
    expect(shell(line)).toEqual({ status: 2, stdout: "", stderr: `netgen: ${message}\n` });
  });

  test("a closed standard input is an empty one", () => {
    const { status, stdout, stderr } = shell("netgen check - <&-");
    expect([status, stderr]).toEqual([1, ""]);
    expect(stdout).toMatch(/^-:1:1: error\[/);
  });

  test("one that another program has made non-blocking is waited for", () => {
    const nonblocking = "perl -MFcntl -e 'fcntl(STDIN, F_SETFL, O_NONBLOCK) or die; exec @ARGV'";
    const { status, stdout, stderr } = shell(
      `{ sleep 1; cat topology.yaml; } | ${nonblocking} "${process.execPath}" "${CLI}" check -`,
    );
    expect([status, stdout, stderr]).toEqual([0, "-: no errors, 2 hosts\n", ""]);
  });
});

/** Commands that print, and their exit code when all is well. */
const PRINTING: readonly (readonly [string, number])[] = [
  ["--help", 0],
  ["--version", 0],
  ["init -", 0],
  ["build topology.yaml", 0],
  ["build topology.yaml -o -", 0],
  ["diff topology.yaml", 1],
  ["diff topology.yaml --format json", 1],
  ["check topology.yaml", 0],
  ["model topology.yaml", 0],
  ["mtu topology.yaml", 0],
  ["schema", 0],
  ["keys list topology.yaml", 0],
];

describe("an output that takes nothing", () => {
  test.each(PRINTING)("%s: a full disk behind it is said, with 2", (command) => {
    const { status, stderr } = shell(`netgen ${command} > /dev/full`);
    expect([status, stderr]).toEqual([
      2,
      "netgen: standard output: the disk is full; make room and run the same command again\n",
    ]);
  });

  test.each(PRINTING)("%s: a reader that is gone is no error", (command, code) => {
    // true ends at once; sleep lets it.
    const { stdout, stderr } = shell(`{ sleep 0.2; netgen ${command}; echo $? >&2; } | true`);
    expect([stdout, stderr]).toEqual(["", `${code}\n`]);
  });

  test.each(PRINTING)("%s: none at all is as good as /dev/null", (command, code) => {
    expect(shell(`netgen ${command} >&-`)).toMatchObject({ status: code, stdout: "" });
    expect(readFileSync(join(home, "topology.yaml"), "utf8")).toBe(
      readFileSync(join(ROOT, "fixtures/minimal/topology.yaml"), "utf8"),
    );
  });

  test("diagnostics that cannot be written end with 2", () => {
    writeFileSync(join(home, "wrong.yaml"), "netgen: 1\n");
    expect(shell("netgen build wrong.yaml 2> /dev/full").status).toBe(2);
    expect(existsSync(join(home, "out"))).toBe(false);
  });
});

describe("a tree that cannot be", () => {
  test.each([
    [
      "a link that leads to itself",
      "ln -s out out; netgen build topology.yaml",
      /^netgen: \S*out\S*: symbolic links lead in a circle\n$/,
    ],
    [
      "a name of 300 characters",
      `netgen build topology.yaml -o ${"n".repeat(300)}`,
      /^netgen: \S*n{300}\S*: the name is too long\n$/,
    ],
    [
      "below a file",
      "netgen build topology.yaml -o topology.yaml/out",
      /^netgen: \S*topology\.yaml\S*: a part of the path is a file, not a directory\n$/,
    ],
    [
      "in /proc",
      "netgen build topology.yaml -o /proc/netgen",
      /^netgen: \/proc\/netgen: there is no such file or directory\n$/,
    ],
    [
      "with files above the allowed size",
      "netgen build topology.yaml -q; sed -i s/minimal/elsewhere/ topology.yaml; ulimit -f 1; netgen build topology.yaml",
      /^netgen: out\/\S+: the file would be larger than is allowed \(ulimit -f\)\nEach file in out is whole, the old one or the new one; a build completes them\.\n$/,
    ],
  ])("%s", (_, line, message) => {
    const { status, stdout, stderr } = shell(line);
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(message);
  });
});

/** Waits until a build is seen to write; false when it had ended between two looks. */
async function isSeenWriting(out: string, ended: Promise<unknown>): Promise<boolean> {
  let hasEnded = false;
  ended.finally(() => {
    hasEnded = true;
  });
  while (!hasEnded) {
    if (lstatSync(join(home, out, ".netgen-lock"), { throwIfNoEntry: false }) !== undefined) return true;
    await sleep(1);
  }
  return false;
}

/** How a build of large.yaml ends that gets a signal while it writes, and what it says; one that is quicker is begun again. */
async function interrupt(signal: NodeJS.Signals): Promise<readonly unknown[]> {
  rmSync(join(home, "out"), { recursive: true, force: true });
  const child = spawn(process.execPath, [CLI, "build", "large.yaml"], { cwd: home });
  let said = "";
  child.stdout.on("data", (data) => (said += data));
  child.stderr.on("data", (data) => (said += data));
  const ended = new Promise<readonly unknown[]>((resolve) => child.on("close", (code, by) => resolve([code, by])));
  await isSeenWriting("out", ended);
  child.kill(signal);
  const end = await ended;
  return end[0] === 0 ? interrupt(signal) : [...end, said];
}

describe("a build that is interrupted while it writes", () => {
  test.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)(
    "%s ends it without a word; the next one completes it",
    async (signal) => {
      mesh("large", 120);
      expect(await interrupt(signal)).toEqual([null, signal, ""]);
      expect(shell("netgen build large.yaml")).toMatchObject({ status: 0, stderr: "" });
      shell("netgen build large.yaml -o fresh");
      expect(filesOf("out")).toEqual(filesOf("fresh"));
    },
  );

  test("Ctrl-C is 130 to the shell", () => {
    mesh("large", 120);
    const begin = `"${process.execPath}" "${CLI}" build large.yaml & `;
    const seen = "while [ ! -L out/.netgen-lock ] && kill -0 $!; do sleep 0.001; done 2>/dev/null";
    const killed = `${begin} ${seen}; kill -INT $!; wait $!; code=$?`;
    // One that ended between two looks is begun again.
    const line = `code=0; while [ $code = 0 ]; do rm -rf out; ${killed}; done; echo $code`;
    // Job control: without it a shell has its background jobs ignore SIGINT.
    expect(shell(`set -m; ${line}`).stdout).toBe("130\n");
  });
});

describe("two builds at once", () => {
  test.each([
    ["an empty place", ""],
    ["a tree whose last build was killed", "mkdir out; ln -s $(bash -c 'echo $$') out/.netgen-lock"],
  ])("ten over %s: each is done or is told who is in the way", async (_, prepare) => {
    mesh("one", 12);
    mesh("two", 20);
    for (const name of ["one", "two"]) shell(`netgen build ${name}.yaml -o fresh-${name}`);
    shell(prepare);
    const ends = await Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        runVictim(netgen("build", index % 2 ? "one.yaml" : "two.yaml", "-o", "out")),
      ),
    );
    const refused =
      "netgen: nothing was written: in out this is the lock of another build that is writing (remove it if there is none):\n  ! .netgen-lock\n";
    for (const { status, stderr } of ends)
      expect([
        [0, ""],
        [2, refused],
      ]).toContainEqual([status, stderr]);
    expect(ends.some(({ status }) => status === 0)).toBe(true);
    expect([filesOf("fresh-one"), filesOf("fresh-two")]).toContainEqual(filesOf("out"));
  });
});

test("a tree that somebody removes while it is written: an error or not, and the next build makes it whole", async () => {
  mesh("large", 60);
  shell("netgen build large.yaml -o fresh");
  for (let round = 0; round < 5; ) {
    rmSync(join(home, "out"), { recursive: true, force: true });
    const running = runVictim(netgen("build", "large.yaml"));
    if (!(await isSeenWriting("out", running))) continue;
    await sleep(round * 5);
    round += 1;
    shell("rm -rf out");
    const { status, stderr } = await running;
    expect([0, 2]).toContain(status);
    expect(stderr).toMatch(/^(netgen: \S*out\S*: [^\n]+\n)?$/);
    expect(shell("netgen build large.yaml")).toMatchObject({ status: 0, stderr: "" });
    expect(filesOf("out")).toEqual(filesOf("fresh"));
  }
});

describe("on a terminal", () => {
  // script(1), of a package that every Debian has, runs a command on a terminal of its own.
  const onTerminal = (command: string): string =>
    shell(`script --quiet --return --command "${command}" /dev/null </dev/null`).stdout;
  // A clock on which every look is a second later: what writes for longer than a second, without the wait.
  const LATE = "data:text/javascript,let now=0;performance.now=()=>(now+=1000)";
  const command = (args: string): string => `env TERM=xterm '${process.execPath}' --import '${LATE}' '${CLI}' ${args}`;

  test("a build that takes longer than a second says how far it is, and takes that away again", () => {
    const text = onTerminal(command("build topology.yaml"));
    const lines = text.split("\r\u001b[K");
    expect(lines.length).toBeGreaterThan(5);
    expect(lines[0]).toBe("");
    for (const line of lines.slice(1, -1)) expect(line).toMatch(/^writing: \d+ of \d+ files$/);
    expect(lines.at(-1)).toMatch(/^out: \d+ new, /);
  });

  test.each([
    ["--quiet", "build topology.yaml --quiet"],
    ["--format json", "build topology.yaml --format json"],
    ["standard error elsewhere", "build topology.yaml 2>errors"],
  ])("not with %s", (_, args) => {
    expect(onTerminal(command(args))).not.toContain("writing:");
    expect(existsSync(join(home, "out/manifest.json"))).toBe(true);
  });

  test("not on a dumb one", () => {
    expect(onTerminal(command("build topology.yaml").replace("TERM=xterm", "TERM=dumb"))).toMatch(/^out: \d+ new/);
  });
});
