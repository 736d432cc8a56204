/** A host's disk that is full, or read-only from some moment on, while its bundle is applied: what was there stays whole. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { type FakeHost, fakeHost, filesBelow } from "../apply-host.ts";
import { testPublicKey } from "../test-keys.ts";
import { isEquipped } from "./nft-helpers.ts";

/** tmpfs gives room in pages. */
const PAGE_BYTES = 4096;

const topology = (vni: number): string => `
netgen: 1
name: office
wireguard: {addresses: [10.250.0.0/24]}
hosts:
  alpha: {id: 1, endpoint: 198.51.100.1, publicKey: "${testPublicKey("alpha")}"}
  beta: {id: 2, endpoint: 203.0.113.9, publicKey: "${testPublicKey("beta")}"}
subnets: {guests: {cidr: 10.77.0.0/24, vxlan: {vni: ${vni}}, hosts: all}}
`;

const mount = (...args: readonly string[]): void => {
  const { status, stderr } = spawnSync("mount", args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`mount ${args.join(" ")}: ${stderr}`);
};

const bundled = (directory: string): ReadonlyMap<string, string> =>
  new Map([...filesBelow(directory)].filter(([path]) => path !== "netgen.list"));

describe.runIf(isEquipped("mount"))("a host's disk", () => {
  let disk: string;
  let host: FakeHost;
  let first: ReadonlyMap<string, string>;
  let second: ReadonlyMap<string, string>;

  beforeEach(() => {
    const home = mkdtempSync(join(tmpdir(), "netgen-disk-"));
    disk = join(home, "root");
    mkdirSync(disk);
    mount("-t", "tmpfs", "-o", "size=4m", "netgen-disk", disk);
    host = fakeHost(home);
    first = bundled(host.stage(topology(100)));
    expect(host.apply()).toMatchObject({ status: 0 });
    second = bundled(host.stage(topology(200)));
    return () => {
      spawnSync("umount", ["--lazy", disk]);
      rmSync(home, { recursive: true, force: true });
    };
  });

  test("that is full: the old tree or the new one, whole, whatever room there is left", { timeout: 300_000 }, () => {
    let isRoomy = false;
    for (let pages = 0; !isRoomy; pages += 6) {
      const { bavail, bsize } = statfsSync(disk);
      writeFileSync(join(disk, "ballast"), Buffer.alloc(Math.max(0, bavail * bsize - pages * PAGE_BYTES)));
      const { status, stdout, stderr } = host.apply();
      rmSync(join(disk, "ballast"));
      isRoomy = status === 0;
      const said = `${pages} pages: ${stdout}${stderr}`;
      expect(host.files("etc"), said).toEqual(isRoomy ? second : first);
      if (!isRoomy) expect(`${status} ${stderr}${stdout}`, said).toMatch(/nothing was changed|cannot be written/);
    }
  });

  test("that is read-only: nothing is changed, and it says what cannot be written", () => {
    mount("-o", "remount,ro", disk);
    const { command, args, cwd } = host.victim();
    const { status, stderr } = spawnSync(command, args, { cwd, encoding: "utf8" });
    mount("-o", "remount,rw", disk);
    expect([status, host.files("etc")]).toEqual([2, first]);
    expect(stderr).toContain(`${join(disk, "var/lib/netgen")} cannot be written`);
    expect(host.apply()).toMatchObject({ status: 0 });
    expect(host.files("etc")).toEqual(second);
  });
});
