/** wg-reload on real interfaces: whatever changes, nobody else loses a packet, and the result is that of a restart. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { OutputFile } from "../../src/emit/file.ts";
import {
  attempt,
  compileFiles,
  forgetCalls,
  install,
  interfaceState,
  type Lab,
  type LabHost,
  makeKey,
  makePresharedKey,
  openLab,
  readOn,
  removeOn,
  run,
  spiedCalls,
  startPing,
  writeOn,
} from "./wg-helpers.ts";

interface Change {
  readonly hosts?: readonly string[];
  readonly routes?: Readonly<Record<string, readonly string[]>>;
  readonly pools?: readonly string[];
  readonly pathMtu?: number;
  readonly presharedKeys?: boolean;
  readonly port?: number;
  readonly endpoints?: Readonly<Record<string, string>>;
}

const IDS: Readonly<Record<string, number>> = { alpha: 1, beta: 2, gamma: 3, delta: 4 };

function topology(change: Change): string {
  const { hosts = ["alpha", "beta", "gamma"], routes = {}, pools = ["10.250.0.0/24", "fd00:250::/64"] } = change;
  const host = (name: string): string => {
    const endpoint = change.endpoints?.[name] ?? `192.0.2.${IDS[name]}`;
    return `  ${name}: {id: ${IDS[name]}, endpoint: "${endpoint}", routes: ${JSON.stringify(routes[name] ?? [])}}`;
  };
  return [
    "netgen: 1",
    "name: reload",
    `underlay: {pathMtu: ${change.pathMtu ?? 1500}}`,
    `wireguard: {addresses: ${JSON.stringify(pools)}, presharedKeys: ${change.presharedKeys ?? true}}`,
    "hosts:",
    ...hosts.map(host),
    "",
  ].join("\n");
}

const NAMES = ["alpha", "beta", "gamma", "delta", "twin"];
const REAL = ["alpha", "beta", "gamma", "delta"];
const BASE: Change = { routes: { gamma: ["10.20.0.0/16", "fd20::/64"] } };

let lab: Lab;
let publicKeys: Readonly<Record<string, string>>;

const on = (name: string): LabHost => lab.hosts[name] as LabHost;

function files(change: Change): readonly OutputFile[] {
  return compileFiles(topology(change), publicKeys);
}

function down(host: LabHost): void {
  attempt(host, "wg-quick down wg0");
  removeOn(host, "/run/netgen");
}

function up(host: LabHost): void {
  run(host, "wg-quick up wg0");
}

/** The same files and keys on a host where nothing runs yet, brought up by wg-quick. */
function freshStart(): object {
  const twin = on("twin");
  down(twin);
  removeOn(twin, "/etc/wireguard/psk");
  run(twin, "mkdir -p /etc/wireguard", "");
  for (const path of run(on("alpha"), "cd /etc/wireguard; find . -type f").trim().split("\n")) {
    writeOn(twin, `/etc/wireguard/${path}`, readOn(on("alpha"), `/etc/wireguard/${path}`), 0o600);
  }
  up(twin);
  return interfaceState(twin);
}

function reload(): void {
  run(on("alpha"), "/etc/netgen/wg-reload wg0");
}

/** Does something on alpha under a ping to beta, and insists on what holds after every reload. */
async function underPing(step: () => void, address: readonly string[] = ["10.250.0.2"]): Promise<void> {
  const key = run(on("alpha"), "wg show wg0 private-key");
  const ping = startPing(on("alpha"), ...address);
  try {
    await ping.replies(15);
    step();
    await ping.replies(25);
  } finally {
    await ping.stop();
  }
  expect(await ping.stop()).toEqual([]);
  expect(run(on("alpha"), "wg show wg0 private-key") === key).toBe(true);
  expect(run(on("alpha"), "wg show wg0 listen-port").trim()).toBe("51820");
  expect(interfaceState(on("alpha"))).toEqual(freshStart());
}

function editConfiguration(edit: (text: string) => string): void {
  const path = "/etc/wireguard/wg0.conf";
  const before = readOn(on("alpha"), path);
  const after = edit(before);
  expect(after).not.toBe(before);
  writeOn(on("alpha"), path, after, 0o600);
}

/** A handshake that met a closed door is tried again after 5 s (REKEY_TIMEOUT). */
const isReachable = (address: string): boolean => attempt(on("alpha"), `ping -c 1 -w 12 ${address}`).status === 0;
const isUnreachable = (address: string): boolean => attempt(on("alpha"), `ping -c 3 -w 1 ${address}`).status !== 0;
/** What wg was told about the interface; the dry run of check_file names one that cannot exist. */
const orders = (): readonly string[] => spiedCalls(on("alpha")).filter((call) => call.startsWith("set wg0 "));
const routes = (): string => run(on("alpha"), "ip route show dev wg0; ip -6 route show dev wg0");

beforeAll(async () => {
  lab = await openLab("ngreload", NAMES);
  publicKeys = Object.fromEntries(REAL.map((name) => [name, makeKey(on(name))]));
  run(on("gamma"), "ip address add 10.20.0.1/32 dev lo; ip address add 10.30.0.1/32 dev lo");
  run(on("beta"), "ip address add 10.20.0.2/32 dev lo; ip address add 10.30.0.1/32 dev lo");
});

afterAll(() => lab.close());

beforeEach(() => {
  for (const name of REAL) down(on(name));
  for (const [index, a] of REAL.entries()) for (const b of REAL.slice(index + 1)) makePresharedKey(on(a), on(b));
  const base = files(BASE);
  for (const name of ["alpha", "beta", "gamma"]) {
    install(on(name), base);
    up(on(name));
  }
  expect(isReachable("10.250.0.2")).toBe(true);
});

