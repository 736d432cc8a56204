/** `keys import` and `keys rotate` as a user meets them. */
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { generateX25519Identity, identityToRecipient } from "age-encryption";
import { beforeEach, describe, expect, test } from "vitest";
import { addRecipient } from "../src/keys/encrypt.ts";
import { derivePublicKey } from "../src/keys/keypair.ts";
import { generateKeys } from "../src/keys/store.ts";
import { ROOT } from "./built-package.ts";
import { CLI, runNetgen } from "./netgen.ts";
import { eachInNewDirectory } from "./new-directory.ts";
import { testPrivateKey, testPublicKey } from "./test-keys.ts";

const TOPOLOGY = `netgen: 1
name: keys
wireguard: {addresses: [10.250.0.0/24], presharedKeys: true}
hosts:
  alpha: {id: 1, endpoint: 192.0.2.1}
  beta: {id: 2, endpoint: 192.0.2.2, publicKey: "${testPublicKey("beta")}"}
  gamma: {id: 3, endpoint: 192.0.2.3}
`;

let home: string;

eachInNewDirectory((path) => {
  home = path;
  put("topology.yaml", TOPOLOGY);
});

function put(name: string, text: string, mode = 0o600): void {
  mkdirSync(join(home, name, ".."), { recursive: true });
  writeFileSync(join(home, name), text);
  chmodSync(join(home, name), mode);
}

const read = (name: string): string => readFileSync(join(home, name), "utf8");
const names = (): readonly string[] =>
  readdirSync(home, { recursive: true, encoding: "utf8" })
    .filter((name) => /\.(key|pub|psk)$/.test(name))
    .sort();

const keys = (args: readonly string[], input: string | Buffer = "") => runNetgen(home, ["keys", ...args], { input });

