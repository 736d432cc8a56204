/** What `netgen ansible` writes, read by the real ansible of both releases and by ansible-lint. No host is touched. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ROOT } from "../built-package.ts";
import { runShell } from "../netgen.ts";
import { eachInNewDirectory } from "../new-directory.ts";
import { debian13Ansible, INSTALLED } from "./ansible-releases.ts";
import { isEquipped } from "./nft-helpers.ts";

// Names that YAML would take for something else; spokes of a hub, of which the third may change with the fourth.
const TOPOLOGY = `netgen: 1
name: rollout
wireguard: {addresses: [10.250.0.0/24], shape: hub-and-spoke, hubs: ["1e3"]}
sites: {roz-1: {}}
hosts:
  "1e3": {id: 1, endpoint: 192.0.2.1}
  "no": {id: 2, endpoint: 192.0.2.2, site: roz-1}
  roz.2: {id: 3, endpoint: 192.0.2.3}
  wro: {id: 4, endpoint: 192.0.2.4}
  zoe: {id: 5, endpoint: 192.0.2.5}
`;

const PLUGINS = join(ROOT, "test/lab/ansible");

let home: string;
eachInNewDirectory((path) => {
  home = path;
  const made = runShell(
    home,
    "cat > topology.yaml && netgen keys generate topology.yaml && netgen ansible topology.yaml -o deploy",
    {
      input: TOPOLOGY,
    },
  );
  expect(made).toMatchObject({ status: 0, stderr: "" });
});

const INVENTORY = "deploy/inventory";
const SITE = "deploy/playbooks/site.yaml";

describe.runIf(isEquipped("ansible-playbook", "ansible-lint"))("ansible", () => {
  describe.each([INSTALLED, ...debian13Ansible()])("$version", ({ version, playbook, lint, lintVersion, env }) => {
    const run = (...args: readonly string[]) => start([...playbook, ...args]);
    function start([command = "", ...words]: readonly string[], cwd = home) {
      const settings = {
        ANSIBLE_HOME: join(home, "ansible"),
        ANSIBLE_NOCOLOR: "1",
        NO_COLOR: "1",
        ...env,
        ANSIBLE_CONNECTION_PLUGINS: PLUGINS,
      };
      const ended = spawnSync(command, words, { cwd, env: { ...process.env, ...settings }, encoding: "utf8" });
      return { status: ended.status, output: ended.stdout + ended.stderr };
    }

    test("is that release", () => {
      expect(run("--version").output).toContain(`[core ${version}.`);
    });

    test.each(["site", "keys"])("%s.yaml is understood, without a warning", (name) => {
      const { status, output } = run("-i", INVENTORY, `deploy/playbooks/${name}.yaml`, "--syntax-check");
      expect([status, output]).toEqual([0, `\nplaybook: deploy/playbooks/${name}.yaml\n`]);
    });

    test("hosts change in the batches of the inventory, whomever --limit leaves out", () => {
      // The play of site.yaml with nothing in it but who has his turn.
      const [play = ""] = readFileSync(join(home, SITE), "utf8").split(/^ {2}pre_tasks:/m);
      const tell = `  tasks:\n    - ansible.builtin.debug: {msg: "turn {{ ansible_play_batch | join(' ') }}"}\n      run_once: true\n`;
      writeFileSync(join(home, "turns.yaml"), play + tell);
      const turnsOf = (...args: readonly string[]): readonly (string | undefined)[] => {
        const { output } = run(
          "-i",
          INVENTORY,
          "turns.yaml",
          "-e",
          "ansible_become=false",
          "-e",
          "ansible_connection=local",
          ...args,
        );
        return [...output.matchAll(/"msg": "turn (.*)"/g)].map(([, names]) => names);
      };
      expect(turnsOf()).toEqual(["no", "roz.2", "wro zoe", "1e3"]);
      expect(turnsOf("--limit", "1e3:wro:no")).toEqual(["no", "wro", "1e3"]);
      expect(turnsOf("--limit", "netgen_site_roz_1")).toEqual(["no"]);
    });

    test("a host without WireGuard makes no key, and is none that has failed", () => {
      const lan = `netgen: 1
name: lan
wireguard: {addresses: [10.250.0.0/24]}
sites: {rack: {lan: [192.168.7.0/24], gateways: [gate]}}
hosts:
  gate: {id: 1, endpoint: 192.0.2.1, site: rack, lanEndpoint: 192.168.7.1}
  node: {id: 2, site: rack, lanEndpoint: 192.168.7.2, wireguard: false}
`;
      const made = runShell(home, "cat > lan.yaml && netgen ansible lan.yaml -o lan --no-bundles", { input: lan });
      expect(made).toMatchObject({ status: 0, stderr: "" });
      const here = ["-e", "ansible_connection=local", "-e", "ansible_become=false"];
      const { status, output } = run("-i", "lan/inventory", "lan/playbooks/keys.yaml", "-l", "node", ...here);
      expect(status, output).toBe(0);
      expect(output).toMatch(/^node +: ok=0 +changed=0 .* skipped=2 /m);
      expect(existsSync(join(home, "keys/node.pub"))).toBe(false);
    });

    test.each([
      ["keys that cannot be exported", "netgen_command=false"],
      ["a word that is no place of keys", "netgen_keys=hots"],
    ])("%s: it ends before anything is on the host", (_, wrong) => {
      // Hosts that nobody can reach: what is told before is told by itself.
      const nowhere = ["ansible_connection=lab", "lab_pid=1", "lab_way=false", wrong];
      const { status, output } = run("-i", INVENTORY, SITE, ...nowhere.flatMap((each) => ["-e", each]));
      expect(status, output).not.toBe(0);
      expect(output).toMatch(/^fatal: \[no\]: FAILED!/m);
      expect(output).not.toMatch(/Apply it|^(roz|wro|zoe|1e3)\S* +:/m);
    });

    test("ansible-lint's production profile has nothing to say", () => {
      const words = ["--offline", "--nocolor", "--profile", "production", "playbooks"];
      const { status, output } = start([...lint, ...words], join(home, "deploy"));
      expect(status, output).toBe(0);
      expect(start([...lint, "--version"]).output).toContain(`ansible-lint ${lintVersion}.`);
    });
  });
});
