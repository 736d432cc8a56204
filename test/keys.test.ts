/** Key files: made once, readable by their owner only, kept out of git. */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { isWireguardKey } from "../src/base/key.ts";
import { presharedKeyName } from "../src/keys/directory.ts";
import { exportKeys } from "../src/keys/export.ts";
import { derivePublicKey, generateKeyPair, generatePresharedKey } from "../src/keys/keypair.ts";
import { generateKeys, privateKeyKept, readPublicKeys } from "../src/keys/store.ts";
import { eachInNewDirectory, modeOf } from "./new-directory.ts";
import { testPrivateKey, testPublicKey } from "./test-keys.ts";

let sandbox: string;
/** The key directory, not made yet. */
let keys: string;

eachInNewDirectory((path) => {
  sandbox = path;
  keys = join(sandbox, "keys");
});

const read = (name: string): string => readFileSync(join(keys, name), "utf8");
const modeOfKey = (name: string): string => modeOf(join(keys, name));
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
  test("makes a pair for each host, a preshared key for each pair, and a .gitignore", async () => {
    expect(await generate(["alpha", "beta"], [["alpha", "beta"]])).toEqual({
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

  test.each([0o022, 0o000, 0o077])("gives secrets to their owner alone, under umask %o", async (umask) => {
    const before = process.umask(umask);
    try {
      await generate(["alpha"], [["alpha", "beta"]]);
    } finally {
      process.umask(before);
    }
    expect(["", "psk"].map(modeOfKey)).toEqual(["700", "700"]);
    expect(["alpha.key", "psk/alpha--beta.psk"].map(modeOfKey)).toEqual(["600", "600"]);
    expect(["alpha.pub", ".gitignore"].map(modeOfKey)).toEqual(["644", "644"]);
  });

  test("makes no psk directory where nobody asks for one", async () => {
    await generate(["alpha"]);
    expect(existsSync(join(keys, "psk"))).toBe(false);
  });

  test("never overwrites", async () => {
    await generate(["alpha", "beta"], [["alpha", "beta"]]);
    const names = ["alpha.key", "alpha.pub", "beta.key", "beta.pub", "psk/alpha--beta.psk", ".gitignore"];
    const before = names.map((name) => [read(name), statSync(join(keys, name)).mtimeMs]);
    expect(await generate(["alpha", "beta"], [["alpha", "beta"]])).toEqual({
      created: [],
      kept: names.slice(0, -1),
      isGitIgnored: true,
    });
    expect(names.map((name) => [read(name), statSync(join(keys, name)).mtimeMs])).toEqual(before);
  });

  test("makes only what is missing when a host comes to others", async () => {
    await generate(["alpha", "beta"], [["alpha", "beta"]]);
    const { created } = await generate(
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

  test("leaves a host that has only a .pub to itself", async () => {
    put("alpha.pub", `${testPublicKey("alpha")}\n`, 0o644);
    expect(await generate(["alpha"])).toMatchObject({ created: [], kept: ["alpha.pub"] });
    expect([existsSync(join(keys, "alpha.key")), privateKeyKept(keys, "alpha")]).toEqual([false, undefined]);
    expect(read("alpha.pub")).toBe(`${testPublicKey("alpha")}\n`);
  });

  test.each(["\n", "", "\r\n"])("derives a .pub that is missing from its .key (which ends in %j)", async (end) => {
    put("alpha.key", `${testPrivateKey("alpha")}${end}`);
    expect(await generate(["alpha"])).toMatchObject({ created: ["alpha.pub"], kept: ["alpha.key"] });
    expect(read("alpha.pub")).toBe(`${testPublicKey("alpha")}\n`);
    expect(read("alpha.key")).toBe(`${testPrivateKey("alpha")}${end}`);
  });

  test("leaves a key that its owner may not even write", async () => {
    put("alpha.key", `${testPrivateKey("alpha")}\n`, 0o400);
    await generate(["alpha"]);
    expect(modeOfKey("alpha.key")).toBe("400");
  });

  test("leaves the mode of a directory that exists", async () => {
    mkdirSync(keys);
    chmodSync(keys, 0o755);
    await generate(["alpha"]);
    expect(modeOfKey("")).toBe("755");
  });

  test("does not write through a link that leads nowhere", async () => {
    mkdirSync(keys);
    symlinkSync(join(sandbox, "elsewhere"), join(keys, "alpha.key"));
    await expect(generate(["alpha"])).rejects.toThrow(expect.objectContaining({ code: "ENOENT" }));
    expect(existsSync(join(sandbox, "elsewhere"))).toBe(false);
  });

  test("leaves no half file behind", async () => {
    await generate(["alpha", "beta"], [["alpha", "beta"]]);
    await generate(["alpha", "beta"], [["alpha", "beta"]]);
    const all = readdirSync(keys, { recursive: true, encoding: "utf8" });
    expect(all.filter((name) => name.includes("tmp"))).toEqual([]);
  });
});

describe("a key file that is wrong", () => {
  const PAIR = ["alpha", "beta"] as const;

  const all = (): readonly string[] => readdirSync(sandbox, { recursive: true, encoding: "utf8" });

  /** The lines of the message that something ends with; nothing may be made. */
  async function complaints(work: () => Promise<unknown>): Promise<readonly string[]> {
    const before = all();
    try {
      await work();
    } catch (error) {
      expect(error).toMatchObject({ code: "EKEY" });
      const made = all().filter((name) => !before.includes(name));
      expect(made.filter((name) => name !== "keys/.gitignore")).toEqual([]);
      return (error as Error).message.split("\nnetgen: ");
    }
    throw new Error("nothing was said");
  }

  /** All that opens the key of alpha and the one that it shares with beta. */
  const openers: readonly (readonly [string, () => Promise<unknown>])[] = [
    ["generating", () => generate(["alpha", "gamma"], [PAIR])],
    [
      "exporting",
      () => exportKeys(keys, { host: "alpha", fleet: "", interfaces: ["wg0"], peers: ["beta"] }, join(sandbox, "x")),
    ],
  ];

  const contents: readonly (readonly [string, string, string])[] = [
    ["empty", "", "it is empty"],
    ["blank", " \n", "it is empty"],
    ["not base64", "canary-of-a-private-key\n", "it is not base64"],
    ["binary", "\0\x01\x02", "it is not base64"],
    ["hexadecimal", "0f".repeat(32), "it is hexadecimal, not base64"],
    ["too short", `${Buffer.alloc(31, 1).toString("base64")}\n`, "it has 31 bytes, not 32"],
    ["too long", `${Buffer.alloc(33, 1).toString("base64")}\n`, "it has 33 bytes, not 32"],
    ["all zero", `${Buffer.alloc(32).toString("base64")}\n`, "it is all zero"],
    ["without padding", testPrivateKey("alpha").slice(0, -1), "it is not base64 as wg prints it"],
    ["two keys", `${testPrivateKey("alpha")}\n${testPrivateKey("beta")}\n`, "it has more than one line"],
  ];

  describe.each(openers)("%s", (_, work) => {
    beforeEach(() => {
      put("alpha.key", `${testPrivateKey("alpha")}\n`);
      put("psk/alpha--beta.psk", `${testPrivateKey("any")}\n`);
    });

    test.each(contents)("a .key that is %s", async (_name, text, problem) => {
      put("alpha.key", text);
      expect(await complaints(work)).toEqual([`${keys}/alpha.key is not a WireGuard private key: ${problem}`]);
      expect(read("alpha.key")).toBe(text);
    });

    test.each(contents)("a .psk that is %s", async (_name, text, problem) => {
      put("psk/alpha--beta.psk", text);
      expect(await complaints(work)).toEqual([
        `${keys}/psk/alpha--beta.psk is not a WireGuard preshared key: ${problem}`,
      ]);
    });

    test.each(contents)("a .pub that is %s", async (_name, text, problem) => {
      put("alpha.pub", text, 0o644);
      expect(await complaints(work)).toEqual([
        `${keys}/alpha.pub is not a WireGuard public key: ${problem}; remove it: keys generate makes it again from ${keys}/alpha.key`,
      ]);
    });

    test.each([0o644, 0o640, 0o604, 0o620, 0o602, 0o777])("a secret with mode %o", async (mode) => {
      const octal = mode.toString(8).padStart(4, "0");
      const line = (name: string): string =>
        `${keys}/${name} has mode ${octal}: others get at a secret; run: chmod 600 ${keys}/${name}`;
      put("alpha.key", `${testPrivateKey("alpha")}\n`, mode);
      put("psk/alpha--beta.psk", `${testPrivateKey("any")}\n`, mode);
      expect(await complaints(work)).toEqual(["alpha.key", "psk/alpha--beta.psk"].map(line));
      expect(modeOfKey("alpha.key")).toBe(mode.toString(8));
    });

    test("a .pub that does not belong to its .key: both are named", async () => {
      put("alpha.pub", `${testPublicKey("beta")}\n`, 0o644);
      expect(await complaints(work)).toEqual([
        `${keys}/alpha.pub is not the public key of ${keys}/alpha.key: one of the two is from another pair; remove it`,
      ]);
      expect(read("alpha.pub")).toBe(`${testPublicKey("beta")}\n`);
    });

    test("all of them are named at once", async () => {
      put("alpha.key", "x", 0o644);
      put("psk/alpha--beta.psk", "y", 0o640);
      expect((await complaints(work)).map((line) => line.slice(keys.length, keys.length + 22))).toEqual([
        "/alpha.key has mode 06",
        "/alpha.key is not a Wi",
        "/psk/alpha--beta.psk h",
        "/psk/alpha--beta.psk i",
      ]);
    });
  });

  test("a .pub alone that is no key", async () => {
    put("alpha.pub", "no key", 0o644);
    expect(await complaints(() => generate(["alpha"]))).toEqual([
      `${keys}/alpha.pub is not a WireGuard public key: it is not base64; write what wg pubkey prints`,
    ]);
  });

  test("a directory in the place of a key is named", async () => {
    mkdirSync(join(keys, "alpha.key"), { recursive: true });
    const path = join(keys, "alpha.key");
    await expect(generate(["alpha"])).rejects.toThrow(expect.objectContaining({ code: "EISDIR", path }));
  });
});

describe("two netgens at once", () => {
  test("the second is refused, and nothing is made", async () => {
    mkdirSync(keys);
    symlinkSync(String(process.ppid), join(keys, ".netgen-lock"));
    await expect(generate(["alpha"])).rejects.toThrow(`another netgen is changing ${keys}; wait for it to end`);
    expect(readdirSync(keys)).toEqual([".netgen-lock"]);
  });

  test("what one left that was killed is taken away: its lock and its half-written files, and no other file", async () => {
    mkdirSync(keys);
    symlinkSync(String(spawnSync("true").pid), join(keys, ".netgen-lock"));
    const half = ["alpha.key", "psk/a--b.psk", "previous/alpha.key", "psk/previous/a--b.psk"];
    for (const name of half) put(`${name}.0123456789ab.tmp`, "half a k");
    put("mine.tmp", "mine");
    await generate([]);
    const files = readdirSync(keys, { recursive: true, encoding: "utf8", withFileTypes: true });
    expect(files.filter((entry) => !entry.isDirectory()).map(({ name }) => name)).toEqual([".gitignore", "mine.tmp"]);
  });
});

describe("git", () => {
  const SECRETS = [
    "alpha.key",
    "psk/alpha--beta.psk",
    "previous/alpha.key",
    "psk/previous/a--b.psk",
    "alpha.key.0123456789ab.tmp",
    "psk/a--b.psk.0123456789ab.tmp",
  ];

  test("ignores secrets, and half-written ones, and takes public keys", async () => {
    await generate(["alpha"], [["alpha", "beta"]]);
    const ignored = ignoredByGit([...SECRETS, ".netgen-lock", "alpha.pub", ".gitignore"]);
    expect(ignored).toEqual([...SECRETS, ".netgen-lock"].map((name) => `keys/${name}`));
  });

  test("a .gitignore of the user's stays as it is, and it is said when it lets secrets in", async () => {
    put(".gitignore", "*.bak\n", 0o644);
    expect((await generate(["alpha"])).isGitIgnored).toBe(false);
    expect(read(".gitignore")).toBe("*.bak\n");
    expect(ignoredByGit(SECRETS)).toEqual([]);
  });

  test("a .gitignore of the user's that names the secrets is good", async () => {
    put(".gitignore", "*.bak\r\n*.tmp\r\n/psk/\r\n*.key\r\n", 0o644);
    expect((await generate(["alpha"])).isGitIgnored).toBe(true);
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

  test("does not wait for a pipe", () => {
    mkdirSync(keys);
    const path = join(keys, "alpha.pub");
    spawnSync("mkfifo", [path]);
    expect(() => readPublicKeys(keys)).toThrow(`${path} is a pipe or a device, not a file`);
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