describe("import", () => {
  const key = testPrivateKey("alpha");
  const done = {
    status: 0,
    stdout: `keys: the key of alpha is imported; its public key is ${testPublicKey("alpha")}\n`,
    stderr: "",
  };

  test.each([
    ["as wg genkey prints it", `${key}\n`],
    ["without the line's end", key],
    ["with that of Windows", `${key}\r\n`],
    ["with blanks around it", `\n  ${key}  \n\n`],
  ])("takes a key from standard input %s", (_, input) => {
    expect(keys(["import", "alpha"], input)).toEqual(done);
    expect([read("keys/alpha.key"), read("keys/alpha.pub")]).toEqual([`${key}\n`, `${testPublicKey("alpha")}\n`]);
    expect(["alpha.key", "alpha.pub"].map((name) => statSync(join(home, "keys", name)).mode & 0o777)).toEqual([
      0o600, 0o644,
    ]);
    expect(readdirSync(join(home, "keys")).sort()).toEqual([".gitignore", "alpha.key", "alpha.pub"]);
  });

  test("takes it from a file, which stays, and from - and other places", () => {
    put("old/wg0.key", `${key}\n`);
    put("net/t.yaml", TOPOLOGY);
    expect(keys(["import", "alpha", "old/wg0.key"])).toEqual(done);
    expect(read("old/wg0.key")).toBe(`${key}\n`);
    const args = ["import", "alpha", "-", "--topology", "net/t.yaml", "--keys", "elsewhere"];
    expect(keys(args, key).status).toBe(0);
    expect(read("elsewhere/alpha.pub")).toBe(`${testPublicKey("alpha")}\n`);
  });

  test("takes a key whose bits are not set as X25519 wants them, as WireGuard does", () => {
    const wild = Buffer.alloc(32, 0xff).toString("base64");
    expect(keys(["import", "alpha"], wild).status).toBe(0);
    expect(read("keys/alpha.key")).toBe(`${wild}\n`);
    // What `wg pubkey` prints for it.
    expect(read("keys/alpha.pub")).toBe("hHwNLDdSNPNl5mCVUYejc1oPdhPRYJ06ak2MU66qWiI=\n");
  });

  test("is done once: the same key again changes nothing, another one is refused", () => {
    keys(["import", "alpha"], key);
    expect(keys(["import", "alpha"], key).stdout).toContain("the key of alpha was there already");
    rmSync(join(home, "keys/alpha.pub"));
    expect(keys(["import", "alpha"], key)).toEqual(done);
    const { status, stdout, stderr } = keys(["import", "alpha"], testPrivateKey("other"));
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toBe(
      "netgen: keys/alpha.key is there already and holds another key, which is never overwritten; move it away\n",
    );
    expect(read("keys/alpha.key")).toBe(`${key}\n`);
  });

  test("completes a .pub that is there, and refuses one of another key", () => {
    put("keys/alpha.pub", `${testPublicKey("alpha")}\n`, 0o644);
    expect(keys(["import", "alpha"], key)).toEqual(done);
    put("keys/gamma.pub", `${testPublicKey("old")}\n`, 0o644);
    const { status, stderr } = keys(["import", "gamma"], testPrivateKey("gamma"));
    expect([status, stderr]).toEqual([
      2,
      "netgen: keys/gamma.pub is not the public key of the key given; move it away if it is out of date\n",
    ]);
    expect(names()).not.toContain("keys/gamma.key");
  });

  const refusals: readonly (readonly [string, string | Buffer, string])[] = [
    ["nothing", "", "it is empty"],
    ["no base64", "canary of a key\n", "it is not base64"],
    ["bytes", Buffer.from(key, "base64"), "it is not base64"],
    ["a short key", `${key.slice(0, 40)}\n`, "it has 30 bytes, not 32"],
    ["a long key", Buffer.alloc(48, 7).toString("base64"), "it has 48 bytes, not 32"],
    ["zeros", Buffer.alloc(32).toString("base64"), "it is all zero"],
    ["a long text", "A".repeat(100_000), "it has more than 4095 bytes"],
    ["two keys", `${key}\n${testPrivateKey("x")}\n`, "it has more than one line"],
    ["a public key of the fleet", testPublicKey("beta"), "it is the public key of beta"],
    [
      "a private key of the fleet",
      testPrivateKey("beta"),
      "it is the private key of beta, and two hosts cannot share one",
    ],
    [
      "a configuration",
      `[Interface]\nPrivateKey = ${key}\n`,
      "it is a configuration; give only what stands behind PrivateKey =",
    ],
  ];

  test.each(refusals)("refuses %s, and writes nothing", (_, input, problem) => {
    const { status, stdout, stderr } = keys(["import", "alpha"], input);
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toBe(`netgen: standard input is not a WireGuard private key for alpha: ${problem}\n`);
    expect(names()).toEqual([]);
  });

  test("refuses a key that is not the one of the publicKey in the topology, and takes the one that is", () => {
    const { status, stderr } = keys(["import", "beta"], key);
    expect(status).toBe(2);
    expect(stderr).toContain(`its public key is ${testPublicKey("alpha")}, and the topology has another publicKey`);
    expect(keys(["import", "beta"], testPrivateKey("beta")).status).toBe(0);
    expect(names()).toEqual(["keys/beta.key", "keys/beta.pub"]);
  });

  test.each([
    [["delta"], 'topology.yaml has no host "delta"; it has alpha, beta, gamma'],
    [["alpha", "absent"], "absent: there is no such file or directory"],
    [["alpha", "."], ".: it is a directory, not a file"],
    [["alpha", "-", "--topology", "-"], "the key and the topology cannot both come from standard input"],
    [["alpha", "--topology", "absent.yaml"], "absent.yaml: there is no such file or directory"],
  ])("%j ends with 2", (args, message) => {
    const { status, stdout, stderr } = keys(["import", ...args], key);
    expect([status, stdout, stderr]).toEqual([2, "", `netgen: ${message}\n`]);
    expect(names()).toEqual([]);
  });

  test("asks nothing at a terminal, but says what to do", () => {
    // script(1) of util-linux gives its command a terminal.
    const line = `${process.execPath} ${CLI} keys import alpha`;
    const { status, stdout } = spawnSync("script", ["-qec", line, "/dev/null"], { cwd: home, encoding: "utf8" });
    expect(status).toBe(2);
    expect(stdout).toContain("netgen: standard input is a terminal, where a key would be seen. Name a file");
  });
});

