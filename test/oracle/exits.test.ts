/**
 * Where a guest gets by an exit, and who gets in by it, with the real script and rules. A cable called as the VRF's device
 * stands in for it, so that a kernel without VRFs shows it as well: the rules ask for no more than its name.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, renameSync } from "node:fs";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "vitest";
import { must } from "../../src/base/invariant.ts";
import { contentOf } from "../../src/emit/file.ts";
import { compileText } from "../compile-text.ts";
import { type Lab, openLab } from "./namespaces.ts";
import { isEquipped, scratch } from "./nft-helpers.ts";

const { directory, write, remove } = scratch();
afterAll(remove);

const STRICT = "exitOrder: strict, ";

const topology = (exit: string, order = ""): string => `
sites: {s: {lan: [10.66.0.0/24], gateways: [alpha]}, t: }
wireguard: {addresses: [10.250.0.0/24]}
bgp: {asn: 65000}
hosts:
  alpha: {id: 1, site: s, endpoint: 192.0.2.1, lanEndpoint: 10.66.0.1, uplink: eth0}
  beta: {id: 2, site: t, endpoint: 198.51.100.2, uplink: eth0}
vrfs: {blue: {vni: 5000, ${order}exits: [{host: alpha, ipv6: true, ${exit}}, {host: beta}]}}
subnets: {web: {cidr: [10.77.0.0/24, "fd77::/64"], hosts: [alpha], vrf: blue}}
`;

/** Counts what asks for a probe's answer. */
const ASKED = `table inet netgen-asked { chain asked {
  type filter hook output priority 0; ip daddr 203.0.113.9 icmp type echo-request counter
}; }`;

/** A file of alpha's, written where the test may. */
function file(exit: string, name: string, edit = (text: string): string => text, order = ""): string {
  const files = compileText(topology(exit, order)).files;
  const found = must(
    files.find(({ path }) => path === `alpha/etc/netgen/${name}`),
    `alpha has ${name}`,
  );
  return write(name, edit(Buffer.from(contentOf(found)).toString()));
}

const BEYOND = ["203.0.113.9", "2001:db8:9::9"];
const CONNECTED = ["192.0.2.66", "2001:db8:1::66"];
/** Connected later. */
const LATER = "198.18.0.66";
const ENDPOINT = "198.51.100.2";
/** Beta as it is reached in the tunnel. */
const BETA = "10.250.0.2";

/** What bgpd says of the VRF's default, in short: with one of another exit beside its own, with its own, with none. */
const HEARD = {
  both: "  Imported from 10.250.0.2:2:[5]:[0]:[0]:[0.0.0.0], VNI 5000",
  own: "  Local",
  none: "% Network not in table",
} as const;

/** Stands in for vtysh: no kernel here need have a VRF to hear of. `undefined`: there is no bgpd to ask. */
function hear(what: keyof typeof HEARD | undefined): void {
  const answer = what === undefined ? "exit 1" : `echo '${HEARD[what]}'`;
  const made = write("vtysh.new", `#!/bin/bash\n${answer}\n`);
  chmodSync(made, 0o755);
  // Whole or not at all: it may be asked meanwhile.
  renameSync(made, `${directory}/vtysh`);
}

/** A guest, its host, and a neighbour on the uplink who stands for all that is beyond as well. */
function exitLab(): Lab {
  const lab = openLab(["host", "outside", "guest"]);
  lab.cable("eth0@outside", "eth0@host");
  lab.cable("eth0@guest", "blue@host");
  lab.address("eth0@host", "192.0.2.1/24", "2001:db8:1::1/64");
  lab.address("eth0@outside", ...["192.0.2.66/24", "192.0.2.53/24", "198.18.0.66/24", "2001:db8:1::66/64"]);
  lab.address("lo@outside", ...["203.0.113.9/32", "198.51.100.2/32", "169.254.169.254/32", "10.66.0.9/32"]);
  lab.address("lo@outside", "2001:db8:9::9/128", `${BETA}/32`);
  lab.address("blue@host", "10.77.0.1/24", "fd77::1/64");
  lab.address("eth0@guest", "10.77.0.5/24", "fd77::5/64");
  lab.gateway("host", "192.0.2.66", "2001:db8:1::66");
  lab.gateway("outside", "192.0.2.1", "2001:db8:1::1");
  lab.gateway("guest", "10.77.0.1", "fd77::1");
  lab.at("host", "sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1");
  return lab;
}

