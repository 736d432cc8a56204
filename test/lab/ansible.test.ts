/** Hosts that have nothing, brought what a topology says by the real ansible-playbook; and what happens when that goes wrong. */
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { must } from "../../src/base/invariant.ts";
import { compile } from "../../src/compile.ts";
import { bundleOf } from "../../src/deliver/bundle.ts";
import { contentOf } from "../../src/emit/file.ts";
import { readPublicKeys } from "../../src/keys/store.ts";
import type { Box } from "../../src/lab/machine/box.ts";
import type { OpenLab } from "../../src/lab/machine/open.ts";
import { eventually } from "../../src/lab/machine/patience.ts";
import { ROOT } from "../built-package.ts";
import { CLI, runNetgen } from "../netgen.ts";
import { debian13Ansible, INSTALLED } from "../oracle/ansible-releases.ts";
import { isEquipped } from "../oracle/nft-helpers.ts";
import { isWhole } from "../proofs.ts";
import { testPublicKey } from "../test-keys.ts";
import { openBare, put as putInto } from "./computers.ts";

const ADDRESSES = { alpha: "198.51.100.1", beta: "203.0.113.9", gamma: "192.0.2.7" };
/** On each change the way from nothing to an overlay is shown of two hosts, by the release that is installed. */
const NAMES = Object.keys(ADDRESSES).slice(0, isWhole ? 3 : 2);
const RELEASES = [INSTALLED, ...(isWhole ? debian13Ansible() : [])];

interface Shape {
  readonly vni?: number;
  /** Lines of gamma's. */
  readonly extra?: string;
}

const topology = ({ vni = 100, extra = "" }: Shape = {}): string => `
netgen: 1
name: rollout
wireguard: {addresses: [10.250.0.0/24]}
bgp: {asn: 65000}
hosts:
${NAMES.map((name, index) => `  ${name}: {id: ${index + 1}, endpoint: ${Object.values(ADDRESSES)[index]}${name === "gamma" ? extra : ""}}\n`).join("")}subnets:
  guests: {cidr: 10.77.0.0/24, vxlan: {vni: ${vni}}, hosts: all}
`;

interface Played {
  readonly status: number | null;
  readonly output: string;
  /** What the recap counts of a host, such as `changed=1`; `undefined`: the host had no turn. */
  readonly recap: (host: string) => Readonly<Record<string, number>> | undefined;
}

function recapOf(output: string, host: string): ReturnType<Played["recap"]> {
  const line = output.split("PLAY RECAP")[1]?.match(new RegExp(`^${host} +: (.*)$`, "m"))?.[1];
  const counts = line
    ?.trim()
    .split(/\s+/)
    .map((each) => each.split("="));
  return counts && Object.fromEntries(counts.map(([name, count]) => [name, Number(count)]));
}

