/**
 * "Put it on a host" of the README, run word for word: in a root of its own, which is this machine's with a layer over it that
 * takes all writes. There systemctl enables units but starts none, and ssh leads back into the same root.
 */
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { compile } from "../../src/compile.ts";
import { generateKeys } from "../../src/keys/store.ts";
import { writeTree } from "../../src/write/write.ts";
import { testPrivateKey } from "../test-keys.ts";
import { isEquipped } from "./nft-helpers.ts";

const repository = fileURLToPath(new URL("../..", import.meta.url));

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function run(command: string, args: readonly string[]): Ended {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: "utf8" });
  return { status, stdout: stdout ?? "", stderr: `${stderr ?? ""}${error?.message ?? ""}` };
}

function succeed(command: string, args: readonly string[]): void {
  const { status, stderr } = run(command, args);
  if (status !== 0) throw new Error(`${command} ${args.join(" ")}: status ${status}\n${stderr}`);
}

/** The shell blocks of a section of the README, in order. */
function commandsOf(section: string): string {
  const readme = readFileSync(join(repository, "README.md"), "utf8");
  const text = readme.split(/^## /m).find((each) => each.startsWith(`${section}\n`)) ?? "";
  return [...text.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, block]) => block as string).join("\n");
}

const SSH =
  '#!/bin/sh\n# As ssh does: the words after the host are one command line for a shell.\nshift\nexec sh -c "$*"\n';

// The packages have to be known by these names and are here already: nothing is fetched, whatever is newer elsewhere.
const APT = 'APT::Get::Upgrade "false";\nAPT::Get::Download "false";\nAPT::Install-Recommends "false";\n';

/** A root that can be written to without a trace. */
interface Root {
  readonly path: string;
  /** Runs a bash script in it; the network, if any, is out of reach. */
  readonly bash: (script: string) => Ended;
  readonly close: () => void;
}

function openRoot(): Root {
  const base = mkdtempSync(join(tmpdir(), "netgen-readme-"));
  succeed("mount", ["-t", "tmpfs", "netgen-readme", base]);
  const [upper, work, path] = ["upper", "work", "root"].map((name) => join(base, name)) as [string, string, string];
  for (const directory of [upper, work, path]) mkdirSync(directory);
  succeed("mount", ["-t", "overlay", "netgen-readme", "-o", `lowerdir=/,upperdir=${upper},workdir=${work}`, path]);
  succeed("mount", ["-t", "proc", "proc", join(path, "proc")]);
  succeed("mount", ["--bind", "/dev", join(path, "dev")]);
  const enter = (script: string) => [
    "-n",
    "env",
    "SYSTEMD_OFFLINE=1",
    "chroot",
    path,
    "bash",
    "-euo",
    "pipefail",
    "-c",
    script,
  ];
  return {
    path,
    bash: (script) => run("unshare", enter(script)),
    close: () => {
      for (const mount of [join(path, "dev"), join(path, "proc"), path, base]) run("umount", [mount]);
      rmSync(base, { recursive: true });
    },
  };
}

/** What the machine with the topology has after `keys generate` and `build`. */
async function prepare(root: Root, fixture: string) {
  const directory = join(root.path, "srv/network");
  const keys = join(directory, "keys");
  mkdirSync(keys, { recursive: true });
  const name = join(repository, "fixtures", fixture, "topology.yaml");
  const { files, units, model } = compile({ name, text: readFileSync(name, "utf8") });
  const hosts = model?.hosts.map((host) => host.name) ?? [];
  writeTree({ name: fixture, files, units }, { directory: join(directory, "out"), hosts: undefined, force: false });
  for (const host of hosts) writeFileSync(join(keys, `${host}.key`), `${testPrivateKey(host)}\n`, { mode: 0o600 });
  const pairs = hosts.flatMap((a) => hosts.filter((b) => a < b).map((b) => [a, b] as const));
  await generateKeys(keys, { hosts, pairs: model?.peers.some((peer) => peer.hasPresharedKey) ? pairs : [] });
  return { files, units };
}

const STAT = "stat -c '%a %U:%G %n'";

