/** A new key in the place of an old one: the old one is kept, a crash is gone on from, and git sees no secret. */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { must } from "../src/base/invariant.ts";
import { compile } from "../src/compile.ts";
import { contentOf } from "../src/emit/file.ts";
import { derivePublicKey } from "../src/keys/keypair.ts";
import { rotateKeyPair, rotatePresharedKey } from "../src/keys/rotate.ts";
import { generateKeys, readPublicKeys } from "../src/keys/store.ts";
import { renderKeyRollout, renderPresharedRollout } from "../src/report/rollout.ts";
import { listFixtures, sourceOf } from "./fixtures.ts";
import { eachInNewDirectory, modeOf } from "./new-directory.ts";
import { testPublicKey } from "./test-keys.ts";

let sandbox: string;
let keys: string;
const read = (name: string): string => readFileSync(join(keys, name), "utf8");
const modeOfKey = (name: string): string => modeOf(join(keys, name));
const files = (): readonly string[] => readdirSync(keys, { recursive: true, encoding: "utf8" }).sort();
const isPair = (): boolean => derivePublicKey(read("alpha.key").trim()) === read("alpha.pub").trim();

eachInNewDirectory(async (path) => {
  sandbox = path;
  keys = join(sandbox, "keys");
  await generateKeys(keys, { hosts: ["alpha", "beta"], pairs: [["alpha", "beta"]] });
});

describe("a key pair", () => {
  test("is new, whole, and the old private key is kept, out of the sight of others", async () => {
    const [oldKey, oldPub, others] = [read("alpha.key"), read("alpha.pub"), read("beta.key")];
    const before = files();
    const { isNew, name, previous, publicKey } = await rotateKeyPair(keys, "alpha");
    expect([isNew, name, previous]).toEqual([true, "alpha.key", "previous/alpha.key"]);
    expect(read("alpha.key")).not.toBe(oldKey);
    expect(read("alpha.pub")).not.toBe(oldPub);
    expect([isPair(), read("alpha.pub")]).toEqual([true, `${publicKey}\n`]);
    expect([read("previous/alpha.key"), read("beta.key")]).toEqual([oldKey, others]);
    expect(["previous", "previous/alpha.key", "alpha.key", "alpha.pub"].map(modeOfKey)).toEqual([
      "700",
      "600",
      "600",
      "644",
    ]);
    expect(files()).toEqual([...before, "previous", "previous/alpha.key"].sort());
    expect(readPublicKeys(keys)).toEqual({ alpha: publicKey, beta: read("beta.pub").trim() });
  });

  test("is not rotated again while the old one is kept", async () => {
    await rotateKeyPair(keys, "alpha");
    const before = [read("alpha.key"), read("alpha.pub"), read("previous/alpha.key")];
    expect(await rotateKeyPair(keys, "alpha")).toMatchObject({ isNew: false, publicKey: read("alpha.pub").trim() });
    expect([read("alpha.key"), read("alpha.pub"), read("previous/alpha.key")]).toEqual(before);
    rmSync(join(keys, "previous/alpha.key"));
    expect((await rotateKeyPair(keys, "alpha")).isNew).toBe(true);
    expect(read("previous/alpha.key")).toBe(before[0]);
  });

  test("that was cut short before the new key was there is rotated by the next run", async () => {
    const oldKey = read("alpha.key");
    mkdirSync(join(keys, "previous"));
    writeFileSync(join(keys, "previous/alpha.key"), oldKey);
    rmSync(join(keys, "alpha.pub"));
    expect((await rotateKeyPair(keys, "alpha")).isNew).toBe(true);
    expect([read("previous/alpha.key") === oldKey, read("alpha.key") === oldKey, isPair()]).toEqual([
      true,
      false,
      true,
    ]);
  });

  test("that was cut short before the new .pub was there is completed by the next run", async () => {
    await rotateKeyPair(keys, "alpha");
    const newKey = read("alpha.key");
    rmSync(join(keys, "alpha.pub"));
    expect((await rotateKeyPair(keys, "alpha")).isNew).toBe(true);
    expect([read("alpha.key") === newKey, isPair()]).toEqual([true, true]);
  });

  test("comes back by the way that the documentation shows", async () => {
    const [oldKey, oldPub] = [read("alpha.key"), read("alpha.pub")];
    await rotateKeyPair(keys, "alpha");
    renameSync(join(keys, "previous/alpha.key"), join(keys, "alpha.key"));
    rmSync(join(keys, "alpha.pub"));
    await generateKeys(keys, { hosts: ["alpha"], pairs: [] });
    expect([read("alpha.key"), read("alpha.pub")]).toEqual([oldKey, oldPub]);
  });

  test("that is a link to a vault: the vault keeps the old one, and so does previous/", async () => {
    const vault = join(sandbox, "vault");
    renameSync(join(keys, "alpha.key"), vault);
    symlinkSync("../vault", join(keys, "alpha.key"));
    const oldKey = readFileSync(vault, "utf8");
    await rotateKeyPair(keys, "alpha");
    expect([readFileSync(vault, "utf8"), read("previous/alpha.key")]).toEqual([oldKey, oldKey]);
    expect(isPair()).toBe(true);
  });

  test("that is wrong is left as it is", async () => {
    writeFileSync(join(keys, "alpha.pub"), `${testPublicKey("beta")}\n`);
    const before = files();
    await expect(rotateKeyPair(keys, "alpha")).rejects.toThrow(/alpha\.pub is not the public key of .*alpha\.key/);
    expect(files()).toEqual(before);
  });
});

