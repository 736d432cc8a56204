/** What a host does after a file changed; the commands of every golden file stand in its scenario's after.txt. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { must } from "../src/base/invariant.ts";
import { compile } from "../src/compile.ts";
import type { OutputFile } from "../src/emit/file.ts";
import { compileText } from "./compile-text.ts";
import { listFixtures, sourceOf, textOf } from "./fixtures.ts";
import { testPublicKey } from "./test-keys.ts";

const scenarios = listFixtures().filter(({ kind }) => kind === "scenario");
/** A fleet's number is in its names and in nothing else of this. */
const plain = (text: string): string => text.replace(/\bnetgen[1-9]/g, "netgen");
const files = scenarios
  .flatMap((fixture) => compile(sourceOf(fixture)).files)
  .map((file) => ({ ...file, path: plain(file.path), after: file.after.map(plain) }));

test("deletes the device of a vxlan, a VLAN or a VRF first, and a bridge only when it is gone and was netgen's", () => {
  const kindOf = (file: OutputFile): string => /^Kind=(.+)$/m.exec(textOf(file))?.[1] ?? "";
  const nameIn = (file: OutputFile): string => /^Name=(.+)$/m.exec(textOf(file))?.[1] ?? "";
  const isOwnBridge = (file: OutputFile): boolean =>
    kindOf(file) === "bridge" && /^MACAddress=[0-9a-f]/m.test(textOf(file));
  const devices = files.filter(({ path }) => path.endsWith(".netdev"));
  expect(new Set(devices.map(kindOf))).toEqual(new Set(["bridge", "vlan", "vrf", "vxlan"]));
  for (const file of devices) {
    // Nothing hangs on that one: it has no ports.
    const isRemade = kindOf(file) !== "bridge" || nameIn(file) === "netgen-cut";
    const expected = [...(isRemade ? [`networkctl delete ${nameIn(file)}`] : []), "networkctl reload"];
    const enslaved = file.after.slice(expected.length);
    expect(file.after, file.path).toEqual([...expected, ...enslaved]);
    // What was in a VRF has to be put into the new one.
    const isSlave = (command: string): boolean => {
      const path = file.path.replace(
        /20-netgen.*/,
        `20-netgen-${command.replace("networkctl reconfigure ", "")}.network`,
      );
      return files.some((each) => each.path === path && textOf(each).includes(`\nVRF=${nameIn(file)}\n`));
    };
    expect(enslaved.filter((command) => !isSlave(command))).toEqual([]);
    expect(enslaved.length > 0).toBe(kindOf(file) === "vrf");
    expect(file.gone ?? [], file.path).toEqual(isOwnBridge(file) ? [`networkctl delete ${nameIn(file)}`] : []);
  }
  const deleting = files.filter(({ after }) => after.some((command) => command.includes("delete")));
  expect(deleting.filter((file) => !devices.includes(file))).toEqual([]);
});

test("has systemd read every unit and drop-in before anything is done with it", () => {
  const units = files.filter(({ path }) => path.includes("/etc/systemd/system/"));
  expect(units.length).toBeGreaterThan(0);
  expect(units.filter(({ after }) => after[0] !== "systemctl daemon-reload").map(({ path }) => path)).toEqual([]);
});

