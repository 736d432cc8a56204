/** The commands of docs/runbooks.md, run on a host that has all that the runbooks speak of, and boots by itself: word for word. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { must } from "../../src/base/invariant.ts";
import { compile } from "../../src/compile.ts";
import type { Box } from "../../src/lab/machine/box.ts";
import { openLab } from "../../src/lab/machine/open.ts";
import { eventually } from "../../src/lab/machine/patience.ts";
import { ROOT } from "../built-package.ts";
import { runShell } from "../netgen.ts";
import { isWhole } from "../proofs.ts";
import { missingOn, put, quiet } from "./computers.ts";

if (!isWhole) console.warn("SKIPPED without NETGEN_PROOFS=whole: the runbooks' commands on a booted host");

/** Addresses, devices and sizes are those of the runbooks; alpha is who is looked at. */
const TOPOLOGY = `
netgen: 1
name: runbooks
wireguard: {addresses: [10.250.0.0/24]}
bgp: {asn: 65000, bfd: {}}
hostDefaults: {metrics: true}
exits:
  - {host: alpha, interface: eth0, snat: true, probe: [192.0.2.1]}
hosts:
  alpha:
    id: 1
    endpoint: 198.51.100.1
    publicKey: "zdPzmIxnUBw7kA72BX2sF2xSdu7u8OZI2Rhm3d7HzGg="
    kubernetes: {cni: flannel, distribution: k3s, role: agent}
  beta: {id: 2, endpoint: 198.51.100.7, publicKey: "c2EjgnCEKBJ6WEAbxM94zB1qZwn4TapenDWROXgct1s="}
  gamma:
    id: 3
    endpoint: gamma.example.com
    families: 4
    publicKey: "GuW7j70jBxU1kQDabHGrr0IkvMAHfdMHVRWWtBl0Rjc="
    kubernetes: {cni: flannel, distribution: k3s, role: server}
subnets:
  guests: {cidr: 10.77.0.0/24, vxlan: {vni: 100}, hosts: [alpha, beta], gateway: {alpha: 10.77.0.1}}
  vms: {cidr: 10.65.3.0/24, hosts: [beta], exits: [alpha]}
`;

/** In K3s' place: a device as flannel makes it, with what leads to the pods of one other node. */
const K3S = `[Service]
ExecStartPre=/bin/sh -c 'ip link show flannel.1 || { \\
  ip link add flannel.1 type vxlan id 1 dev wg0 local 10.250.0.1 dstport 8472 nolearning && \\
  ip link set flannel.1 up && \\
  ip neighbour add 10.42.1.0 lladdr 02:00:00:00:00:03 dev flannel.1 nud permanent && \\
  ip route add 10.42.1.0/24 via 10.42.1.0 dev flannel.1 onlink; }'
ExecStart=/bin/sleep infinity
KillMode=process
`;

/** Where a command is not run on the host, and why it is not run at all. */
const NOT_HERE: Readonly<Record<string, string>> = {
  "systemctl status prometheus-node-exporter": "a package that no lab has",
};

const UP = /[<,]UP[,>]/;
const REPLIES = / 0% packet loss/;
const ACTIVE = /Active: active \((?:running|waiting)\)/;
const DONE = /Active: active \(exited\)/;
const ESTABLISHED = /^Total number of neighbors [1-9]/m;
const ANYTHING = /^/;

