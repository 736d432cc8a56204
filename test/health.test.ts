/** What etc/netgen/health makes of what verify says, time after time. */
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { must } from "../src/base/invariant.ts";
import { compile } from "../src/compile.ts";
import { contentOf } from "../src/emit/file.ts";
import { ROOT } from "./built-package.ts";
import { runShell } from "./netgen.ts";
import { eachInNewDirectory } from "./new-directory.ts";
import { testPublicKey } from "./test-keys.ts";

let home: string;
eachInNewDirectory((path) => {
  home = path;
});

const TOPOLOGY = (gate: string): string => `
netgen: 1
name: office
wireguard: {addresses: [10.250.0.0/24]}
hostDefaults: {healthGate: ${gate}}
hosts:
  alpha: {id: 1, endpoint: 198.51.100.1, publicKey: "${testPublicKey("alpha")}"}
  beta: {id: 2, endpoint: 203.0.113.9, publicKey: "${testPublicKey("beta")}"}
`;

const program = (path: string, text: string): void => {
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, `#!/bin/bash\n${text}\n`);
  chmodSync(path, 0o755);
};

/** The gate of a host whose verify says what stands in a file. */
function lay(gate: string): void {
  const { files } = compile({ name: "topology.yaml", text: TOPOLOGY(gate) });
  const script = must(
    files.find(({ path }) => path === "alpha/etc/netgen/health"),
    "a host with a gate has its script",
  );
  program(join(home, "etc/netgen/verify"), `[[ $1 == --quick ]] && cat "${home}/said"`);
  writeFileSync(join(home, "etc/netgen/health"), contentOf(script));
}

const UP = "TAP version 13\nok 1 - unit wg-quick@wg0.service\nok 2 - link wg0\n1..2\n";
const DOWN = "TAP version 13\nok 1 - unit wg-quick@wg0.service\nnot ok 2 - link wg0\n# no such device\n1..2\n";
const HALF = "TAP version 13\nok 1 - unit wg-quick@wg0.service\n";

const health = (...words: readonly string[]) =>
  runShell(home, `NETGEN_ROOT=${home} bash etc/netgen/health ${words.join(" ")}`);

/** Asks once for each. */
const asked = (...said: readonly string[]) =>
  said.map((each) => {
    writeFileSync(join(home, "said"), each);
    return health();
  });

const condition = () => {
  const { status, stdout } = health("--condition");
  return [status, stdout.trim()];
};

/** What the program of the owner's was told. */
const told = (): string => {
  const path = join(home, "told");
  return existsSync(path) ? readFileSync(path, "utf8") : "";
};

describe("a gate", () => {
  beforeEach(() => {
    program(join(home, "changed"), `[[ ! -e ${home}/refuses ]] || exit 7; { echo "$1"; cat; } >> ${home}/told`);
    lay(`{failures: 3, run: ${home}/changed}`);
  });

  test("is known when as much was found in a row, and opens and closes by that alone", () => {
    expect(condition()).toEqual([2, "nobody has asked for ten minutes"]);
    asked(UP, UP);
    expect([condition()[0], told()]).toEqual([2, ""]);
    asked(UP);
    expect([condition(), told()]).toEqual([[0, "the overlay is up"], "up\n\n"]);
    asked(DOWN, DOWN, UP, DOWN, DOWN);
    expect([condition()[0], told()]).toEqual([0, "up\n\n"]);
    const [{ stdout } = { stdout: "" }] = asked(DOWN);
    expect(stdout).toBe("<4>down: not ok 2 - link wg0; # no such device\n");
    expect(condition()).toEqual([1, "not ok 2 - link wg0"]);
    expect(told()).toBe("up\n\ndown\nnot ok 2 - link wg0\n# no such device\n");
    asked(DOWN, UP, UP);
    expect(condition()[0]).toBe(1);
    expect(asked(UP).map(({ stdout: said }) => said)).toEqual(["<5>up: all is there again\n"]);
    expect([condition()[0], told().endsWith("up\n\n")]).toEqual([0, true]);
  });

  test("takes a verify that does not get to its end for one that misses something", () => {
    asked(HALF, "", HALF);
    expect(condition()).toEqual([1, "not ok - verify does not get to its end"]);
  });

  test("tells the program until it has done it, and says each time that it has not", () => {
    writeFileSync(join(home, "refuses"), "");
    const runs = asked(DOWN, DOWN, DOWN, DOWN);
    expect(runs.map(({ status }) => status)).toEqual([0, 0, 1, 1]);
    expect(runs.at(-1)?.stderr).toBe(`<3>${home}/changed down ended with 7\n`);
    expect([condition()[0], told()]).toEqual([1, ""]);
    rmSync(join(home, "refuses"));
    expect(asked(DOWN).map(({ status }) => status)).toEqual([0]);
    asked(DOWN);
    expect(told()).toBe("down\nnot ok 2 - link wg0\n# no such device\n");
  });

  test("tells nothing of a state that has gone before it could be told", () => {
    asked(UP, UP, UP);
    writeFileSync(join(home, "refuses"), "");
    asked(DOWN, DOWN, DOWN, UP, UP);
    rmSync(join(home, "refuses"));
    // It is still down for all that is known.
    asked(DOWN, UP, UP, UP);
    expect(told()).toBe("up\n\ndown\nnot ok 2 - link wg0\n# no such device\nup\n\n");
  });

  test("does not believe what was found before somebody stopped to ask", () => {
    asked(UP, UP, UP);
    const path = join(home, "run/netgen-health/state");
    const [uptime = ""] = readFileSync("/proc/uptime", "utf8").split(".");
    writeFileSync(path, readFileSync(path, "utf8").replace(/\d+\n$/, `${Number(uptime) - 601}\n`));
    expect(condition()[0]).toBe(2);
    asked(UP);
    expect(condition()[0]).toBe(0);
  });
});

test("without a program the journal has it all, and five times are many", () => {
  lay("{}");
  const runs = asked(DOWN, DOWN, DOWN, DOWN, DOWN, DOWN);
  expect(runs.map(({ stdout }) => stdout !== "")).toEqual([false, false, false, false, true, false]);
});

test.each([
  ["changed.sh", "text-malformed"],
  ["/usr/local/sbin/a b", "text-malformed"],
  ["/x';reboot;'", "text-malformed"],
])("a program %j is refused", (path, code) => {
  const { diagnostics } = compile({ name: "topology.yaml", text: TOPOLOGY(`{run: "${path}"}`) });
  expect(diagnostics.map((each) => each.code)).toContain(code);
});

test("node-problem-detector is told to run what a host has", () => {
  const page = readFileSync(join(ROOT, "docs/health.md"), "utf8");
  const [, text = ""] = /```json\n(.*?)```/s.exec(page) ?? [];
  const { rules, conditions } = JSON.parse(text);
  expect(rules).toMatchObject([{ path: "/etc/netgen/health", args: ["--condition"], condition: conditions[0].type }]);
  lay("{}");
  expect(existsSync(join(home, rules[0].path))).toBe(true);
});

test.each([0, 121])("%j failures are refused", (failures) => {
  const { diagnostics } = compile({ name: "topology.yaml", text: TOPOLOGY(`{failures: ${failures}}`) });
  expect(diagnostics.map((each) => each.code)).toContain("value-range");
});
