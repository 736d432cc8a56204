/** Containers of two hosts that boot by themselves, by the real programs: they reach each other, and see who they are. */
import { describe, expect, test } from "vitest";
import { must } from "../../src/base/invariant.ts";
import { compile } from "../../src/compile.ts";
import { openLab } from "../../src/lab/machine/open.ts";
import { runningHosts } from "../../src/lab/machine/running.ts";
import { planLab } from "../../src/lab/plan/plan-lab.ts";
import { forkyTree, trixieTree } from "../oracle/trixie-tree.ts";
import { isWhole } from "../proofs.ts";
import { testPublicKey } from "../test-keys.ts";
import { quiet } from "./computers.ts";
import { type Container, type Engines, engines, transfer } from "./containers.ts";

const trees = isWhole ? [trixieTree() ?? "", forkyTree() ?? ""] : [""];
if (!isWhole)
  console.warn("SKIPPED without NETGEN_PROOFS=whole: containers of Podman, Docker and CNI's plugins on two hosts");

// alpha has Debian 13's programs, of which Docker is 26.1; beta those of what is to be Debian 14, where it is 28.2 or newer.
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

/** Docker 28 drops what comes to a container by another way than its bridge (its notes, and moby's issue 52224). */
async function provenDirect(beta: Engines, [app, farApp]: Pair): Promise<void> {
  const raw = (...words: readonly string[]): Promise<string> => beta.run("iptables", "-t", "raw", ...words);
  const isReached = async (): Promise<boolean> =>
    (await app.attempt("ping", "-n", "-c", "1", "-W", "5", farApp.address)).status === 0;
  const toContainer = ["PREROUTING", "-d", `${farApp.address}/32`];
  const trusted = [...toContainer, "-i", "wg0", "-j", "ACCEPT"];
  const rules = await raw("-S", "PREROUTING");
  expect(rules).toContain(`-A ${[...toContainer, "!", "-i", "br-apps", "-j", "DROP"].join(" ")}`);
  expect(rules).toContain(`-A ${trusted.join(" ")}`);
  // That it trusts the tunnel is enough there, and not for its filter, which drops whatever port is not published.
  await raw("-D", "PREROUTING", "-j", "NETGEN");
  expect(await isReached()).toBe(true);
  await beta.run("/etc/netgen/docker-user", "stop");
  expect(await isReached()).toBe(false);
  // As for a network of the owner's, which trusts nobody: netgen's rule stands before.
  await beta.run("/etc/netgen/docker-user", "start");
  await raw("-D", ...trusted);
  expect(await isReached()).toBe(true);
  await raw("-D", "PREROUTING", "-j", "NETGEN");
  expect(await isReached()).toBe(false);
  await raw("-I", ...trusted);
  await beta.run("/etc/netgen/docker-user", "start");
}

/** What CNI's portmap publishes on one of the hosts, asked from both. */
async function provenPortmap(both: Both, jobs: Pair, number: 1 | 2): Promise<void> {
  const [host, own, far] =
    number === 1 ? ([both[0], jobs[0], jobs[1]] as const) : ([both[1], jobs[1], jobs[0]] as const);
  const shop = await host.cni("shop", "jobs", 7778);
  const published = { address: `10.250.0.${number}`, port: 7778 };
  expect(await transfer(far, shop, published)).toEqual({ seen: far.address, isWhole: true });
  // A hairpin comes from the bridge, by portmap's mark: from a container beside it, and from itself.
  for (const each of [own, shop]) {
    expect(await transfer(each, shop, published)).toEqual({ seen: `10.5.${number}.1`, isWhole: true });
  }
  // Nor is what leaves by the tunnel mapped where it is marked: portmap's rule has it.
  const mark = ["PREROUTING", "-s", own.address, "-d", far.address, "-j", "MARK", "--or-mark", "0x2000"];
  await host.run("iptables", "-t", "mangle", "-I", ...mark);
  expect((await transfer(own, far)).seen).toBe(published.address);
  await host.run("iptables", "-t", "mangle", "-D", ...mark);
  await met(own, far);
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
  await provenDirect(beta, pairs.apps);
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

  for (const number of [1, 2] as const) await provenPortmap(both, pairs.jobs, number);

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

describe.runIf(!trees.includes(""))("containers of two hosts", () => {
  test("reach each other by all that makes them, as who they are", { timeout: 900_000 }, async ({ signal }) => {
    const publicKeys = { alpha: testPublicKey("alpha"), beta: testPublicKey("beta") };
    const { model, ...compiled } = compile({ name: "topology.yaml", text: TOPOLOGY }, { publicKeys });
    const network = must(model, "it has no mistake");
    // Nobody stands in for what is to be seen.
    const plan = { ...planLab(network), guests: [], foreignBridges: [] };
    const { lab, root } = await openLab({ ...compiled, network, plan, isBooting: true }, quiet);
    signal.addEventListener("abort", root.close);
    try {
      const [alpha, beta] = await Promise.all(
        runningHosts(lab).map(({ box }, index) => engines(box, must(trees[index], "each host has one"))),
      );
      await proven([must(alpha, "it is the first"), must(beta, "it is the second")]);
    } finally {
      await root.close();
    }
  });
});