describe.skipIf(!isEquipped("ip", "nft", "sysctl", "ping"))("an exit", { timeout: 60_000 }, () => {
  let lab: Lab;
  let stop = async (): Promise<void> => {};
  let reload = (): void => {};
  let journal = "";
  let errors = "";
  beforeEach(() => {
    lab = exitLab();
    hear("both");
    journal = "";
    errors = "";
  });
  afterEach(async () => {
    await stop();
    lab.close();
  });

  const near = (): string => lab.tryAt("host", "nft", ["list", "table", "inet", "netgen-near-blue"]).output;
  const routes = (): string => lab.at("host", "ip route show default table 5000");
  const eventually = (what: () => unknown) => expect.poll(what, { timeout: 30_000, interval: 200 });

  /** Loads alpha's ruleset and runs its script until its rules stand. */
  async function open(exit: string, order = ""): Promise<void> {
    lab.load("host", file(exit, "netgen.nft"));
    file(exit, "blue.exit", undefined, order);
    const script = file(exit, "exit", (text) => text.replaceAll("/etc/netgen/", `${directory}/`));
    // By a reload it starts itself anew.
    chmodSync(script, 0o755);
    const env = { ...process.env, PATH: `${directory}:${process.env.PATH}` };
    // As systemd starts it (systemd.exec(5), IgnoreSIGPIPE=).
    const command = ["--ignore-signal=PIPE", "ip", "netns", "exec", lab.full("host"), "bash", script, "blue"];
    const child = spawn("env", command, { detached: true, env });
    child.stderr.on("data", (data) => {
      errors += data;
    });
    child.stdout.on("data", (data) => {
      journal += data;
    });
    // What it said last is read by then: it is no word of the next one's.
    const ended = once(child, "close");
    stop = async () => {
      process.kill(-must(child.pid, "the script runs"), "SIGKILL");
      await ended;
    };
    // "ip netns exec" has become the script.
    reload = () => process.kill(must(child.pid, "the script runs"), "SIGHUP");
    await eventually(near).toContain("192.0.2.0/24");
  }

  test("without its rules it leads to everybody near", () => {
    expect(["169.254.169.254", "10.66.0.9", ...CONNECTED].map((to) => lab.answers("guest", to))).not.toContain(false);
  });

  test("leads beyond, to nobody who is near, and to what reach names", async () => {
    await open("snat: true, reach: [192.0.2.53]");
    for (const to of [...BEYOND, "192.0.2.53"]) expect(lab.answers("guest", to), to).toBe(true);
    for (const to of ["169.254.169.254", "10.66.0.9", ...CONNECTED]) expect(lab.answers("guest", to), to).toBe(false);
  });

  test("learns what is connected as it changes, and says its rules again when somebody flushes them", async () => {
    await open("snat: true");
    expect(lab.answers("guest", LATER)).toBe(true);
    lab.at("host", "ip address add 198.18.0.1/24 dev eth0");
    await eventually(() => lab.answers("guest", LATER)).toBe(false);
    lab.at("host", "nft delete table inet netgen-near-blue");
    await eventually(near).toContain("198.18.0.0/24");
    expect(lab.answers("guest", BEYOND[0] ?? "")).toBe(true);
    // As clouds have it: a router that no prefix of the host's holds.
    lab.at("host", "ip route add 198.18.7.0/24 via 100.64.0.1 dev eth0 onlink");
    await eventually(near).toContain("ip daddr 100.64.0.1 counter");
  });

  test("is open while one of its probes answers, whichever, and closes when none does", async () => {
    await open("snat: true, probe: [198.51.100.99, 203.0.113.9]");
    await eventually(routes).toContain("throw default");
    lab.at("outside", "ip address del 203.0.113.9/32 dev lo");
    await eventually(routes).toBe("");
    lab.at("outside", "ip address add 198.51.100.99/32 dev lo");
    await eventually(routes).toContain("throw default");
  });

  test("takes one answer, and has nothing to say of the others", async () => {
    await open("snat: true, probe: [203.0.113.9, 198.51.100.2, 169.254.169.254]");
    const looks = (): number => lab.counted("host", "inet netgen-asked asked");
    lab.load("host", write("asked.nft", ASKED));
    await eventually(looks).toBeGreaterThan(4);
    expect(errors).not.toContain("write error");
  });

  const PROBED = "snat: true, probe: 203.0.113.9";
  const silence = (): string => lab.at("outside", "ip address del 203.0.113.9/32 dev lo");
  const LAST = "blue: no probe answers, and no other exit is open: the way out by eth0 is the last one\n";

  test("stays if it is the last one, says so once, and closes when another one opens", async () => {
    await open(PROBED);
    await eventually(routes).toContain("throw default");
    hear("own");
    silence();
    await eventually(() => journal).toContain(LAST);
    // Known once, so whether the other one can be asked, or FRR is there, no longer counts.
    lab.at("outside", `ip address del ${BETA}/32 dev lo`);
    hear(undefined);
    const looks = (): number => lab.counted("host", "inet netgen-asked asked");
    lab.load("host", write("asked.nft", ASKED));
    await eventually(looks).toBeGreaterThan(4);
    expect(routes()).toContain("throw default");
    hear("both");
    await eventually(routes).toBe("");
    await eventually(() => journal).toBe(
      `blue: the way out by eth0 is open\n${LAST}blue: the way out by eth0 is closed\n`,
    );
  });

  test.for<[string, () => unknown]>([
    ["the other exit cannot be asked", () => lab.at("outside", `ip address del ${BETA}/32 dev lo`)],
    ["there is no route by its interface", () => lab.at("host", "ip route del default via 192.0.2.66")],
    ["FRR cannot be asked", () => hear(undefined)],
  ])("closes all the same when %s", async ([, happens]) => {
    await open(PROBED);
    await eventually(routes).toContain("throw default");
    hear("own");
    happens();
    silence();
    await eventually(routes).toBe("");
    expect(journal).not.toContain(LAST);
  });

  test("opens as the last one when all have closed", async () => {
    hear("none");
    silence();
    await open(PROBED);
    await eventually(routes).toContain("throw default");
    await eventually(() => journal).toBe(`${LAST}blue: the way out by eth0 is open\n`);
  });

  test("in strict order opens and closes each part of the whole, and a reload takes what is no more in its file", async () => {
    const inAll = () =>
      ["-4", "-6"].map((family) => lab.tryAt("host", "ip", [family, "route", "show", "table", "5000"]).output);
    const open4 = () => (inAll()[0]?.match(/^(?:blackhole|throw) \S+/gm) ?? []).sort();
    const parts = (...all: readonly string[]) =>
      ["blackhole", "throw"].flatMap((kind) => all.map((each) => `${kind} ${each}`));
    await open(PROBED, STRICT);
    await eventually(open4).toEqual(parts("0.0.0.0/1", "128.0.0.0/1", "default"));
    const open6 = () => (inAll()[1]?.match(/^throw \S+/gm) ?? []).sort();
    await eventually(open6).toEqual(["throw 8000::/1", "throw ::/1", "throw default"]);
    file(PROBED, "blue.exit");
    reload();
    await eventually(open4).toEqual(parts("default"));
    await eventually(open6).toEqual(["throw default"]);
    file(PROBED, "blue.exit", undefined, STRICT);
    reload();
    await eventually(open4).toEqual(parts("0.0.0.0/1", "128.0.0.0/1", "default"));
    silence();
    await eventually(inAll).toEqual(["", ""]);
  });

  test("is reached itself where that is asked for, by its address in the overlay alone, and only by the VRF's own", async () => {
    lab.address("lo@host", "10.250.0.1/32");
    lab.address("eth0@guest", "10.88.0.5/24");
    lab.at("host", "ip route add 10.88.0.0/24 dev blue");
    const asks = (...words: readonly string[]) =>
      lab.tryAt("guest", "ping", ["-n", "-c", "1", "-W", "1", ...words]).status === 0;
    const heard = () => [asks("10.250.0.1"), asks("192.0.2.1"), asks("-I", "10.88.0.5", "10.250.0.1")];
    expect(heard()).toEqual([true, true, true]);
    await open("snat: true");
    expect(heard()).toEqual([false, false, false]);
    lab.load("host", file("snat: true, localRouting: true", "netgen.nft"));
    expect(heard()).toEqual([true, false, false]);
    // What hosts tell each other is no service of it for guests.
    await Promise.all([lab.serve("host", 22), lab.serve("host", 179)]);
    expect(lab.transfer("guest", "10.250.0.1", { port: 22, bytes: 1, seconds: 20 })).toBe(true);
    expect(lab.transfer("guest", "10.250.0.1", { port: 179, bytes: 1, seconds: 2 })).toBe(false);
  });

  test("leads to other hosts' endpoints, but not to what hosts tell each other", async () => {
    await open("snat: true, reach: [198.51.100.0/24]");
    await Promise.all([lab.serve("outside", 22), lab.serve("outside", 179)]);
    expect(lab.transfer("guest", ENDPOINT, { port: 22, bytes: 1, seconds: 20 })).toBe(true);
    expect(lab.transfer("guest", ENDPOINT, { port: 179, bytes: 1, seconds: 2 })).toBe(false);
    const dropped = (): number => lab.counted("host", "inet netgen exit-blue");
    for (const [index, port] of [51_820, 4789, 3784, 4784].entries()) {
      lab.datagram("guest", ENDPOINT, { port, from: "10.77.0.5", hex: "00" });
      await eventually(dropped).toBe(index + 1);
    }
  });

  test("that hides its guests lets replies in, and what the owner sends on to a guest", async () => {
    await lab.serve("guest", 80);
    const asks = (to: string, seconds: number) => lab.transfer("outside", to, { port: 80, bytes: 1, seconds });
    expect(asks("10.77.0.5", 20)).toBe(true);
    await open("snat: true");
    expect(asks("10.77.0.5", 2)).toBe(false);
    expect(lab.answers("outside", "fd77::5")).toBe(false);
    const rule = "tcp dport 8080 dnat to 10.77.0.5:80";
    lab.load(
      "host",
      write("own.nft", `table ip own { chain in { type nat hook prerouting priority -100; ${rule}; }; }`),
    );
    expect(lab.transfer("outside", "192.0.2.1", { port: 8080, bytes: 1, seconds: 20 })).toBe(true);
  });

  test("that does not is open to the network behind it, but not to who poses as a guest", async () => {
    await open("reach: []");
    expect(lab.answers("outside", "10.77.0.5")).toBe(true);
    lab.address("lo@outside", "10.77.0.99/32");
    lab.datagram("outside", "10.77.0.5", { port: 9, from: "10.77.0.99", hex: "00" });
    await eventually(() =>
      /saddr 10.77.0.0\/24 counter packets 1 /.test(lab.at("host", "nft list chain inet netgen vrfs")),
    ).toBe(true);
  });
});
