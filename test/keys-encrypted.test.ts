/** Keys of a team: encrypted with age for all whom `keys/recipients` names, opened only to go elsewhere. */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import {
  armor,
  Decrypter,
  Encrypter,
  generateHybridIdentity,
  generateX25519Identity,
  identityToRecipient,
} from "age-encryption";
import { beforeEach, describe, expect, test } from "vitest";
import { addRecipient } from "../src/keys/encrypt.ts";
import { derivePublicKey } from "../src/keys/keypair.ts";
import { generateKeys } from "../src/keys/store.ts";
import { BUILD_TIMEOUT_MS, builtPackage } from "./built-package.ts";
import { type RunOptions, runNetgen, runShell } from "./netgen.ts";
import { eachInNewDirectory } from "./new-directory.ts";
import { testPrivateKey, testPublicKey } from "./test-keys.ts";

const TOPOLOGY = `netgen: 1
name: keys
wireguard: {addresses: [10.250.0.0/24], presharedKeys: true}
hosts:
  alpha: {id: 1, endpoint: 192.0.2.1}
  beta: {id: 2, endpoint: 192.0.2.2}
  gamma: {id: 3, endpoint: 192.0.2.3, publicKey: "${testPublicKey("gamma")}"}
  phone: {id: 9, platform: wireguard-app}
`;
const [ADA, BOB, EVE] = [
  await generateX25519Identity(),
  await generateX25519Identity(),
  await generateX25519Identity(),
] as const;
const [FOR_ADA, FOR_BOB] = [await identityToRecipient(ADA), await identityToRecipient(BOB)] as const;

let home: string;

const at = (name: string): string => join(home, name);
const read = (name: string): string => readFileSync(at(name), "utf8");
function put(name: string, text: string | Uint8Array, mode = 0o600): void {
  mkdirSync(dirname(at(name)), { recursive: true });
  writeFileSync(at(name), text);
  chmodSync(at(name), mode);
}

eachInNewDirectory((path) => {
  home = path;
  put("topology.yaml", TOPOLOGY);
  put("ada", `# created: today\n# public key: ${FOR_ADA}\n${ADA}\n`);
  put("bob", `${BOB}\n`);
  put("eve", `${EVE}\n`);
});

const keys = (args: readonly string[], options: RunOptions = {}) => runNetgen(home, ["keys", ...args], options);
/** The same for what must succeed. */
function done(...args: readonly string[]): string {
  const { status, stdout, stderr } = keys(args);
  expect([status, stderr]).toEqual([0, ""]);
  return stdout;
}
/** The message of what must be refused, without changing a byte. */
function refused(...args: readonly string[]): string {
  const before = snapshot();
  const { status, stdout, stderr } = keys(args);
  expect([status, stdout]).toEqual([2, ""]);
  expect(snapshot()).toEqual(before);
  return stderr;
}

const files = (): readonly string[] =>
  readdirSync(at("keys"), { recursive: true, encoding: "utf8", withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(at("keys/").length))
    .sort();
/** Without the .gitignore, which comes before anything is looked at. */
const snapshot = (): ReadonlyMap<string, string> =>
  existsSync(at("keys"))
    ? new Map(
        files()
          .filter((name) => name !== ".gitignore")
          .map((name) => [name, readFileSync(at(`keys/${name}`), "latin1")]),
      )
    : new Map();

/** What `keys generate` makes for the topology. */
const generate = () =>
  generateKeys(at("keys"), {
    hosts: ["alpha", "beta", "phone"],
    pairs: [
      ["alpha", "beta"],
      ["alpha", "gamma"],
      ["alpha", "phone"],
      ["beta", "gamma"],
      ["beta", "phone"],
      ["gamma", "phone"],
    ],
  });
async function generateEncrypted(): Promise<void> {
  await addRecipient(at("keys"), { recipient: FOR_ADA }, {});
  await generate();
}

async function openedBy(identity: string, name: string): Promise<string> {
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity);
  return decrypter.decrypt(armor.decode(read(`keys/${name}`)), "text");
}

const ENCRYPTED = [
  "alpha.key.age",
  "beta.key.age",
  "phone.key.age",
  ...["alpha--beta", "alpha--gamma", "alpha--phone", "beta--gamma", "beta--phone", "gamma--phone"].map(
    (pair) => `psk/${pair}.psk.age`,
  ),
];

