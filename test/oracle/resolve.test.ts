/** wg-endpoints on a real interface: peers known by name are dialled, followed, and left alone while they are well. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  attempt,
  compileFiles,
  type Finished,
  forgetCalls,
  install,
  type Lab,
  type LabHost,
  makeKey,
  openLab,
  readOn,
  removeOn,
  run,
  spiedCalls,
  writeOn,
} from "./wg-helpers.ts";

const NAMES = ["alpha", "beta", "gamma"];
const IDS: Readonly<Record<string, number>> = { alpha: 1, beta: 2, gamma: 3 };

/** Where beta is dialled, unless a test says otherwise. */
const BETA = "beta.example.net";

function topology(ipVersion: string, { hosts = NAMES, beta = BETA } = {}): string {
  return [
    "netgen: 1",
    "name: names",
    `underlay: {ipVersion: ${ipVersion}}`,
    "wireguard: {addresses: [10.250.0.0/24]}",
    "hosts:",
    ...hosts.map((name) => {
      const endpoint = name === "beta" ? beta : `${name}.example.net`;
      return `  ${name}: {id: ${IDS[name]}, endpoint: ${endpoint}}`;
    }),
    "",
  ].join("\n");
}

let lab: Lab;
let publicKeys: Readonly<Record<string, string>>;

const on = (name: string): LabHost => lab.hosts[name] as LabHost;
const alpha = (): LabHost => on("alpha");

/** What names resolve to on alpha, by /etc/hosts. */
function names(lines: readonly string[]): void {
  writeOn(alpha(), "/etc/hosts", ["127.0.0.1 localhost", ...lines, ""].join("\n"));
}

/** What a name server that changes its mind would answer. */
function answer(name: string, addresses: readonly string[]): void {
  writeOn(alpha(), `/run/answers/${name}`, addresses.map((each) => `${each} STREAM ${name}\n`).join(""));
}

const refresh = (): Finished => attempt(alpha(), "/etc/netgen/wg-endpoints");
const endpointOf = (name: string): string =>
  run(alpha(), `wg show wg0 endpoints | grep -F '${publicKeys[name]}'`).trim().split("\t")[1] ?? "";
const orders = (): readonly string[] => spiedCalls(alpha()).filter((call) => call.startsWith("set wg0 "));
/** Asks for the tunnel, which gets no answer. */
const askInVain = (): void => expect(attempt(alpha(), "ping -c 1 -w 2 10.250.0.2").status).not.toBe(0);
const isReachable = (address: string): boolean => attempt(alpha(), `ping -c 1 -w 12 ${address}`).status === 0;

const BETA_AND_GAMMA = ["192.0.2.2 beta.example.net", "192.0.2.3 gamma.example.net"];

// Answers from /run/answers where there are any; "dead.example.net" style names block until timeout(1) ends them.
const GETENT = `#!/bin/bash
if [[ -e /run/answers/$2.blocks ]]; then
  trap 'echo "getent $2 ended" >> /run/spy.log; exit 1' TERM
  read -r < /run/never
fi
[[ ! -e /run/answers/$2 ]] || exec cat "/run/answers/$2"
exec /usr/bin/getent "$@"
`;

function start(ipVersion: string, beta = BETA): void {
  const files = compileFiles(topology(ipVersion, { beta }), publicKeys);
  for (const name of NAMES) {
    attempt(on(name), "wg-quick down wg0");
    install(on(name), files);
  }
  for (const path of ["/run/netgen", "/run/answers"]) removeOn(alpha(), path);
  names(BETA_AND_GAMMA);
  for (const name of NAMES) run(on(name), "wg-quick up wg0");
  forgetCalls(alpha());
}

/** Counts every peer as silent, and no address as in need of time. */
function hasten(): void {
  const script = readOn(alpha(), "/etc/netgen/wg-endpoints");
  const impatient = script.replace("stale_after=135", "stale_after=-1").replace("patience=10", "patience=0");
  expect(impatient).toMatch(/stale_after=-1[\s\S]*patience=0/);
  writeOn(alpha(), "/etc/netgen/wg-endpoints", impatient, 0o755);
}

