/** What `netgen lab --kernel debian` asks of a machine. What it does there is in test/lab. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { compile } from "../src/compile.ts";
import { findKernelObstacles } from "../src/lab/machine/kernel.ts";
import type { Machine } from "../src/lab/machine/needs.ts";
import { ROOT } from "./built-package.ts";

const { model } = compile({
  name: "topology.yaml",
  text: readFileSync(join(ROOT, "fixtures/minimal/topology.yaml"), "utf8"),
});
if (model === undefined) throw new Error("the fixture has no model");
const network = model;

/** A machine that has all of it, except what a test takes away; its kernel is not asked. */
const machine = (changes: Partial<Machine> = {}): Machine => ({
  platform: "linux",
  isRoot: true,
  hasProgram: () => true,
  probe: () => Promise.reject(new Error("the kernel at hand does not matter")),
  canOpen: () => false,
  ...changes,
});

describe("what stands in the way", () => {
  test("nothing, where all programs are", () => {
    expect(findKernelObstacles(network, machine(), "x64")).toEqual([]);
  });

  test.each([
    ["qemu-system-x86_64", "qemu-system-x86"],
    ["/bin/busybox", "busybox-static"],
    ["cpio", "cpio"],
    ["depmod", "kmod"],
    ["dpkg-deb", "dpkg"],
    ["nft", "nftables"],
  ])("%s is missing: the package that brings it", (program, name) => {
    const lines = findKernelObstacles(network, machine({ hasProgram: (each) => each !== program }), "x64");
    expect(lines).toEqual([
      `${program}: not found; Debian has it in the package ${name}`,
      `all of these at once: apt-get install ${name}`,
    ]);
  });

  test("wireguard-go and /dev/net/tun are not asked for: the other kernel has WireGuard", () => {
    const without = machine({ hasProgram: (each) => each !== "wireguard-go" });
    expect(findKernelObstacles(network, without, "x64")).toEqual([]);
  });

  test("another processor, another system, another user", () => {
    expect(findKernelObstacles(network, machine(), "arm64")).toEqual([
      "it runs on x64 processors only, and this is arm64",
    ]);
    expect(findKernelObstacles(network, machine({ platform: "darwin" }), "x64")).toEqual([
      "it runs on Linux only, and this is darwin",
    ]);
    expect(findKernelObstacles(network, machine({ isRoot: false }), "x64").join()).toContain("it needs root");
  });
});
