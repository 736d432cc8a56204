/** A private key that a host keeps as a credential: made, loaded and changed by systemd-creds of both releases, and nowhere in clear. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { compile } from "../../src/compile.ts";
import { bundleOf } from "../../src/deliver/bundle.ts";
import { contentOf } from "../../src/emit/file.ts";
import { isWhole } from "../proofs.ts";
import { testPublicKey } from "../test-keys.ts";
import { isEquipped } from "./nft-helpers.ts";
import { debian13Systemd, INSTALLED, type Release } from "./systemd-releases.ts";
import {
  attempt,
  type Finished,
  type Lab,
  type LabHost,
  openLab,
  readOn,
  removeOn,
  run,
  spiedCalls,
  writeOn,
} from "./wg-helpers.ts";

const topology = (keyStore: string): string => `
netgen: 1
name: credentials
wireguard: {addresses: [10.250.0.0/24]}
hosts:
  alpha: {id: 1, endpoint: 192.0.2.1, keyStore: ${keyStore}, publicKey: "${testPublicKey("alpha")}"}
  beta: {id: 2, endpoint: 192.0.2.2, publicKey: "${testPublicKey("beta")}"}
`;

const STAGED = "/run/new";
const KEPT = "/etc/credstore.encrypted/wg0.key";
const WAITING = "/run/netgen/wg0.key";
const DECRYPT = `systemd-creds decrypt --name=wg0.key ${KEPT} -`;
const OF_ANOTHER = DECRYPT.replace("--name=wg0.key", "--name=wg1.key");
// What systemd does before it starts wg-quick@wg0.service.
const START = `mkdir -p /run/credentials && ${DECRYPT} > /run/credentials/wg0.key &&
  CREDENTIALS_DIRECTORY=/run/credentials wg-quick up wg0 && rm /run/credentials/wg0.key`;
const SHOWN = "wg show wg0 public-key";

const RELEASES = [INSTALLED, ...(isWhole ? debian13Systemd() : [])];
if (!isWhole) console.warn("SKIPPED without NETGEN_PROOFS=whole: credentials of systemd 257");

const isReady = isEquipped("systemd-creds", "wg-quick");

describe.runIf(isReady).each(RELEASES)("a credential of systemd $version", ({ version, setUp }) => {
  let lab: Lab;
  let alpha: LabHost;
  /** Every private key there ever was. */
  const secrets: string[] = [];

  const stage = (directory = STAGED, keyStore = "credential"): void => {
    removeOn(alpha, directory);
    const { files, units } = compile({ name: "topology.yaml", text: topology(keyStore) });
    for (const file of bundleOf({ name: "credentials", files, units }, "alpha"))
      writeOn(alpha, `${directory}/${file.path}`, contentOf(file), file.mode);
  };
  /** A new key in a file of the host; its public half. */
  const newKey = (path: string): string => {
    const secret = run(alpha, "wg genkey");
    secrets.push(secret.trim());
    writeOn(alpha, path, secret, 0o600);
    return run(alpha, "wg pubkey", secret).trim();
  };
  const credential = (...args: readonly string[]) =>
    attempt(alpha, `bash ${STAGED}/etc/netgen/credential ${args.join(" ")}`);
  /** What apply does with a bundle besides. */
  const put = () => run(alpha, `cp -a ${STAGED}/etc/. /etc/`);
  const inClear = (): string =>
    secrets.map((secret) => attempt(alpha, `grep -rlFf - /etc /run /var/lib/systemd`, secret).stdout).join("");

  beforeAll(async () => {
    lab = await openLab("cred", ["alpha"]);
    alpha = lab.hosts.alpha as LabHost;
    // The secret of this machine is not the test's.
    run(alpha, "mount -t tmpfs -o mode=755 tmpfs /var/lib/systemd; rm -rf /etc/wireguard /etc/credstore.encrypted");
    run(alpha, setUp);
  });
  afterAll(() => lab?.close());

  test("is made by that release", () => {
    expect(run(alpha, "systemd-creds --version")).toContain(`systemd ${version} `);
  });

  test("is made of a key that lies in a bundle, is of this name alone, and wg-quick loads it", () => {
    stage();
    const publicKey = newKey(`${STAGED}/etc/wireguard/wg0.key`);
    expect(credential(STAGED)).toEqual({ status: 0, stdout: "", stderr: "" });
    put();
    expect(run(alpha, `stat -c %a ${KEPT}`).trim()).toBe("600");
    expect(attempt(alpha, OF_ANOTHER).status).not.toBe(0);
    run(alpha, START);
    expect(run(alpha, SHOWN).trim()).toBe(publicKey);
    expect(inClear()).toBe("");
  });

  test("has the same bytes as long as the key is the same", () => {
    const before = readOn(alpha, KEPT);
    stage();
    run(alpha, `umask 077; mkdir -p ${STAGED}/etc/wireguard; ${DECRYPT} > ${STAGED}/etc/wireguard/wg0.key`);
    expect(credential(STAGED)).toMatchObject({ status: 0 });
    expect(readOn(alpha, STAGED + KEPT)).toBe(before);
  });

  test("that is new is loaded by a reload, though what was decrypted at the start is old", () => {
    const publicKey = newKey(WAITING);
    expect(
      attempt(alpha, "/etc/netgen/credential && CREDENTIALS_DIRECTORY=/nowhere /etc/netgen/wg-reload wg0"),
    ).toEqual({
      status: 0,
      stdout: "",
      stderr: "",
    });
    expect(run(alpha, SHOWN).trim()).toBe(publicKey);
    expect(inClear()).toBe("");
    expect(secrets.filter((secret) => spiedCalls(alpha).join("\n").includes(secret))).toEqual([]);
  });

  test("that cannot be opened changes nothing", () => {
    const [before, shown] = [readOn(alpha, KEPT), run(alpha, SHOWN)];
    writeOn(alpha, KEPT, "bm90aGluZw==\n", 0o600);
    expect(attempt(alpha, "/etc/netgen/wg-reload wg0")).toEqual({
      status: 1,
      stdout: "",
      stderr: "wg-reload: wg0: cannot read the key file $CREDENTIALS_DIRECTORY/wg0.key\n",
    });
    expect(attempt(alpha, "/etc/netgen/credential").stderr).toBe(
      `credential: ${KEPT} cannot be decrypted here; put the key in place anew\n`,
    );
    expect(run(alpha, SHOWN)).toBe(shown);
    writeOn(alpha, KEPT, before, 0o600);
  });

  test("is not made of a key on a disk, of what is no key, or without systemd-creds; the key stays where it is", () => {
    stage("/etc/new");
    newKey("/etc/new/etc/wireguard/wg0.key");
    expect(credential("/etc/new")).toMatchObject({
      status: 1,
      stderr:
        "credential: /etc/new/etc/wireguard/wg0.key is on a disk, where what is removed can be found again; unpack the bundle below /run\n",
    });
    removeOn(alpha, "/etc/new");
    writeOn(alpha, WAITING, "none\n", 0o600);
    expect(credential()).toMatchObject({
      status: 1,
      stderr: `credential: run/netgen/wg0.key is not a key as wg prints it\n`,
    });
    writeOn(alpha, "/run/spy/systemd-creds", "#!/bin/bash\necho 'No TPM and no secret' >&2\nexit 1\n", 0o755);
    newKey(WAITING);
    expect(credential()).toMatchObject({
      status: 1,
      stderr: "credential: wg0.key cannot be encrypted: No TPM and no secret\n",
    });
    expect(run(alpha, `wg pubkey < ${WAITING}`)).not.toBe(run(alpha, SHOWN));
    removeOn(alpha, "/run/spy/systemd-creds");
    removeOn(alpha, WAITING);
    expect(inClear()).toBe("");
  });

  test("takes the place of a key in clear, which goes once the change has held", () => {
    removeOn(alpha, KEPT);
    const publicKey = newKey("/etc/wireguard/wg0.key");
    stage();
    expect(credential(STAGED)).toMatchObject({ status: 0 });
    expect(run(alpha, "wg pubkey < /etc/wireguard/wg0.key").trim()).toBe(publicKey);
    put();
    run(alpha, "/etc/netgen/credential --done");
    expect(inClear()).toBe("");
    expect(run(alpha, `${DECRYPT} | wg pubkey`).trim()).toBe(publicKey);
  });

  test("is made on the host where it has none, once, and the public half is said", () => {
    removeOn(alpha, KEPT);
    stage();
    const { status, stdout } = credential("--new", STAGED);
    expect(credential("--new", STAGED)).toMatchObject({ status: 0, stdout });
    put();
    expect([status, stdout]).toEqual([0, run(alpha, `${DECRYPT} | wg pubkey`)]);
    stage();
    expect(credential("--new", STAGED)).toMatchObject({ status: 0, stdout });
  });
});

