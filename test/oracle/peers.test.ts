/** Neighbours of somebody else's in the real FRR: only what is listed passes, a password opens the session, a reload keeps it. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { compileText } from "../compile-text.ts";
import { textOf } from "../fixtures.ts";
import { startFrr } from "./frr-box.ts";
import { type Box, openBox, until } from "./netns.ts";
import { isEquipped } from "./nft-helpers.ts";
import { trixieTree } from "./trixie-tree.ts";

const isReady = isEquipped("vtysh", "/usr/lib/frr/frrinit.sh", "/usr/lib/frr/frr-reload.py", "nft", "unshare");
const trixie = trixieTree();
const scratch = mkdtempSync(join(tmpdir(), "netgen-peers-"));
const boxes: Box[] = [];
afterEach(() => {
  for (const box of boxes.splice(0)) box.close();
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const TOPOLOGY = `wireguard: {addresses: [10.250.0.0/24]}
hosts:
  alpha:
    id: 1
    endpoint: 203.0.113.1
    platform: PLATFORM
    peers:
      - address: 192.0.2.2
        asn: 64600
        accept: [10.90.0.0/24, {cidr: 10.91.0.0/24, moreSpecifics: true}]
        announce: [10.78.0.0/24]
        maxPrefixes: 3
        ttlSecurity: 1
        bfd: {intervalMs: 200}
        passwordFile: /etc/netgen/tor
  beta: {id: 2, endpoint: 203.0.113.2}
subnets: {web: {cidr: 10.78.0.0/24, hosts: [beta]}, more: {cidr: 10.79.0.0/24, hosts: [alpha]}}
bgp: {asn: 65000}
`;

/** The other end: it says more than it may, and takes what it is told. */
const TOR = `frr defaults datacenter
router bgp 64600
 bgp router-id 192.0.2.2
 no bgp network import-check
 neighbor 192.0.2.1 remote-as 65000
 neighbor 192.0.2.1 ttl-security hops 1
 neighbor 192.0.2.1 bfd
 neighbor 192.0.2.1 password s3cr3t#!
 address-family ipv4 unicast
  network 10.90.0.0/24
  network 10.90.0.0/25
  network 10.91.0.7/32
  network 10.78.0.0/24
  network 0.0.0.0/0
 exit-address-family
`;

function writeTree(files: Readonly<Record<string, string>>): string {
  const tree = mkdtempSync(join(scratch, "tree-"));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    writeFileSync(join(tree, path), text, { mode: text.startsWith("#!") ? 0o755 : 0o644 });
  }
  return tree;
}

const alphaTree = (platform: string): string => {
  const { files } = compileText(TOPOLOGY.replace("PLATFORM", platform));
  const own = files.filter(({ path }) => path.startsWith("alpha/"));
  return writeTree(Object.fromEntries(own.map((file) => [file.path.slice("alpha/".length), textOf(file)])));
};

const PREFIXES = "10.90.0.0/24 10.91.0.7/32";

interface Entry {
  readonly nexthops: readonly { readonly ip?: string }[];
}

/** Where alpha's FRR is another Debian's: its tree, as in trixie-frr.test.ts. */
const START = (root: string) => `
mount --bind ${root} ${root}
for each in proc sys dev run etc; do mount --rbind /$each ${root}/$each; done
mount -t tmpfs tmpfs ${root}/var; mkdir -p ${root}/var/lib/frr ${root}/var/tmp ${root}/tmp; chown frr:frr ${root}/var/lib/frr
: > /etc/frr/vtysh.conf; ulimit -Sn 1024
chroot ${root} /usr/lib/frr/frrinit.sh start > /run/frr.log 2>&1 < /dev/null
`;

const platforms = [
  { platform: "debian12", root: "" },
  ...(trixie === undefined ? [] : [{ platform: "debian13", root: trixie }]),
];