describe("a store of one person", () => {
  test("has no recipients, no key of age, and asks for no identity", () => {
    done("generate", "topology.yaml");
    expect(files().filter((name) => /age|recipients/.test(name))).toEqual([]);
    expect(keys(["recipients", "list"])).toEqual({
      status: 0,
      stdout: "",
      stderr: "netgen: there is no keys/recipients: keys stand in clear\n",
    });
    expect(done("export", "alpha", "-o", "x")).toContain("  + etc/wireguard/wg0.key\n");
  });

  test("takes age's code from no disk, and neither do check, build and diff of an encrypted one", {
    timeout: BUILD_TIMEOUT_MS,
  }, () => {
    cpSync(builtPackage(), at("netgen"), { recursive: true });
    const chunks = at("netgen/dist/chunks");
    const ages = readdirSync(chunks).filter((name) => /^age\d?\.js$/.test(name));
    expect(ages).not.toEqual([]);
    for (const name of ages) rmSync(join(chunks, name));
    const lines = ["keys generate", "keys list", "check", "build", "diff"].map(
      (words) => `node netgen/dist/cli.js ${words} topology.yaml >/dev/null`,
    );
    const clear = runShell(home, lines.join(" && "));
    expect([clear.status, clear.stderr]).toEqual([0, ""]);
    done("recipients", "add", FOR_ADA, "--identity", "ada");
    const encrypted = runShell(home, lines.slice(1).join(" && "));
    expect([encrypted.status, encrypted.stderr]).toEqual([0, ""]);
    // So it is looked for where it is needed.
    expect(runShell(home, "node netgen/dist/cli.js keys export alpha -o x --identity ada").status).not.toBe(0);
  });
});

describe("the first recipient", () => {
  beforeEach(async () => {
    await generate();
  });

  test("has every key encrypted, and none is left in clear; public keys stay as they are", async () => {
    const before = snapshot();
    const told = done("recipients", "add", FOR_ADA, "--identity", "ada", "--comment", "Ada's laptop");
    expect(told).toBe(`keys/recipients: ${FOR_ADA} is added; ${ENCRYPTED.length} keys encrypted\n`);
    expect(files()).toEqual([...ENCRYPTED, ".gitignore", "alpha.pub", "beta.pub", "phone.pub", "recipients"].sort());
    for (const name of ENCRYPTED) expect(await openedBy(ADA, name)).toBe(before.get(name.replace(/\.age$/, "")));
    for (const name of ["alpha.pub", "beta.pub"]) expect(read(`keys/${name}`)).toBe(before.get(name));
    expect(read("keys/recipients").split("\n").slice(-3)).toEqual(["# Ada's laptop", FOR_ADA, ""]);
    expect(done("recipients", "list")).toBe(`${FOR_ADA}  Ada's laptop\n`);
    expect([...ENCRYPTED, "recipients"].map((name) => statSync(at(`keys/${name}`)).mode & 0o777)).toEqual(
      Array(ENCRYPTED.length + 1).fill(0o644),
    );
    expect(done("list", "topology.yaml").match(/keys, with its private key, encrypted$/gm)).toHaveLength(3);
  });

  test("has git take encrypted keys in, and none in clear", () => {
    done("recipients", "add", FOR_ADA, "--identity", "ada");
    const git = (args: readonly string[], input = "") =>
      spawnSync("git", ["-c", "core.excludesFile=/dev/null", ...args], { cwd: home, input, encoding: "utf8" }).stdout;
    git(["init", "--quiet"]);
    const secrets = ["alpha.key", "psk/a--b.psk", "previous/alpha.key", "psk/previous/a--b.psk", "alpha.key.age.1.tmp"];
    const asked = [...secrets, ...ENCRYPTED, "previous/alpha.key.age", "psk/previous/a--b.psk.age", "recipients"];
    const ignored = git(["check-ignore", "--stdin"], asked.map((name) => `keys/${name}\n`).join(""));
    expect(ignored).toBe(secrets.map((name) => `keys/${name}\n`).join(""));
  });

  test("leaves a .gitignore of the user's, and it is said when it leaves encrypted keys out", () => {
    put("keys/.gitignore", "*.key\n*.tmp\n/psk/\n");
    const { status, stderr } = keys(["recipients", "add", FOR_ADA, "--identity", "ada"]);
    expect([status, stderr]).toEqual([
      0,
      expect.stringContaining("keys/.gitignore lacks one of *.key, *.psk and *.tmp"),
    ]);
    put("keys/.gitignore", "*.key\n*.psk\n*.tmp\n");
    done("generate", "topology.yaml");
  });

  test.each([
    ["no identity", [], "say it: what stands in clear in keys goes once it is encrypted: show that you can open it"],
    ["another's", ["--identity", "eve"], "the identity in eve is none of those that keys/recipients is to name"],
  ])("is refused with %s: nobody locks himself out", (_, args, message) => {
    expect(refused("recipients", "add", FOR_ADA, ...args)).toContain(message.replace("say it: ", ""));
  });

  test("is refused while a key is wrong, and nothing is encrypted", () => {
    put("keys/psk/alpha--beta.psk", "no key\n");
    expect(refused("recipients", "add", FOR_ADA, "--identity", "ada")).toBe(
      "netgen: keys/psk/alpha--beta.psk is not a WireGuard key: it is not base64\n",
    );
    put("keys/psk/alpha--beta.psk", `${testPrivateKey("x")}\n`, 0o644);
    expect(refused("recipients", "add", FOR_ADA, "--identity", "ada")).toContain("has mode 0644");
  });

  test("needs no identity where there is no key yet", async () => {
    rmSync(at("keys"), { recursive: true });
    expect(done("recipients", "add", FOR_ADA)).toContain("0 keys encrypted");
    done("generate", "topology.yaml");
    expect(files().filter((name) => name.endsWith(".age"))).toEqual([...ENCRYPTED].sort());
    const key = await openedBy(ADA, "alpha.key.age");
    expect(read("keys/alpha.pub")).toBe(`${derivePublicKey(key.trim())}\n`);
  });
});