/** Of a host that goes from one release to the other, and back. */
describe.runIf(isReady && RELEASES.length > 1)("a credential that another release of systemd has made", () => {
  let lab: Lab;
  let alpha: LabHost;
  beforeAll(async () => {
    lab = await openLab("cred", ["alpha"]);
    alpha = lab.hosts.alpha as LabHost;
    run(alpha, "mount -t tmpfs -o mode=755 tmpfs /var/lib/systemd; mkdir -p /etc/credstore.encrypted");
  });
  afterAll(() => lab?.close());

  const by = ({ setUp }: Release, command: string, input = ""): Finished =>
    attempt(alpha, `unshare -m bash -euc '${setUp}; ${command}'`, input);

  const [one = INSTALLED, other = INSTALLED] = RELEASES;
  test.each([
    { from: one, to: other },
    { from: other, to: one },
  ])("$from.version, is opened by $to.version, by its name alone", ({ from, to }) => {
    const secret = run(alpha, "wg genkey");
    const made = by(from, `rm -f ${KEPT}; systemd-creds encrypt --with-key=host --name=wg0.key - ${KEPT}`, secret);
    expect(made, made.stderr).toMatchObject({ status: 0 });
    expect(by(to, DECRYPT)).toMatchObject({ status: 0, stdout: secret });
    expect(by(to, OF_ANOTHER).status).not.toBe(0);
  });
});
