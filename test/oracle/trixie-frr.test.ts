/** BGP sessions of Debian 13's FRR, 10.3, watched by BFD: hosts in boxes, with cables in the place of their tunnels. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { must } from "../../src/base/invariant.ts";
import { contentOf } from "../../src/emit/file.ts";
import { WAITING } from "../../src/lab/prove/daemon-checks.ts";
import { compileText } from "../compile-text.ts";
import { strayLines, USERS_LINES } from "./frr-box.ts";
import { type Box, openBox, until } from "./netns.ts";
import { trixieTree } from "./trixie-tree.ts";

const root = trixieTree() ?? "";
const scratch = mkdtempSync(join(tmpdir(), "netgen-trixie-"));
const boxes: Box[] = [];
afterEach(() => {
  for (const box of boxes.splice(0)) box.close();
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

// Debian 13's programs see the box's /run and the host's files. Their common tree must not keep anything of it.
const START = `
mount --bind ${root} ${root}
for each in proc sys dev run etc/frr; do mount --rbind /$each ${root}/$each; done
mount -t tmpfs tmpfs ${root}/var; mkdir -p ${root}/var/lib/frr ${root}/var/tmp; chown frr:frr ${root}/var/lib/frr
: > /etc/frr/vtysh.conf; ulimit -Sn 1024
chroot ${root} /usr/lib/frr/frrinit.sh start > /run/frr.log 2>&1 < /dev/null
`;

/** The hosts of a topology, each with its files; a tunnel between two is a cable, and named so at either end. */
async function openHosts(text: string, tunnels: readonly string[]): Promise<ReadonlyMap<string, Box>> {
  const { files } = compileText(text);
  const tree = mkdtempSync(join(scratch, "tree-"));
  for (const file of files) {
    mkdirSync(dirname(join(tree, file.path)), { recursive: true });
    writeFileSync(join(tree, file.path), contentOf(file));
  }
  const hosts = new Map<string, Box>();
  for (const name of new Set(files.map(({ path }) => path.split("/")[0] ?? ""))) {
    hosts.set(name, await openBox(join(tree, name)));
  }
  boxes.push(...hosts.values());
  for (const tunnel of tunnels) {
    const [[from, link], [to, otherLink]] = tunnel.split(" ").map((end) => end.split(":")) as [string[], string[]];
    hosts.get(from ?? "")?.cable(link ?? "", hosts.get(to ?? "") as Box, otherLink ?? "");
  }
  for (const box of hosts.values()) {
    box.shell(`for file in /etc/wireguard/*.conf; do
      sed -n 's/^Address = //p' "$file" | tr -d , | xargs -n 1 | while read -r address; do
        ip address add "$address" dev "$(basename "$file" .conf)" nodad
      done
    done`);
    box.shell(START);
  }
  return hosts;
}

const shown = (box: Box, what: string): string => box.run("chroot", root, "vtysh", "-c", `show ${what}`);

/** What each session of BGP's and of BFD's is in. */
function statesOf(box: Box): readonly string[] {
  const families = JSON.parse(shown(box, "bgp summary json")) as Record<
    string,
    { peers: Record<string, { state: string }> }
  >;
  const sessions = Object.values(families).flatMap(({ peers }) => Object.values(peers).map(({ state }) => state));
  const watches = JSON.parse(shown(box, "bfd peers json")) as readonly { status: string }[];
  return [...sessions, ...watches.map(({ status }) => status)].sort();
}

const MESH = `wireguard: {addresses: [10.250.0.0/24]}
hostDefaults: {platform: debian13}
hosts:
  alpha: {id: 1, endpoint: 192.0.2.1}
  beta: {id: 2, endpoint: 192.0.2.2}
subnets: {s: {vxlan: {vni: 77}, hosts: all}}
bgp: {asn: 65000, bfd: {}}
`;