describe("rotate", () => {
  beforeEach(() => {
    expect(keys(["generate", "topology.yaml"]).status).toBe(0);
  });

  test("of a host prints a roll-out that a shell takes, and keeps the old key", () => {
    const old = read("keys/alpha.key");
    const { status, stdout, stderr } = keys(["rotate", "topology.yaml", "alpha"]);
    expect([status, stderr]).toEqual([0, ""]);
    expect(read("keys/previous/alpha.key")).toBe(old);
    expect(derivePublicKey(read("keys/alpha.key").trim())).toBe(read("keys/alpha.pub").trim());
    expect(spawnSync("bash", ["-n"], { input: stdout, encoding: "utf8" })).toMatchObject({ status: 0, stderr: "" });
    expect(stdout.split("\n").filter((line) => line !== "" && !line.startsWith("#"))).toEqual([
      "netgen build topology.yaml",
      'put() { ssh "root@$1" "umask 077; cat > $2.new && chmod $3 $2.new && mv $2.new $2"; } # put HOST PATH MODE < FILE',
      "put alpha /etc/wireguard/wg0.key 600 < keys/alpha.key",
      'for host in beta gamma; do put "$host" /etc/wireguard/wg0.conf 600 < out/"$host"/etc/wireguard/wg0.conf; done',
      'for host in beta gamma; do put "$host" /etc/netgen/verify.list 644 < out/"$host"/etc/netgen/verify.list; done',
      "ssh root@alpha systemd-run --quiet --on-active=30 --timer-property=AccuracySec=1ms systemctl reload wg-quick@wg0",
      "load='systemctl reload wg-quick@wg0; ping -c 1 -w 5 10.250.0.1'",
      "for host in beta gamma; do",
      '  ssh "root@$host" systemd-run --quiet --on-active=30.5 --timer-property=AccuracySec=1ms sh -c "\'$load\'" &',
      "done",
      "wait; sleep 36",
      "ssh root@alpha wg show wg0 public-key",
      'for address in 10.250.0.2 10.250.0.3; do ssh root@alpha ping -c 1 -w 20 "$address"; done',
      "rm keys/previous/alpha.key",
    ]);
    expect(stdout).toContain(read("keys/alpha.pub").trim());
  });

  test("names the places that were chosen", () => {
    keys(["generate", "topology.yaml", "--keys", "my keys"]);
    const { stdout } = keys(["rotate", "topology.yaml", "alpha", "--keys", "my keys", "-o", "x/y"]);
    expect(stdout).toContain("\nnetgen build topology.yaml -o x/y --keys 'my keys'\n");
    expect(stdout).toContain(" < 'my keys/alpha.key'\n");
    expect(stdout).toContain(' < x/y/"$host"/etc/wireguard/wg0.conf; done\n');
    expect(stdout).toContain("\nrm 'my keys/previous/alpha.key'\n");
  });

  test("again only prints the roll-out again", () => {
    const first = keys(["rotate", "topology.yaml", "alpha"]);
    const now = names().map((name) => read(name));
    const { status, stdout, stderr } = keys(["rotate", "topology.yaml", "alpha"]);
    expect([status, stdout]).toEqual([2, first.stdout]);
    expect(stderr).toContain("netgen: nothing was changed: this key was rotated before");
    expect(stderr).toContain("keys/previous/alpha.key");
    expect(names().map((name) => read(name))).toEqual(now);
  });

  test("of a pair changes its preshared key alone, also where netgen has no private key of a host", () => {
    const before = new Map(names().map((name) => [name, read(name)]));
    const { status, stdout } = keys(["rotate", "topology.yaml", "gamma", "beta"]);
    expect(status).toBe(0);
    expect(names().filter((name) => read(name) !== before.get(name))).toEqual([
      "keys/psk/beta--gamma.psk",
      "keys/psk/previous/beta--gamma.psk",
    ]);
    expect(read("keys/psk/previous/beta--gamma.psk")).toBe(before.get("keys/psk/beta--gamma.psk"));
    expect(stdout).toContain("\nput beta /etc/wireguard/psk/gamma.psk 600 < keys/psk/beta--gamma.psk\n");
    expect(keys(["rotate", "topology.yaml", "beta", "gamma"]).status).toBe(2);
  });

  test("of a host whose private key is its own says what to do there", () => {
    const { status, stdout, stderr } = keys(["rotate", "topology.yaml", "beta"]);
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toContain("no private key of beta to rotate: only its publicKey in topology.yaml.");
    expect(stderr).toContain(
      "(umask 077; wg genkey > /etc/wireguard/wg0.key.new); wg pubkey < /etc/wireguard/wg0.key.new",
    );
    rmSync(join(home, "keys/alpha.key"));
    expect(keys(["rotate", "topology.yaml", "alpha"]).stderr).toContain("only keys/alpha.pub.");
    rmSync(join(home, "keys/alpha.pub"));
    expect(keys(["rotate", "topology.yaml", "alpha"]).stderr).toBe(
      "netgen: alpha has no key to rotate; run: netgen keys generate topology.yaml\n",
    );
  });

  test.each([
    [["delta"], /has no host "delta"; it has alpha, beta, gamma/],
    [["alpha", "delta"], /has no host "delta"/],
    [["alpha", "alpha"], /alpha and alpha have no preshared key in topology\.yaml/],
    [["alpha", "beta", "gamma"], /too many arguments/],
    [[], /missing required argument 'host'/],
  ])("%j ends with 2, and changes nothing", (args, message) => {
    const before = names();
    const { status, stdout, stderr } = keys(["rotate", "topology.yaml", ...args]);
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(message);
    expect(names()).toEqual(before);
  });

  test("of a pair where there are no preshared keys, or this one is missing", () => {
    rmSync(join(home, "keys/psk/alpha--beta.psk"));
    expect(keys(["rotate", "topology.yaml", "alpha", "beta"])).toMatchObject({
      status: 2,
      stderr: "netgen: alpha and beta have no key to rotate; run: netgen keys generate topology.yaml\n",
    });
    put("topology.yaml", TOPOLOGY.replace(", presharedKeys: true", ""));
    expect(keys(["rotate", "topology.yaml", "alpha", "gamma"])).toMatchObject({ status: 2 });
  });
});

