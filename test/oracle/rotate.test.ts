/** The roll-out that `keys rotate` prints, run word for word on hosts with real WireGuard: nobody else notices. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { compile } from "../../src/compile.ts";
import { contentOf } from "../../src/emit/file.ts";
import { exportKeys } from "../../src/keys/export.ts";
import { rotateKeyPair, rotatePresharedKey } from "../../src/keys/rotate.ts";
import { generateKeys, readPublicKeys } from "../../src/keys/store.ts";
import { renderKeyRollout, renderPresharedRollout } from "../../src/report/rollout.ts";
import { install, type Lab, type LabHost, openLab, run, startPing, writeOn } from "./wg-helpers.ts";

const HOSTS = ["alpha", "beta", "gamma"];
const PAIRS = [
  ["alpha", "beta"],
  ["alpha", "gamma"],
  ["beta", "gamma"],
] as const;
// beta is known by a name: its key stands in a second file, too.
const TEXT = `netgen: 1
name: rotate
wireguard: {addresses: [10.250.0.0/24], presharedKeys: true}
underlay: {ipVersion: 4}
hosts:
  alpha: {id: 1, endpoint: 192.0.2.1}
  beta: {id: 2, endpoint: beta.example.net}
  gamma: {id: 3, endpoint: 192.0.2.3}
`;

let lab: Lab;
let home: string;
const on = (name: string): LabHost => lab.hosts[name] as LabHost;
const keys = (): string => join(home, "keys");

// What the script calls: ssh enters the host, and systemd's timer is a process that waits one second in place of thirty.
const SSH = (pids: string): string => `#!/bin/bash
case "$1" in
${pids}
*) echo "no such host $1" >&2; exit 255 ;;
esac
shift
exec nsenter -t "$pid" -n -m bash -c "$*"
`;
const SYSTEMD_RUN = `#!/bin/bash
[[ "$1 $2 $3" == "--quiet --on-active=30"?(.5)" --timer-property=AccuracySec=1ms" ]] || exit 1
delay=1\${2#*=30}
shift 3
(sleep "$delay"; exec "$@") < /dev/null &> /run/switch.log &
`;
const SYSTEMCTL = `#!/bin/bash
[[ "$*" == "reload wg-quick@wg0" ]] || exit 1
exec /etc/netgen/wg-reload wg0
`;

/** What the unit does when the interface comes up, on hosts that dial a name. */
const DIAL = "[[ ! -e /etc/netgen/wg-endpoints ]] || /etc/netgen/wg-endpoints wg0";

function compiled() {
  const result = compile({ name: "topology.yaml", text: TEXT }, { publicKeys: readPublicKeys(keys()) });
  expect(result.diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
  return { ...result, model: result.model as NonNullable<typeof result.model> };
}

/** What `netgen build` does: the new tree in out/. */
function build(): void {
  for (const file of compiled().files) {
    const path = join(home, "out", file.path);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, contentOf(file));
  }
}

function stub(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text, { mode: 0o755 });
}

async function startHost(name: string): Promise<void> {
  const target = join(home, "export", name);
  const peers = HOSTS.filter((each) => each !== name);
  for (const path of await exportKeys(keys(), { host: name, fleet: "", interfaces: ["wg0"], peers }, target)) {
    writeOn(on(name), `/${path}`, readFileSync(join(target, path)), 0o600);
  }
  install(on(name), compiled().files);
  writeOn(on(name), "/etc/hosts", "192.0.2.2 beta.example.net\n");
  writeOn(on(name), "/run/spy/systemctl", SYSTEMCTL, 0o755);
  writeOn(on(name), "/run/spy/systemd-run", SYSTEMD_RUN, 0o755);
  run(on(name), "wg-quick up wg0");
}

beforeAll(async () => {
  lab = await openLab("ngrotate", HOSTS);
  home = mkdtempSync(join(tmpdir(), "netgen-rotate-"));
  await generateKeys(keys(), { hosts: HOSTS, pairs: PAIRS });
  for (const name of HOSTS) await startHost(name);
  for (const name of HOSTS) run(on(name), DIAL);
  const pids = HOSTS.map((name) => `root@${name}) pid=${on(name).pid} ;;`).join("\n");
  stub(join(home, "bin/ssh"), SSH(pids).replace("bash -c", "env PATH=/run/spy:/usr/sbin:/usr/bin:/sbin:/bin bash -c"));
  stub(join(home, "bin/netgen"), "#!/bin/bash\nexit 0\n");
  for (const [a, b] of PAIRS) run(on(a), `ping -c 1 -w 20 10.250.0.${HOSTS.indexOf(b) + 1}`);
});
afterAll(() => {
  lab.close();
  rmSync(home, { recursive: true, force: true });
});

/** Runs a roll-out as it stands, only that the waiting is shorter, and stops at the first command that fails. */
function follow(rollout: string): string {
  const script = rollout.replace(/sleep 3[56]/, "sleep 5").replace("sleep 180\n", "");
  expect(script).not.toBe(rollout);
  const { status, stdout, stderr } = spawnSync("bash", ["-euo", "pipefail", "-c", script], {
    cwd: home,
    encoding: "utf8",
    env: { PATH: `${join(home, "bin")}:/usr/sbin:/usr/bin:/sbin:/bin` },
  });
  expect({ status, stdout, stderr }).toMatchObject({ status: 0 });
  return stdout;
}

const places = (name: string, previous: string) => ({
  build: "netgen build topology.yaml",
  output: "out",
  key: `keys/${name}`,
  previous: `keys/${previous}`,
  exportOptions: "--topology topology.yaml",
});

test.each(HOSTS)("a new key of %s: it reaches all its peers, and the two others lose no packet", async (name) => {
  const [first = "", second = ""] = HOSTS.filter((each) => each !== name);
  const ping = startPing(on(first), `10.250.0.${HOSTS.indexOf(second) + 1}`);
  await ping.replies(10);
  const { publicKey, previous } = await rotateKeyPair(keys(), name);
  build();
  const out = follow(renderKeyRollout(compiled().model, { host: name, publicKey }, places(`${name}.key`, previous)));
  await ping.replies(10);
  expect(await ping.stop()).toEqual([]);

  expect(out.split("\n")).toContain(publicKey);
  expect(out.match(/ 1 received/g)).toHaveLength(2);
  for (const peer of [first, second]) {
    expect(run(on(peer), "wg show wg0 peers").split("\n")).toContain(publicKey);
    expect(run(on(peer), "wg show wg0 peers").trim().split("\n")).toHaveLength(2);
  }
  expect(run(on(name), "wg show wg0 public-key").trim()).toBe(publicKey);
});

test("a new preshared key of a pair: no packet is lost, and new handshakes succeed with it", async () => {
  const ping = startPing(on("alpha"), "10.250.0.2");
  await ping.replies(10);
  const { name, previous } = await rotatePresharedKey(keys(), ["alpha", "beta"]);
  follow(renderPresharedRollout(compiled().model, ["alpha", "beta"], places(name, previous)));
  await ping.replies(10);
  expect(await ping.stop()).toEqual([]);
  const psk = readFileSync(join(keys(), name), "utf8").trim();
  for (const host of ["alpha", "beta"]) {
    expect(run(on(host), "wg show wg0 preshared-keys").includes(psk)).toBe(true);
  }
  // A session that begins anew: the interface of one end has forgotten all.
  run(on("beta"), `wg-quick down wg0; wg-quick up wg0; ${DIAL}`);
  run(on("beta"), "ping -c 1 -w 20 10.250.0.1");
});
