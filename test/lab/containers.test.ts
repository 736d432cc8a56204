/** Containers of two hosts that boot by themselves, by the real programs: they reach each other, and see who they are. */
import { describe, expect, test } from "vitest";
import { must } from "../../src/base/invariant.ts";
import { compile } from "../../src/compile.ts";
import { openLab } from "../../src/lab/machine/open.ts";
import { runningHosts } from "../../src/lab/machine/running.ts";
import { planLab } from "../../src/lab/plan/plan-lab.ts";
import { trixieTree } from "../oracle/trixie-tree.ts";
import { isWhole } from "../proofs.ts";
import { testPublicKey } from "../test-keys.ts";
import { quiet } from "./computers.ts";
import { type Container, type Engines, engines, transfer } from "./containers.ts";

const tree = isWhole ? (trixieTree() ?? "") : "";
if (!isWhole)
  console.warn("SKIPPED without NETGEN_PROOFS=whole: containers of Podman, Docker and CNI's plugins on two hosts");

// beta's Docker is taken for a 28.2, whose rules are imitated below; the program itself is Debian 13's 26.1 on both.
const TOPOLOGY = `netgen: 1
name: containers
wireguard: {addresses: [10.250.0.0/24]}
hosts:
  alpha: {id: 1, endpoint: 192.0.2.1, platform: debian13}
  beta: {id: 2, endpoint: 192.0.2.2, platform: debian13, programs: {docker: "28.2"}}
subnets:
  pods: {cidr: 10.3.0.0/16, perHost: 24, hosts: all, container: podman}
  apps: {cidr: 10.4.0.0/16, perHost: 24, hosts: all, container: docker}
  jobs: {cidr: 10.5.0.0/16, perHost: 24, hosts: all, container: cni}
  lan:
    cidr: 10.77.0.0/24
    vxlan: {vni: 100}
    hosts: all
    container: {program: podman, ranges: {alpha: 10.77.0.32/27, beta: 10.77.0.64/27}}
  rack:
    cidr: 10.78.0.0/24
    vxlan: {vni: 200}
    hosts: all
    container: {program: cni, ranges: {alpha: 10.78.0.32/27, beta: 10.78.0.64/27}}
`;

type Both = readonly [Engines, Engines];
type Pair = readonly [Container, Container];

/** One of each kind on each host. */
async function pairsOf([alpha, beta]: Both): Promise<
  Readonly<Record<"pods" | "apps" | "jobs" | "lan" | "rack", Pair>>
> {
  return {
    pods: [await alpha.podman("pod", "pods"), await beta.podman("pod", "pods")],
    apps: [await alpha.docker("app", "apps"), await beta.docker("app", "apps")],
    jobs: [await alpha.cni("job", "jobs"), await beta.cni("job", "jobs")],
    lan: [await alpha.podman("guest", "lan"), await beta.podman("guest", "lan")],
    rack: [await alpha.cni("blade", "rack"), await beta.cni("blade", "rack")],
  };
}

async function met(from: Container, to: Container): Promise<void> {
  const { output } = await from.attempt("ping", "-n", "-c", "3", "-i", "0.2", "-W", "5", to.address);
  expect(output, `${from.address} to ${to.address}`).toContain(" 0% packet loss");
  expect(await transfer(from, to), to.address).toEqual({ seen: from.address, isWhole: true });
}

async function proven(both: Both): Promise<void> {
  const [alpha, beta] = both;
  // What the units do, whose docker.service this machine has not.
  for (const host of both) {
    await host.run("/etc/netgen/docker-networks");
    await host.run("/etc/netgen/docker-user", "start");
  }
  const pairs = await pairsOf(both);
  expect(Object.values(pairs).flatMap((pair) => pair.map(({ address }) => address))).toEqual([
    ...["10.3.1.2", "10.3.2.2", "10.4.1.2", "10.4.2.2", "10.5.1.2", "10.5.2.2"],
    ...["10.77.0.32", "10.77.0.64", "10.78.0.32", "10.78.0.64"],
  ]);
  // The segment's bridge stays as it was: with no address of anybody's.
  expect(await beta.box.run("ip", "-4", "-o", "address", "show", "dev", "br100")).toBe("");
  // Docker 28 has this for every container (its notes, and moby's issue 52224).
  const direct = ["PREROUTING", "-d", "10.4.2.2", "!", "-i", "br-apps", "-j", "DROP"];
  await beta.run("iptables", "-t", "raw", "-A", ...direct);
  await beta.run("iptables", "-t", "raw", "-D", "PREROUTING", "-j", "NETGEN");
  expect((await pairs.apps[0].attempt("ping", "-n", "-c", "1", "-W", "1", "10.4.2.2")).status).toBe(1);
  await beta.run("/etc/netgen/docker-user", "start");
  for (const [one, other] of Object.values(pairs)) {
    await met(one, other);
    await met(other, one);
  }
  // Those of different programs, too.
  const [[pod, farPod], [, app]] = [pairs.pods, pairs.apps];
  await met(pod, app);
  await met(app, pod);

  // What is published stays so: for another host's container, and by a hairpin for one beside it.
  const web = await alpha.podman("web", "pods", "-p", "7777:5201");
  const published = { address: "10.250.0.1", port: 7777 };
  expect(await transfer(farPod, web, published)).toEqual({ seen: farPod.address, isWhole: true });
  expect((await transfer(pod, web, published)).isWhole).toBe(true);

  // All of it is the chain's doing.
  for (const { box } of both) {
    // It would be missed, and loaded again.
    await box.run("systemctl", "stop", "netgen-nftables-watch.timer");
    await box.run("nft", "flush", "chain", "inet", "netgen", "containers");
  }
  for (const [one, other] of [pairs.pods, pairs.apps, pairs.jobs]) {
    expect((await transfer(one, other)).seen, one.address).toBe("10.250.0.1");
  }
  for (const { box } of both) await box.run("systemctl", "reload", "netgen-nftables.service");
  await met(pod, app);
}

describe.runIf(tree !== "")("containers of two hosts", () => {
  test("reach each other by all that makes them, as who they are", { timeout: 900_000 }, async ({ signal }) => {
    const publicKeys = { alpha: testPublicKey("alpha"), beta: testPublicKey("beta") };
    const { model, ...compiled } = compile({ name: "topology.yaml", text: TOPOLOGY }, { publicKeys });
    const network = must(model, "it has no mistake");
    // Nobody stands in for what is to be seen.
    const plan = { ...planLab(network), guests: [], foreignBridges: [] };
    const { lab, root } = await openLab({ ...compiled, network, plan, isBooting: true }, quiet);
    signal.addEventListener("abort", root.close);
    try {
      const [alpha, beta] = await Promise.all(runningHosts(lab).map(({ box }) => engines(box, tree)));
      await proven([must(alpha, "it is the first"), must(beta, "it is the second")]);
    } finally {
      await root.close();
    }
  });
});
