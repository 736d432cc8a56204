import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { ROOT } from "./built-package.ts";
import { CLI, type Finished, type RunOptions, runNetgen, runShell } from "./netgen.ts";
import { eachInNewDirectory } from "./new-directory.ts";
import { testPrivateKey, testPublicKey } from "./test-keys.ts";

/** Where the commands run; empty before each test. */
let home: string;

eachInNewDirectory((path) => {
  home = path;
});

const run = (args: readonly string[], options: RunOptions = {}): Finished => runNetgen(home, args, options);
const shell = (line: string, options: RunOptions = {}): Finished => runShell(home, `set -o pipefail; ${line}`, options);

function put(name: string, text: string | Buffer): void {
  mkdirSync(join(home, name, ".."), { recursive: true });
  // Others may not read a secret: netgen refuses one that they may.
  writeFileSync(join(home, name), text, { mode: name.endsWith(".key") ? 0o600 : 0o644 });
}

const read = (name: string): string => readFileSync(join(home, name), "utf8");
const useFixture = (name: string): void =>
  cpSync(join(ROOT, "fixtures", name, "topology.yaml"), join(home, "topology.yaml"));

/** Everything below the place where the commands run. */
const tree = (): readonly string[] => readdirSync(home, { recursive: true, encoding: "utf8" }).sort();

const WITHOUT_KEYS = `netgen: 1
name: keyless
wireguard: {addresses: [10.250.0.0/24], presharedKeys: true}
hosts:
  alpha: {id: 1, endpoint: 198.51.100.1}
  beta: {id: 2, endpoint: 203.0.113.9}
  gamma: {id: 3}
`;

const THREE_MISTAKES = `netgen: 1
name: wrong
wireguard: {addresses: [10.250.0.0/24]}
hosts:
  alpha: {id: 1, endpoint: 198.51.100.1, publicKey: "${testPublicKey("alpha")}", colour: red}
  beta: {id: 1, endpoint: 203.0.113.9, publicKey: "${testPublicKey("beta")}"}
subnets:
  vms: {cidr: 10.1.1.7/24, hosts: [alpha]}
`;

const WARNING = readFileSync(join(ROOT, "fixtures/warn-path-unused/topology.yaml"), "utf8");

describe("the invocation", () => {
  test("--version prints the package's version", () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
    expect(run(["--version"])).toEqual({ status: 0, stdout: `${version}\n`, stderr: "" });
  });

  test("--help lists every command, a first run and the exit codes", () => {
    const { status, stdout, stderr } = run(["--help"]);
    expect([status, stderr]).toEqual([0, ""]);
    for (const command of ["build", "check", "model", "mtu", "schema", "keys"]) {
      expect(stdout).toMatch(new RegExp(`^  ${command}\\b.* \\w`, "m"));
    }
    expect(stdout).toContain("netgen keys generate topology.yaml");
    expect(stdout).toContain(
      "Exit codes: 0 done, 1 the topology has errors (or diff or build --check found\na difference, or lab a",
    );
  });

  test.each([
    ["build", ["<topology>", "--output", "--keys", "--hosts", "--force", "--quiet", "--verbose", "--format"]],
    ["check", ["<topology>", "--keys", "--quiet", "--format"]],
    ["model", ["<topology>", "--keys"]],
    ["mtu", ["<topology>", "--keys", "--format"]],
    ["schema", []],
    ["keys", ["generate", "list"]],
    ["keys generate", ["<topology>", "--keys"]],
    ["keys list", ["<topology>", "--keys"]],
  ])("%s --help says what it does and names each argument and option", (command, words) => {
    const { status, stdout, stderr } = run([...command.split(" "), "--help"]);
    expect([status, stderr]).toEqual([0, ""]);
    for (const word of words) expect(stdout).toContain(word);
    // A paragraph of at least one sentence, and no line cut in the middle of it.
    const description = stdout.split("\n\n")[1] ?? "";
    expect(description).toMatch(/\.$/);
    const lines = description.split("\n");
    expect(lines.slice(0, -1).filter((line) => line.length < 60)).toEqual([]);
    expect(stdout.split("\n").filter((line) => line.length > 80)).toEqual([]);
  });

  test("without arguments it shows the help, as an error", () => {
    const { status, stdout, stderr } = run([]);
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toContain("Usage: netgen [options] [command]");
  });

  test.each([
    [["biuld", "topology.yaml"], "unknown command 'biuld'", "netgen --help"],
    [["check"], "missing required argument 'topology'", "netgen check --help"],
    [["mtu", "a", "b"], "too many arguments", "netgen mtu --help"],
    [["build", "--frce", "a"], "unknown option '--frce'", "netgen build --help"],
    [["build", "a", "-o"], "option '-o, --output <dir>' argument missing", "netgen build --help"],
    [["check", "a", "--format", "xml"], "Allowed choices are text, json", "netgen check --help"],
    [["keys", "destroy"], "unknown command 'destroy'", "netgen keys --help"],
    [["keys", "generate"], "missing required argument 'topology'", "netgen keys generate --help"],
  ])("%j is refused with exit code 2 and the way to help", (args, message, help) => {
    const { status, stdout, stderr } = run(args);
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(message);
    expect(stderr).toContain(`(${help} tells more)`);
  });

  test("a bug in netgen ends with 70, says that it is one, and writes nothing to standard output", () => {
    const breakage = "data:text/javascript,JSON.stringify = () => { throw new TypeError('broken on purpose'); };";
    const { status, stdout, stderr } = run(["schema"], { node: ["--import", breakage] });
    expect([status, stdout]).toEqual([70, ""]);
    expect(stderr).toMatch(/^netgen: this is a bug in netgen, please report it: TypeError: broken on purpose\n/);
  });
});

