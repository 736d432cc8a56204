/** Key files: made once, readable by their owner only, kept out of git. */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { isWireguardKey } from "../src/base/key.ts";
import { derivePublicKey, generateKeyPair, generatePresharedKey } from "../src/keys/keypair.ts";
import { generateKeys, hasPrivateKey, presharedKeyName, readPublicKeys } from "../src/keys/store.ts";
import { testPrivateKey, testPublicKey } from "./test-keys.ts";

let sandbox: string;
/** The key directory, not made yet. */
let keys: string;

beforeEach(() => {
  sandbox = mkdtempSync(join(tmpdir(), "netgen-keys-"));
  keys = join(sandbox, "keys");
});

afterEach(() => {
  rmSync(sandbox, { recursive: true, force: true });
});

const read = (name: string): string => readFileSync(join(keys, name), "utf8");
const modeOf = (name: string): string => (statSync(join(keys, name)).mode & 0o7777).toString(8);
const generate = (hosts: readonly string[], pairs: readonly (readonly [string, string])[] = []) =>
  generateKeys(keys, { hosts, pairs });

/** Puts a file into the key directory before netgen sees it. */
function put(name: string, text: string, mode = 0o600): void {
  mkdirSync(join(keys, name, ".."), { recursive: true });
  writeFileSync(join(keys, name), text);
  chmodSync(join(keys, name), mode);
}

/** What `git check-ignore` says about names in a repository whose key directory netgen made. */
function ignoredByGit(names: readonly string[]): readonly string[] {
  const git = (args: readonly string[], input = "") =>
    spawnSync("git", ["-c", "core.excludesFile=/dev/null", ...args], { cwd: sandbox, input, encoding: "utf8" });
  expect(git(["init", "--quiet"]).status).toBe(0);
  return git(["check-ignore", "--stdin"], names.map((name) => `keys/${name}\n`).join(""))
    .stdout.split("\n")
    .filter((line) => line !== "");
}

describe("a key", () => {
  // Alice and Bob of RFC 7748 §6.1: private, public.
  test.each([
    [
      "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a",
      "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
    ],
    [
      "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
      "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
    ],
  ])("%s has the public key that RFC 7748 gives", (privateHex, publicHex) => {
    const publicKey = derivePublicKey(Buffer.from(privateHex, "hex").toString("base64"));
    expect(Buffer.from(publicKey, "base64").toString("hex")).toBe(publicHex);
  });

  test("is clamped as wg genkey clamps it, and never made twice", () => {
    const pairs = Array.from({ length: 20 }, generateKeyPair);
    for (const { privateKey, publicKey } of pairs) {
      const bytes = Buffer.from(privateKey, "base64");
      expect([(bytes[0] as number) & 7, (bytes[31] as number) & 0xc0]).toEqual([0, 0x40]);
      expect([isWireguardKey(privateKey), isWireguardKey(publicKey)]).toEqual([true, true]);
      expect(derivePublicKey(privateKey)).toBe(publicKey);
    }
    expect(new Set(pairs.map(({ privateKey }) => privateKey)).size).toBe(20);
  });

  test("shared before: 32 bytes, never the same", () => {
    const made = Array.from({ length: 20 }, generatePresharedKey);
    expect(made.every(isWireguardKey)).toBe(true);
    expect(new Set(made).size).toBe(20);
  });

  test.each([
    ["empty", ""],
    ["31 bytes", Buffer.alloc(31, 1).toString("base64")],
    ["33 bytes", Buffer.alloc(33, 1).toString("base64")],
    ["all zero", Buffer.alloc(32).toString("base64")],
    ["hexadecimal", "01".repeat(32)],
    ["bits behind the last byte", `${"A".repeat(42)}B=`],
    ["two lines", `${testPublicKey("alpha")}\n${testPublicKey("beta")}`],
    ["no padding", testPublicKey("alpha").slice(0, -1)],
    ["the URL alphabet", `-_${testPublicKey("alpha").slice(2)}`],
  ])("is not: %s", (_, text) => {
    expect(isWireguardKey(text)).toBe(false);
  });
});