const canRun = isEquipped("unshare", "chroot", "systemctl", "wg", "vtysh", "nft", "jq", "apt-get");

describe.runIf(canRun).each([
  { fixture: "minimal", host: "alpha" },
  { fixture: "kubernetes", host: "gpu1" },
  { fixture: "proxmox", host: "roz1" },
  { fixture: "dual-stack", host: "fra1" },
])("the files of $fixture on $host", ({ fixture, host }) => {
  let root: Root;
  let tree: Awaited<ReturnType<typeof prepare>>;
  let before: string;
  let ended: Ended;

  beforeAll(async () => {
    root = openRoot();
    writeFileSync(join(root.path, "usr/local/bin/ssh"), SSH);
    chmodSync(join(root.path, "usr/local/bin/ssh"), 0o755);
    writeFileSync(join(root.path, "etc/apt/apt.conf.d/99-netgen-test"), APT);
    tree = await prepare(root, fixture);
    before = root.bash(`${STAT} / /etc /etc/systemd /etc/systemd/system /etc/sysctl.d /etc/wireguard /etc/frr`).stdout;
    const commands = commandsOf("Put it on a host").replaceAll("host=alpha", `host=${host}`);
    ended = root.bash(`umask 077; cd /srv/network\n${commands}`);
  });
  afterAll(() => root.close());

  test("the commands of the README pass", () => {
    expect(ended.stderr).not.toMatch(/error|cannot|No such file/i);
    expect(ended.status).toBe(0);
  });

  test("every file stands in its place with the owner and mode that the compiler gave it", () => {
    const files = tree.files.filter((file) => file.path.startsWith(`${host}/`));
    const paths = files.map((file) => file.path.slice(host.length));
    const wanted = files.map((file, index) => `${file.mode.toString(8)} ${file.owner}:${file.group} ${paths[index]}`);
    expect(files.length).toBeGreaterThan(5);
    expect(
      root
        .bash(`${STAT} ${paths.join(" ")}`)
        .stdout.trim()
        .split("\n"),
    ).toEqual(wanted);
    for (const [index, file] of files.entries()) {
      expect(readFileSync(join(root.path, paths[index] as string))).toEqual(Buffer.concat(file.content));
    }
  });

  test("no directory of the host changed its owner or mode, and new ones can be read", () => {
    expect(before).toContain(" /etc\n");
    expect(
      root.bash(`${STAT} / /etc /etc/systemd /etc/systemd/system /etc/sysctl.d /etc/wireguard /etc/frr`).stdout,
    ).toBe(before);
    expect(root.bash(`${STAT} /etc/netgen`).stdout).toBe("755 root:root /etc/netgen\n");
  });

  test("every key that the interface loads is there, for root alone, and wg can read it", () => {
    const conf = join(root.path, "etc/wireguard");
    const name = root.bash("ls /etc/wireguard/*.conf").stdout.trim();
    const hooks = [
      ...readFileSync(join(root.path, name), "utf8").matchAll(/^PostUp = wg set .* (\/etc\/wireguard\/.*)$/gm),
    ];
    const keys = hooks.map(([, path]) => (path as string).replace("%i", "wg0"));
    expect(keys).toContain("/etc/wireguard/wg0.key");
    expect(
      root
        .bash(`${STAT} ${keys.join(" ")}`)
        .stdout.trim()
        .split("\n"),
    ).toEqual(keys.map((key) => `600 root:root ${key}`));
    for (const key of keys) expect(root.bash(`wg pubkey < ${key}`).stdout, key).toMatch(/^[A-Za-z0-9+/]{43}=\n$/);
    expect(readFileSync(join(conf, "wg0.key"), "utf8")).toBe(`${testPrivateKey(host)}\n`);
  });

  test("the units of the manifest are enabled, and nothing but units that exist", () => {
    const units = tree.units[host] ?? [];
    expect(units).toContain("wg-quick@wg0.service");
    const states = root
      .bash(`systemctl is-enabled ${units.join(" ")}`)
      .stdout.trim()
      .split("\n");
    expect(states).toEqual(units.map(() => "enabled"));
  });
});