describe("reading the topology", () => {
  test.each(["build", "check", "model", "mtu", "keys generate", "keys list"])(
    "%s: a file that is not there",
    (command) => {
      const { status, stdout, stderr } = run([...command.split(" "), "nowhere.yaml"]);
      expect([status, stdout, stderr]).toEqual([2, "", "netgen: nowhere.yaml: there is no such file or directory\n"]);
      expect(tree()).toEqual([]);
    },
  );

  test("a directory is named", () => {
    mkdirSync(join(home, "some"));
    const { status, stderr } = run(["check", "some"]);
    expect([status, stderr]).toEqual([2, "netgen: some: it is a directory, not a file\n"]);
  });

  test("a path through a file is named", () => {
    put("file", "");
    const { status, stderr } = run(["check", "file/topology.yaml"]);
    expect([status, stderr]).toEqual([
      2,
      "netgen: file/topology.yaml: a part of the path is a file, not a directory\n",
    ]);
  });

  test("a device without an end is refused", () => {
    const { status, stderr } = run(["check", "/dev/zero"]);
    expect([status, stderr]).toEqual([2, "netgen: /dev/zero has more than 67108864 bytes: this is no topology\n"]);
  });

  test.each([
    ["Latin-1", Buffer.from("name: caf\xe9\n", "latin1")],
    ["UTF-16", Buffer.from("\ufeffnetgen: 1\n", "utf16le")],
    ["a surrogate in UTF-8", Buffer.from([0x61, 0xed, 0xa0, 0x80])],
  ])("what is not UTF-8 is refused: %s", (_, bytes) => {
    put("topology.yaml", bytes);
    const expected = { status: 2, stdout: "", stderr: "netgen: topology.yaml is not UTF-8 text; save it as UTF-8\n" };
    expect(run(["check", "topology.yaml"])).toEqual(expected);
    const fromInput = run(["check", "-"], { input: bytes as Buffer });
    expect(fromInput).toEqual({ ...expected, stderr: expected.stderr.replace("topology.yaml", "standard input") });
  });

  test("a byte order mark and CR LF are taken, and places are counted as without", () => {
    const plain = run(["check", "-"], { input: THREE_MISTAKES });
    expect(plain.status).toBe(1);
    expect(run(["check", "-"], { input: THREE_MISTAKES.replaceAll("\n", "\r\n") })).toEqual(plain);
    const places = (text: string) => text.match(/^-:\d+:\d+: \w+\[[\w-]+\]/gm);
    expect(places(run(["check", "-"], { input: `\ufeff${THREE_MISTAKES}` }).stdout)).toEqual(places(plain.stdout));
    useFixture("minimal");
    const text = read("topology.yaml");
    for (const each of [`\ufeff${text}`, text.replaceAll("\n", "\r\n"), `\ufeff${text.replaceAll("\n", "\r\n")}`]) {
      expect(run(["check", "-"], { input: each })).toMatchObject({ status: 0, stderr: "" });
    }
  });

  test("- is standard input; out and keys are then here", () => {
    put("topology.yaml", WITHOUT_KEYS);
    expect(run(["keys", "generate", "-"], { input: WITHOUT_KEYS }).status).toBe(0);
    expect(run(["build", "-"], { input: WITHOUT_KEYS })).toMatchObject({ status: 0, stderr: "" });
    expect(readdirSync(home).sort()).toEqual(["keys", "out", "topology.yaml"]);
    expect(run(["build", "topology.yaml"]).stdout).toMatch(/^out: 0 new, 0 changed, 0 removed, \d+ as they were\n$/);
  });

  test("standard input is called -, so that the hint can be pasted", () => {
    const { stdout } = run(["check", "-"], { input: WITHOUT_KEYS });
    expect(stdout).toContain("-:5:3: error[public-key-missing]");
    expect(stdout).toContain("netgen keys generate -\n");
  });

  test("an empty file is an error of the topology", () => {
    const { status, stdout, stderr } = run(["check", "-"]);
    expect([status, stderr]).toEqual([1, ""]);
    expect(stdout).toMatch(/^-:1:1: error\[/);
  });
});

describe("check", () => {
  test("shows all mistakes at once, each with its place, on standard output", () => {
    put("topology.yaml", THREE_MISTAKES);
    const { status, stdout, stderr } = run(["check", "topology.yaml"]);
    expect([status, stderr]).toEqual([1, ""]);
    const column = 1 + (THREE_MISTAKES.split("\n")[4] as string).indexOf("colour");
    expect(stdout.match(/^topology.yaml:\d+:\d+: \w+\[[\w-]+\]/gm)).toEqual([
      `topology.yaml:5:${column}: error[key-unknown]`,
      "topology.yaml:6:14: error[id-duplicate]",
      "topology.yaml:8:15: error[prefix-host-bits]",
    ]);
    expect(stdout).toContain("hint:");
    expect(stdout).toMatch(/\n3 errors\n$/);
    expect(tree()).toEqual(["topology.yaml"]);
  });

  test("--format json prints one object a line, with the fields of the contract and no others", () => {
    put("topology.yaml", THREE_MISTAKES);
    const { status, stdout, stderr } = run(["check", "topology.yaml", "--format", "json"]);
    expect([status, stderr]).toEqual([1, ""]);
    expect(stdout.endsWith("\n")).toBe(true);
    const objects = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    const place = ["file", "line", "column", "endLine", "endColumn"];
    for (const each of objects) {
      expect(Object.keys(each)).toEqual(["code", "severity", "message", ...place, "hint", "related"]);
      for (const other of each.related) expect(Object.keys(other)).toEqual(["message", ...place]);
    }
    const [unknown, duplicate, bits] = objects;
    expect([unknown.code, duplicate.code, bits.code]).toEqual(["key-unknown", "id-duplicate", "prefix-host-bits"]);
    // From 1, the end exclusive: the value 10.1.1.7/24.
    const line = THREE_MISTAKES.split("\n")[7] as string;
    expect(line.slice(bits.column - 1, bits.endColumn - 1)).toBe("10.1.1.7/24");
    expect([bits.file, bits.line, bits.endLine]).toEqual(["topology.yaml", 8, 8]);
    expect(duplicate.related).toHaveLength(1);
    expect(duplicate.related[0]).toMatchObject({ file: "topology.yaml", line: 5 });
  });

  test("--format json counts columns in UTF-16 units", () => {
    const text = THREE_MISTAKES.replace("colour: red", '"\u{1f600}": 1, colour: red');
    const { stdout } = run(["check", "-", "--format", "json"], { input: text });
    const unknown = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line))
      .filter(({ line }) => line === 5);
    const line = text.split("\n")[4] as string;
    const quoted = unknown.map(({ column, endColumn }) => line.slice(column - 1, endColumn - 1));
    expect(quoted).toEqual(['"\u{1f600}"', "colour"]);
  });

  test("--format json prints nothing where there is nothing to say", () => {
    useFixture("minimal");
    expect(run(["check", "topology.yaml", "--format", "json"])).toEqual({ status: 0, stdout: "", stderr: "" });
  });

  test("a good topology is 0 and says so", () => {
    useFixture("minimal");
    const expected = { status: 0, stdout: "topology.yaml: no errors, 2 hosts\n", stderr: "" };
    expect(run(["check", "topology.yaml"])).toEqual(expected);
    expect(tree()).toEqual(["topology.yaml"]);
  });

  test("warnings alone are 0", () => {
    const { status, stdout } = run(["check", "-"], { input: WARNING });
    expect(status).toBe(0);
    expect(stdout).toContain("warning[path-unused]");
    expect(stdout).toMatch(/\n1 warning\n$/);
  });
});