const TWO_HUBS = `wireguard:
  addresses: [10.250.0.0/24, "fd00:250::/64"]
  transit: [10.251.0.0/16, "fd00:251::/64"]
  shape: hub-and-spoke
  hubs: [alpha, beta]
hostDefaults: {platform: debian13}
hosts:
  alpha: {id: 1, endpoint: 192.0.2.1}
  beta: {id: 2, endpoint: 192.0.2.2}
  gamma: {id: 3}
bgp: {asn: 65000}
`;

describe.runIf(root)("FRR 10.3", () => {
  test("lines of the user's are each in its block", async () => {
    const hosts = await openHosts(USERS_LINES.replace("proxmox9", "debian13"), [
      "alpha:wg0 beta:wg0",
      "gamma:wg0 alpha:spare",
    ]);
    expect(strayLines(shown(must(hosts.get("alpha"), "it is there"), "running-config"))).toEqual([]);
  });

  // What the lab's look at FRR goes by, which takes what vtysh says meanwhile for no fault.
  test("a file that vtysh reads while another one has the lock is read whole, once that is done", async () => {
    const hosts = await openHosts(MESH, ["alpha:wg0 beta:wg0"]);
    const box = must(hosts.get("alpha"), "it is there");
    const said = box.shell(`mkfifo /run/words
echo 'ip prefix-list HELD seq 5 permit 192.0.2.0/24' > /run/held.conf
chroot ${root} vtysh < /run/words > /run/holder.log 2>&1 & exec 3> /run/words
echo 'configure terminal file-lock' >&3
timeout 20 sh -c 'until grep -q "(config)#" /run/holder.log; do sleep 0.1; done' || { cat /run/holder.log; exit 1; }
chroot ${root} vtysh -f /run/held.conf > /run/reader.log 2>&1 < /dev/null & reader=$!
timeout 20 sh -c 'until grep -q "locked by another session" /run/reader.log; do sleep 0.1; done' || true
echo end >&3; exec 3>&-
wait $reader; cat /run/reader.log`);
    expect(said).toMatch(WAITING);
    expect(shown(box, "running-config")).toContain("ip prefix-list HELD seq 5 permit 192.0.2.0/24");
  });

  test.each([
    { what: "a mesh with EVPN", text: MESH, tunnels: ["alpha:wg0 beta:wg0"], each: 1 },
    {
      what: "two hubs",
      text: TWO_HUBS,
      tunnels: ["alpha:wg1 gamma:wg1", "beta:wg2 gamma:wg2", "alpha:wg2 beta:wg1"],
      each: 4,
    },
    {
      what: "two hubs of one AS, and a spoke of another",
      text: TWO_HUBS.replace("hosts:\n", "sites: {x: {asn: 65001}}\nhosts:\n").replace("{id: 3", "{id: 3, site: x"),
      tunnels: ["alpha:wg1 gamma:wg1", "beta:wg2 gamma:wg2", "alpha:wg2 beta:wg1"],
      each: 4,
    },
    {
      what: "two hubs of two ASes",
      text: TWO_HUBS.replace("hosts:\n", "sites: {x: {asn: 65001}}\nhosts:\n").replace("{id: 1", "{site: x, id: 1"),
      tunnels: ["alpha:wg1 gamma:wg1", "beta:wg2 gamma:wg2", "alpha:wg2 beta:wg1"],
      each: 4,
    },
  ])("$what: every session comes up with BFD, and again after a restart", async ({ text, tunnels, each }) => {
    const hosts = await openHosts(text, tunnels);
    const wanted = [...Array(each).fill("Established"), ...Array(each).fill("up")];
    const allUp = () =>
      until(
        () => [...hosts.values()].every((box) => statesOf(box).join() === wanted.join()),
        () =>
          [...hosts].map(([name, box]) => `${name}: ${statesOf(box).join()}\n${shown(box, "bfd peers")}`).join("\n"),
      );
    await allUp();
    const [first] = hosts.values();
    first?.shell(`chroot ${root} /usr/lib/frr/frrinit.sh restart > /run/frr.log 2>&1 < /dev/null`);
    await allUp();
    expect(first && shown(first, "version")).toContain("FRRouting 10.3");
  });
});