describe("an encrypted store", () => {
  beforeEach(generateEncrypted);

  test("keeps the bytes of a key that does not change, whatever is made beside it", () => {
    const before = snapshot();
    expect(done("generate", "topology.yaml")).toContain("keys: 0 new, 12 as they were\n");
    expect(snapshot()).toEqual(before);
    put("topology.yaml", `${TOPOLOGY}  delta: {id: 4, endpoint: 192.0.2.4}\n`);
    done("generate", "topology.yaml");
    expect(keys(["import", "delta"], { input: `${testPrivateKey("delta")}\n` }).status).toBe(2);
    expect(keys(["rotate", "topology.yaml", "beta"]).status).toBe(0);
    const after = snapshot();
    const changed = [...before.keys()].filter((name) => before.get(name) !== after.get(name));
    expect(changed).toEqual(["beta.key.age", "beta.pub"]);
  });

  test("makes the .pub again that is missing, with an identity, and says so without one", () => {
    const pub = read("keys/alpha.pub");
    rmSync(at("keys/alpha.pub"));
    expect(refused("generate", "topology.yaml")).toBe(
      "netgen: keys/alpha.key.age is encrypted; say what opens it: --identity FILE, or NETGEN_AGE_IDENTITY_FILE=FILE in the environment\n",
    );
    done("generate", "topology.yaml", "--identity", "ada");
    expect(read("keys/alpha.pub")).toBe(pub);
  });

  test("gives keys to the deployer's directory, with the identity of the flag, of the environment, or of a pipe", async () => {
    const key = await openedBy(ADA, "alpha.key.age");
    const env = { NETGEN_AGE_IDENTITY_FILE: "ada" };
    expect(keys(["export", "alpha", "-o", "a", "--identity", "ada"]).status).toBe(0);
    expect(keys(["export", "alpha", "-o", "b"], { env }).status).toBe(0);
    expect(keys(["export", "alpha", "-o", "never", "--identity", "eve"], { env }).status).toBe(2);
    expect(runShell(home, "netgen keys export alpha -o c --identity <(cat ada)")).toMatchObject({
      status: 0,
      stderr: "",
    });
    for (const target of ["a", "b", "c"]) {
      expect(read(`${target}/etc/wireguard/wg0.key`)).toBe(key);
      expect(statSync(at(`${target}/etc/wireguard/wg0.key`)).mode & 0o777).toBe(0o600);
      expect(readdirSync(at(`${target}/etc/wireguard/psk`)).sort()).toEqual(["beta.psk", "gamma.psk", "phone.psk"]);
    }
    expect(existsSync(at("never"))).toBe(false);
  });

  test("never gives them a place beside the encrypted ones", () => {
    for (const target of ["keys", "keys/deep", "./keys/../keys"]) {
      expect(refused("export", "alpha", "-o", target, "--identity", "ada")).toContain("where no key stands in clear");
    }
    expect(refused("export", "phone", "-o", "keys/phone.conf", "--identity", "ada")).toContain("write it elsewhere");
  });

  test("gives a host its keys through a pipe, as a tar", async () => {
    const unpacked = "tar -x -O etc/wireguard/wg0.key";
    const { stdout } = runShell(home, `netgen keys export alpha -o - --identity ada | ${unpacked}`);
    expect(stdout).toBe(await openedBy(ADA, "alpha.key.age"));
  });

  test("gives a device its whole configuration, through a pipe", async () => {
    const key = (await openedBy(ADA, "phone.key.age")).trim();
    expect(done("export", "phone", "-o", "-", "--identity", "ada")).toContain(`PrivateKey = ${key}\n`);
  });

  test("takes a key in without an identity, once", async () => {
    for (const name of ["alpha.key.age", "alpha.pub"]) rmSync(at(`keys/${name}`));
    const input = `${testPrivateKey("alpha")}\n`;
    expect(keys(["import", "alpha"], { input })).toMatchObject({ status: 0, stderr: "" });
    expect(await openedBy(ADA, "alpha.key.age")).toBe(input);
    expect(keys(["import", "alpha"], { input }).stdout).toContain("was there already");
    const other = keys(["import", "alpha"], { input: `${testPrivateKey("other")}\n` });
    expect(other).toMatchObject({ status: 2, stderr: expect.stringContaining("keys/alpha.key.age is there already") });
    expect(existsSync(at("keys/alpha.key"))).toBe(false);
  });

  test("rotates without an identity: the old key is kept byte for byte, and comes back as the documentation shows", async () => {
    const [oldKey, oldPub] = [read("keys/alpha.key.age"), read("keys/alpha.pub")];
    const rollout = done("rotate", "topology.yaml", "alpha");
    expect(read("keys/previous/alpha.key.age")).toBe(oldKey);
    expect(read("keys/alpha.pub")).toBe(`${derivePublicKey((await openedBy(ADA, "alpha.key.age")).trim())}\n`);
    expect(read("keys/alpha.pub")).not.toBe(oldPub);
    expect(keys(["rotate", "topology.yaml", "alpha"])).toMatchObject({ status: 2, stdout: rollout });

    renameSync(at("keys/previous/alpha.key.age"), at("keys/alpha.key.age"));
    rmSync(at("keys/alpha.pub"));
    done("generate", "topology.yaml", "--identity", "ada");
    expect([read("keys/alpha.key.age"), read("keys/alpha.pub")]).toEqual([oldKey, oldPub]);
  });

  test("rotates a key that was encrypted by hand, in binary, byte for byte", async () => {
    const encrypter = new Encrypter();
    encrypter.addRecipient(FOR_ADA);
    const bytes = await encrypter.encrypt(`${testPrivateKey("alpha")}\n`);
    put("keys/alpha.key.age", bytes);
    put("keys/alpha.pub", `${testPublicKey("alpha")}\n`);
    done("export", "alpha", "-o", "a", "--identity", "ada");
    expect(read("a/etc/wireguard/wg0.key")).toBe(`${testPrivateKey("alpha")}\n`);
    done("rotate", "topology.yaml", "alpha");
    expect(readFileSync(at("keys/previous/alpha.key.age")).equals(bytes)).toBe(true);
  });

  test("has a roll-out that opens keys for the way only, and puts nothing where one cannot be opened", () => {
    const ssh =
      '#!/bin/sh\nhost=$1; shift; case "$*" in *cat*) mkdir -p "got/$host"; cat > "got/$host/$(echo "$*" | md5sum | cut -c1-8)";; esac\n';
    put("bin/ssh", ssh, 0o755);
    const steps = (args: readonly string[]): string => {
      const text = done("rotate", "topology.yaml", ...args);
      return `${text.slice(text.indexOf("put()"), text.indexOf('rm -r "$opened"'))}rm -r "$opened"\nls -d "$opened"\n`;
    };
    const follow = (script: string, identity: string) =>
      runShell(home, `PATH="$PWD/bin:$PATH" TMPDIR=$PWD; export TMPDIR\n${script}`, {
        env: { NETGEN_AGE_IDENTITY_FILE: identity },
      });
    const ofHost = steps(["alpha"]);
    follow(ofHost, "eve");
    expect(existsSync(at("got"))).toBe(false);
    expect(follow(ofHost, "ada").stderr).toContain("No such file or directory");
    const [sent = ""] = readdirSync(at("got/root@alpha"));
    expect(`${derivePublicKey(read(`got/root@alpha/${sent}`).trim())}\n`).toBe(read("keys/alpha.pub"));
    follow(steps(["alpha", "beta"]), "ada");
    const both = ["alpha", "beta"].map((host) =>
      readdirSync(at(`got/root@${host}`)).map((name) => read(`got/root@${host}/${name}`)),
    );
    expect(new Set(both.flat()).size).toBe(2);
  });

  test("names the identity of the flag in the roll-out, and not that of the environment", () => {
    expect(done("rotate", "topology.yaml", "alpha", "--identity", "ada")).toContain(
      "--topology topology.yaml --identity ada\n",
    );
    const { stdout } = keys(["rotate", "topology.yaml", "beta"], { env: { NETGEN_AGE_IDENTITY_FILE: "ada" } });
    expect(stdout).toContain("netgen keys export beta");
    expect(stdout).not.toContain("ada");
  });

  describe("who comes", () => {
    test("can open every key, also those that are kept, and equal files stay equal", async () => {
      done("rotate", "topology.yaml", "alpha");
      copyFileSync(at("keys/beta.key.age"), at("keys/previous/beta.key.age"));
      const told = done("recipients", "add", FOR_BOB, "--identity", "ada", "--comment", "Bob");
      expect(told).toContain(`${ENCRYPTED.length + 2} keys encrypted`);
      for (const name of [...ENCRYPTED, "previous/alpha.key.age", "previous/beta.key.age"]) {
        expect(await openedBy(BOB, name)).toBe(await openedBy(ADA, name));
      }
      // A rotation that was cut short before the new key was there goes on.
      expect(read("keys/previous/beta.key.age")).toBe(read("keys/beta.key.age"));
      expect(keys(["rotate", "topology.yaml", "beta"]).status).toBe(0);
      expect(done("recipients", "list")).toBe(`${FOR_ADA}\n${FOR_BOB}  Bob\n`);
      expect(done("recipients", "add", FOR_BOB)).toContain("was there already");
    });

    test.each([
      ["no identity", [], "keys/alpha.key.age is encrypted; say what opens it"],
      [
        "the identity of somebody else",
        ["--identity", "eve"],
        "keys/alpha.key.age is not encrypted for the identity in eve",
      ],
      ["a file that is not there", ["--identity", "nowhere"], "nowhere: there is no such file or directory"],
    ])("is refused with %s", (_, args, message) => {
      expect(refused("recipients", "add", FOR_BOB, ...args)).toContain(`netgen: ${message}`);
    });
  });

  describe("who goes", () => {
    beforeEach(async () => {
      await addRecipient(at("keys"), { recipient: FOR_BOB, comment: "Bob" }, { identity: at("ada") });
    });

    test("opens nothing any more, and it is said what is to be rotated", async () => {
      done("rotate", "topology.yaml", "alpha");
      const { status, stdout, stderr } = keys(["recipients", "remove", FOR_BOB, "--identity", "ada"]);
      expect([status, stdout]).toEqual([
        0,
        `keys/recipients: ${FOR_BOB} is out; ${ENCRYPTED.length + 1} keys encrypted anew\n`,
      ]);
      const lines = ENCRYPTED.map((name) =>
        name
          .replace(/\.(key|psk)\.age$/, "")
          .replace("psk/", "")
          .replace("--", " "),
      );
      expect(stderr).toBe(
        "netgen: what it could open it still can, in every copy and in git's history. Only new keys end that:\n" +
          lines.map((hosts) => `  netgen keys rotate topology.yaml ${hosts}\n`).join(""),
      );
      for (const name of [...ENCRYPTED, "previous/alpha.key.age"]) {
        await expect(openedBy(BOB, name)).rejects.toThrow("no identity matched");
        expect((await openedBy(ADA, name)).length).toBe(45);
      }
      expect(read("keys/recipients")).not.toMatch(/Bob|\n\n\n|\n\n$/);
    });

    test("may be the one who does it", async () => {
      expect(keys(["recipients", "remove", FOR_ADA, "--identity", "ada", "--quiet"]).stdout).toBe("");
      expect(done("recipients", "list")).toBe(`${FOR_BOB}  Bob\n`);
      expect((await openedBy(BOB, "alpha.key.age")).length).toBe(45);
    });
  });

  test("is never left to nobody, and knows who is in it", () => {
    expect(refused("recipients", "remove", FOR_ADA, "--identity", "ada")).toContain("nobody could open the keys");
    expect(refused("recipients", "remove", FOR_BOB, "--identity", "ada")).toBe(
      `netgen: keys/recipients does not name "${FOR_BOB}"; it names ${FOR_ADA}\n`,
    );
  });

  describe("a key in clear beside", () => {
    beforeEach(() => {
      renameSync(at("keys/alpha.key.age"), at("away"));
      put("keys/alpha.key", `${testPrivateKey("alpha")}\n`);
      put("keys/alpha.pub", `${testPublicKey("alpha")}\n`);
    });

    test.each([
      [["generate", "topology.yaml"]],
      [["rotate", "topology.yaml", "beta"]],
      [["export", "beta", "-o", "x", "--identity", "ada"]],
      [["recipients", "add", FOR_BOB, "--identity", "ada"]],
    ])("stops %j", (args) => {
      expect(refused(...args)).toBe(
        "netgen: in clear, where keys/recipients says that keys are encrypted: keys/alpha.key; run netgen keys encrypt, or move what is not needed away\n",
      );
    });

    test("is encrypted by keys encrypt, and by nothing else", async () => {
      expect(refused("encrypt")).toContain("show that you can open it then");
      expect(done("encrypt", "--identity", "ada")).toBe("  + alpha.key.age\nkeys: 1 key encrypted\n");
      expect(await openedBy(ADA, "alpha.key.age")).toBe(`${testPrivateKey("alpha")}\n`);
      expect(existsSync(at("keys/alpha.key"))).toBe(false);
    });

    test("is told from another key of that name, and taken for what a killed run has left where it is the same", () => {
      renameSync(at("away"), at("keys/alpha.key.age"));
      expect(refused("encrypt", "--identity", "ada")).toContain(
        "keys/alpha.key and keys/alpha.key.age hold different keys",
      );
      rmSync(at("keys/alpha.key.age"));
      done("encrypt", "--identity", "ada");
      put("keys/alpha.key", `${testPrivateKey("alpha")}\n`);
      const before = read("keys/alpha.key.age");
      done("encrypt", "--identity", "ada");
      expect([read("keys/alpha.key.age"), existsSync(at("keys/alpha.key"))]).toEqual([before, false]);
    });
  });

  test("without its list of recipients is refused, before a key in clear is made", () => {
    rmSync(at("keys/recipients"));
    const message =
      "netgen: encrypted, and there is no keys/recipients that says for whom: keys/alpha.key.age and 8 more; bring that file back from git\n";
    expect(refused("generate", "topology.yaml")).toBe(message);
    expect(refused("rotate", "topology.yaml", "alpha")).toBe(message);
    expect(refused("recipients", "add", FOR_ADA, "--identity", "ada")).toBe(message);
    expect(refused("encrypt", "--identity", "ada")).toContain("there is no keys/recipients: say for whom first");
  });

  test("says which file is damaged", () => {
    put("keys/alpha.key.age", read("keys/alpha.key.age").slice(0, 200));
    const message =
      "netgen: keys/alpha.key.age is not what age wrote: it is cut off or changed; bring it back from git\n";
    expect(refused("export", "alpha", "-o", "x", "--identity", "ada")).toBe(message);
    expect(refused("recipients", "add", FOR_BOB, "--identity", "ada")).toBe(message);
  });

  test("holds what the .pub says: an exchanged file is told when it is opened", () => {
    copyFileSync(at("keys/beta.key.age"), at("keys/alpha.key.age"));
    expect(refused("export", "alpha", "-o", "x", "--identity", "ada")).toBe(
      "netgen: keys/alpha.pub is not the public key of keys/alpha.key.age: one of the two is from another pair; remove it\n",
    );
  });
});