describe.runIf(isReady).each(platforms)("$platform", ({ platform, root }) => {
  const inside = root === "" ? [] : ["chroot", root];
  const shown = (box: Box, what: string, at = inside): string => {
    const [program = "vtysh", ...words] = [...at, "vtysh", "-c", `show ${what}`];
    return box.run(program, ...words);
  };
  const learnt = (box: Box, at: readonly string[], from: string): string => {
    const { routes } = JSON.parse(shown(box, "bgp ipv4 unicast json", [...at])) as {
      routes: Record<string, Entry[]>;
    };
    const own = Object.entries(routes).filter(([, ways]) => ways.some((way) => way.nexthops[0]?.ip === from));
    return own
      .map(([prefix]) => prefix)
      .sort()
      .join(" ");
  };
  const peerOf = (box: Box): { state: string } =>
    JSON.parse(shown(box, "bgp ipv4 unicast summary json")).peers["192.0.2.2"];

  test("nothing passes but what is listed; without its password the session is shut, and a reload keeps it", async () => {
    const [alpha, tor] = [await openBox(alphaTree(platform)), await openBox(writeTree({ "etc/frr/frr.conf": TOR }))];
    boxes.push(alpha, tor);
    alpha.cable("eth1", tor, "eth0");
    alpha.shell("ip address add 192.0.2.1/24 dev eth1; nft -f /etc/netgen/netgen.nft");
    tor.shell(
      "ip address add 192.0.2.2/24 dev eth0; printf 'bgpd=yes\\nbfdd=yes\\nvtysh_enable=yes\\n' > /etc/frr/daemons",
    );
    startFrr(tor);
    const script = [...inside, "/etc/netgen/frr-passwords"] as const;
    const [program, ...words] = script;
    // A timer runs it whatever FRR does: it is not there, or there and has not read its file.
    alpha.shell("umask 077; echo 's3cr3t#!' > /etc/netgen/tor; mv /etc/frr/frr.conf /etc/frr/away");
    expect(alpha.tryRun("/etc/netgen/frr-passwords")).toEqual({ status: 0, output: "" });
    if (root === "") startFrr(alpha);
    else alpha.shell(START(root));
    expect(alpha.tryRun(program as string, ...words)).toEqual({ status: 0, output: "" });
    expect(shown(alpha, "running-config")).not.toContain("router bgp");
    alpha.shell(
      `mv /etc/frr/away /etc/frr/frr.conf; rm /etc/netgen/tor; ${inside.join(" ")} vtysh -b > /run/frr.log 2>&1`,
    );

    // No password, no session.
    expect(alpha.tryRun(program as string, ...words).output).toContain("stays shut: /etc/netgen/tor must hold");
    expect(peerOf(alpha).state).toContain("Idle");
    alpha.shell("umask 077; echo 's3cr3t#!' > /etc/netgen/tor");
    alpha.run(program as string, ...words);
    await until(
      () => learnt(alpha, inside, "192.0.2.2") === PREFIXES && learnt(tor, [], "192.0.2.1") === "10.78.0.0/24",
      () =>
        `${shown(alpha, "bgp summary")}\n${shown(alpha, "bgp ipv4 unicast")}\n${shown(tor, "bgp ipv4 unicast", [])}`,
    );
    const watched = () => JSON.parse(shown(alpha, "bfd peers json")) as readonly { status: string }[];
    await until(
      () =>
        watched()
          .map(({ status }) => status)
          .join() === "up",
      () => shown(alpha, "bfd peers"),
    );

    // A reload finds nothing to change, and neither does the timer.
    const dropped = (): number =>
      JSON.parse(shown(alpha, "bgp neighbors 192.0.2.2 json"))["192.0.2.2"].connectionsDropped;
    const before = dropped();
    alpha.run(program as string, ...words);
    const written = alpha.run("cat", "/etc/frr/frr.conf");
    alpha.shell(`${inside.join(" ")} /usr/lib/frr/frrinit.sh reload > /run/frr.log 2>&1 < /dev/null`);
    // FRR's own text of what it runs with would be in its place, and hold the password.
    expect(alpha.run("cat", "/etc/frr/frr.conf")).toBe(written);
    expect(peerOf(alpha).state).toBe("Established");
    expect(dropped()).toBe(before);
    expect(shown(alpha, "running-config")).toContain("neighbor 192.0.2.2 password s3cr3t#!");
    const logs = alpha.tryRun(
      "sh",
      "-c",
      `cat /run/frr.log; grep -rlF 's3cr3t' /var/log/frr ${root}/var/log/frr /run/netgen`,
    );
    expect(logs.output).not.toContain("s3cr3t");

    // More of the second prefix than may come; 8.4 counts before it takes one in, and lets one more pass.
    const more = [8, 9, 10].map((last) => `-c 'network 10.91.0.${last}/32'`).join(" ");
    tor.shell(`vtysh -c configure -c 'router bgp 64600' -c 'address-family ipv4 unicast' ${more}`);
    await until(
      () => peerOf(alpha).state.includes("PfxCt"),
      () => shown(alpha, "bgp summary"),
    );
  }, 180_000);
});
