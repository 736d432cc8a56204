/** Debian's `age` opens what netgen encrypts, and netgen what `age` does, with the identities of `age-keygen`. */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { addRecipient, removeRecipient } from "../../src/keys/encrypt.ts";
import { exportKeys } from "../../src/keys/export.ts";
import { derivePublicKey } from "../../src/keys/keypair.ts";
import { generateKeys } from "../../src/keys/store.ts";
import { eachInNewDirectory } from "../new-directory.ts";
import { testPrivateKey, testPublicKey } from "../test-keys.ts";

let home: string;
let keys: string;
/** Those of two people, by their names. */
let recipients: Readonly<Record<"ada" | "bob", string>>;

const at = (name: string): string => join(home, name);
const read = (name: string): string => readFileSync(at(name), "utf8");

function keygen(name: string): string {
  execFileSync("age-keygen", ["-o", at(name)], { stdio: "ignore" });
  return execFileSync("age-keygen", ["-y", at(name)], { encoding: "utf8" }).trim();
}

eachInNewDirectory(async (path) => {
  home = path;
  keys = join(home, "keys");
  recipients = { ada: keygen("ada"), bob: keygen("bob") };
  await addRecipient(keys, { recipient: recipients.ada, comment: "Ada" }, {});
  await addRecipient(keys, { recipient: recipients.bob, comment: "Bob" }, {});
  await generateKeys(keys, { hosts: ["alpha", "beta"], pairs: [["alpha", "beta"]] });
});

const decrypt = (identity: string, name: string) =>
  spawnSync("age", ["--decrypt", "--identity", at(identity), join(keys, name)], { encoding: "utf8" });
const exported = (identity: string) =>
  exportKeys(keys, { host: "alpha", fleet: "", interfaces: ["wg0"], peers: ["beta"] }, at("x"), {
    identity: at(identity),
  });

test("age opens each key with the identity of each recipient, and with no other", () => {
  for (const identity of ["ada", "bob"]) {
    for (const host of ["alpha", "beta"]) {
      const { status, stdout } = decrypt(identity, `${host}.key.age`);
      expect([status, `${derivePublicKey(stdout.trim())}\n`]).toEqual([0, read(`keys/${host}.pub`)]);
    }
    expect(decrypt(identity, "psk/alpha--beta.psk.age").stdout).toMatch(/^[A-Za-z0-9+/]{43}=\n$/);
  }
  keygen("eve");
  expect(decrypt("eve", "alpha.key.age").stderr).toContain("no identity matched any of the recipients");
});

test.each([[["--armor"]], [[]]])("netgen opens what age %j encrypts for the list that netgen wrote", async (form) => {
  const input = `${testPrivateKey("alpha")}\n`;
  const target = join(keys, "alpha.key.age");
  rmSync(target);
  execFileSync("age", ["--recipients-file", join(keys, "recipients"), ...form, "--output", target], { input });
  writeFileSync(join(keys, "alpha.pub"), `${testPublicKey("alpha")}\n`);
  for (const identity of ["ada", "bob"]) {
    await exported(identity);
    expect(read("x/etc/wireguard/wg0.key")).toBe(input);
    rmSync(at("x"), { recursive: true });
  }
});

test("age opens with no identity that was removed", async () => {
  await removeRecipient(keys, recipients.bob, { identity: at("bob") });
  expect(decrypt("bob", "alpha.key.age").status).toBe(1);
  expect(decrypt("ada", "alpha.key.age").status).toBe(0);
});

test("an identity that age has put under a passphrase is told", async () => {
  // age asks for the passphrase at a terminal, which script(1) of util-linux is.
  const line = `age --passphrase --output ${at("locked")} ${at("ada")}`;
  const { stdout } = spawnSync("script", ["-qec", line, "/dev/null"], { input: "secret\nsecret\n", encoding: "utf8" });
  expect([existsSync(at("locked")), stdout]).toEqual([true, expect.any(String)]);
  await expect(exported("locked")).rejects.toThrow(`${at("locked")}, line 1: this is encrypted itself`);
});
