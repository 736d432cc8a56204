/** wg-reload on real interfaces: whatever changes, nobody else loses a packet, and the result is that of a restart. */
import { describe, expect, test } from "vitest";
import {
  ALL,
  BASE,
  down,
  editConfiguration,
  editRoutes,
  files,
  isReachable,
  isUnreachable,
  on,
  orders,
  publicKeyOf,
  reload,
  routes,
  underPing,
  up,
  useReloadLab,
} from "./reload-lab.ts";
import { forgetCalls, install, makePresharedKey, run, spiedCalls } from "./wg-helpers.ts";

useReloadLab();

describe("wg-reload loses no packet of the others", () => {
  test("nothing changed: wg is asked, and told nothing", async () => {
    await underPing(() => {
      forgetCalls(on("alpha"));
      reload();
      expect(spiedCalls(on("alpha"))).toContain("showconf wg0");
      expect(orders()).toEqual([]);
    });
  });

  test("a peer is added, with its preshared key, and answers", async () => {
    const added = files({ ...BASE, hosts: ALL });
    install(on("delta"), added);
    up(on("delta"));
    await underPing(() => {
      install(on("alpha"), added);
      reload();
      expect(isReachable("10.250.0.4")).toBe(true);
    });
  });

  test("a peer is removed", async () => {
    await underPing(() => {
      install(on("alpha"), files({ hosts: ["alpha", "beta"] }));
      reload();
      expect(isUnreachable("10.250.0.3")).toBe(true);
      expect(routes()).not.toContain("10.20.0.0/16");
    });
  });

  test("a prefix is added to a peer: with its route, and carried", async () => {
    await underPing(() => {
      expect(isUnreachable("10.30.0.1")).toBe(true);
      install(on("alpha"), files({ routes: { gamma: ["10.20.0.0/16", "10.30.0.0/24", "fd20::/64", "fd30::/64"] } }));
      reload();
      expect(isReachable("10.30.0.1")).toBe(true);
      expect(routes()).toContain("fd30::/64");
    });
  });

  test("a prefix is added to the very peer that is pinged", async () => {
    await underPing(() => {
      install(on("alpha"), files({ routes: { ...BASE.routes, beta: ["10.30.0.0/24"] } }));
      reload();
      expect(isReachable("10.30.0.1")).toBe(true);
    });
  });

  test("a prefix is removed, and its route; a route that is FRR's stays", async () => {
    await underPing(() => {
      run(on("alpha"), "ip route add 10.20.0.0/16 dev wg0 metric 20 proto bgp");
      install(on("alpha"), files({ routes: { gamma: ["fd20::/64"] } }));
      reload();
      expect(routes().match(/^10\.20\.0\.0\/16.*/m)?.[0]).toContain("proto bgp");
      run(on("alpha"), "ip route delete 10.20.0.0/16 dev wg0 proto bgp");
    });
  });

  test("a prefix moves from one peer to another", async () => {
    await underPing(() => {
      expect(isReachable("10.20.0.1")).toBe(true);
      install(on("alpha"), files({ routes: { beta: ["10.20.0.0/16", "fd20::/64"] } }));
      reload();
      expect(isReachable("10.20.0.2")).toBe(true);
    });
  });

  test("two peers swap prefixes", async () => {
    install(on("alpha"), files({ routes: { beta: ["10.30.0.0/24"], gamma: ["10.20.0.0/16"] } }));
    reload();
    await underPing(() => {
      install(on("alpha"), files({ routes: { beta: ["10.20.0.0/16"], gamma: ["10.30.0.0/24"] } }));
      reload();
      expect(isReachable("10.20.0.2")).toBe(true);
      expect(isReachable("10.30.0.1")).toBe(true);
    });
  });

  test("a wide prefix gives way to a narrow one inside it", async () => {
    await underPing(() => {
      install(on("alpha"), files({ routes: { gamma: ["10.20.0.0/24", "fd20::/80"] } }));
      reload();
      expect(isReachable("10.20.0.1")).toBe(true);
    });
  });

  test("a preshared key of another pair is removed, added and replaced", async () => {
    const line = /^PostUp = wg set %i peer \S+ preshared-key \S+gamma\.psk\n/m;
    await underPing(() => {
      editConfiguration((text) => text.replace(line, ""));
      reload();
      expect(run(on("alpha"), `wg show wg0 preshared-keys | grep -F ${publicKeyOf("gamma")}`)).toContain("(none)");
    });
    await underPing(() => {
      install(on("alpha"), files(BASE));
      reload();
      expect(run(on("alpha"), `wg show wg0 preshared-keys | grep -F ${publicKeyOf("gamma")}`)).not.toContain("(none)");
    });
    await underPing(() => {
      const shown = (): string => run(on("alpha"), "wg show wg0 preshared-keys");
      const before = shown();
      makePresharedKey(on("alpha"), on("gamma"));
      reload();
      expect(shown() === before).toBe(false);
    });
  });

  test("a pool of addresses is added and removed", async () => {
    await underPing(() => {
      install(
        on("alpha"),
        files({ ...BASE, pools: ["10.250.0.0/24", "10.251.0.0/24", "fd00:250::/64", "fd00:251::/64"] }),
      );
      reload();
    });
    await underPing(() => {
      install(on("alpha"), files(BASE));
      reload();
    });
    await underPing(() => {
      install(on("alpha"), files({ ...BASE, pools: ["10.250.0.0/24"] }));
      reload();
    });
  });

  test("the first of two addresses in a prefix goes, and the second stays", async () => {
    editConfiguration((text) => text.replace("10.250.0.1/24", "10.250.0.9/24, 10.250.0.1/24"));
    down(on("alpha"));
    up(on("alpha"));
    await underPing(() => {
      editConfiguration((text) => text.replace("10.250.0.9/24, ", ""));
      reload();
    }, ["-I", "10.250.0.1", "10.250.0.2"]);
  });

  test("the prefix of an address becomes longer, so that peers need routes", async () => {
    await underPing(() => {
      editConfiguration((text) => text.replace("10.250.0.1/24", "10.250.0.1/32").replace("::1/64", "::1/128"));
      const peers = ["10.250.0.2/32", "10.250.0.3/32", "fd00:250::2/128", "fd00:250::3/128"];
      editRoutes((text) => text + peers.map((peer) => `${peer} dev wg0 metric 2100\n`).join(""));
      reload();
    });
  });

  test("the MTU goes down and up", async () => {
    await underPing(() => {
      install(on("alpha"), files({ ...BASE, pathMtu: 1400 }));
      reload();
      expect(run(on("alpha"), "ip link show dev wg0")).toContain("mtu 1340");
    });
    await underPing(() => {
      install(on("alpha"), files(BASE));
      reload();
      expect(run(on("alpha"), "ip link show dev wg0")).toContain("mtu 1440");
    });
  });

  test("the endpoint of another peer changes, and one that roamed is left alone", async () => {
    const gamma = (): string => run(on("alpha"), `wg show wg0 endpoints | grep -F ${publicKeyOf("gamma")}`);
    const moved = files({ ...BASE, endpoints: { gamma: "192.0.2.103" } });
    await underPing(() => {
      expect(gamma()).toContain("192.0.2.3:");
      install(on("alpha"), moved);
      reload();
      expect(gamma()).toContain("192.0.2.103:");
    });
    expect(isReachable("10.250.0.3")).toBe(true);
    // Where an authenticated packet of its own would have set it.
    run(on("alpha"), `wg set wg0 peer ${publicKeyOf("gamma")} endpoint 192.0.2.3:51820`);
    reload();
    expect(gamma()).toContain("192.0.2.3:");
  });

  test("the file is written as people write it", async () => {
    await underPing(() => {
      editConfiguration((text) =>
        text
          .replaceAll("AllowedIPs = ", "  allowedips=  ")
          .replace("[Interface]", "[interface] # ours")
          .replace("10.20.0.0/16", "10.20.9.9/16 ,FD99:0:0::/64")
          .replaceAll("PersistentKeepalive = 0", "persistentkeepalive=off"),
      );
      forgetCalls(on("alpha"));
      reload();
      expect(orders()).toHaveLength(1);
    });
  });
});
