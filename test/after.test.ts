import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { afterChange } from "../src/emit/after.ts";
import type { OutputFile } from "../src/emit/file.ts";

const fixtures = fileURLToPath(new URL("../fixtures", import.meta.url));

/** All golden files of all scenarios. */
function goldenFiles(): readonly OutputFile[] {
  return readdirSync(fixtures, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.parentPath.includes("/expect/"))
    .map((entry) => {
      const path = join(entry.parentPath, entry.name);
      const inTree = relative(fixtures, path).split("/").slice(2).join("/");
      return { path: inTree, mode: 0o644, owner: "root", group: "root", content: [readFileSync(path)] };
    });
}

const fileAt = (path: string, text = ""): OutputFile => {
  const content = [new TextEncoder().encode(text)];
  return { path: `alpha/${path}`, mode: 0o644, owner: "root", group: "root", content };
};

describe("what a host does after a file changed", () => {
  test("is known for every kind of file", () => {
    const files = goldenFiles();
    expect(files.length).toBeGreaterThan(100);
    expect(files.filter((file) => afterChange(file) === undefined).map((file) => file.path)).toEqual([]);
  });

  test.each([
    ["etc/wireguard/wg-cluster.conf", ["systemctl reload wg-quick@wg-cluster.service"]],
    ["etc/systemd/system/wg-quick@wg0.service.d/10-netgen.conf", ["systemctl daemon-reload"]],
    ["etc/systemd/system/netgen-endpoints.service", ["systemctl daemon-reload"]],
    [
      "etc/systemd/system/netgen-endpoints.timer",
      ["systemctl daemon-reload", "systemctl restart netgen-endpoints.timer"],
    ],
    ["etc/systemd/system/netgen-routes.service", ["systemctl daemon-reload", "systemctl reload netgen-routes.service"]],
    ["etc/netgen/netgen.nft", ["systemctl reload netgen-nftables.service"]],
    ["etc/netgen/routes-apply", ["systemctl reload netgen-routes.service"]],
    ["etc/netgen/wg0.endpoints", ["systemctl start netgen-endpoints.service"]],
    ["etc/netgen/blue.exit", ["systemctl reload netgen-exit@blue.service"]],
    ["etc/netgen/exit", ["systemctl reload netgen-exit@*.service"]],
    ["etc/netgen/wg-reload", []],
    ["etc/systemd/network/20-netgen-vx100.network", ["networkctl reload"]],
    ["etc/systemd/networkd.conf.d/10-netgen.conf", ["systemctl restart systemd-networkd.service"]],
    ["etc/frr/frr.conf", ["systemctl reload frr.service"]],
    ["etc/frr/daemons", ["systemctl restart frr.service"]],
  ])("%s", (path, expected) => {
    expect(afterChange(fileAt(path))).toEqual(expected);
  });

  test("deletes a vxlan device first, and never a bridge, whatever it is called", () => {
    const netdev = (kind: string) =>
      fileAt("etc/systemd/network/20-netgen-vx7.netdev", `[NetDev]\nName=vx7\nKind=${kind}\n`);
    expect(afterChange(netdev("vxlan"))).toEqual(["networkctl delete vx7", "networkctl reload"]);
    expect(afterChange(netdev("vrf"))).toEqual(["networkctl delete vx7", "networkctl reload"]);
    expect(afterChange(netdev("bridge"))).toEqual(["networkctl reload"]);
  });

  test("says nothing of what it does not know", () => {
    expect(afterChange(fileAt("etc/motd"))).toBeUndefined();
  });
});
