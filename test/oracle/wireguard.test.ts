/** Every golden tree's WireGuard files in the programs that read them. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { withKeys } from "../../src/base/key.ts";
import { APPS, listFixtures } from "../fixtures.ts";
import { testPrivateKey } from "../test-keys.ts";
import { goldenFiles } from "./golden-trees.ts";
import { attempt, type Lab, type LabHost, openLab, run, writeOn } from "./wg-helpers.ts";

interface Golden {
  readonly name: string;
  readonly text: string;
}

const read = (files: ReturnType<typeof goldenFiles>): readonly Golden[] =>
  files.map(({ name, file }) => ({ name, text: readFileSync(file, "utf8") }));

/** All golden files below a directory of the host whose names match. */
function goldenIn(directory: string, pattern: RegExp): readonly Golden[] {
  return goldenFiles(directory).flatMap(({ name, file }) => {
    const found = readdirSync(file).filter((each) => pattern.test(each));
    return read(found.sort().map((each) => ({ name: `${name}/${each}`, file: join(file, each) })));
  });
}

const configurations = goldenIn("etc/wireguard", /\.conf$/);
const batches = read(goldenFiles("etc/netgen/routes"));
const scripts = read(goldenFiles("etc/netgen/routes-apply"));
/** What apps take in, but for the keys. */
const devices = listFixtures().flatMap(({ directory, name }) => {
  const apps = join(directory, APPS);
  const found = existsSync(apps) ? readdirSync(apps).sort() : [];
  return read(found.map((each) => ({ name: `${name}/${each}`, file: join(apps, each) })));
});

let lab: Lab;
const host = (): LabHost => lab.hosts.oracle as LabHost;

beforeAll(async () => {
  lab = await openLab("ngwg", ["oracle"]);
  run(host(), "ip link add wg9 type wireguard 2> /dev/null || wireguard-go wg9");
});

afterAll(() => lab.close());

test.each([
  ["interfaces", configurations],
  ["routes", batches],
  ["scripts", scripts],
  ["devices", devices],
])("the golden trees hold %s", (_, files) => {
  expect(files.length).toBeGreaterThan(0);
});

/** Loads a configuration into a real interface. Its complaint, or the AllowedIPs by public key that came of it. */
function load(text: string): string | Readonly<Record<string, readonly string[]>> {
  writeOn(host(), "/run/conf/wg9.conf", text, 0o600);
  const { status, stderr } = attempt(host(), "wg setconf wg9 <(wg-quick strip /run/conf/wg9.conf 2> /dev/null)");
  if (status !== 0 || stderr !== "") return `${status}: ${stderr}`;
  return pairs(run(host(), "wg show wg9 allowed-ips").trim().split("\n"), "\t");
}

function pairs(lines: readonly string[], separator: string): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(
    lines.map((line): [string, readonly string[]] => {
      const [key = "", prefixes = ""] = line.split(separator);
      return [key, prefixes.split(/[ ,]+/).filter(Boolean).sort()];
    }),
  );
}

/** The same, as the file says it. */
function written(text: string): Readonly<Record<string, readonly string[]>> {
  const blocks = text.split("[Peer]").slice(1);
  const value = (block: string, key: string): string => new RegExp(`^${key} = (.*)$`, "m").exec(block)?.[1] ?? "";
  return pairs(
    blocks.map((block) => `${value(block, "PublicKey")}\t${value(block, "AllowedIPs")}`),
    "\t",
  );
}

const peers = configurations.filter(({ text }) => text.includes("[Peer]"));

describe("wg takes the file, and every prefix stays with its peer", () => {
  test.each(peers)("$name", ({ text }) => {
    expect(load(text)).toEqual(written(text));
  });

  test.each(devices)("$name, with its keys", ({ text }) => {
    const publicKeys = [...text.matchAll(/^PublicKey = (.*)$/gm)].map(([, key = ""]) => key);
    const presharedKeys = new Map(publicKeys.map((key) => [key, testPrivateKey(key)]));
    const whole = withKeys(text, { privateKey: testPrivateKey("oracle"), presharedKeys });
    expect(load(whole)).toEqual(written(text));
    expect(run(host(), "wg show wg9 private-key").trim()).toBe(testPrivateKey("oracle"));
    expect(pairs(run(host(), "wg show wg9 preshared-keys").trim().split("\n"), "\t")).toEqual(
      Object.fromEntries([...presharedKeys].map(([publicKey, presharedKey]) => [publicKey, [presharedKey]])),
    );
  });

  test("an unknown key is refused", () => {
    const text = peers[0]?.text ?? "";
    expect(load(text.replace("ListenPort", "ListenPorts"))).toMatch(/Line unrecognized/);
  });

  test("a prefix on two peers is seen to move", () => {
    const text = peers[0]?.text ?? "";
    const [prefix = "?"] = Object.values(written(text))[0] ?? [];
    const stolen = `${text}\n[Peer]\nPublicKey = ${Buffer.alloc(32, 77).toString("base64")}\nAllowedIPs = ${prefix}\n`;
    expect(load(stolen)).not.toEqual(written(stolen));
  });

  test("no secret is in any of them", () => {
    expect(configurations.filter(({ text }) => /^\s*(PrivateKey|PresharedKey)/im.test(text))).toEqual([]);
  });
});

