/**
 * Keys on hosts that boot by themselves: one that systemd of either release decrypts, loaded at a boot, a start, by a reload and by
 * a rollback; new ones by the roll-out that `keys rotate` prints, word for word, while every two hosts ping each other.
 */
import { spawn } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { must } from "../../src/base/invariant.ts";
import type { IpAddress } from "../../src/base/ip.ts";
import { compile } from "../../src/compile.ts";
import { generateKeyPair } from "../../src/keys/keypair.ts";
import { readPublicKeys } from "../../src/keys/store.ts";
import type { Box } from "../../src/lab/machine/box.ts";
import type { OpenLab } from "../../src/lab/machine/open.ts";
import { eventually } from "../../src/lab/machine/patience.ts";
import { pingDuring } from "../../src/lab/measure/steady-ping.ts";
import { CLI, runNetgen } from "../netgen.ts";
import { debian13Systemd, INSTALLED } from "../oracle/systemd-releases.ts";
import { isWhole } from "../proofs.ts";
import { missingOn, openBare, put as putInto, stage } from "./computers.ts";

const NAMES: readonly string[] = ["alpha", "beta", "gamma"];
/** One known by an address, which keeps its key as a credential; one that nobody can dial; one known by a name. */
const TOPOLOGY = `
netgen: 1
name: rotation
wireguard: {addresses: [10.250.0.0/24]}
hosts:
  alpha: {id: 1, endpoint: 198.51.100.1, keyStore: credential}
  beta: {id: 2, behindNat: true}
  gamma: {id: 3, endpoint: gamma.example.net}
`;
const addressOf = (name: string): IpAddress => `10.250.0.${NAMES.indexOf(name) + 1}` as IpAddress;

/** Every pair, both ways. */
const WAYS = NAMES.flatMap((from) => NAMES.filter((to) => to !== from).map((to) => ({ from, to })));

/** Where a key lies in clear, to be found: whoever has not looked so far has seen nothing. */
const SEEN = "/var/seen";

const WORDS = ["wg", "show", "wg0", "public-key"] as const;

const RELEASES = [INSTALLED, ...(isWhole ? debian13Systemd() : [])];
if (!isWhole) console.warn("SKIPPED without NETGEN_PROOFS=whole: keys of booted hosts, by systemd 252 and 257");