/** With another last character, whatever it was: keys are made anew each time, and one in 32 ends in the letter put there. */
function mistyped(key: string): string {
  const [one, other] = key === key.toUpperCase() ? ["Q", "P"] : ["q", "p"];
  return `${key.slice(0, -1)}${key.endsWith(one) ? other : one}`;
}

describe("a text that is no recipient is quoted, with what to do", () => {
  const SSH = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0 ada@laptop";
  test.each([
    [mistyped(FOR_ADA), "has a typo: its last six characters do not fit the others"],
    [FOR_ADA.slice(0, -2), "has 60 characters, and a recipient 62"],
    [`age1b${FOR_ADA.slice(5)}`, 'has a typo: no recipient has "b" behind age1'],
    ["ada@example.net", "is no recipient; have its owner make a key with age-keygen"],
    [SSH, "is an SSH key, and netgen encrypts for keys of age alone; have its owner make a key with age-keygen"],
    ["age1yubikey1qwt50d05nh5vutpdzmlg5wn80xq5negm4uj9ghv0snvdd3yysf5yw3rhl3t", "is the recipient of a plugin"],
  ])("%s", (text, problem) => {
    expect(refused("recipients", "add", text)).toContain(`netgen: "${text}" ${problem}`);
    put("keys/recipients", `# Ada\n${FOR_ADA}\n${text}\n`);
    expect(refused("generate", "topology.yaml")).toContain(`netgen: keys/recipients, line 3: "${text}" ${problem}`);
  });

  test("a post-quantum one is refused", async () => {
    const text = await identityToRecipient(await generateHybridIdentity());
    expect(refused("recipients", "add", text)).toContain("is a post-quantum recipient");
  });

  test("an identity is refused, and not quoted", () => {
    const message = refused("recipients", "add", ADA);
    expect(message).toContain("this is an identity, a secret that has no place here");
    expect(message).not.toContain(ADA.slice(16, 30));
  });

  test("a list that names nobody", () => {
    put("keys/recipients", "# Ada\n");
    expect(refused("generate", "topology.yaml")).toContain("keys/recipients names nobody; add somebody");
  });

  test("a comment is one line", () => {
    expect(refused("recipients", "add", FOR_ADA, "--comment", "a\nage1")).toContain("a comment has one line of text");
  });
});