describe("a preshared key", () => {
  test("is new, and the old one is kept", async () => {
    const old = read("psk/alpha--beta.psk");
    const pair = await rotatePresharedKey(keys, ["beta", "alpha"]);
    expect(pair).toMatchObject({ isNew: true, name: "psk/alpha--beta.psk", previous: "psk/previous/alpha--beta.psk" });
    expect(read("psk/alpha--beta.psk")).not.toBe(old);
    expect(read("psk/previous/alpha--beta.psk")).toBe(old);
    expect(["psk/previous", "psk/previous/alpha--beta.psk", "psk/alpha--beta.psk"].map(modeOfKey)).toEqual([
      "700",
      "600",
      "600",
    ]);
    const now = read("psk/alpha--beta.psk");
    expect((await rotatePresharedKey(keys, ["alpha", "beta"])).isNew).toBe(false);
    expect(read("psk/alpha--beta.psk")).toBe(now);
  });
});

// ── The roll-out ────────────────────────────────────────────────────────────────────────────────────────────────────

const PLACES = {
  build: "netgen build t.yaml",
  output: "out",
  exportOptions: "--topology t.yaml",
  key: "keys/K",
  previous: "keys/previous/K",
};

/** Which file of which host a roll-out puts from the tree, `host/path`. */
function placedFromTree(rollout: string): readonly string[] {
  const loops = rollout.matchAll(/^for host in (.*); do put "\$host" (\S+) (\d+) < out\/"\$host"(\S+); done$/gm);
  return [...loops].flatMap(([, hosts = "", target, , source]) => {
    expect(source).toBe(target);
    return hosts.split(" ").map((host) => `${host}${target}`);
  });
}

const scenarios = listFixtures().filter(({ kind }) => kind === "scenario");