describe("generating", () => {
  test("makes a pair for each host, a preshared key for each pair, and a .gitignore", () => {
    expect(generate(["alpha", "beta"], [["alpha", "beta"]])).toEqual({
      created: ["alpha.key", "alpha.pub", "beta.key", "beta.pub", "psk/alpha--beta.psk"],
      kept: [],
      isGitIgnored: true,
    });
    expect(readdirSync(keys).sort()).toEqual([".gitignore", "alpha.key", "alpha.pub", "beta.key", "beta.pub", "psk"]);
    expect(readdirSync(join(keys, "psk"))).toEqual(["alpha--beta.psk"]);
    expect(read("alpha.pub")).toBe(`${derivePublicKey(read("alpha.key").trim())}\n`);
    expect(read("alpha.key")).not.toBe(read("beta.key"));
    expect(isWireguardKey(read("psk/alpha--beta.psk").trim())).toBe(true);
  });

  test.each([0o022, 0o000, 0o077])("gives secrets to their owner alone, under umask %o", (umask) => {
    const before = process.umask(umask);
    try {
      generate(["alpha"], [["alpha", "beta"]]);
    } finally {
      process.umask(before);
    }
    expect(["", "psk"].map(modeOf)).toEqual(["700", "700"]);
    expect(["alpha.key", "psk/alpha--beta.psk"].map(modeOf)).toEqual(["600", "600"]);
    expect(["alpha.pub", ".gitignore"].map(modeOf)).toEqual(["644", "644"]);
  });

  test("makes no psk directory where nobody asks for one", () => {
    generate(["alpha"]);
    expect(existsSync(join(keys, "psk"))).toBe(false);
  });

  test("never overwrites", () => {
    generate(["alpha", "beta"], [["alpha", "beta"]]);
    const names = ["alpha.key", "alpha.pub", "beta.key", "beta.pub", "psk/alpha--beta.psk", ".gitignore"];
    const before = names.map((name) => [read(name), statSync(join(keys, name)).mtimeMs]);
    expect(generate(["alpha", "beta"], [["alpha", "beta"]])).toEqual({
      created: [],
      kept: names.slice(0, -1),
      isGitIgnored: true,
    });
    expect(names.map((name) => [read(name), statSync(join(keys, name)).mtimeMs])).toEqual(before);
  });

  test("makes only what is missing when a host comes to others", () => {
    generate(["alpha", "beta"], [["alpha", "beta"]]);
    const { created } = generate(
      ["alpha", "beta", "gamma"],
      [
        ["alpha", "beta"],
        ["alpha", "gamma"],
        ["gamma", "beta"],
      ],
    );
    expect(created).toEqual(["gamma.key", "gamma.pub", "psk/alpha--gamma.psk", "psk/beta--gamma.psk"]);
  });

  test("has one preshared key for a pair, whichever of the two comes first", () => {
    expect([presharedKeyName("a", "b"), presharedKeyName("b", "a")]).toEqual(["psk/a--b.psk", "psk/a--b.psk"]);
    // By code unit, as everywhere: a digit before a letter, "-" before both.
    expect(presharedKeyName("node10", "node9")).toBe("psk/node10--node9.psk");
    expect(presharedKeyName("ab", "a-b")).toBe("psk/a-b--ab.psk");
  });

  test("leaves a host that has only a .pub to itself", () => {
    put("alpha.pub", `${testPublicKey("alpha")}\n`, 0o644);
    expect(generate(["alpha"])).toMatchObject({ created: [], kept: ["alpha.pub"] });
    expect([existsSync(join(keys, "alpha.key")), hasPrivateKey(keys, "alpha")]).toEqual([false, false]);
    expect(read("alpha.pub")).toBe(`${testPublicKey("alpha")}\n`);
  });

  test.each(["\n", "", "\r\n"])("derives a .pub that is missing from its .key (which ends in %j)", (end) => {
    put("alpha.key", `${testPrivateKey("alpha")}${end}`);
    expect(generate(["alpha"])).toMatchObject({ created: ["alpha.pub"], kept: ["alpha.key"] });
    expect(read("alpha.pub")).toBe(`${testPublicKey("alpha")}\n`);
    expect(read("alpha.key")).toBe(`${testPrivateKey("alpha")}${end}`);
  });

  test("takes a key file that others may read away from their eyes, and leaves what is in it", () => {
    put("alpha.key", `${testPrivateKey("alpha")}\n`, 0o644);
    put("psk/alpha--beta.psk", `${testPrivateKey("any")}\n`, 0o640);
    generate(["alpha"], [["alpha", "beta"]]);
    expect(["alpha.key", "psk/alpha--beta.psk"].map(modeOf)).toEqual(["600", "600"]);
    expect(read("alpha.key")).toBe(`${testPrivateKey("alpha")}\n`);
  });

  test("leaves a key that its owner may not even write", () => {
    put("alpha.key", `${testPrivateKey("alpha")}\n`, 0o400);
    generate(["alpha"]);
    expect(modeOf("alpha.key")).toBe("400");
  });

  test("leaves the mode of a directory that exists", () => {
    mkdirSync(keys);
    chmodSync(keys, 0o755);
    generate(["alpha"]);
    expect(modeOf("")).toBe("755");
  });

  test("does not write through a link that leads nowhere", () => {
    mkdirSync(keys);
    symlinkSync(join(sandbox, "elsewhere"), join(keys, "alpha.key"));
    expect(() => generate(["alpha"])).toThrow(expect.objectContaining({ code: "ENOENT" }));
    expect(existsSync(join(sandbox, "elsewhere"))).toBe(false);
  });

  test("leaves no half file behind", () => {
    generate(["alpha", "beta"], [["alpha", "beta"]]);
    generate(["alpha", "beta"], [["alpha", "beta"]]);
    const all = readdirSync(keys, { recursive: true, encoding: "utf8" });
    expect(all.filter((name) => name.includes("tmp"))).toEqual([]);
  });
});

