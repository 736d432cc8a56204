/** Docker's own daemon, Debian 13's 26.1, beside the overlay: what it forbids, what passes, and what its restarts leave. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { contentOf } from "../../src/emit/file.ts";
import { compileText } from "../compile-text.ts";
import { type Box, type Daemon, openBox, until } from "./netns.ts";
import { trixieTree } from "./trixie-tree.ts";

const root = trixieTree() ?? "";
const scratch = mkdtempSync(join(tmpdir(), "netgen-docker-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
const boxes: Box[] = [];
afterEach(() => {
  for (const box of boxes.splice(0)) box.close();
});

const TOPOLOGY = `wireguard: {addresses: [10.250.0.0/24]}
hosts:
  alpha: {id: 1, endpoint: 192.0.2.1, docker: true, platform: debian13}
  beta: {id: 2, endpoint: 192.0.2.2}
subnets:
  vms-alpha: {cidr: 10.78.1.0/24, hosts: [alpha], bridge: vms}
  vms-beta: {cidr: 10.78.2.0/24, hosts: [beta]}
`;

function treeOf(host: string): string {
  const tree = mkdtempSync(join(scratch, "tree-"));
  for (const file of compileText(TOPOLOGY).files.filter(({ path }) => path.startsWith(`${host}/`))) {
    const path = join(tree, file.path.slice(host.length + 1));
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, contentOf(file), { mode: file.mode });
  }
  return tree;
}

// Docker's programs see the box's /run and netgen's files; forwarding is off, so that Docker forbids it as it turns it on.
const SET_UP = `
mount --bind ${root} ${root}
for each in proc sys dev run etc/netgen; do mount --rbind /$each ${root}/$each; done
mount -t cgroup2 none ${root}/sys/fs/cgroup
mount -t tmpfs tmpfs ${root}/var; mkdir -p ${root}/var/lib/docker ${root}/var/run ${root}/var/tmp
echo 0 > /proc/sys/net/ipv4/ip_forward
ip link add vms type bridge; ip link set guest master vms; ip link set vms up
ip address add 10.78.1.1/24 dev vms; ip address add 10.250.0.1/24 dev wg0; ip route add 10.78.2.0/24 via 10.250.0.2
ip link add docker0 type bridge; ip address add 172.17.0.1/16 dev docker0
ip link set container master docker0; ip link set docker0 up`;

interface Host {
  readonly box: Box;
  /** What answers of a guest and a container when the other end of the tunnel asks. */
  readonly answering: () => string;
}

/** A host with a cable for its tunnel, a guest, and a container that is there before its daemon. */
async function openHost(): Promise<Host> {
  const [box, guest, container, beta] = await Promise.all([openBox(treeOf("alpha")), openBox(), openBox(), openBox()]);
  boxes.push(box, guest, container, beta);
  box.cable("guest", guest, "eth0");
  box.cable("container", container, "eth0");
  box.cable("wg0", beta, "wg0");
  box.shell(SET_UP);
  guest.shell("ip address add 10.78.1.9/24 dev eth0; ip route add default via 10.78.1.1");
  container.shell("ip address add 172.17.0.9/16 dev eth0; ip route add default via 172.17.0.1");
  beta.shell(
    "ip address add 10.250.0.2/24 dev wg0; ip address add 10.78.2.1/24 dev lo; ip route add default via 10.250.0.1",
  );
  const answers = (address: string): boolean =>
    beta.tryRun("ping", "-c", "1", "-W", "1", "-I", "10.78.2.1", address).status === 0;
  const targets = Object.entries({ guest: "10.78.1.9", container: "172.17.0.9" });
  const answering = () => targets.flatMap(([name, address]) => (answers(address) ? [name] : [])).join();
  return { box, answering };
}

/** Starts the daemon; netgen's unit comes and goes with it, on a host. */
async function startDocker(box: Box): Promise<Daemon> {
  const settings = ["-H", "unix:///run/docker.sock", "--storage-driver", "vfs", "--exec-root", "/run/docker"];
  const daemon = box.start("chroot", root, "/usr/sbin/dockerd", ...settings);
  await daemon.says("API listen on");
  return daemon;
}

const netgen = (box: Box, word: "start" | "stop"): string => box.run("chroot", root, "/etc/netgen/docker-user", word);
const chain = (box: Box): readonly string[] =>
  box.run("chroot", root, "iptables", "-S", "DOCKER-USER").trim().split("\n").slice(1);

describe.runIf(root !== "")("a host with Docker", () => {
  test("forwards nothing by itself, the overlay's packets with netgen's chain, and never a container's", async () => {
    const { box, answering } = await openHost();
    box.shell("echo 1 > /proc/sys/net/ipv4/ip_forward");
    expect(answering()).toBe("guest,container");
    box.shell("echo 0 > /proc/sys/net/ipv4/ip_forward");
    const docker = await startDocker(box);
    expect(docker.log()).toContain("version=26.1");
    expect(answering()).toBe("");
    netgen(box, "start");
    expect(answering()).toBe("guest");
    expect(chain(box)).toEqual(["-A DOCKER-USER -j NETGEN", "-A DOCKER-USER -j RETURN"]);
    netgen(box, "stop");
    expect(answering()).toBe("");
    expect(chain(box)).toEqual(["-A DOCKER-USER -j RETURN"]);
  });

  test("stands beside the chain of another fleet, whose name begins alike", async () => {
    const { box, answering } = await openHost();
    await startDocker(box);
    box.shell(`chroot ${root} iptables -N NETGEN2; chroot ${root} iptables -I DOCKER-USER -j NETGEN2`);
    const both = ["-A DOCKER-USER -j NETGEN2", "-A DOCKER-USER -j NETGEN", "-A DOCKER-USER -j RETURN"];
    for (const time of ["first", "second"]) {
      netgen(box, "start");
      expect(chain(box), time).toEqual(both);
    }
    expect(answering()).toBe("guest");
  });

  test("lets the overlay through while Docker is restarted, and the unit that follows it changes nothing", async () => {
    const { box, answering } = await openHost();
    const docker = await startDocker(box);
    box.run("chroot", root, "iptables", "-I", "DOCKER-USER", "-s", "10.9.9.0/24", "-j", "DROP");
    netgen(box, "start");
    const before = chain(box);
    await docker.stop();
    expect(answering()).toBe("guest");
    await startDocker(box);
    await until(
      () => answering() === "guest",
      () => chain(box).join("\n"),
    );
    netgen(box, "start");
    expect(chain(box)).toEqual(before);
    expect(before).toEqual([
      "-A DOCKER-USER -s 10.9.9.0/24 -j DROP",
      "-A DOCKER-USER -j NETGEN",
      "-A DOCKER-USER -j RETURN",
    ]);
  });
});
