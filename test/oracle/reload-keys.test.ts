/** wg-reload and keys, what it refuses, and what it is better than: a restart and wg syncconf. */
import { describe, expect, test } from "vitest";
import {
  BASE,
  down,
  editConfiguration,
  files,
  isReachable,
  isUnreachable,
  on,
  orders,
  publicKeyOf,
  reload,
  renewKey,
  up,
  useReloadLab,
} from "./reload-lab.ts";
import {
  attempt,
  forgetCalls,
  install,
  interfaceState,
  makePresharedKey,
  run,
  spiedCalls,
  startPing,
} from "./wg-helpers.ts";

useReloadLab();

test("a restart does lose packets: the ping would see it", async () => {
  const ping = startPing(on("alpha"), "10.250.0.2");
  await ping.replies(15);
  down(on("alpha"));
  up(on("alpha"));
  await ping.replies(15);
  expect(await ping.stop()).not.toEqual([]);
});

test("a new private key is taken from its file, and the old port is kept", () => {
  renewKey("alpha");
  reload();
  expect(run(on("alpha"), "wg show wg0 public-key").trim()).toBe(publicKeyOf("alpha"));
  expect(run(on("alpha"), "wg show wg0 listen-port").trim()).toBe("51820");
});

test("no secret is ever an argument", () => {
  forgetCalls(on("alpha"));
  makePresharedKey(on("alpha"), on("gamma"));
  makePresharedKey(on("alpha"), on("beta"));
  renewKey("alpha");
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
    [
      "a bad prefix",
      /AllowedIP is not in the correct format: `10\.20\.0\.0\/99/,
      (text) => text.replace("10.20.0.0/16", "10.20.0.0/99"),
    ],
    [
      "a bad IPv6 prefix",
      /Unable to parse IP address: `fd20::1::/,
      (text) => text.replace("fd20::/64", "fd20::1::/64"),
    ],
    ["a prefix of two peers", /belongs to/, (text) => text.replace("10.250.0.2/32", "10.250.0.2/32, 10.20.0.0/16")],
    [
      "a bad public key",
      /Key is not the correct length or format: `x/,
      (text) => text.replace("PublicKey = ", "PublicKey = x"),
    ],
    ["a name as endpoint", /Endpoint = /, (text) => text.replace("192.0.2.3:51820", "gamma.example.net:51820")],
    ["a bad MTU", /MTU/, (text) => text.replace(/^MTU = .*/m, "MTU = big")],
    ["a table", /Table/, (text) => text.replace(/^MTU/m, "Table = 7\nMTU")],
    [
      "a bad address",
      /AllowedIP is not in the correct format: `10\.250\.0\.1\/99/,
      (text) => text.replace("1/24", "1/99"),
    ],
    ["a mark that is none", /Fwmark is neither/, (text) => text.replace(/^MTU/m, "FwMark = 5x\nMTU")],
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