describe("build", () => {
  test("writes beside the topology, tells the counts on standard output, and nothing else", () => {
    put("net/topology.yaml", readFileSync(join(ROOT, "fixtures/minimal/topology.yaml")));
    const { status, stdout, stderr } = run(["build", "net/topology.yaml"]);
    expect([status, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^net\/out: \d+ new, 0 changed, 0 removed, 0 as they were\n$/);
    expect(readdirSync(join(home, "net/out")).sort()).toEqual(["alpha", "beta", "manifest.json"]);
    expect(read("net/out/alpha/etc/wireguard/wg0.conf")).toBe(
      readFileSync(join(ROOT, "fixtures/minimal/expect/alpha/etc/wireguard/wg0.conf"), "utf8"),
    );
  });

  test("with errors writes nothing, prints them on standard error, and ends with 1", () => {
    put("topology.yaml", THREE_MISTAKES);
    const { status, stdout, stderr } = run(["build", "topology.yaml"]);
    expect([status, stdout]).toEqual([1, ""]);
    expect(stderr.match(/error\[/g)).toHaveLength(3);
    expect(tree()).toEqual(["topology.yaml"]);
  });

  test("with errors leaves a tree of before as it is", () => {
    useFixture("minimal");
    run(["build", "topology.yaml"]);
    const before = tree();
    put("topology.yaml", THREE_MISTAKES);
    expect(run(["build", "topology.yaml"]).status).toBe(1);
    expect(tree()).toEqual(before);
  });

  test("with warnings prints them on standard error, and builds", () => {
    put("topology.yaml", WARNING);
    const { status, stdout, stderr } = run(["build", "topology.yaml"]);
    expect([status, stdout.includes("error"), stderr.includes("warning[path-unused]")]).toEqual([0, false, true]);
    expect(existsSync(join(home, "out/manifest.json"))).toBe(true);
  });

  test("--format json formats the diagnostics on standard error", () => {
    put("topology.yaml", THREE_MISTAKES);
    const { status, stdout, stderr } = run(["build", "topology.yaml", "--format", "json"]);
    expect([status, stdout]).toEqual([1, ""]);
    expect(
      stderr
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line).severity),
    ).toEqual(["error", "error", "error"]);
  });

  test("-o and --keys choose other places", () => {
    put("topology.yaml", WITHOUT_KEYS);
    run(["keys", "generate", "topology.yaml", "--keys", "elsewhere/keys"]);
    expect(run(["build", "topology.yaml"]).status).toBe(1);
    const { status, stdout } = run(["build", "topology.yaml", "-o", "x/y", "--keys", "elsewhere/keys"]);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^x\/y: \d+ new/);
    expect(readdirSync(home).sort()).toEqual(["elsewhere", "topology.yaml", "x"]);
  });

  test("names what changed, what was removed and what somebody had edited", () => {
    useFixture("minimal");
    run(["build", "topology.yaml"]);
    put("out/beta/etc/wireguard/wg0.conf", "edited\n");
    put("topology.yaml", read("topology.yaml").replace(/^subnets:[\s\S]*/m, ""));
    const { status, stdout } = run(["build", "topology.yaml"]);
    expect(status).toBe(0);
    expect(stdout).toContain("  ~ beta/etc/wireguard/wg0.conf\n");
    const [, removed] = /^ {2}- (alpha\/etc\/systemd\/network\/.*)$/m.exec(stdout) ?? [];
    expect(removed).toMatch(/\.(netdev|network)$/);
    expect(existsSync(join(home, "out", removed as string))).toBe(false);
    const said = "Edited since netgen wrote them, and replaced or removed";
    expect(stdout).toContain(`${said}:\n  ! beta/etc/wireguard/wg0.conf\nout: `);
  });

  test("names what was removed though somebody had edited it", () => {
    useFixture("minimal");
    run(["build", "topology.yaml"]);
    const [name = ""] = readdirSync(join(home, "out/alpha/etc/systemd/network")).filter((each) => /netdev$/.test(each));
    const path = `alpha/etc/systemd/network/${name}`;
    put(`out/${path}`, "edited\n");
    put("topology.yaml", read("topology.yaml").replace(/^subnets:[\s\S]*/m, ""));
    expect(run(["build", "topology.yaml"]).stdout).toContain(`removed:\n  ! ${path}\nout: `);
  });

  test("lists at most 20 paths and the number of the others", () => {
    cpSync(join(ROOT, "fixtures/proxmox/topology.yaml"), join(home, "topology.yaml"));
    run(["build", "topology.yaml"]);
    const emptied =
      'netgen: 1\nname: x\nwireguard: {addresses: [10.250.0.0/24]}\nhosts:\n  solo: {id: 1, publicKey: "KEY"}\n';
    const { status, stdout } = run(["build", "-", "-o", "out"], {
      input: emptied.replace("KEY", testPublicKey("solo")),
    });
    expect(status).toBe(0);
    expect(stdout.match(/^ {2}- /gm)).toHaveLength(21);
    const [, rest] = /^ {2}- and (\d+) more$/m.exec(stdout) ?? [];
    expect(stdout).toContain(` ${Number(rest) + 20} removed`);
  });

  test("--verbose names every file with its verdict, in the order of the tree and without an end", () => {
    useFixture("minimal");
    const first = run(["build", "topology.yaml", "--verbose"]).stdout.split("\n");
    const paths = JSON.parse(read("out/manifest.json")).files.map(({ path }: { readonly path: string }) => path);
    expect(paths.length).toBeGreaterThan(20);
    expect(first.slice(0, -2)).toEqual(paths.map((path: string) => `  + ${path}`));
    put("out/beta/etc/wireguard/wg0.conf", "edited\n");
    put(
      "topology.yaml",
      read("topology.yaml")
        .replace("198.51.100.1", "198.51.100.9")
        .replace(/^subnets:[\s\S]*/m, ""),
    );
    rmSync(join(home, "out/alpha/etc/netgen/routes"));
    const second = run(["build", "topology.yaml", "-v"]).stdout.split("\n");
    const signs = new Map(second.slice(0, -2).map((line) => [line.slice(4), line.slice(2, 3)]));
    expect([...signs.keys()]).toEqual(paths);
    expect(signs.get("beta/etc/wireguard/wg0.conf")).toBe("!");
    expect(signs.get("alpha/etc/netgen/routes")).toBe("+");
    expect(signs.get("alpha/etc/netgen/wg-reload")).toBe("=");
    expect(signs.get("alpha/etc/systemd/network/20-netgen-vx100.netdev")).toBe("-");
    expect(new Set(signs.values())).toEqual(new Set(["!", "+", "=", "-", "~"]));
  });

  test("a stranger's file is refused with 2, and --force is offered and works", () => {
    useFixture("minimal");
    put("out/alpha/etc/wireguard/wg0.conf", "mine\n");
    const { status, stdout, stderr } = run(["build", "topology.yaml"]);
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toBe(
      "netgen: nothing was written: in out this was not written by netgen and differs:\n" +
        "  ! alpha/etc/wireguard/wg0.conf\nMove it away, or let build replace it with --force.\n",
    );
    expect(readdirSync(join(home, "out"))).toEqual(["alpha"]);
    expect(run(["build", "topology.yaml", "--force"]).status).toBe(0);
    expect(read("out/alpha/etc/wireguard/wg0.conf")).not.toBe("mine\n");
  });

  test("--force is not offered where it does not help", () => {
    useFixture("minimal");
    mkdirSync(join(home, "out/alpha/etc/wireguard/wg0.conf"), { recursive: true });
    const { status, stderr } = run(["build", "topology.yaml"]);
    expect([status, stderr]).toEqual([
      2,
      "netgen: nothing was written: in out this is no plain file:\n  ! alpha/etc/wireguard/wg0.conf\n",
    ]);
  });

  test("--hosts writes these hosts only", () => {
    useFixture("minimal");
    expect(run(["build", "topology.yaml", "--hosts", "beta"]).status).toBe(0);
    expect(readdirSync(join(home, "out")).sort()).toEqual(["beta", "manifest.json"]);
    expect(run(["build", "topology.yaml", "--hosts", "alpha, beta"]).status).toBe(0);
    expect(readdirSync(join(home, "out")).sort()).toEqual(["alpha", "beta", "manifest.json"]);
  });

  test.each([
    ["gamma", '"gamma"'],
    ["alpha,gamma,delta", '"gamma", "delta"'],
    ["", '""'],
    ["alpha,", '""'],
    ["../alpha", '"../alpha"'],
  ])("--hosts %j names no host: 2, and nothing is written", (hosts, named) => {
    useFixture("minimal");
    const { status, stdout, stderr } = run(["build", "topology.yaml", "--hosts", hosts]);
    expect([status, stdout, stderr]).toEqual([2, "", `netgen: --hosts: the topology has no host ${named}\n`]);
    expect(tree()).toEqual(["topology.yaml"]);
  });

  test("a file in the place of the output directory ends with 2 and names it", () => {
    useFixture("minimal");
    put("out", "a file");
    const { status, stderr } = run(["build", "topology.yaml"]);
    expect([status, stderr]).toEqual([2, "netgen: out: there is a file in the place of a directory\n"]);
  });

  test("a file in the place of the key directory ends with 2 and names it", () => {
    put("topology.yaml", WITHOUT_KEYS);
    put("keys", "a file");
    const { status, stderr } = run(["build", "topology.yaml"]);
    expect([status, stderr]).toEqual([2, "netgen: keys: a part of the path is a file, not a directory\n"]);
  });
});