describe.each(RELEASES)("ansible-core $version", ({ playbook, env }) => {
  let home: string;
  let open: OpenLab | undefined;

  const box = (name: string): Box => must(open?.lab.hosts.get(name), "every host has a box");
  const has = async (host: string, link: string): Promise<boolean> =>
    (await box(host).attempt("ip", "link", "show", link)).status === 0;
  const holding = async (link: string): Promise<readonly string[]> => {
    const found = await Promise.all(NAMES.map(async (name) => ((await has(name, link)) ? [name] : [])));
    return found.flat();
  };
  const put = (path: string, text: string | Uint8Array): void => {
    mkdirSync(dirname(join(home, path)), { recursive: true });
    writeFileSync(join(home, path), text);
  };
  function write(shape: Shape): void {
    put("topology.yaml", topology(shape));
    expect(runNetgen(home, ["ansible", "topology.yaml", "-o", "deploy"])).toMatchObject({ status: 0, stderr: "" });
  }

  /** By the lab's own connection, as root; `way`: while it ends with 0, the host can be reached. */
  const byTheLab = (name: string, way = "true") => ({
    ansible_connection: "lab",
    ansible_user: "root",
    lab_pid: box(name).pid,
    lab_way: way,
  });
  /** What a user says of a host in a file of his own. */
  function settle(name: string, connection: object = byTheLab(name)): void {
    // beta has made its key by itself.
    const keys = name === "beta" ? { netgen_keys: "host" } : {};
    const programs = { ansible_python_interpreter: "/usr/bin/python3", netgen_command: `${process.execPath} ${CLI}` };
    put(`deploy/inventory/host_vars/${name}.json`, JSON.stringify({ ...connection, ...programs, ...keys }));
  }

  const play = (...args: readonly string[]): Promise<Played> =>
    run("deploy/playbooks/site.yaml", "-e", "netgen_confirm_seconds=45", ...args);
  function run(...args: readonly string[]): Promise<Played> {
    const words = ["-i", "deploy/inventory", ...args];
    const [program = "", ...first] = playbook;
    const settings = {
      ANSIBLE_CONNECTION_PLUGINS: join(ROOT, "test/lab/ansible"),
      ANSIBLE_HOME: join(home, "ansible"),
      ANSIBLE_NOCOLOR: "1",
    };
    const child = spawn(program, [...first, ...words], { cwd: home, env: { ...process.env, ...env, ...settings } });
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text: string) => (output += text));
    return new Promise((resolve) =>
      child.once("close", (status) => resolve({ status, output, recap: (host) => recapOf(output, host) })),
    );
  }

  beforeAll(async () => {
    home = mkdtempSync(join(tmpdir(), "netgen-ansible-"));
    put("topology.yaml", topology());
    runNetgen(home, ["keys", "generate", "topology.yaml"]);
    for (const name of ["beta.key", "beta.pub"]) rmSync(join(home, "keys", name));
    runNetgen(home, ["ansible", "topology.yaml", "-o", "deploy", "--no-bundles"]);
    const source = { name: "topology.yaml", text: topology() };
    const publicKeys = Object.fromEntries(NAMES.map((name) => [name, testPublicKey(name)]));
    const network = must(compile(source, { publicKeys }).model, "the topology has no mistake");
    open = await openBare(network);
    for (const name of NAMES) {
      await box(name).run("rm", "/etc/wireguard/wg0.key");
      settle(name);
    }
  });
  afterAll(async () => {
    await open?.root.close();
    rmSync(home, { recursive: true });
  });

  test("a host makes its key by itself, once, and its public half comes back", async () => {
    const keys = () => run("deploy/playbooks/keys.yaml", "-l", "beta");
    const first = await keys();
    expect([first.status, first.recap("beta")?.changed], first.output).toEqual([0, 2]);
    const made = await box("beta").run(
      "sh",
      "-c",
      "stat -c %a /etc/wireguard/wg0.key; wg pubkey < /etc/wireguard/wg0.key",
    );
    expect(made).toBe(`600\n${readFileSync(join(home, "keys/beta.pub"), "utf8")}`);
    const second = await keys();
    expect([second.status, second.recap("beta")?.changed], second.output).toEqual([0, 0]);
    write({});
  });

  test("a check shows all as a diff, without a key, and changes nothing", async () => {
    const { status, output } = await play("--check", "--diff");
    expect(status, output).toBe(0);
    expect(output).toMatch(/^\+Address = 10\.250\.0\.1\/24$/m);
    expect(output).toMatch(/^new +\/etc\/wireguard\/wg0\.conf$/m);
    expect(output).toMatch(/^key +\/etc\/wireguard\/wg0\.key$/m);
    for (const name of NAMES) {
      expect((await box(name).attempt("ls", "/etc/netgen", "/run/netgen-staged")).output).not.toMatch(/^[^l]/m);
    }
  });

  test("from nothing to an overlay, each host in its turn; the second time there is nothing to do", async () => {
    const first = await play("-vvv", "--diff");
    expect(first.status, first.output).toBe(0);
    for (const name of ["alpha", "gamma"].filter((each) => NAMES.includes(each))) {
      expect(first.output).not.toContain(readFileSync(join(home, `keys/${name}.key`), "utf8").trim());
    }
    expect(NAMES.map((name) => first.recap(name)?.changed)).toEqual(NAMES.map(() => 1));
    expect(await holding("vx100")).toEqual(NAMES);
    for (const [index, name] of NAMES.entries()) {
      await box(name).run("ip", "address", "add", `10.77.0.${index + 1}/24`, "dev", "br100");
    }
    await box("alpha").run("ping", "-c", "1", "-w", "20", `10.77.0.${NAMES.length}`);

    const second = await play();
    expect(second.status, second.output).toBe(0);
    expect(NAMES.map((name) => second.recap(name)?.changed)).toEqual(NAMES.map(() => 0));
    expect((await box("alpha").attempt("ls", "/run/netgen-staged")).status).not.toBe(0);
  });

  test.runIf(isWhole && isEquipped("sshd", "sudo"))("by ssh, as one who becomes root by sudo", async () => {
    spawnSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(home, "identity")]);
    const identity = readFileSync(join(home, "identity.pub"), "utf8");
    const known = NAMES.map(async (name) => {
      await box(name).shell("ssh-keygen -A > /dev/null; systemctl start ssh; useradd -m -s /bin/bash deployer");
      await box(name).run("install", "-d", "-o", "deployer", "-m", "700", "/home/deployer/.ssh");
      putInto(box(name), "/home/deployer/.ssh/authorized_keys", identity, 0o644);
      settle(name, {
        ansible_connection: "ssh",
        ansible_user: "deployer",
        ansible_ssh_private_key_file: join(home, "identity"),
        // Into its network only: what is behind port 22 lets nobody in who has no key.
        ansible_ssh_common_args: `-F none -o HostKeyAlias=${name} -o UserKnownHostsFile=${join(home, "known_hosts")} -o ProxyCommand='nsenter -t ${box(name).pid} -n busybox nc 127.0.0.1 22'`,
      });
      return `${name} ${await box(name).run("cat", "/etc/ssh/ssh_host_ed25519_key.pub")}`;
    });
    put("known_hosts", (await Promise.all(known)).join(""));
    write({ vni: 200 });
    const refused = await play();
    // Neither is the bundle staged, nor what there is of it cleared away.
    expect([refused.status, refused.recap("alpha")?.failed], refused.output).toEqual([2, 2]);
    expect(refused.output).toMatch(/sudo/i);
    expect(await holding("vx100")).toEqual(NAMES);

    for (const name of NAMES)
      putInto(box(name), "/etc/sudoers.d/deployer", "deployer ALL=(ALL) NOPASSWD: ALL\n", 0o440);
    const keys = await run("deploy/playbooks/keys.yaml", "-l", "beta");
    expect([keys.status, keys.recap("beta")?.changed], keys.output).toEqual([0, 0]);
    for (const vni of [200, 100]) {
      write({ vni });
      const played = await play("-vvv", "--diff");
      expect(played.status, played.output).toBe(0);
      expect(NAMES.map((name) => played.recap(name)?.changed)).toEqual(NAMES.map(() => 1));
      expect(await holding(`vx${vni}`)).toEqual(NAMES);
      expect(played.output).not.toContain(readFileSync(join(home, "keys/alpha.key"), "utf8").trim());
    }
    const again = await play();
    expect(NAMES.map((name) => again.recap(name)?.changed)).toEqual(NAMES.map(() => 0));
    for (const name of NAMES) settle(name);
  });

  test.runIf(isWhole)(
    "AllowedIPs that are wrong on the second of three: it goes back, and the third is untouched",
    async () => {
      write({ vni: 200 });
      const { files, units, model } = compile(
        { name: "topology.yaml", text: topology({ vni: 200 }) },
        { publicKeys: readPublicKeys(join(home, "keys")) },
      );
      const spoilt = files.map((file) => {
        if (file.path !== "beta/etc/wireguard/wg0.conf") return file;
        const text = new TextDecoder().decode(contentOf(file)).replace("10.250.0.1/32", "10.250.9.9/32");
        return { ...file, content: [new TextEncoder().encode(text)] };
      });
      const { name } = must(model, "the topology has no mistake");
      for (const file of bundleOf({ name, files: spoilt, units }, "beta")) {
        put(`deploy/bundles/beta/${file.path}`, contentOf(file));
      }
      const { status, output, recap } = await play();
      expect(status, output).toBe(2);
      expect(output).toMatch(/lost +.*beta -> alpha|lost .*alpha/);
      expect([recap("beta")?.failed, recap("gamma")]).toEqual([1, undefined]);
      expect(await holding("vx200")).toEqual(["alpha"]);
      expect(await holding("vx100")).toEqual(["beta", "gamma"]);
      expect(await box("beta").run("wg", "show", "wg0", "allowed-ips")).toMatch(/\t10\.250\.0\.1\/32$/m);
      // With the mistake gone the roll-out goes on where it stopped.
      runNetgen(home, ["ansible", "topology.yaml", "-o", "deploy"]);
      const mended = await play();
      expect(mended.status, mended.output).toBe(0);
      expect(NAMES.map((each) => mended.recap(each)?.changed)).toEqual([0, 1, 1]);
    },
  );

  test.runIf(isWhole)("who locks himself out waits, and the change is gone", async () => {
    const lines = `, extra: {nftables: {input: ["ip saddr 10.250.0.1 icmp type echo-request drop"]}}`;
    write({ vni: 200, extra: lines });
    settle("gamma", byTheLab("gamma", `nsenter -t ${box("alpha").pid} -n ping -c 1 -W 1 10.250.0.3`));
    const { status, output } = await play();
    expect(status, output).not.toBe(0);
    expect(output).toContain("nobody answers");
    const isSettled = async (): Promise<boolean> =>
      !/^(armed|halfway)/m.test(await box("gamma").run("/etc/netgen/apply", "--status"));
    expect(await eventually(isSettled, 90)).toBe(true);
    expect(await box("gamma").run("nft", "list", "ruleset")).not.toContain("echo-request drop");
    await box("alpha").run("ping", "-c", "1", "-w", "5", "10.250.0.3");
    write({ vni: 200 });
    const after = await play();
    expect([after.status, after.recap("gamma")?.changed], after.output).toEqual([0, 0]);
  });

  test.runIf(isWhole)("a host that cannot be reached stops the roll-out; a host that is none has no turn", async () => {
    write({ vni: 300 });
    settle("beta", byTheLab("beta", "false"));
    const { status, output, recap } = await play();
    expect([status, recap("beta")?.unreachable, recap("gamma")], output).toEqual([4, 1, undefined]);
    expect(await holding("vx300")).toEqual(["alpha"]);
    const unknown = await play("-l", "delta");
    expect(unknown.status, unknown.output).toBe(1);
    expect(unknown.output).toContain("delta");
  });
});
