/** Routes: each by itself, none of the owner's touched, and what the tunnel's life does to them. */
import { describe, expect, test } from "vitest";
import {
  BASE,
  down,
  editConfiguration,
  editRoutes,
  files,
  isReachable,
  on,
  reload,
  routes,
  underPing,
  up,
  useReloadLab,
  withoutLoss,
} from "./reload-lab.ts";
import { attempt, install, interfaceState, run } from "./wg-helpers.ts";

useReloadLab();

const alpha = (command: string): string => run(on("alpha"), command);
const reloaded = () => attempt(on("alpha"), "/etc/netgen/wg-reload wg0");
const OURS = "10.20.0.0/16 dev wg0 metric 2100 proto 210";

/** What an older tree said: wg-quick makes the routes. */
function leaveRoutesToWgQuick(): void {
  editConfiguration((text) => text.replace("Table = off\n", "").replace(/^PostUp = .* \|\| true\n/gm, ""));
  alpha("rm -f /run/netgen/wg0.conf");
}

describe("a prefix that is on the owner's LAN as well", () => {
  const lan = "ip route add 10.20.0.0/16 dev eth0";

  test("wg-quick deletes the interface over it, and with it every tunnel", () => {
    down(on("alpha"));
    leaveRoutesToWgQuick();
    alpha(lan);
    expect(attempt(on("alpha"), "wg-quick up wg0").status).not.toBe(0);
    expect(attempt(on("alpha"), "ip link show dev wg0").status).not.toBe(0);
    alpha("ip route delete 10.20.0.0/16 dev eth0");
  });

  test("the tunnels come up, the owner's way stays, and it is told", async () => {
    down(on("alpha"));
    alpha(lan);
    const { status, stderr } = attempt(on("alpha"), "wg-quick up wg0");
    expect(status).toBe(0);
    expect(stderr).toContain("routes-apply: 10.20.0.0/16 goes another way, too: 10.20.0.0/16 dev eth0");
    expect(isReachable("10.250.0.2")).toBe(true);
    await withoutLoss(() => expect(reloaded().status).toBe(0));
    expect(alpha("ip route get 10.20.0.1")).toContain("dev eth0");
    alpha("ip route delete 10.20.0.0/16 dev eth0");
    expect(isReachable("10.20.0.1")).toBe(true);
  });

  test("a route that cannot be set costs no other, fails no start, and fails a reload", async () => {
    down(on("alpha"));
    alpha("ip route add 10.20.0.0/16 dev eth0 metric 2100");
    const started = attempt(on("alpha"), "wg-quick up wg0");
    const told = "routes-apply: cannot add 10.20.0.0/16 dev wg0 metric 2100";
    expect(started.status).toBe(0);
    expect(started.stderr).toContain(told);
    expect(routes()).toContain("fd20::/64");
    await withoutLoss(() => {
      const { status, stderr } = reloaded();
      expect(status).toBe(1);
      expect(stderr).toContain(told);
    });
    expect(alpha("ip route show 10.20.0.0/16")).toMatch(/^10\.20\.0\.0\/16 dev eth0 scope link metric 2100 *\n$/);
    alpha("ip route delete 10.20.0.0/16 dev eth0");
  });

  test("what the kernel refuses is told by its name", () => {
    editRoutes((text) => `${text}10.66.0.0/16 via 203.0.113.9 metric 2100\n`);
    const { status, stderr } = attempt(on("alpha"), "/etc/netgen/routes-apply");
    expect(status).toBe(1);
    expect(stderr).toMatch(
      /^routes-apply: .+\nroutes-apply: cannot add 10\.66\.0\.0\/16 via 203\.0\.113\.9 metric 2100\n$/,
    );
    expect(routes()).toContain("10.20.0.0/16");
  });
});

describe("what the owner added", () => {
  test("an address from PostUp stays, one that the file had goes", async () => {
    down(on("alpha"));
    editConfiguration((text) =>
      text
        .replace("fd00:250::1/64", "fd00:250::1/64, 10.99.0.1/32")
        .replace("Table = off", "PostUp = ip address add 10.98.0.1/32 dev %i\nTable = off"),
    );
    up(on("alpha"));
    await withoutLoss(() => {
      editConfiguration((text) => text.replace(", 10.99.0.1/32", ""));
      reload();
    });
    const addresses = alpha("ip -br address show dev wg0");
    expect(addresses).toContain("10.98.0.1/32");
    expect(addresses).not.toContain("10.99.0.1/32");
  });

  test("a route by hand into the tunnel stays, also where it is one of ours but for the metric", async () => {
    alpha("ip route add 10.77.0.0/16 dev wg0; ip route add 10.20.0.0/16 dev wg0 metric 5");
    await withoutLoss(() => {
      install(on("alpha"), files({ routes: { gamma: ["fd20::/64"] } }));
      reload();
    });
    expect(routes()).toContain("10.77.0.0/16 scope link");
    expect(routes()).toContain("10.20.0.0/16 scope link metric 5");
    expect(routes()).not.toContain("proto 210 scope");
  });

  test("of two routes to one prefix and metric only ours is replaced", () => {
    alpha("ip route prepend 10.20.0.0/16 dev eth0 metric 2100");
    editRoutes((text) => text.replace("10.20.0.0/16 dev wg0 metric 2100", "10.20.0.0/16 dev wg0 metric 2100 mtu 1400"));
    expect(reloaded().status).toBe(1);
    expect(alpha("ip route show 10.20.0.0/16")).toContain("dev eth0 scope link metric 2100");
    alpha("ip route delete 10.20.0.0/16 dev eth0");
  });
});

describe("routes and the tunnel's life", () => {
  test("an interface that a tree without such routes started has to be restarted, and is left alone until then", async () => {
    down(on("alpha"));
    leaveRoutesToWgQuick();
    up(on("alpha"));
    const before = interfaceState(on("alpha"));
    await withoutLoss(() => {
      install(on("alpha"), files(BASE));
      const { status, stderr } = reloaded();
      expect(status).toBe(1);
      expect(stderr).toContain("restart wg-quick@wg0.service");
    });
    expect(interfaceState(on("alpha"))).toEqual(before);
  });

  test("unreachable routes stay when the tunnel is stopped, and everything is back when it starts", () => {
    alpha("/etc/netgen/routes-apply unreachable");
    down(on("alpha"));
    expect(attempt(on("alpha"), "ip route get 10.20.0.1").stderr).toMatch(/unreachable|No route to host/);
    expect(attempt(on("alpha"), "ip route get 10.250.0.2").stderr).toMatch(/unreachable|No route to host/);
    up(on("alpha"));
    expect(isReachable("10.20.0.1")).toBe(true);
  });

  test("a route that went missing is back, one of ours that is in no file goes", () => {
    alpha(`ip route delete ${OURS}; ip route add 10.67.0.0/16 dev wg0 metric 210 proto 210`);
    reload();
    expect(routes()).toContain("10.20.0.0/16 proto 210");
    expect(routes()).not.toContain("10.67.0.0/16");
  });

  test("a mark whose line is gone goes", async () => {
    await underPing(() => {
      editConfiguration((text) => text.replace(/^MTU/m, "FwMark = 4294967295\nMTU"));
      reload();
      expect(alpha("wg show wg0 fwmark").trim()).toBe("0xffffffff");
    });
    await underPing(() => {
      editConfiguration((text) => text.replace("FwMark = 4294967295\n", ""));
      reload();
      expect(alpha("wg show wg0 fwmark").trim()).toBe("off");
    });
  });
});