describe.runIf(isWhole).each(RELEASES)("keys, one of them kept by systemd $version", ({ version, setUp }) => {
  let home: string;
  let open: OpenLab | undefined;
  /** Before anything of the lab was written: seconds since the epoch. */
  let bornAt = 0;
  const box = (name: string): Box => must(open?.lab.hosts.get(name), "every host has a box");
  const put = (path: string, text: string): void => {
    mkdirSync(dirname(join(home, path)), { recursive: true });
    writeFileSync(join(home, path), text, { mode: 0o755 });
  };
  const netgen = (...args: readonly string[]): string => {
    const { status, stdout, stderr } = runNetgen(home, args);
    expect({ status, stderr }, args.join(" ")).toEqual({ status: 0, stderr: "" });
    return stdout;
  };

  const keyOf = (name: string): string => readFileSync(join(home, `keys/${name}.key`), "utf8");

  const compiled = () =>
    compile({ name: "topology.yaml", text: TOPOLOGY }, { publicKeys: readPublicKeys(join(home, "keys")) });

  /** Applies the tree that the keys come to now, with a private key; what `apply` says. */
  async function bring(name: string, secret: string, ...args: readonly string[]): Promise<string> {
    const { files, units } = compiled();
    // Memory: a credential is made of no key that lies on a disk.
    await box(name).run("rm", "-rf", "/run/new");
    stage(box(name), { name: "rotation", files, units }, "/run/new");
    putInto(box(name), "/run/new/etc/wireguard/wg0.key", secret, 0o600);
    const { status, output } = await box(name).attempt("/run/new/etc/netgen/apply", ...args);
    expect(status, output).toBe(0);
    return output;
  }

  /** What a host that was started anew misses; who is behind NAT shakes hands with it when he has something to send. */
  async function missingInTime(name: string): Promise<readonly string[]> {
    const others = NAMES.filter((each) => each !== name);
    let missing: readonly string[] = [];
    await eventually(async () => {
      await Promise.all(others.map((each) => box(each).attempt("ping", "-c", "1", "-W", "1", addressOf(name))));
      missing = await missingOn(box(name));
      return missing.length === 0;
    });
    return missing;
  }

  /** With the disk that it has, on which the installed release has encrypted the key. */
  async function bootAs(host: Box): Promise<void> {
    await host.power?.off();
    await host.shell(setUp);
    await host.power?.on();
    const says = async (): Promise<string> => (await host.attempt("systemctl", "show", "--property=Version")).output;
    await eventually(async () => (await says()).startsWith("Version="));
    expect(await says()).toMatch(new RegExp(`^Version=${version}\\b`));
  }

  beforeAll(async () => {
    home = mkdtempSync(join(tmpdir(), "netgen-rotation-"));
    chmodSync(home, 0o700);
    put("topology.yaml", TOPOLOGY);
    netgen("keys", "generate", "topology.yaml");
    bornAt = Math.floor(Date.now() / 1000) - 1;
    open = await openBare(must(compiled().model, "the topology has no mistake"));
    for (const name of NAMES) await bring(name, keyOf(name));
    await bootAs(box("alpha"));
    expect(await missingInTime("alpha")).toEqual([]);
    for (const name of NAMES) expect(await missingOn(box(name))).toEqual([]);
    const pids = NAMES.map((name) => `root@${name}) pid=${box(name).pid} ;;`).join("\n");
    put("bin/netgen", `#!/bin/sh\nexec '${process.execPath}' '${CLI}' "$@"\n`);
    put(
      "bin/ssh",
      `#!/bin/bash
case "$1" in
${pids}
*) echo "no such host: $1" >&2; exit 255 ;;
esac
shift
exec nsenter -t "$pid" -n -m -p -u -- env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin bash -c "$*"
`,
    );
  });
  afterAll(async () => {
    await open?.root.close();
    rmSync(home, { recursive: true });
  });

  function follow(rollout: string): Promise<{ readonly status: number | null; readonly output: string }> {
    const child = spawn("bash", ["-euo", "pipefail", "-c", rollout], {
      cwd: home,
      env: { ...process.env, PATH: `${join(home, "bin")}:${process.env.PATH}` },
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text: string) => (output += text));
    return new Promise((resolve) => child.once("close", (status) => resolve({ status, output })));
  }

  test("one that systemd decrypts is loaded by a start, by apply and by its rollback, and is nowhere in clear", async () => {
    const alpha = box("alpha");
    const first = readFileSync(join(home, "keys/alpha.pub"), "utf8");
    const { privateKey, publicKey } = generateKeyPair();
    /** Of all that was written since the host was opened; what systemd has decrypted is in memory. */
    const inClear = async (): Promise<readonly string[]> => {
      // Not on the way of what is looked for: a file system of its own.
      putInto(alpha, "/dev/shm/secrets", `${keyOf("alpha")}${privateKey}\n`, 0o600);
      putInto(alpha, SEEN, keyOf("alpha"), 0o600);
      const written = `-name credentials -prune -o -type f -newerct @${bornAt}`;
      const looks = `find /etc /root /run /var ${written} -exec grep -slFf /dev/shm/secrets {} + 2> /dev/null`;
      const { output } = await alpha.attempt("sh", "-c", looks);
      await alpha.run("rm", SEEN);
      return output.trim().split("\n");
    };
    expect(await alpha.run(...WORDS)).toBe(first);
    await alpha.run("systemctl", "restart", "wg-quick@wg0");
    expect(await alpha.run(...WORDS)).toBe(first);
    expect(await inClear()).toEqual([SEEN]);

    await bring("alpha", `${privateKey}\n`, "--confirm-within", "600");
    expect(await alpha.run(...WORDS)).toBe(`${publicKey}\n`);
    const back = await alpha.attempt("/etc/netgen/apply", "--rollback");
    expect(back, back.output).toMatchObject({ status: 0 });
    expect(await alpha.run(...WORDS)).toBe(first);
    await alpha.run("systemctl", "restart", "wg-quick@wg0");
    expect(await alpha.run(...WORDS)).toBe(first);
    expect(await inClear()).toEqual([SEEN]);
    expect(await missingInTime("alpha")).toEqual([]);
  });

  test.each(NAMES)("a new one of %s: nobody loses a packet", { timeout: 300_000 }, async (name) => {
    const rollout = netgen("keys", "rotate", "topology.yaml", name);
    let done: ReturnType<typeof follow> | undefined;
    const followOnce = async (): Promise<void> => {
      done ??= follow(rollout);
      await done;
    };
    const seen = await Promise.all(
      WAYS.map(async ({ from, to }) => {
        const { answered, lost } = await pingDuring({ box: box(from), to: addressOf(to) }, followOnce);
        return { way: `${from} -> ${to}`, answered, lost };
      }),
    );
    const ended = await must(done, "it was followed");
    expect(ended.status, ended.output).toBe(0);
    expect(await box(name).run(...WORDS)).toBe(readFileSync(join(home, `keys/${name}.pub`), "utf8"));
    console.info(
      seen.map(({ way, answered, lost }) => `${name}: ${way}: ${answered} answered, ${lost} lost`).join("\n"),
    );
    expect(seen.filter(({ lost }) => lost > 0)).toEqual([]);
    // The last step: apply takes note of what lies there, and has nothing to do.
    for (const each of NAMES) {
      expect(await bring(each, keyOf(each))).toContain("nothing to do");
      expect(await missingOn(box(each))).toEqual([]);
    }
    // What was loaded is what the next start finds.
    await box(name).run("systemctl", "restart", "wg-quick@wg0");
    expect(await missingInTime(name)).toEqual([]);
  });
});