test("lets a unit be started however often, where others ask for it or it is started again by itself", () => {
  const units = files.filter(({ path }) => /\/etc\/systemd\/system\/[^/]+\.service$/.test(path));
  const isStartedOften = (text: string): boolean => /^Restart=always$|^WantedBy=wg-quick@/m.test(text);
  const often = units.filter((file) => isStartedOften(textOf(file)));
  expect(new Set(often.map(({ path }) => path.replace(/.*\//, "")))).toEqual(
    new Set([
      "netgen-egress.service",
      "netgen-endpoints.service",
      "netgen-exit@.service",
      "netgen-lan-routes.service",
      "netgen-vlans.service",
    ]),
  );
  const limited = often.filter((file) => !/^StartLimitIntervalSec=0$/m.test(textOf(file)));
  expect(limited.map(({ path }) => path)).toEqual([]);
});

test("reloads the tunnels of a host that may be silent only where they run", () => {
  const hubs = must(
    scenarios.find(({ name }) => name === "vrrp-hubs"),
    "there is such a scenario",
  );
  const commands = compile(sourceOf(hubs))
    .files.filter((file) => file.path.endsWith("/wg0.conf"))
    .map((file) => [file.path, ...file.after]);
  const silent = "systemctl try-reload-or-restart wg-quick@wg0.service";
  expect(commands).toEqual([
    ["branch/etc/wireguard/wg0.conf", "systemctl reload wg-quick@wg0.service"],
    ["hub1/etc/wireguard/wg0.conf", silent],
    ["hub2/etc/wireguard/wg0.conf", silent],
    ["laptop/etc/wireguard/wg0.conf", "systemctl reload wg-quick@wg0.service"],
  ]);
});

test("reloads FRR for another daemon, and restarts it only for more file descriptors", () => {
  const afterDaemons = (count: number, shape = ""): readonly string[] => {
    const names = Array.from({ length: count }, (_, index) => `h${index + 1}`);
    const hosts = names.map((name, index) => `  ${name}: {id: ${index + 1}, endpoint: "${name}.example.net"}\n`);
    const rest = "bgp: {asn: 65000}\nsubnets: {s: {vxlan: {vni: 100}, hosts: all}}\n";
    const text = `wireguard: {addresses: [10.250.0.0/16]${shape}}\nhosts:\n${hosts.join("")}${rest}`;
    const { files } = compileText(text, Object.fromEntries(names.map((name) => [name, testPublicKey(name)])));
    return must(
      files.find(({ path }) => path === "h1/etc/frr/daemons"),
      "a host with BGP has one",
    ).after;
  };
  expect(afterDaemons(481)).toEqual(["systemctl reload frr.service"]);
  expect(afterDaemons(482)).toEqual(["systemctl restart frr.service"]);
  // A hub has two sessions with each spoke, for routes and for EVPN.
  const hubs = ", transit: [172.16.0.0/12], shape: hub-and-spoke, hubs: [h1, h2]";
  expect([afterDaemons(241, hubs), afterDaemons(242, hubs)]).toEqual([
    ["systemctl reload frr.service"],
    ["systemctl restart frr.service"],
  ]);
});

describe("the table of docs/outputs.md", () => {
  const page = readFileSync(new URL("../docs/outputs.md", import.meta.url), "utf8");
  const table = page.split("| after a change of | on the host |\n")[1]?.split("\n\n")[0] ?? "";
  const quoted = (text: string): readonly string[] => [...text.matchAll(/`([^`]+)`/g)].map(([, each = ""]) => each);
  /** What stands for any name. */
  const toRegExp = (text: string): string => text.replace(/[.*@]/g, "\\$&").replace(/\b(?:IF|VRF|NAME)\b/g, "[^/ ]+");

  /** The paths that the first cell of a row means; a name without a directory is in that of the one before. */
  function pathsOf(cell: string): RegExp {
    if (cell.includes(".netdev")) return /^etc\/systemd\/network\/.*\.netdev$/;
    let directory = "";
    const paths = quoted(cell).map((name) => {
      if (name.includes("/")) directory = name.slice(0, name.lastIndexOf("/") + 1);
      return toRegExp(name.includes("/") ? name : `${directory}${name}`);
    });
    const isWhole = !/^anything|\.d`$|keepalived`$/.test(cell);
    return new RegExp(`^(?:${paths.join("|")})${isWhole ? "$" : "/"}`);
  }

  const rows = table
    .split("\n")
    .filter((line) => line.startsWith("| "))
    .map((line) => {
      const [, paths = "", commands = ""] = line.split("|").map((cell) => cell.trim());
      return { paths: pathsOf(paths), isOfDevices: paths.includes(".netdev"), commands };
    });

  const rowOf = ({ path, after }: OutputFile) =>
    rows.find(({ paths, isOfDevices }) => {
      const isDeleting = after.some((command) => command.includes("delete"));
      return paths.test(path.slice(path.indexOf("/") + 1)) && (!isOfDevices || isDeleting);
    });

  /** A command stands there whole, or its verb, and its unit or that of several. */
  function isIn(cell: string, command: string): boolean {
    const [, verb = "", unit = ""] = /^(\S+ \S+) ?(.*)$/.exec(command) ?? [];
    const words = quoted(cell);
    const names = (text: string): boolean =>
      words.some((word) => new RegExp(`^${toRegExp(word)}$`).test(text)) ||
      (text.endsWith(".timer") && cell.includes("timer"));
    return names(command) || (names(verb) && (names(unit) || unit.includes("*")));
  }

  test("has every command of every file", () => {
    const missing = files.filter((file) => {
      const { commands } = rowOf(file) ?? {};
      if (commands === undefined) return true;
      return commands.startsWith("nothing") ? file.after.length > 0 : !file.after.every((each) => isIn(commands, each));
    });
    const said = missing.map(({ path, after }) => `${path.replace(/^[^/]+\//, "")}: ${after.join("; ") || "nothing"}`);
    expect([...new Set(said)], "each of these needs its row").toEqual([]);
  });

  test("has no row for files that never come out", () => {
    const used = new Set(files.map(rowOf));
    expect(rows.length).toBeGreaterThan(15);
    expect(rows.filter((row) => !used.has(row)).map(({ paths }) => paths)).toEqual([]);
  });
});