describe("--quiet", () => {
  const NOTED = readFileSync(join(ROOT, "fixtures/warn-mtu-pin-lower/topology.yaml"), "utf8");

  test.each([
    ["init new.yaml", ""],
    ["check -", ""],
    ["build -", ""],
    ["keys generate -", ""],
    ["mtu -", "tunnel alpha - beta"],
    ["model -", "{"],
  ])("%s: the result if there is one, and no word more", (command, result) => {
    const { status, stdout, stderr } = run([...command.split(" "), "-q"], { input: NOTED });
    expect([status, stderr, stdout.slice(0, result.length || undefined)]).toEqual([0, "", result]);
  });

  test("notes are left out as text and as JSON, warnings are not", () => {
    expect(run(["check", "-"], { input: NOTED }).stdout).toContain("note[");
    expect(run(["check", "-", "--quiet", "--format", "json"], { input: NOTED }).stdout).toBe("");
    const { stdout } = run(["check", "-", "--quiet"], { input: WARNING });
    expect(stdout).toContain("warning[path-unused]");
    expect(stdout).not.toMatch(/\n1 warning\n$/);
  });

  test("errors stay", () => {
    const { status, stderr } = run(["build", "-", "--quiet"], { input: THREE_MISTAKES });
    expect([status, stderr.match(/error\[/g)]).toEqual([1, ["error[", "error[", "error["]]);
  });

  test("it goes not with --verbose", () => {
    const { status, stderr } = run(["build", "-", "-q", "-v"]);
    expect(status).toBe(2);
    expect(stderr).toContain("cannot be used with option");
  });
});

describe("model, mtu and schema", () => {
  test("model prints JSON, the same as the fixture's", () => {
    useFixture("minimal");
    const { status, stdout, stderr } = run(["model", "topology.yaml"]);
    expect([status, stderr]).toEqual([0, ""]);
    expect(stdout).toBe(readFileSync(join(ROOT, "fixtures/minimal/model.json"), "utf8"));
  });

  test.each([["model"], ["mtu"], ["mtu", "--format", "json"]])(
    "%s %s %s: errors go to standard error, with 1",
    (...args) => {
      const { status, stdout, stderr } = run([...args, "-"], { input: THREE_MISTAKES });
      expect([status, stdout]).toEqual([1, ""]);
      expect(stderr).toContain("error[id-duplicate]");
    },
  );

  test.each([[["tenant@fra1", "10.64.0.1"]], [["10.64.0.1", "tenant@fra1"]], [["tenant@fra1", "10.64.0.1@ams1"]]])(
    "trace %j: of a gateway that all have one asks one's own",
    (ends) => {
      const topology = join(ROOT, "fixtures/dual-stack/topology.yaml");
      const { status, stderr } = run(["trace", ...ends, "--topology", topology, "--quiet"]);
      expect([status, stderr]).toEqual([
        2,
        expect.stringContaining(`"${ends[0]}" and "${ends[1]}" are both on fra1: `),
      ]);
    },
  );

  test("mtu --format json prints the report alone on standard output, warnings as text on standard error", () => {
    const { status, stdout, stderr } = run(["mtu", "-", "--format", "json"], { input: WARNING });
    expect(status).toBe(0);
    expect(Object.keys(JSON.parse(stdout))).toEqual(["tunnels", "segments", "lans", "kubernetes"]);
    expect(stderr).toContain("warning[path-unused]");
  });

  test("mtu prints text", () => {
    useFixture("minimal");
    const { status, stdout } = run(["mtu", "topology.yaml"]);
    expect(status).toBe(0);
    expect(stdout).toContain("tunnel alpha - beta: 1440 bytes\n");
  });

  test("schema prints the schema of the package", () => {
    const { status, stdout, stderr } = run(["schema"]);
    expect([status, stderr]).toEqual([0, ""]);
    expect(JSON.parse(stdout)).toEqual(JSON.parse(readFileSync(join(ROOT, "schemas/topology.schema.json"), "utf8")));
  });
});

describe("keys", () => {
  beforeEach(() => put("topology.yaml", WITHOUT_KEYS));

  test("without keys, check says how to make them, and those very words make them", () => {
    const { status, stdout } = run(["check", "topology.yaml"]);
    expect(status).toBe(1);
    const [, command] = /hint: run: (netgen keys generate .*)$/m.exec(stdout) ?? [];
    expect(command).toBe("netgen keys generate topology.yaml");
    expect(shell(command as string).status).toBe(0);
    expect(run(["check", "topology.yaml"])).toMatchObject({ status: 0, stdout: "topology.yaml: no errors, 3 hosts\n" });
  });

  test("generate names what it made, and makes it once", () => {
    const names = ["alpha.key", "alpha.pub", "beta.key", "beta.pub", "gamma.key", "gamma.pub"];
    const shared = ["psk/alpha--beta.psk", "psk/alpha--gamma.psk", "psk/beta--gamma.psk"];
    const lines = [...names, ...shared].map((name) => `  + ${name}\n`).join("");
    expect(run(["keys", "generate", "topology.yaml"])).toEqual({
      status: 0,
      stdout: `${lines}keys: 9 new, 0 as they were\n`,
      stderr: "",
    });
    const before = names.map((name) => read(`keys/${name}`));
    expect(run(["keys", "generate", "topology.yaml"]).stdout).toBe("keys: 0 new, 9 as they were\n");
    expect(names.map((name) => read(`keys/${name}`))).toEqual(before);
  });

  test("a host with its key in the topology gets none, but takes part in preshared keys", () => {
    put("topology.yaml", WITHOUT_KEYS.replace("gamma: {", `gamma: {publicKey: "${testPublicKey("gamma")}", `));
    run(["keys", "generate", "topology.yaml"]);
    expect(existsSync(join(home, "keys/gamma.key"))).toBe(false);
    expect(existsSync(join(home, "keys/psk/alpha--gamma.psk"))).toBe(true);
  });

  test("no preshared keys where the topology asks for none", () => {
    put("topology.yaml", WITHOUT_KEYS.replace(", presharedKeys: true", ""));
    expect(run(["keys", "generate", "topology.yaml"]).status).toBe(0);
    expect(existsSync(join(home, "keys/psk"))).toBe(false);
  });

  test("list says where each key is", () => {
    put("topology.yaml", WITHOUT_KEYS.replace("gamma: {", `gamma: {publicKey: "${testPublicKey("gamma")}", `));
    put("keys/alpha.pub", `${testPublicKey("alpha")}\n`);
    expect(run(["keys", "list", "topology.yaml"])).toEqual({
      status: 0,
      stdout: [
        "HOST   PUBLIC KEY                                    WHERE",
        `alpha  ${testPublicKey("alpha")}  keys, public key only`,
        "beta   none: run netgen keys generate                -",
        `gamma  ${testPublicKey("gamma")}  topology`,
        "",
      ].join("\n"),
      stderr: "",
    });
    run(["keys", "generate", "topology.yaml"]);
    expect(run(["keys", "list", "topology.yaml"]).stdout).toMatch(
      /^beta {3}[\w+/]{43}= {2}keys, with its private key$/m,
    );
    // A key of its own stays away from netgen.
    expect(existsSync(join(home, "keys/alpha.key"))).toBe(false);
  });

  test.each(["generate", "list"])("%s: other mistakes of the topology come first, and nothing is made", (command) => {
    put("topology.yaml", WITHOUT_KEYS.replace("id: 2", "id: 1"));
    const { status, stdout, stderr } = run(["keys", command, "topology.yaml"]);
    expect([status, stdout]).toEqual([1, ""]);
    expect(stderr).toContain("error[id-duplicate]");
    expect(stderr).not.toContain("public-key-missing");
    expect(tree()).toEqual(["topology.yaml"]);
  });

  test("a broken private key ends with 2, named, its content not printed", () => {
    put("keys/beta.key", "canary-of-a-private-key\n");
    const { status, stdout, stderr } = run(["keys", "generate", "topology.yaml"]);
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toBe("netgen: keys/beta.key is not a WireGuard private key: it is not base64\n");
  });

  test("a .gitignore that lets secrets in is said on standard error", () => {
    put("keys/.gitignore", "*.bak\n");
    const { status, stderr } = run(["keys", "generate", "topology.yaml"]);
    expect(status).toBe(0);
    expect(stderr).toBe(
      "netgen: keys/.gitignore lacks one of *.key, /psk/ and *.tmp: git may take in private keys; add them\n",
    );
  });

  test("a .pub with the private key's file beside it that nobody may read does not stop a build", () => {
    run(["keys", "generate", "topology.yaml"]);
    for (const name of ["alpha", "beta", "gamma"]) {
      put(`keys/${name}.key`, "not even a key: no command but generate opens it\n");
    }
    for (const command of [["build"], ["check"], ["model"], ["mtu"], ["keys", "list"]]) {
      expect(run([...command, "topology.yaml"])).toMatchObject({ status: 0, stderr: "" });
    }
  });
});

describe("secrets", () => {
  test("no private or preshared key comes out of any command, in any stream or file", () => {
    put("topology.yaml", WITHOUT_KEYS);
    for (const host of ["alpha", "beta"]) put(`keys/${host}.key`, `${testPrivateKey(host)}\n`);
    const printed = [
      ["keys", "generate"],
      ["keys", "generate"],
      ["keys", "list"],
      ["check"],
      ["check", "--format", "json"],
      ["build"],
      ["build", "--force"],
      ["model"],
      ["mtu"],
      ["mtu", "--format", "json"],
    ].map((args) => run([...args, "topology.yaml"]));
    expect(printed.map(({ status }) => status)).toEqual(printed.map(() => 0));

    const secretFiles = tree().filter((path) => /^keys\/.*\.(key|psk)$/.test(path));
    expect(secretFiles).toHaveLength(6);
    const secrets = secretFiles.map((path) => read(path).trim());
    expect(secrets).toContain(testPrivateKey("alpha"));
    // As base64, and as the bytes in hexadecimal.
    const forms = secrets.flatMap((secret) => [secret, Buffer.from(secret, "base64").toString("hex")]);

    const others = tree().filter((path) => !secretFiles.includes(path));
    const files = others.filter((path) => /\.(conf|json|pub|gitignore)$|\/etc\/|\.yaml$/.test(path));
    const texts = files.flatMap((path) => {
      try {
        return [read(path)];
      } catch {
        return []; // A directory.
      }
    });
    expect(texts.length).toBeGreaterThan(20);
    const everything = [...texts, ...printed.flatMap(({ stdout, stderr }) => [stdout, stderr])].join("\n");
    expect(forms.filter((form) => everything.includes(form))).toEqual([]);
    // The search finds what is there.
    expect(everything).toContain(testPublicKey("alpha"));
  });
});

describe("terminals and pipes", () => {
  test("| head is quiet, and does not change the exit code", () => {
    useFixture("proxmox");
    const { status, stdout, stderr } = shell("netgen model topology.yaml | head -n 1");
    expect([status, stdout, stderr]).toEqual([0, "{\n", ""]);
    const many = Array.from({ length: 3000 }, (_, index) => `key${index}: 1\n`).join("");
    put("wrong.yaml", `${THREE_MISTAKES}${many}`);
    const failed = shell("netgen check wrong.yaml | head -n 1; echo $PIPESTATUS");
    expect(failed.stdout).toMatch(/^wrong\.yaml:\d+:\d+: error\[.*\n1\n$/);
    expect(failed.stderr).toBe("");
  });

  test("diagnostics into a closed pipe are quiet too", () => {
    const many = Array.from({ length: 3000 }, (_, index) => `key${index}: 1\n`).join("");
    put("wrong.yaml", `${THREE_MISTAKES}${many}`);
    const { stdout, stderr } = shell("netgen build wrong.yaml 2>&1 >/dev/null | head -n 1; echo $PIPESTATUS");
    expect(stdout).toMatch(/^wrong\.yaml:\d+:\d+: error\[.*\n1\n$/);
    expect(stderr).toBe("");
  });

  test("a full disk behind standard output is an error that is said", () => {
    useFixture("minimal");
    const { status, stderr } = shell("netgen model topology.yaml >/dev/full");
    expect(status).toBe(2);
    expect(stderr).toBe("netgen: standard output: the disk is full; make room and run the same command again\n");
  });

  test("no colour into a pipe", () => {
    const { stdout } = run(["check", "-"], { input: THREE_MISTAKES, env: { TERM: "xterm-256color" } });
    expect(stdout).toContain("error[");
    expect(stdout).not.toContain("\u001b");
  });

  // script(1), of a package that every Debian has, runs a command on a terminal of its own.
  const onTerminal = (env: Readonly<Record<string, string>>): string =>
    shell('script --quiet --return --command "netgen check wrong.yaml" /dev/null </dev/null', {
      env: { TERM: "xterm-256color", SHELL: "/bin/bash", ...env },
    }).stdout;

  test("colour on a terminal, unless NO_COLOR is set", () => {
    put("wrong.yaml", THREE_MISTAKES);
    expect(onTerminal({})).toContain("\u001b[1m\u001b[31merror[id-duplicate]");
    expect(onTerminal({ NO_COLOR: "" })).toContain("\u001b[31m");
    const plain = onTerminal({ NO_COLOR: "1" });
    expect(plain).toContain("error[id-duplicate]");
    expect(plain).not.toContain("\u001b");
  });
});

test("a directory that may not be written to ends with 2 and names what it was about", () => {
  useFixture("minimal");
  mkdirSync(join(home, "out"));
  chmodSync(join(home, "out"), 0o555);
  chmodSync(home, 0o755);
  // Root may write everywhere; these have no such privilege, and the package lies where they may not look.
  const isRoot = process.geteuid?.() === 0;
  const prefix = isRoot ? "setpriv --bounding-set=-dac_override,-dac_read_search,-fowner --inh-caps=-all" : "env";
  const { status, stdout, stderr } = shell(`${prefix} "${process.execPath}" "${CLI}" build topology.yaml`);
  expect([status, stdout, stderr]).toEqual([2, "", "netgen: out/.netgen-lock: permission denied\n"]);
});

describe("what would change a terminal is spelt out, and no line of it", () => {
  const odd = "o\u001b[2J\u202edd";
  const printed = ({ stdout, stderr }: Finished): string => stdout + stderr;
  const expectPlain = (finished: Finished): void => {
    expect(printed(finished)).toContain("\\u{1b}[2J\\u{202e}dd");
    expect(["\u001b", "\u202e"].filter((each) => printed(finished).includes(each))).toEqual([]);
  };
  beforeEach(() => put("topology.yaml", WITHOUT_KEYS));

  test.each([
    ["a file that is not there", ["check", `${odd}.yaml`]],
    ["an option", ["check", `--${odd}`]],
    ["a command", [odd]],
    ["a host", ["build", "topology.yaml", "--hosts", odd, "--keys", "keys"]],
    ["a directory of keys", ["keys", "generate", "topology.yaml", "--keys", odd]],
    ["a host that is asked for", ["keys", "export", odd, "-o", "x"]],
    ["a file of init's", ["init", odd]],
  ])("%s", (_, args) => {
    run(["keys", "generate", "topology.yaml"]);
    expectPlain(run(args));
  });

  test("a topology, and a tree with its files", () => {
    run(["keys", "generate", "topology.yaml"]);
    put(odd, read("topology.yaml"));
    expectPlain(run(["check", odd]));
    expectPlain(run(["build", odd, "-o", `t${odd}`]));
    put(`f${odd}/alpha/etc/wireguard/wg0.conf`, "mine");
    expectPlain(run(["build", "topology.yaml", "-o", `f${odd}`]));
  });

  test("a .pub of no host", () => {
    put(`keys/${odd}.pub`, "mine");
    put("keys/alpha.pub", "mine");
    expectPlain(run(["keys", "list", "topology.yaml"]));
  });

  test("a path of a manifest, which no build has written", () => {
    run(["keys", "generate", "topology.yaml"]);
    run(["build", "topology.yaml"]);
    put("out/manifest.json", read("out/manifest.json").replace("alpha/etc/", "alpha/\\u001b[2J/"));
    const { status, stderr } = run(["build", "topology.yaml"]);
    expect([status, stderr.split("\n")[0]]).toEqual([
      2,
      "netgen: nothing was written: in out this is no manifest that this netgen wrote:",
    ]);
  });

  test("a newline in the name of a directory does not leave the comment of a roll-out", () => {
    const keys = "k\ntouch gone";
    run(["keys", "generate", "topology.yaml", "--keys", keys]);
    expect(run(["keys", "rotate", "topology.yaml", "alpha", "--keys", keys])).toEqual({
      status: 2,
      stdout: "",
      stderr:
        "netgen: k\\u{a}touch gone has a character in its name that is no text; a roll-out cannot name such a file\n",
    });
    expect(existsSync(join(home, keys, "previous"))).toBe(false);
  });
});