describe("a broken key file", () => {
  const CANARY = "canary-of-a-private-key";

  /** The message that generating ends with. */
  function complaint(hosts: readonly string[], pairs: readonly (readonly [string, string])[] = []): string {
    try {
      generate(hosts, pairs);
    } catch (error) {
      expect(error).toMatchObject({ code: "EKEY" });
      return (error as Error).message;
    }
    throw new Error("nothing was said");
  }

  test.each([
    ["alone", false],
    ["beside its .pub", true],
  ])("is named, its content is not: a .key %s", (_, hasPub) => {
    put("alpha.key", `${CANARY}\n`);
    if (hasPub) put("alpha.pub", `${testPublicKey("alpha")}\n`);
    const message = complaint(["alpha"]);
    expect(message).toBe(`${keys}/alpha.key is not a WireGuard private key: base64 of 32 bytes, not all zero`);
    expect(read("alpha.key")).toBe(`${CANARY}\n`);
  });

  test("is named: a .pub of another pair", () => {
    put("alpha.key", `${testPrivateKey("alpha")}\n`);
    put("alpha.pub", `${testPublicKey("beta")}\n`);
    const message = complaint(["alpha"]);
    expect(message).toContain(`${keys}/alpha.pub is not the public key of ${keys}/alpha.key`);
    expect(message).not.toContain(testPrivateKey("alpha"));
    expect(read("alpha.pub")).toBe(`${testPublicKey("beta")}\n`);
  });

  test("is named, its content is not: a preshared key", () => {
    put("psk/alpha--beta.psk", `${CANARY}\n`);
    const message = complaint([], [["beta", "alpha"]]);
    expect(message).toBe(
      `${keys}/psk/alpha--beta.psk is not a WireGuard preshared key: base64 of 32 bytes, not all zero`,
    );
  });

  test("is named: a directory in the place of a key", () => {
    mkdirSync(join(keys, "alpha.key"), { recursive: true });
    const path = join(keys, "alpha.key");
    expect(() => generate(["alpha"])).toThrow(expect.objectContaining({ code: "EISDIR", path }));
  });
});

describe("git", () => {
  const SECRETS = ["alpha.key", "psk/alpha--beta.psk", "alpha.key.0123456789ab.tmp", "psk/a--b.psk.0123456789ab.tmp"];

  test("ignores secrets, and half-written ones, and takes public keys", () => {
    generate(["alpha"], [["alpha", "beta"]]);
    const ignored = ignoredByGit([...SECRETS, "alpha.pub", ".gitignore"]);
    expect(ignored).toEqual(SECRETS.map((name) => `keys/${name}`));
  });

  test("a .gitignore of the user's stays as it is, and it is said when it lets secrets in", () => {
    put(".gitignore", "*.bak\n", 0o644);
    expect(generate(["alpha"]).isGitIgnored).toBe(false);
    expect(read(".gitignore")).toBe("*.bak\n");
    expect(ignoredByGit(SECRETS)).toEqual([]);
  });

  test("a .gitignore of the user's that names the secrets is good", () => {
    put(".gitignore", "*.bak\r\n*.tmp\r\n/psk/\r\n*.key\r\n", 0o644);
    expect(generate(["alpha"]).isGitIgnored).toBe(true);
  });
});

describe("reading public keys", () => {
  test("gives every .pub by its host, without the line's end, and nothing else", () => {
    put("alpha.pub", `${testPublicKey("alpha")}\n`);
    put("rack1.beta.pub", `  ${testPublicKey("beta")}\r\n`);
    put("alpha.key", `${testPrivateKey("alpha")}\n`);
    put("notes.txt", "mine");
    expect(readPublicKeys(keys)).toEqual({ alpha: testPublicKey("alpha"), "rack1.beta": testPublicKey("beta") });
  });

  test("gives none where there is no directory", () => {
    expect(readPublicKeys(join(sandbox, "nowhere"))).toEqual({});
  });

  test("names a directory that stands in the place of a key", () => {
    mkdirSync(join(keys, "alpha.pub"), { recursive: true });
    const path = join(keys, "alpha.pub");
    expect(() => readPublicKeys(keys)).toThrow(expect.objectContaining({ code: "EISDIR", path }));
  });

  test("a host called __proto__ is a name like any other", () => {
    put("__proto__.pub", "text\n");
    const found = readPublicKeys(keys);
    expect([Object.keys(found), Object.getPrototypeOf(found)]).toEqual([["__proto__"], Object.prototype]);
  });
});
