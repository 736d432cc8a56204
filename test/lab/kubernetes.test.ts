/** A node of Kubernetes that boots by itself: its K3s, in whose place a unit stands, goes with the tunnel and comes back with it. */
import { describe, expect, test } from "vitest";
import { must } from "../../src/base/invariant.ts";
import { compile } from "../../src/compile.ts";
import type { Box } from "../../src/lab/machine/box.ts";
import { openLab } from "../../src/lab/machine/open.ts";
import { eventually } from "../../src/lab/machine/patience.ts";
import { runningHost } from "../../src/lab/machine/running.ts";
import { planLab } from "../../src/lab/plan/plan-lab.ts";
import { isWhole } from "../proofs.ts";
import { testPublicKey } from "../test-keys.ts";
import { put, quiet } from "./computers.ts";

if (!isWhole) console.warn("SKIPPED without NETGEN_PROOFS=whole: a unit in K3s' place beside a booted host's tunnel");

const TOPOLOGY = `netgen: 1
name: node
wireguard: {addresses: [10.250.0.0/24]}
hosts:
  alpha: {id: 1, endpoint: 192.0.2.1, kubernetes: {cni: flannel, distribution: k3s, role: server}}
  beta: {id: 2, endpoint: 192.0.2.2, kubernetes: {cni: flannel, distribution: k3s, role: agent}}
`;

/** K3s makes flannel's device where there is none, and keeps what is there. */
const K3S = `[Service]
ExecStartPre=/bin/sh -c 'ip link show flannel.1 || ip link add flannel.1 type vxlan id 1 dev wg0 dstport 8472 nolearning'
ExecStart=/bin/sleep infinity
KillMode=process
`;

interface Seen {
  /** Of the process; 0: there is none. */
  readonly pid: string;
  /** flannel.1's number; empty: there is no such device. */
  readonly device: string;
}

async function see(box: Box): Promise<Seen> {
  const pid = await box.run("systemctl", "show", "--property=MainPID", "--value", "k3s.service");
  const { status, output } = await box.attempt("cat", "/sys/class/net/flannel.1/ifindex");
  return { pid: pid.trim(), device: status === 0 ? output.trim() : "" };
}

const GONE: Seen = { pid: "0", device: "" };

/** What is there after the tunnel's unit was asked for something, once K3s is back if it is to be. */
async function after(box: Box, verb: string, isUp = true): Promise<Seen> {
  await box.run("systemctl", verb, "wg-quick@wg0.service");
  // Wants= does not wait.
  await eventually(async () => {
    const { pid, device } = await see(box);
    return (pid !== "0" && device !== "") === isUp;
  }, 30);
  return see(box);
}

async function proven(box: Box): Promise<void> {
  put(box, "/etc/systemd/system/k3s.service", K3S, 0o644);
  await box.run("systemctl", "daemon-reload");
  await box.run("systemctl", "start", "k3s.service");
  const first = await see(box);
  expect(first).toEqual({ pid: expect.stringMatching(/^[1-9]/), device: expect.stringMatching(/^\d+$/) });
  expect(await after(box, "reload"), "a reload of the tunnel leaves both alone").toEqual(first);

  const second = await after(box, "restart");
  expect(second.pid, "K3s was restarted").not.toBe(first.pid);
  expect(second.device, "its device was made anew").not.toBe(first.device);

  expect(await after(box, "stop", false), "K3s is stopped, and its device goes with wg0").toEqual(GONE);
  const third = await after(box, "start");
  expect(third, "PartOf= alone would leave it stopped").toEqual({
    pid: expect.stringMatching(/^[1-9]/),
    device: expect.stringMatching(/^\d+$/),
  });

  // What a change of its files asks for leaves one alone that was stopped by hand.
  await box.run("systemctl", "stop", "k3s.service");
  await box.run("systemctl", "try-restart", "k3s.service");
  expect((await see(box)).pid).toBe("0");

  // Both are the drop-in's doing.
  await box.run("rm", "/etc/systemd/system/wg-quick@wg0.service.d/20-kubernetes-netgen.conf");
  await box.run("systemctl", "daemon-reload");
  await box.run("systemctl", "start", "k3s.service");
  await box.run("systemctl", "stop", "wg-quick@wg0.service");
  await box.run("systemctl", "start", "wg-quick@wg0.service");
  expect((await see(box)).pid, "nothing brings K3s back").toBe("0");
}

describe.runIf(isWhole)("K3s", () => {
  test("goes with the tunnel, and comes back with it", { timeout: 600_000 }, async ({ signal }) => {
    const publicKeys = { alpha: testPublicKey("alpha"), beta: testPublicKey("beta") };
    const { model, ...compiled } = compile({ name: "topology.yaml", text: TOPOLOGY }, { publicKeys });
    const network = must(model, "it has no mistake");
    const { lab, root } = await openLab({ ...compiled, network, plan: planLab(network), isBooting: true }, quiet);
    signal.addEventListener("abort", root.close);
    try {
      await proven(runningHost(lab, "alpha").box);
    } finally {
      await root.close();
    }
  });
});