interface LoadedRoutes {
  readonly status: number;
  /** A line each: the prefix, and "unreachable" or the neighbour that it is reached by, with an MTU if it has one. */
  readonly routes: readonly string[];
}

/** Prefixes as ip shows them: without the length of a single address. */
const shown = (prefix: string): string => prefix.replace(/^([^:]*)\/32$|^(.*)\/128$/, "$1$2");

const MTU = / mtu (\d+)/;

/** Applies a file of routes in a network namespace that has its interfaces and neighbours, and gives back what is there then. */
function applyRoutes(text: string): LoadedRoutes {
  writeOn(host(), "/etc/netgen/routes", text);
  writeOn(host(), "/etc/netgen/routes-apply", scripts[0]?.text ?? "", 0o755);
  const named = (pattern: RegExp): readonly string[] => [
    ...new Set([...text.matchAll(pattern)].map((match) => match[1] ?? "")),
  ];
  const links = ["lan0", ...named(/ dev (\S+)/g)].flatMap((name, index) => [
    `ip link add ${name} type veth peer name peer${index} && ip link set ${name} up && ip link set peer${index} up`,
  ]);
  const lan = named(/ via (\S+)/g).map((address) => `ip route add ${address} dev lan0`);
  const apply = ["mount -t sysfs sysfs /sys", ...links, ...lan, "/etc/netgen/routes-apply"].join(" && ");
  const show = "ip -4 route show proto 210; ip -6 route show proto 210";
  const { status, stdout } = attempt(host(), `unshare -nm bash -c '${apply} && { ${show}; }'`);
  return { status, routes: linesOf(stdout) };
}

/** Lines of ip or of the file, by what they have in common. */
function linesOf(text: string): readonly string[] {
  const lines = text.split("\n").flatMap((line) => {
    const [, refused, prefix, way] = /^(unreachable )?(\S+)(?: (via \S+|dev \S+))?/.exec(line) ?? [];
    if (prefix === undefined || prefix === "#") return [];
    return [`${shown(prefix)} ${refused === undefined ? way : "unreachable"}${MTU.exec(line)?.[0] ?? ""}`];
  });
  return lines.sort();
}

describe("ip takes the routes", () => {
  test.each(batches)("$name", ({ text }) => {
    expect(linesOf(text).length).toBeGreaterThan(0);
    expect(applyRoutes(text)).toEqual({ status: 0, routes: linesOf(text) });
  });

  test("a prefix with host bits is refused", () => {
    expect(applyRoutes("unreachable 10.1.0.1/16 metric 4278198272\n").status).not.toBe(0);
  });
});

describe("routes-apply", () => {
  test("adds what is new, removes what is old, and looks at no other route", () => {
    const [line] = /^unreachable .*$/m.exec(batches[0]?.text ?? "") ?? [];
    const routes = (prefixes: readonly string[]): string =>
      prefixes.map((prefix) => `${line?.replace(/unreachable \S+/, `unreachable ${prefix}`)}\n`).join("");
    const apply = (prefixes: readonly string[]): readonly string[] => {
      writeOn(host(), "/etc/netgen/routes", routes(prefixes));
      run(host(), "/etc/netgen/routes-apply");
      return `${run(host(), "ip -4 route show type unreachable; ip -6 route show type unreachable")}`
        .split("\n")
        .map((each) => each.split(" ")[1] ?? "")
        .filter(Boolean);
    };
    writeOn(host(), "/etc/netgen/routes-apply", scripts[0]?.text ?? "", 0o755);
    run(host(), "ip route add unreachable 203.0.113.0/24 metric 7");
    expect(apply(["10.1.0.0/16", "10.2.0.1/32", "fd00::/48", "fd01::1/128"])).toEqual([
      "10.1.0.0/16",
      "10.2.0.1",
      "203.0.113.0/24",
      "fd00::/48",
      "fd01::1",
    ]);
    expect(apply(["10.2.0.1/32", "fd01::1/128", "10.3.0.0/16"])).toEqual([
      "10.2.0.1",
      "10.3.0.0/16",
      "203.0.113.0/24",
      "fd01::1",
    ]);
  });
});
