/** What a host does after a file changed; the commands of every golden file stand in its scenario's after.txt. */
import { expect, test } from "vitest";
import { must } from "../src/base/invariant.ts";
import { compile } from "../src/compile.ts";
import type { OutputFile } from "../src/emit/file.ts";
import { compileText } from "./compile-text.ts";
import { listFixtures, sourceOf, textOf } from "./fixtures.ts";
import { testPublicKey } from "./test-keys.ts";

const scenarios = listFixtures().filter(({ kind }) => kind === "scenario");
const files = scenarios.flatMap((fixture) => compile(sourceOf(fixture)).files);

test("deletes the device of a vxlan or a VRF first, and never a bridge, whatever it is called", () => {
  const kindOf = (file: OutputFile): string => /^Kind=(.+)$/m.exec(textOf(file))?.[1] ?? "";
  const nameIn = (file: OutputFile): string => /^Name=(.+)$/m.exec(textOf(file))?.[1] ?? "";
  const devices = files.filter(({ path }) => path.endsWith(".netdev"));
  expect(new Set(devices.map(kindOf))).toEqual(new Set(["bridge", "vrf", "vxlan"]));
  for (const file of devices) {
    const isRemade = kindOf(file) !== "bridge";
    const expected = [...(isRemade ? [`networkctl delete ${nameIn(file)}`] : []), "networkctl reload"];
    expect(file.after, file.path).toEqual(expected);
  }
  const deleting = files.filter(({ after }) => after.some((command) => command.includes("delete")));
  expect(deleting.filter((file) => !devices.includes(file))).toEqual([]);
});

test("has systemd read every unit and drop-in before anything is done with it", () => {
  const units = files.filter(({ path }) => path.includes("/etc/systemd/system/"));
  expect(units.length).toBeGreaterThan(0);
  expect(units.filter(({ after }) => after[0] !== "systemctl daemon-reload").map(({ path }) => path)).toEqual([]);
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
  const afterDaemons = (count: number): readonly string[] => {
    const names = Array.from({ length: count }, (_, index) => `h${index + 1}`);
    const hosts = names.map((name, index) => `  ${name}: {id: ${index + 1}, endpoint: "${name}.example.net"}\n`);
    const rest = "bgp: {asn: 65000}\nsubnets: {s: {vxlan: {vni: 100}, hosts: all}}\n";
    const text = `wireguard: {addresses: [10.250.0.0/16]}\nhosts:\n${hosts.join("")}${rest}`;
    const { files } = compileText(text, Object.fromEntries(names.map((name) => [name, testPublicKey(name)])));
    return must(
      files.find(({ path }) => path === "h1/etc/frr/daemons"),
      "a host with BGP has one",
    ).after;
  };
  expect(afterDaemons(481)).toEqual(["systemctl reload frr.service"]);
  expect(afterDaemons(482)).toEqual(["systemctl restart frr.service"]);
});