test("a .pub that is no key is named by every keys command, besides the place in the topology", () => {
  put("keys/alpha.pub", "garbage!\n", 0o644);
  for (const args of [
    ["generate", "topology.yaml"],
    ["list", "topology.yaml"],
    ["rotate", "topology.yaml", "alpha"],
    ["export", "alpha", "-o", "x"],
    ["import", "alpha"],
  ]) {
    const { status, stdout, stderr } = keys(args, testPrivateKey("alpha"));
    expect([status, stdout]).toEqual([1, ""]);
    expect(stderr).toContain("error[public-key-malformed]");
    expect(stderr).toContain("netgen: keys/alpha.pub is not a WireGuard public key: it is not base64; write what wg");
  }
});

describe("a private key in the place of a public one", () => {
  const check = () => runNetgen(home, ["check", "topology.yaml"], {});
  const rest = "if others have seen this file, make a new one: netgen keys rotate\n";

  test("in the .pub of its host is told by the file beside it", () => {
    keys(["generate", "topology.yaml"]);
    put("keys/alpha.pub", read("keys/alpha.key"), 0o644);
    const said = "keys/alpha.pub holds the private key of its host. Remove it: keys generate makes it again";
    expect(check()).toEqual({ status: 2, stdout: "", stderr: `netgen: ${said}; ${rest}` });
    rmSync(join(home, "keys/alpha.pub"));
    keys(["generate", "topology.yaml"]);
    expect(check().status).toBe(0);
  });

  test("in a topology that has the public one itself is told by that", () => {
    put("topology.yaml", `${TOPOLOGY}# ${testPrivateKey("beta")}\n`);
    const said = "here stands the private key of a host, the other half of a publicKey here. Take it out";
    expect(check()).toEqual({ status: 2, stdout: "", stderr: `netgen: topology.yaml:8:3: ${said}; ${rest}` });
  });
});