beforeAll(async () => {
  lab = await openLab("ngresolve", NAMES);
  publicKeys = Object.fromEntries(NAMES.map((name) => [name, makeKey(on(name))]));
  writeOn(alpha(), "/run/spy/getent", GETENT, 0o755);
  run(alpha(), "mkfifo /run/never; exec 3<>/run/never; sleep infinity <&3 >/dev/null 2>&1 & disown");
});

afterAll(() => lab.close());

beforeEach(() => start("4"));

describe("wg-endpoints", () => {
  test("the interface comes up without endpoints, and gets them", () => {
    expect([endpointOf("beta"), endpointOf("gamma")]).toEqual(["(none)", "(none)"]);
    expect(refresh()).toMatchObject({ status: 0, stderr: "" });
    expect([endpointOf("beta"), endpointOf("gamma")]).toEqual(["192.0.2.2:51820", "192.0.2.3:51820"]);
    expect(isReachable("10.250.0.2")).toBe(true);
  });

  test("a second run has nothing to do", () => {
    refresh();
    forgetCalls(alpha());
    refresh();
    expect(spiedCalls(alpha())).toContain("show wg0 endpoints");
    expect(orders()).toEqual([]);
  });

  test("a name that changes is followed, healthy peer or not", () => {
    refresh();
    expect(isReachable("10.250.0.2")).toBe(true);
    names(["192.0.2.102 beta.example.net", "192.0.2.3 gamma.example.net"]);
    refresh();
    expect(endpointOf("beta")).toBe("192.0.2.102:51820");
    expect(orders().filter((call) => call.includes(publicKeys.gamma ?? "?"))).toHaveLength(1);
  });

  test("a dead name harms nobody: not the others, not the run", () => {
    writeOn(alpha(), "/run/answers/beta.example.net.blocks", "");
    expect(refresh().status).toBe(0);
    expect([endpointOf("beta"), endpointOf("gamma")]).toEqual(["(none)", "192.0.2.3:51820"]);
    const calls = spiedCalls(alpha());
    const gamma = calls.findIndex((call) => call.startsWith("set ") && call.includes(publicKeys.gamma ?? "?"));
    expect(gamma).toBeGreaterThanOrEqual(0);
    expect(calls.indexOf("getent beta.example.net ended")).toBeGreaterThan(gamma);
  });

  test("a name that is gone keeps the endpoint it had", () => {
    refresh();
    names([]);
    answer("beta.example.net", []);
    answer("gamma.example.net", []);
    expect(refresh().status).toBe(0);
    expect(endpointOf("beta")).toBe("192.0.2.2:51820");
  });

  test("round robin does not flap", () => {
    answer("beta.example.net", ["192.0.2.102", "192.0.2.2"]);
    refresh();
    expect(endpointOf("beta")).toBe("192.0.2.102:51820");
    forgetCalls(alpha());
    answer("beta.example.net", ["192.0.2.2", "192.0.2.102"]);
    refresh();
    expect(orders()).toEqual([]);
    answer("beta.example.net", ["192.0.2.2"]);
    refresh();
    expect(endpointOf("beta")).toBe("192.0.2.2:51820");
  });

  test.each([
    ["4", ["192.0.2.200", "192.0.2.2"]],
    ["auto", ["2001:db8::dead", "192.0.2.2"]],
  ] as const)(
    "a name whose first address is dead (%s): each has its turn until the peer answers",
    (ipVersion, addresses) => {
      start(ipVersion);
      hasten();
      answer("beta.example.net", addresses);
      refresh();
      expect(endpointOf("beta")).toContain(addresses[0]);
      askInVain();
      refresh();
      expect(endpointOf("beta")).toBe("192.0.2.2:51820");
      expect(isReachable("10.250.0.2")).toBe(true);
      refresh();
      expect(endpointOf("beta")).toBe("192.0.2.2:51820");
    },
  );

  test("an address that dies is left for another, and so on for ever", () => {
    hasten();
    answer("beta.example.net", ["192.0.2.2", "192.0.2.200"]);
    refresh();
    expect(isReachable("10.250.0.2")).toBe(true);
    run(on("beta"), "wg-quick down wg0");
    const seen = [1, 2, 3, 4].map(() => {
      askInVain();
      refresh();
      return endpointOf("beta");
    });
    const [first = "", second = ""] = seen.slice(2);
    expect(new Set(seen)).toEqual(new Set(["192.0.2.2:51820", "192.0.2.200:51820"]));
    expect(first).not.toBe(second);
  });

  test("an address without a route is left though nothing can be sent there", () => {
    start("auto");
    hasten();
    answer("beta.example.net", ["2001:db8:dead::2", "192.0.2.2"]);
    refresh();
    refresh();
    expect(endpointOf("beta")).toBe("192.0.2.2:51820");
  });

  test("a peer to which nothing is sent keeps its address, silent as it is", () => {
    hasten();
    answer("beta.example.net", ["192.0.2.102", "192.0.2.2"]);
    for (const _ of [1, 2, 3]) refresh();
    expect(endpointOf("beta")).toBe("192.0.2.102:51820");
  });

  test("an address has its time to answer", () => {
    answer("beta.example.net", ["192.0.2.200", "192.0.2.2"]);
    refresh();
    askInVain();
    refresh();
    expect(endpointOf("beta")).toBe("192.0.2.200:51820");
  });

  test("a peer that roamed and answers is left alone; once silent it is dialled by its name", () => {
    refresh();
    expect(isReachable("10.250.0.2")).toBe(true);
    // Where an authenticated packet of its own would have set it.
    run(alpha(), `wg set wg0 peer ${publicKeys.beta} endpoint 192.0.2.102:51820`);
    refresh();
    expect(endpointOf("beta")).toBe("192.0.2.102:51820");
    hasten();
    refresh();
    expect(endpointOf("beta")).toBe("192.0.2.2:51820");
  });

  test("a peer that the interface does not have is not invented", () => {
    run(alpha(), `wg set wg0 peer ${publicKeys.gamma} remove`);
    refresh();
    expect(run(alpha(), "wg show wg0 peers").trim()).toBe(publicKeys.beta);
  });

  test("no interface, no complaint", () => {
    run(alpha(), "wg-quick down wg0");
    expect(refresh()).toEqual({ status: 0, stdout: "", stderr: "" });
    run(alpha(), "wg-quick up wg0");
  });

  test("wg-reload ends with it: a peer that is new has its endpoint at once", () => {
    install(alpha(), compileFiles(topology("4", { hosts: ["alpha", "beta"] }), publicKeys));
    run(alpha(), "/etc/netgen/wg-reload wg0");
    expect(run(alpha(), "wg show wg0 peers").trim()).toBe(publicKeys.beta);
    install(alpha(), compileFiles(topology("4"), publicKeys));
    run(alpha(), "/etc/netgen/wg-reload wg0");
    expect(endpointOf("gamma")).toBe("192.0.2.3:51820");
    forgetCalls(alpha());
    run(alpha(), "/etc/netgen/wg-reload wg0");
    expect(orders()).toEqual([]);
  });
});

