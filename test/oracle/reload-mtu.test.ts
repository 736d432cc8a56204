/** An MTU for each peer: routes that hold smaller peers to theirs come, change and go with a reload as with a fresh start. */
import { describe, expect, test } from "vitest";
import { BASE, type Change, files, isReachable, on, reload, routes, underPing, useReloadLab } from "./reload-lab.ts";
import { attempt, install, readOn, run, writeOn } from "./wg-helpers.ts";

useReloadLab();

const MIXED: Change = { ...BASE, peerPaths: { gamma: 1400 } };

function change(to: Change): void {
  install(on("alpha"), files(to));
  reload();
}

/** The MTU that the kernel would send with; `undefined`: the interface's. */
const mtuTo = (address: string): string | undefined =>
  / mtu (\d+)/.exec(run(on("alpha"), `ip route get ${address}`))?.[1];

describe("an MTU for each peer", () => {
  test("the interface grows, and a smaller peer is held to its own, whatever leads to it", async () => {
    await underPing(() => change(MIXED));
    expect(run(on("alpha"), "cat /sys/class/net/wg0/mtu").trim()).toBe("1440");
    for (const address of ["10.250.0.3", "fd00:250::3", "10.20.0.1", "fd20::1"]) expect(mtuTo(address)).toBe("1340");
    expect(mtuTo("10.250.0.2")).toBeUndefined();
    expect(isReachable("10.20.0.1")).toBe(true);
    expect(attempt(on("alpha"), "ping -c 1 -w 2 -M do -s 1312 10.250.0.3").status).toBe(0);
    expect(attempt(on("alpha"), "ping -c 1 -w 2 -M do -s 1313 10.250.0.3").stderr).toContain("mtu=1340");
  });

  test("another number, then none: the routes follow, and those of wg-quick are left", async () => {
    change(MIXED);
    await underPing(() => change({ ...BASE, peerPaths: { gamma: 1450 } }));
    expect(mtuTo("10.250.0.3")).toBe("1390");
    await underPing(() => change({ ...BASE, peerPaths: { beta: 1450 } }));
    expect(mtuTo("10.250.0.3")).toBeUndefined();
    expect(mtuTo("10.250.0.2")).toBe("1390");
    await underPing(() => change(BASE));
    expect(routes()).not.toContain(" mtu ");
    expect(routes()).toContain("10.20.0.0/16");
  });

  test("a smaller peer goes, and its routes with it", async () => {
    change(MIXED);
    await underPing(() => change({ hosts: ["alpha", "beta"], peerPaths: {} }));
    expect(routes()).not.toContain(" mtu ");
    expect(routes()).not.toContain("10.20.0.0/16");
  });

  test("a route of somebody else's with an MTU is left alone", async () => {
    change(MIXED);
    const theirs = "ip route replace 10.99.0.0/24 dev wg0 mtu 1300 proto static";
    run(on("alpha"), theirs);
    change(BASE);
    expect(routes()).toContain("10.99.0.0/24 proto static scope link mtu 1300");
  });

  test("a line that cannot be read is told, and costs no other", () => {
    change(MIXED);
    const before = routes();
    const path = "/etc/netgen/routes";
    writeOn(on("alpha"), path, `flush all\n${readOn(on("alpha"), path)}10.66.0.0/16 dev wg0 metric 2100 mtu 1340\n`);
    const { status, stderr } = attempt(on("alpha"), "/etc/netgen/wg-reload wg0");
    expect([status, stderr.trim()]).toEqual([1, "routes-apply: cannot read the line flush all"]);
    expect(routes()).toContain("10.66.0.0/16 proto 210 scope link metric 2100 mtu 1340");
    run(on("alpha"), "ip route delete 10.66.0.0/16 proto 210");
    expect(routes()).toBe(before);
  });
});
