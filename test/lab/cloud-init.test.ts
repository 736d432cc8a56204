/** A machine that has nothing but its programs and a seed, and cloud-init's own units: its first boot, and what is left to do elsewhere. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { must } from "../../src/base/invariant.ts";
import { compile } from "../../src/compile.ts";
import { booted } from "../../src/lab/machine/boot.ts";
import type { Box } from "../../src/lab/machine/box.ts";
import { runShell } from "../netgen.ts";
import { isWhole } from "../proofs.ts";
import { testPublicKey } from "../test-keys.ts";
import { missingOn, openBare } from "./computers.ts";

const ENDPOINTS = { alpha: "198.51.100.1", beta: "203.0.113.9", gamma: "192.0.2.7" };
const NEW = "beta";
/** Those that have an overlay already; on each change one is enough, which floods to nobody yet. */
const RUNNING = isWhole ? ["alpha", "gamma"] : ["alpha"];
const NAMES = [...RUNNING, NEW].sort();

const TOPOLOGY = `netgen: 1
name: cloud
wireguard: {addresses: [10.250.0.0/24]}
bgp: {asn: 65000}
hosts:
${Object.entries(ENDPOINTS)
  .filter(([name]) => NAMES.includes(name))
  .map(([name, endpoint], index) => `  ${name}: {id: ${index + 1}, endpoint: ${endpoint}}\n`)
  .join("")}subnets:
  guests: {cidr: 10.77.0.0/24, vxlan: {vni: 100}, hosts: all}
`;

// Only what user-data of netgen's asks for: there is no network to fetch packages from, and they are here.
const SETTINGS = `datasource_list: [NoCloud, None]
network: {config: disabled}
cloud_init_modules: [write-files]
cloud_config_modules: [runcmd]
cloud_final_modules: [scripts-user]
`;
const UNITS = ["cloud-init-local", "cloud-init", "cloud-config", "cloud-final"].map((name) => `${name}.service`);

/** What somebody has done who made an image: cloud-init is installed, and looks for a seed. */
async function install(box: Box): Promise<void> {
  await box.run("rm", "/etc/cloud/cloud-init.disabled", "/etc/wireguard/wg0.key");
  writeFileSync(box.outside("/etc/cloud/cloud.cfg.d/99-lab.cfg"), SETTINGS);
  await box.run("systemctl", "enable", ...UNITS);
}

test("a machine joins an overlay by its first boot", { timeout: 600_000 }, async ({ signal }) => {
  const home = mkdtempSync(join(tmpdir(), "netgen-cloud-"));
  const shell = (line: string): string => {
    const ended = runShell(home, `set -eo pipefail; ${line}`);
    expect(ended, ended.stderr).toMatchObject({ status: 0 });
    return ended.stdout;
  };
  writeFileSync(join(home, "topology.yaml"), TOPOLOGY);
  const publicKeys = Object.fromEntries(NAMES.map((name) => [name, testPublicKey(name)]));
  const network = must(compile({ name: "topology.yaml", text: TOPOLOGY }, { publicKeys }).model, "it has no mistake");
  const open = await openBare(network);
  signal.addEventListener("abort", open.root.close);
  const box = (name: string): Box => must(open.lab.hosts.get(name), "every host has a box");
  const bring = async (name: string): Promise<void> => {
    mkdirSync(box(name).outside("/root/new"), { recursive: true });
    shell(`netgen bundle ${name} -q | tar -x --no-same-owner -C ${box(name).outside("/root/new")}`);
    const { status, output } = await box(name).attempt("bash", "/root/new/etc/netgen/apply");
    expect(status, output).toBe(0);
  };
  try {
    mkdirSync(join(home, "keys"));
    for (const name of RUNNING) {
      const key = await box(name).run("sh", "-c", "wg pubkey < /etc/wireguard/wg0.key");
      writeFileSync(join(home, "keys", `${name}.pub`), key);
    }
    // The others have to be told of some key, and have another one than will be.
    writeFileSync(join(home, `keys/${NEW}.pub`), `${testPublicKey(NEW)}\n`);
    for (const name of RUNNING) await bring(name);
    rmSync(join(home, `keys/${NEW}.pub`));

    await install(box(NEW));
    await box(NEW).power?.off();
    mkdirSync(box(NEW).outside("/var/lib/cloud/seed"), { recursive: true });
    shell(`netgen cloud-init topology.yaml --host ${NEW} -q -o ${box(NEW).outside("/var/lib/cloud/seed/nocloud")}`);
    await box(NEW).power?.on();
    await booted(box(NEW), []);
    const log = await box(NEW).attempt("cat", "/var/log/cloud-init-output.log");
    expect(log.output).toMatch(/^applied +cloud$/m);

    const console = await box(NEW).run("cat", "/dev/console");
    writeFileSync(join(home, "console.log"), console);
    shell(`sed -n 's/.*netgen-public-key ${NEW} //p' console.log | tail -n 1 > keys/${NEW}.pub`);
    expect(
      await box(NEW).run("sh", "-c", "stat -c %a /etc/wireguard/wg0.key; wg pubkey < /etc/wireguard/wg0.key"),
    ).toBe(`600\n${shell(`cat keys/${NEW}.pub`)}`);
    for (const name of RUNNING) await bring(name);
    for (const name of NAMES) expect(await missingOn(box(name)), name).toEqual([]);

    // It is the same host to a bundle that comes later, which brings the comments and nothing else.
    mkdirSync(box(NEW).outside("/root/new"), { recursive: true });
    shell(`netgen bundle ${NEW} -q | tar -x --no-same-owner -C ${box(NEW).outside("/root/new")}`);
    const later = await box(NEW).attempt("bash", "/root/new/etc/netgen/apply");
    expect(later.output.split("\n").filter((line) => !/^(comment|applied) /.test(line) && line !== "")).toEqual([]);
    expect((await box(NEW).attempt("ls", "/var/lib/netgen-first")).status).not.toBe(0);
  } finally {
    await open.root.close();
    rmSync(home, { recursive: true });
  }
});