describe("wg-reload loses no packet of the others", () => {
  test("nothing changed: wg is asked, and told nothing", async () => {
    await underPing(() => {
      forgetCalls(on("alpha"));
      reload();
      expect(spiedCalls(on("alpha"))).toContain("show wg0 dump");
      expect(orders()).toEqual([]);
    });
  });

  test("a peer is added, with its preshared key, and answers", async () => {
    const added = files({ ...BASE, hosts: REAL });
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
      expect(run(on("alpha"), `wg show wg0 preshared-keys | grep -F ${publicKeys.gamma}`)).toContain("(none)");
    });
    await underPing(() => {
      install(on("alpha"), files(BASE));
      reload();
      expect(run(on("alpha"), `wg show wg0 preshared-keys | grep -F ${publicKeys.gamma}`)).not.toContain("(none)");
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
    const gamma = (): string => run(on("alpha"), `wg show wg0 endpoints | grep -F ${publicKeys.gamma}`);
    const moved = files({ ...BASE, endpoints: { gamma: "192.0.2.103" } });
    await underPing(() => {
      expect(gamma()).toContain("192.0.2.3:");
      install(on("alpha"), moved);
      reload();
      expect(gamma()).toContain("192.0.2.103:");
    });
    expect(isReachable("10.250.0.3")).toBe(true);
    // Where an authenticated packet of its own would have set it.
    run(on("alpha"), `wg set wg0 peer ${publicKeys.gamma} endpoint 192.0.2.3:51820`);
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

test("a restart does lose packets: the ping would see it", async () => {
  const ping = startPing(on("alpha"), "10.250.0.2");
  await ping.replies(15);
  down(on("alpha"));
  up(on("alpha"));
  await ping.replies(15);
  expect(await ping.stop()).not.toEqual([]);
});

test("a new private key is taken from its file, and the old port is kept", () => {
  const key = makeKey(on("alpha"));
  reload();
  expect(run(on("alpha"), "wg show wg0 public-key").trim()).toBe(key);
  expect(run(on("alpha"), "wg show wg0 listen-port").trim()).toBe("51820");
  publicKeys = { ...publicKeys, alpha: key };
});

test("no secret is ever an argument", () => {
  forgetCalls(on("alpha"));
  makePresharedKey(on("alpha"), on("gamma"));
  makePresharedKey(on("alpha"), on("beta"));
  publicKeys = { ...publicKeys, alpha: makeKey(on("alpha")) };
  reload();
  const calls = spiedCalls(on("alpha")).join("\n");
  expect(calls).toContain("preshared-key /etc/wireguard/psk/gamma.psk");
  const secrets = run(on("alpha"), "cat /etc/wireguard/wg0.key /etc/wireguard/psk/*.psk").trim().split("\n");
  expect(secrets.filter((secret) => calls.includes(secret))).toHaveLength(0);
});

test("plain wg syncconf forgets the key: what wg-reload is for", () => {
  run(on("alpha"), "wg syncconf wg0 <(wg-quick strip wg0)");
  expect(run(on("alpha"), "wg show wg0 private-key").trim()).toBe("(none)");
  expect(isUnreachable("10.250.0.2")).toBe(true);
  reload();
  expect(isReachable("10.250.0.2")).toBe(true);
});

describe("wg-reload refuses, and changes nothing", () => {
  const refusals: readonly (readonly [string, RegExp, (text: string) => string])[] = [
    ["an unknown key", /Line unrecognized/, (text) => text.replace("ListenPort", "ListenPorts")],
    ["a bad prefix", /10\.20\.0\.0\/99 is not a prefix/, (text) => text.replace("10.20.0.0/16", "10.20.0.0/99")],
    ["a bad IPv6 prefix", /fd20::1::\/64 is not a prefix/, (text) => text.replace("fd20::/64", "fd20::1::/64")],
    ["a prefix of two peers", /belongs to/, (text) => text.replace("10.250.0.2/32", "10.250.0.2/32, 10.20.0.0/16")],
    ["a bad public key", /PublicKey/, (text) => text.replace("PublicKey = ", "PublicKey = x")],
    ["a name as endpoint", /Endpoint = /, (text) => text.replace("192.0.2.3:51820", "gamma.example.net:51820")],
    ["a bad MTU", /MTU/, (text) => text.replace(/^MTU = .*/m, "MTU = big")],
    ["a table", /Table/, (text) => text.replace(/^MTU/m, "Table = 7\nMTU")],
    ["a default route", /default route/, (text) => text.replace("10.20.0.0/16", "0.0.0.0/0")],
    ["a missing key file", /cannot read the key file/, (text) => text.replace("beta.psk", "absent.psk")],
    ["a private key in the file", /PrivateKey/, (text) => text.replace("ListenPort", "PrivateKey = x\nListenPort")],
  ];

  test.each(refusals)("%s", (_, complaint, edit) => {
    const before = interfaceState(on("alpha"));
    editConfiguration(edit);
    forgetCalls(on("alpha"));
    const { status, stderr } = attempt(on("alpha"), "/etc/netgen/wg-reload wg0");
    expect(status).toBe(1);
    expect(stderr).toMatch(complaint);
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect(orders()).toEqual([]);
    install(on("alpha"), files(BASE));
    expect(interfaceState(on("alpha"))).toEqual(before);
  });

  test("an interface that is not up", () => {
    down(on("alpha"));
    const { status, stderr } = attempt(on("alpha"), "/etc/netgen/wg-reload wg0");
    expect([status, stderr]).toEqual([1, "wg-reload: wg0: the interface is not up; start wg-quick@wg0.service\n"]);
  });
});
