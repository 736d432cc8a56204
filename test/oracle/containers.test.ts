/** Debian 13's Podman, Docker and CNI plugins take what is written for them, and Docker's networks follow the topology. */
import { readFileSync } from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import { must } from "../../src/base/invariant.ts";
import { IMAGE, NAMESPACE, PODMAN, ROOT, setUpEngines } from "./container-engines.ts";
import { allGoldenTrees } from "./golden-trees.ts";
import { type Box, openBox } from "./netns.ts";
import { trixieTree } from "./trixie-tree.ts";

const root = trixieTree() ?? "";
const boxes: Box[] = [];
afterEach(() => {
  for (const box of boxes.splice(0)) box.close();
});

const trees = allGoldenTrees();
const treeOf = (host: string): string =>
  must(
    trees.find(({ name }) => name === `containers/${host}`),
    "the fixture has the host",
  ).directory;

/** A host of fixture containers, and what runs one of the tree's programs there. */
async function openHost(host: string) {
  const box = await openBox(treeOf(host));
  boxes.push(box);
  box.shell(setUpEngines(root));
  const read = (path: string): string => readFileSync(`${treeOf(host)}/${path}`, "utf8");
  return { box, read, run: (...words: readonly string[]): string => box.run("chroot", ROOT, ...words) };
}

interface PodmanNetwork {
  readonly name: string;
  readonly id: string;
  readonly network_interface: string;
  readonly subnets: readonly { readonly subnet: string; readonly gateway?: string }[];
  readonly options: object;
}

const partsOf = ({ network_interface, subnets, options }: PodmanNetwork) => ({
  network_interface,
  options,
  subnets: subnets.map(({ subnet, gateway }) => ({ subnet, gateway })),
});

describe.runIf(root !== "")("Debian 13's", () => {
  test("Podman reads every word of a network's file, and makes the same by its unit where the file is missing", async () => {
    const { box, read, run } = await openHost("alpha");
    const inspect = (name: string): PodmanNetwork => {
      const [network] = JSON.parse(run(...PODMAN, "network", "inspect", name)) as readonly PodmanNetwork[];
      return must(network, "it is there");
    };
    const units = box.run("chroot", ROOT, "/usr/lib/systemd/system-generators/podman-system-generator", "--dryrun");
    for (const name of ["pods", "lan"]) {
      const { "//": source, ...written } = JSON.parse(read(`etc/containers/networks/${name}.json`));
      expect(source).toContain("Written by netgen");
      expect(inspect(name)).toMatchObject(written);
      const command = new RegExp(`^ExecStart=/usr/bin/podman (network create .* ${name})$`, "m").exec(units)?.[1];
      box.shell(
        `rm ${ROOT}/etc/containers/networks/${name}.json; ip link add ${written.network_interface} type bridge`,
      );
      run(...PODMAN, ...must(command, "there is a unit of it").split(" "));
      expect(partsOf(inspect(name))).toEqual(partsOf(written));
    }
  });

  test("CNI plugins give addresses of both families, the gateway and the MTU", async () => {
    const { box } = await openHost("alpha");
    const pid = box.shell(NAMESPACE).trim();
    const asked = `CNI_COMMAND=ADD CNI_CONTAINERID=job CNI_NETNS=/proc/${pid}/ns/net CNI_IFNAME=eth0 CNI_PATH=/usr/lib/cni`;
    const plugin = "jq '{cniVersion, name} + .plugins[0]' /etc/cni/net.d/10-netgen-both.conflist";
    const result = JSON.parse(box.shell(`${plugin} | chroot ${ROOT} env ${asked} /usr/lib/cni/bridge`));
    expect(result.ips).toEqual([
      { interface: 2, address: "10.5.0.1/24", gateway: "10.5.0.254" },
      { interface: 2, address: "fd05::2/64", gateway: "fd05::1" },
    ]);
    const links = box.run("ip", "-4", "-o", "address", "show", "dev", "cni-both");
    expect(links).toContain("10.5.0.254/24");
    expect(box.run("nsenter", "-t", pid, "-n", "ip", "link", "show", "eth0")).toContain("mtu 1440");
  });

  test("Docker makes its network once, anew where it is to be otherwise, and never one with containers or another's", async () => {
    const { box, run } = await openHost("beta");
    const daemon = box.start("chroot", ROOT, "/usr/sbin/dockerd", "--exec-opt", "native.cgroupdriver=cgroupfs");
    await daemon.says("API listen on");
    const make = () => box.tryRun("chroot", ROOT, "/etc/netgen/docker-networks");
    const idOf = (): string => run("docker", "network", "inspect", "--format", "{{.Id}}", "apps");
    const change = (from: string, to: string): string =>
      box.shell(`sed -i s/mtu=${from}/mtu=${to}/ ${ROOT}/etc/netgen/docker-networks`);

    expect(make()).toMatchObject({ status: 0, output: "" });
    const [network] = JSON.parse(run("docker", "network", "inspect", "apps"));
    expect(network.IPAM.Config).toEqual([{ Subnet: "10.4.2.0/24", IPRange: "10.4.2.128/25", Gateway: "10.4.2.1" }]);
    expect(network.Options).toEqual({
      "com.docker.network.bridge.name": "br-apps",
      "com.docker.network.driver.mtu": "1440",
    });
    expect(make()).toMatchObject({ status: 0, output: "" });
    expect(idOf().trim()).toBe(network.Id);

    change("1440", "1400");
    expect(make().status).toBe(0);
    const other = idOf();
    expect(other.trim()).not.toBe(network.Id);

    run("docker", "import", `/tmp/${IMAGE}.tar`, IMAGE);
    run("docker", "run", "-d", "--name", "app", "--network", "apps", IMAGE, "/bin/busybox", "sleep", "900");
    change("1400", "1300");
    expect(make()).toMatchObject({ status: 1, output: expect.stringContaining("apps: it is to be otherwise") });
    expect(idOf()).toBe(other);
    run("docker", "rm", "--force", "app");
    expect(make().status).toBe(0);
    expect(idOf()).not.toBe(other);

    run("docker", "network", "rm", "apps");
    run("docker", "network", "create", "apps");
    const foreign = idOf();
    expect(make()).toMatchObject({ status: 1, output: expect.stringContaining("and not netgen's") });
    expect(idOf()).toBe(foreign);
    run("docker", "network", "rm", "apps");
    await daemon.stop();
    // Without the daemon it fails, and says so.
    expect(make()).toMatchObject({ status: 1, output: expect.stringContaining("Docker daemon") });
  });
});