/** What each command that looks at something says where all is well. */
const GOOD: Readonly<Record<string, RegExp>> = {
  "/etc/netgen/verify": /^ok 1 - /m,
  "ping -c 3 10.250.0.2": REPLIES,
  "ping -c 3 198.51.100.7": REPLIES,
  "ping -c 3 -M do -s 1300 10.250.0.2": REPLIES,
  "ping -c 3 -M do -s 1412 10.250.0.2": REPLIES,
  "ping -c 3 -I eth0 192.0.2.1": REPLIES,
  "systemctl list-timers netgen-metrics.timer": /\bleft\b.* netgen-metrics\.timer +netgen-metrics\.service$/m,
  "systemctl status netgen-metrics.timer": ACTIVE,
  "systemctl status netgen-endpoints.timer": ACTIVE,
  "systemctl status netgen-exit@default": ACTIVE,
  "systemctl status frr": ACTIVE,
  "systemctl status wg-quick@wg0": DONE,
  "systemctl status netgen-nftables": DONE,
  "systemctl list-units --failed": /^0 loaded units listed/m,
  "ls -l /var/lib/prometheus/node-exporter": /^-rw-r--r-- .* netgen\.prom$/m,
  // Which directory comes first is a matter of time as well.
  "ls -lt /etc/netgen /etc/wireguard": /^(?=[\s\S]* verify\.list$)[\s\S]* wg0\.conf$/m,
  "df -h /var/lib/prometheus": / \d+% /,
  "date -u": /\bUTC\b/,
  "journalctl -u netgen-metrics.service -n 20": ANYTHING,
  "journalctl -u netgen-exit@default -n 3": /the way out by eth0 is open$/m,
  "journalctl -u systemd-networkd -n 50": ANYTHING,
  "journalctl -u k3s-agent -n 50": ANYTHING,
  "journalctl -u nftables -n 20": ANYTHING,
  "journalctl -u frr -n 50": ANYTHING,
  "wg show wg0 latest-handshakes": /\t[1-9]\d+$/m,
  "wg show wg0 endpoints": /\t198\.51\.100\.7:51820$/m,
  "wg show wg0 transfer": /\t[1-9]\d*\t[1-9]\d*$/m,
  "wg show wg0 public-key": /^[A-Za-z0-9+/]{43}=$/m,
  "wg show wg0 listen-port": /^51820$/m,
  "ip link show wg0": /[<,]UP[,>].* mtu 1440 /,
  "ip -d link show dev wg0": UP,
  "ip -d link show dev flannel.1": UP,
  "ip route show dev flannel.1": /^10\.42\.1\.0\/24 /m,
  "ip route show default": /^default via .* dev eth0/m,
  "ip route show table all match 10.42.1.1": /^10\.42\.1\.0\/24 .*dev flannel\.1/m,
  "ip route get 198.51.100.7": /^198\.51\.100\.7 .*dev eth0 /m,
  "ip route get 10.42.1.1": /^10\.42\.1\.1 .*dev flannel\.1 /m,
  "ip neigh show dev flannel.1": / PERMANENT/,
  "ip rule show": / lookup main/,
  "bridge fdb show dev vx100": / dst 10\.250\.0\.2 /,
  "networkctl status vx100": /State: \w+ \(configured\)/,
  "networkctl list": /\bvx100\b/,
  "nft list tables": /^table inet netgen$/m,
  'vtysh -c "show evpn vni"': /^100 +L2 +vx100 +\d+ +\d+ +1 /m,
  'vtysh -c "show bgp l2vpn evpn summary"': ESTABLISHED,
  'vtysh -c "show bgp vrf all summary"': ESTABLISHED,
  'vtysh -c "show bgp neighbors 10.250.0.2"': /BGP state = Established/,
  'vtysh -c "show bfd peers brief"': / 10\.250\.0\.2 +up\b/,
};

const NO_SESSION = /\b(?:Active|Connect|Idle)\b/;

/** What some of them do not say then. */
const BAD: Readonly<Record<string, RegExp>> = {
  "/etc/netgen/verify": /^not ok/m,
  "journalctl -u netgen-metrics.service -n 20": /metrics: /,
  "journalctl -u systemd-networkd -n 50": /vx100: (?:Failed|Could not)/,
  "journalctl -u k3s-agent -n 50": /external interface not found/,
  "wg show wg0 latest-handshakes": /\t0$/m,
  "ip route show table all match 10.42.1.1": /^(?!default |10\.42\.1\.0\/24 )./m,
  "ip route get 198.51.100.7": / mtu /,
  "ip neigh show dev flannel.1": /FAILED|INCOMPLETE/,
  "bridge fdb show dev vx100": / dst (?!10\.250\.0\.2 )/,
  "networkctl list": /\b(?:failed|configuring)\b/,
  'vtysh -c "show bgp l2vpn evpn summary"': NO_SESSION,
  'vtysh -c "show bgp vrf all summary"': NO_SESSION,
};

/** Where the topology is. */
const AT_HOME: Readonly<Record<string, RegExp>> = {
  "netgen mtu topology.yaml": /\b1440\b/,
  "netgen diff topology.yaml --plan": /^$/,
  "netgen monitoring topology.yaml -o monitoring": / 0 changed, 0 removed/,
};

const PROGRAMS =
  /^(?:\/etc\/netgen\/verify$|(?:bridge|date|df|ip|journalctl|ls|netgen|networkctl|nft|ping|systemctl|vtysh|wg) )/;
const CHANGES = /^(?:systemctl (?:re)?(?:start|load)|networkctl re)/;

const page = readFileSync(join(ROOT, "docs/runbooks.md"), "utf8");