describe("several endpoints", () => {
  const DEAD = "192.0.2.200";
  const ALIVE = "192.0.2.2:51820";

  /** Asks in vain until beta is dialled elsewhere: WireGuard speaks once in five seconds (REKEY_TIMEOUT). */
  function nextEndpoint(): string {
    const before = endpointOf("beta");
    for (let round = 0; round < 10 && endpointOf("beta") === before; round++) {
      askInVain();
      refresh();
    }
    return endpointOf("beta");
  }

  test("each has its turn, as in the file, until the peer answers", () => {
    start("4", `[${DEAD}, beta.example.net, "192.0.2.3:443"]`);
    hasten();
    expect(endpointOf("beta")).toBe(`${DEAD}:51820`);
    refresh();
    expect(nextEndpoint()).toBe(ALIVE);
    expect(isReachable("10.250.0.2")).toBe(true);
    refresh();
    expect(endpointOf("beta")).toBe(ALIVE);
  });

  test("names, addresses and ports one after the other, then from the beginning", () => {
    start("4", `[beta.example.net, "${DEAD}:1443", "beta.example.net:443", 192.0.2.201]`);
    hasten();
    names(["192.0.2.202 beta.example.net", "192.0.2.3 gamma.example.net"]);
    refresh();
    const round = ["192.0.2.202:51820", `${DEAD}:1443`, "192.0.2.202:443", "192.0.2.201:51820"];
    expect(endpointOf("beta")).toBe(round[0]);
    expect([1, 2, 3, 4].map(nextEndpoint)).toEqual([...round.slice(1), round[0]]);
  });

  test("a name that is dead is passed over, and harms nobody", () => {
    start("4", "[gone.example.net, 192.0.2.2]");
    writeOn(alpha(), "/run/answers/gone.example.net.blocks", "");
    expect(refresh()).toMatchObject({ status: 0, stderr: "" });
    expect([endpointOf("beta"), endpointOf("gamma")]).toEqual([ALIVE, "192.0.2.3:51820"]);
  });

  test("an address of an IP version that the host has none of is passed over", () => {
    start("4", '["[2001:db8:dead::2]", 192.0.2.2]');
    const held = run(alpha(), "ip -6 -o address show scope global | awk '{print $4, \"dev\", $2}'");
    run(alpha(), "ip -6 address flush scope global");
    try {
      hasten();
      refresh();
      expect(endpointOf("beta")).toBe(ALIVE);
    } finally {
      for (const words of held.trim().split("\n")) run(alpha(), `ip -6 address add ${words} nodad`);
    }
  });

  test.each([DEAD, "dead.example.net"])("a tunnel that is started again begins with the first, %s", (first) => {
    start("4", `[${first}, 192.0.2.2]`);
    names([`${DEAD} dead.example.net`, "192.0.2.3 gamma.example.net"]);
    hasten();
    refresh();
    expect(nextEndpoint()).toBe(ALIVE);
    run(alpha(), "wg-quick down wg0; wg-quick up wg0");
    refresh();
    expect(endpointOf("beta")).toBe(`${DEAD}:51820`);
  });

  test("a reload leaves a peer where it answers", () => {
    start("4", `[${DEAD}, 192.0.2.2]`);
    refresh();
    run(alpha(), `wg set wg0 peer ${publicKeys.beta} endpoint ${ALIVE}`);
    expect(isReachable("10.250.0.2")).toBe(true);
    forgetCalls(alpha());
    run(alpha(), "/etc/netgen/wg-reload wg0");
    expect(orders()).toEqual([]);
    expect(endpointOf("beta")).toBe(ALIVE);
  });
});

describe("the IP version is forced", () => {
  const BOTH = ["2001:db8::2 beta.example.net", "192.0.2.2 beta.example.net", "192.0.2.3 gamma.example.net"];

  test.each([
    ["4", "192.0.2.2:51820", "192.0.2.3:51820"],
    // gamma has no IPv6 address: none is better than an IPv4 one in IPv6 clothes.
    ["6", "[2001:db8::2]:51820", "(none)"],
    ["auto", expect.stringMatching(/^(\[2001:db8::2\]|192\.0\.2\.2):51820$/), "192.0.2.3:51820"],
  ])("ipVersion: %s", (ipVersion, beta, gamma) => {
    start(ipVersion);
    names(BOTH);
    expect(refresh().status).toBe(0);
    expect(endpointOf("beta")).toEqual(beta);
    expect(endpointOf("gamma")).toBe(gamma);
    expect(isReachable("10.250.0.2")).toBe(true);
  });
});