describe("a file that holds no identity says what it is, and quotes nothing", () => {
  beforeEach(generateEncrypted);

  const cases: readonly (readonly [string, string, string])[] = [
    ["empty", "# nothing\n", "it holds no identity; age-keygen -o FILE makes one"],
    ["a typo", `${mistyped(ADA)}\n`, "it, line 1: this is an identity with a typo"],
    ["a recipient", `# mine\n${FOR_ADA}\n`, "it, line 2: this is a recipient, the public half"],
    [
      "a passphrase's",
      "age-encryption.org/v1\n-> scrypt x 18\n",
      "it, line 1: this is encrypted itself, and netgen asks for no passphrase",
    ],
    ["armored", "-----BEGIN AGE ENCRYPTED FILE-----\nYWdl\n", "it, line 1: this is encrypted itself"],
    ["SSH's", "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n", "it, line 1: this is an SSH key"],
    ["a plugin's", "AGE-PLUGIN-YUBIKEY-1QQ\n", "it, line 1: this is the identity of a plugin"],
    ["post-quantum", "AGE-SECRET-KEY-PQ-1QQ\n", "it, line 1: this is a post-quantum identity"],
    ["a key of WireGuard's", `${testPrivateKey("alpha")}\n`, "it, line 1: this is no identity"],
  ];
  test.each(cases)("%s", (_, text, message) => {
    put("it", text);
    const told = refused("export", "alpha", "-o", "x", "--identity", "it");
    expect(told).toContain(`netgen: ${message}`);
    for (const secret of [ADA.slice(16, 30), testPrivateKey("alpha").slice(0, 20)]) expect(told).not.toContain(secret);
  });

  test("several are tried, one after the other", () => {
    put("it", `${EVE}\n\n# mine\n${ADA}\n`);
    done("export", "alpha", "-o", "x", "--identity", "it");
  });
});