const spansOf = (text: string): readonly string[] =>
  [...text.matchAll(/`([^`]+)`/g)].map(([, span = ""]) => span.replaceAll(/\s+/g, " "));

/** What begins with a program, in the order of the page, each once. */
const commands = [
  ...new Set([
    ...[...page.matchAll(/^```sh\n([\s\S]*?)^```/gm)].flatMap(([, block = ""]) => block.trimEnd().split("\n")),
    ...spansOf(page.replaceAll(/^```[\s\S]*?^```/gm, "")).filter((span) => PROGRAMS.test(span)),
  ]),
];
const changes = commands.filter((command) => CHANGES.test(command));

describe("the commands of the runbooks", () => {
  const asked = [...page.matchAll(/^\| (`[^|]+`)/gm)].flatMap(([, cell = ""]) => spansOf(cell).slice(0, 1));

  test("are known: what a table begins a row with is one, and changes nothing", () => {
    expect(asked.length).toBeGreaterThan(40);
    expect(asked.filter((span) => !commands.includes(span))).toEqual([]);
    expect(asked.filter((span) => CHANGES.test(span))).toEqual([]);
  });

  test("have a good answer each, and none is left over", () => {
    const known = [...Object.keys(GOOD), ...Object.keys(AT_HOME), ...Object.keys(NOT_HERE), ...changes];
    expect(commands.toSorted()).toEqual(known.toSorted());
  });
});

/** Why what was printed is not good; nothing: it is. */
function complaintOf(command: string, status: number | null, output: string, good = ANYTHING): readonly string[] {
  const isGood = status === 0 && good.test(output) && BAD[command]?.test(output) !== true;
  return isGood ? [] : [`$ ${command}: status ${status}, ${good} is expected\n${output}`];
}

/** Units by their names in a command: of one that is not there journalctl says nothing. */
async function unitsMissing(box: Box): Promise<readonly string[]> {
  const named = commands
    .filter((command) => NOT_HERE[command] === undefined)
    .flatMap(
      (command) => /^(?:systemctl (?:status|start|restart|reload)|journalctl -u) (\S+)/.exec(command)?.[1] ?? [],
    );
  const found = await Promise.all(
    [...new Set(named)].map(async (unit) => ((await box.attempt("systemctl", "cat", unit)).status === 0 ? [] : [unit])),
  );
  return found.flat();
}

/** What is not as the runbooks say it is where all is well, once all is or a minute and a half is over. */
async function looksWrong(box: Box): Promise<readonly string[]> {
  let wrong: readonly string[] = [];
  await eventually(async () => {
    const all = await Promise.all(
      Object.entries(GOOD).map(async ([command, good]) => {
        const { status, output } = await box.attempt("sh", "-c", command);
        return complaintOf(command, status, output, good);
      }),
    );
    wrong = all.flat();
    return wrong.length === 0;
  }, 90);
  return wrong;
}

describe.skipIf(!isWhole)("run", () => {
  test("on a host say what is good, and those that change it leave it whole", { timeout: 1_800_000 }, async () => {
    const { model, ...rest } = compile({ name: "topology.yaml", text: TOPOLOGY });
    const network = must(model, "it compiles");
    const { lab, root } = await openLab({ network, ...rest, isBooting: true }, quiet);
    try {
      const alpha = must(lab.hosts.get("alpha"), "alpha is a host");
      put(alpha, "/etc/systemd/system/k3s-agent.service", K3S, 0o644);
      await alpha.shell("mkdir -p /var/lib/prometheus/node-exporter; systemctl daemon-reload");
      expect(await unitsMissing(alpha)).toEqual([]);
      expect(await missingOn(alpha)).toEqual([]);
      const refused: string[] = [];
      for (const command of changes) {
        const { status, output } = await alpha.attempt("sh", "-c", command);
        refused.push(...complaintOf(command, status, output));
        refused.push(...(await missingOn(alpha)).map((line) => `after ${command}: ${line}`));
      }
      expect(refused).toEqual([]);
      await alpha.run("systemctl", "start", "k3s-agent");
      expect(await looksWrong(alpha)).toEqual([]);
    } finally {
      await root.close();
    }
  });

  test("where the topology is", () => {
    const home = mkdtempSync(join(tmpdir(), "netgen-runbooks-"));
    try {
      writeFileSync(join(home, "topology.yaml"), TOPOLOGY);
      // As it is when an alert fires: what was built is what the alerts were written from.
      const built = runShell(home, "netgen build -q topology.yaml && netgen monitoring -q topology.yaml -o monitoring");
      expect(built).toMatchObject({ status: 0, stderr: "" });
      const wrong = Object.entries(AT_HOME).flatMap(([command, good]) => {
        const { status, stdout, stderr } = runShell(home, command);
        return complaintOf(command, status, `${stdout}${stderr}`, good);
      });
      expect(wrong).toEqual([]);
    } finally {
      rmSync(home, { recursive: true });
    }
  });
});