describe.each(scenarios)("the roll-out in $name", (fixture) => {
  const source = sourceOf(fixture);
  const { model, files: before } = compile(source, { publicKeys: {} });

  test("puts exactly those files that a new key changes, with their modes", () => {
    expect(model).toBeDefined();
    const rotating = (model?.hosts ?? []).filter(({ interfaces, vrrp }) => interfaces.length > 0 && !vrrp?.isExclusive);
    for (const { name, publicKey } of rotating) {
      const renewed = testPublicKey("somebody else");
      const text = source.text.replaceAll(publicKey, renewed);
      expect(text).not.toBe(source.text);
      const after = new Map(compile({ ...source, text }, { publicKeys: {} }).files.map((file) => [file.path, file]));
      const changed = before.filter((file) => {
        const now = after.get(file.path);
        return now === undefined || !Buffer.from(contentOf(file)).equals(contentOf(now));
      });
      const rollout = renderKeyRollout(model as NonNullable<typeof model>, { host: name, publicKey: renewed }, PLACES);
      expect([...placedFromTree(rollout)].sort()).toEqual(changed.map(({ path }) => path).sort());
      for (const { path, mode } of changed) {
        expect(rollout).toContain(` ${path.slice(path.indexOf("/"))} ${mode.toString(8)} < `);
      }
    }
  });
});

test("a key that becomes a credential waits in memory, and is exported as every other", () => {
  const { model } = compile(
    sourceOf(
      must(
        listFixtures().find(({ name }) => name === "credentials"),
        "it is there",
      ),
    ),
  );
  const places = { build: "netgen build", output: "out", exportOptions: "", key: "k", previous: "p" };
  const roll = (isEncrypted: boolean): string =>
    renderKeyRollout(must(model, "it has no mistake"), { host: "alpha", publicKey: "new" }, { ...places, isEncrypted });
  expect(roll(false)).toContain("put alpha /run/netgen/wg0.key 600 < k\n");
  expect(roll(true)).toContain('put alpha /run/netgen/wg0.key 600 < "$opened"/alpha/etc/wireguard/wg0.key\n');
});

test("who has no address of the host in its file is told the one at which the old key is", () => {
  const text = `netgen: 1
name: x
wireguard: {addresses: [10.250.0.0/24]}
hosts:
${["endpoint: 192.0.2.1", "behindNat: true", "endpoint: c.example.net"].map((reach, index) => `  h${index + 1}: {id: ${index + 1}, ${reach}, publicKey: "${testPublicKey(`h${index}`)}"}\n`).join("")}`;
  const { model } = compile({ name: "t.yaml", text });
  const loads = (host: string): readonly string[] => {
    const rollout = renderKeyRollout(must(model, "it has no mistake"), { host, publicKey: "NEW" }, PLACES);
    return [...rollout.matchAll(/^load='(.*)'$/gm)].map(([, load = ""]) => load);
  };
  const reload = (id: number): string => `systemctl reload wg-quick@wg0; ping -c 1 -w 5 10.250.0.${id}`;
  const told = (id: number): string =>
    `wg set wg0 peer NEW endpoint $(wg show wg0 endpoints | grep ^$(wg show wg0 allowed-ips | grep -wF 10.250.0.${id}/32 | cut -f 1) | cut -f 2); ${reload(id)}`;
  expect(["h1", "h2", "h3"].map(loads)).toEqual([[reload(1)], [told(2)], [told(3)]]);
});

test("the roll-out of a pair puts the key under the other's name", () => {
  const [alpha, beta] = ["alpha", "beta"].map((name, index) => {
    return `  ${name}: {id: ${index + 1}, endpoint: 192.0.2.${index + 1}, publicKey: "${testPublicKey(name)}"}\n`;
  });
  const text = `netgen: 1\nname: x\nwireguard: {addresses: [10.250.0.0/24], presharedKeys: true}\nhosts:\n${alpha}${beta}`;
  const { model } = compile({ name: "t.yaml", text }, { publicKeys: {} });
  const rollout = renderPresharedRollout(model as NonNullable<typeof model>, ["alpha", "beta"], PLACES);
  expect(rollout).toContain("put alpha /etc/wireguard/psk/beta.psk 600 < keys/K\n");
  expect(rollout).toContain("put beta /etc/wireguard/psk/alpha.psk 600 < keys/K\n");
  expect(rollout).toContain("rm keys/previous/K\n");
  expect(rollout).not.toContain("netgen build");
  expect(existsSync(PLACES.key)).toBe(false);
});