/** What is said where keys are encrypted, each mistake in a directory of its own. */
async function mistakesWithEncrypted(): Promise<readonly string[]> {
  const identity = await generateX25519Identity();
  const directory = join(home, "keys");
  const mistakes: readonly (readonly [make: () => void, ...more: string[]])[] = [
    [() => undefined],
    [() => undefined, "--identity", "FILE"],
    [() => put("keys/alpha.key", testPrivateKey("alpha"))],
    [() => rmSync(join(directory, "recipients"))],
    [() => put("keys/alpha.key.age", read("keys/alpha.key.age").slice(0, 99)), "--identity", "FILE"],
  ];
  put("FILE", `${await generateX25519Identity()}\n`);
  const said: string[] = [];
  for (const [make, ...more] of mistakes) {
    rmSync(directory, { recursive: true, force: true });
    await addRecipient(directory, { recipient: await identityToRecipient(identity) }, {});
    await generateKeys(directory, { hosts: ["alpha"], pairs: [] });
    make();
    const { status, stderr } = keys(["export", "alpha", "-o", "x", ...more]);
    expect(status).toBe(2);
    said.push(stderr);
  }
  return said;
}

test("docs/keys.md has what is said of a key file that is wrong, in these words", async () => {
  const page = readFileSync(join(ROOT, "docs/keys.md"), "utf8");
  const documented = [...page.matchAll(/^\| (`[^|]*) \|[^|]*\|$/gm)]
    .flatMap(([, cell = ""]) => [...cell.matchAll(/`([^`]+)`/g)].map(([, words = ""]) => words))
    .filter((words) => words.includes(" "));
  const [own, other] = [testPrivateKey("alpha"), testPublicKey("another")];
  const bytes = (length: number, value: number): string => Buffer.alloc(length, value).toString("base64");
  const mistakes: readonly (() => void)[] = [
    () => put("keys/alpha.key", own, 0o644),
    ...[bytes(31, 1), bytes(32, 0), "no key"].map((text) => () => put("keys/alpha.key", text)),
    () => put("keys/alpha.pub", other, 0o644),
    () => put("keys/alpha.pub", own, 0o644),
    () => put("topology.yaml", `${TOPOLOGY}# ${own}\n`),
    () => symlinkSync(String(process.pid), join(home, "keys/.netgen-lock")),
  ];
  const said = mistakes.map((make) => {
    rmSync(join(home, "keys"), { recursive: true, force: true });
    put("topology.yaml", TOPOLOGY);
    put("keys/alpha.key", own);
    put("keys/alpha.pub", testPublicKey("alpha"), 0o644);
    make();
    const { status, stderr } = keys(["generate", "topology.yaml"]);
    expect([status, stderr.includes(own)]).toEqual([2, false]);
    return stderr.replaceAll("keys/alpha", "A").replaceAll("alpha", "A");
  });
  put("topology.yaml", TOPOLOGY);
  said.push(...(await mistakesWithEncrypted()));
  expect(documented.length).toBeGreaterThan(7);
  expect(documented.filter((words) => !said.some((text) => text.includes(words)))).toEqual([]);
  expect(said.filter((text) => !documented.some((words) => text.includes(words)))).toEqual([]);
});
