/** Two fleets on hosts that boot by themselves: the second is brought by its bundle, both live through a boot, either is taken off. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { must } from "../../src/base/invariant.ts";
import { compile } from "../../src/compile.ts";
import { booted } from "../../src/lab/machine/boot.ts";
import type { Box } from "../../src/lab/machine/box.ts";
import { makeKeys } from "../../src/lab/machine/keys.ts";
import { openLab } from "../../src/lab/machine/open.ts";
import { eventually } from "../../src/lab/machine/patience.ts";
import { runningHosts } from "../../src/lab/machine/running.ts";
import { FIXTURES } from "../fixtures.ts";
import { isWhole } from "../proofs.ts";
import { missingOn, put, quiet, stage } from "./computers.ts";
import { OF_FIRST, OF_SECOND, read, removal, silentOf, takeOffWhole } from "./two-fleets.ts";

/** The second fleet with keys of this run, and what a deployer lays beside a host's bundle. */
async function secondFleet() {
  const { model } = read("topology.yaml");
  const keys = await makeKeys(model);
  const publicKeys = Object.fromEntries(
    model.hosts.map(({ name, publicKey }) => [name, must(keys.publicKeys.get(publicKey), "each has another")]),
  );
  const text = readFileSync(`${FIXTURES}/fleet/topology.yaml`, "utf8").replace(/,? *publicKey: "[^"]+"/g, "");
  const { files, units } = compile({ name: "topology.yaml", text }, { publicKeys });
  const secretsOf = (name: string): readonly (readonly [string, string])[] => [
    ["etc/wireguard/wg2-0.key", must(keys.privateKeys.get(name), "each has one")],
    ...model.hosts
      .filter((other) => other.name !== name)
      .map((other) => [`etc/wireguard/psk2/${other.name}.psk`, keys.presharedKey] as const),
  ];
  return (box: Box): void => {
    stage(box, { name: model.name, files, units }, "/root/second");
    for (const [path, secret] of secretsOf(box.name)) put(box, `/root/second/${path}`, `${secret}\n`, 0o600);
  };
}

/** The third host of the second fleet is on no machine here. */
const missing = (box: Box, fleet: "" | "2"): Promise<readonly string[]> =>
  missingOn(box, { fleet, isMeant: (line) => !/gamma|10\.240\.0\.3|fd00:240::3/.test(line) });

async function bothAlive(boxes: readonly Box[]): Promise<void> {
  for (const box of boxes) expect([...(await missing(box, "")), ...(await missing(box, "2"))], box.name).toEqual([]);
}

test("both live side by side and through a boot; either is taken off", { timeout: 900_000 }, async ({
  signal,
  skip,
}) => {
  skip(
    !isWhole,
    "SKIPPED without NETGEN_PROOFS=whole: hosts of two fleets boot; by themselves they are shown to live side by side",
  );
  const first = read("beside.yaml");
  const staged = await secondFleet();
  const { lab, root } = await openLab({ ...first, network: first.model, isBooting: true }, quiet);
  signal.addEventListener("abort", root.close);
  try {
    const hosts = runningHosts(lab);
    const boxes = hosts.map(({ box }) => box);
    const bring = async (): Promise<void> => {
      for (const box of boxes) {
        staged(box);
        const applied = await box.attempt("/root/second/etc/netgen2/apply");
        expect(applied, applied.output).toMatchObject({ status: 0 });
      }
    };
    const remove = async (fleet: string, ofFleet: RegExp): Promise<void> => {
      for (const box of boxes)
        await takeOffWhole(box, ofFleet, async () => void (await box.run("bash", "-uc", removal(fleet))));
    };

    await bring();
    await bothAlive(boxes);
    const alpha = must(hosts[0], "there is a host");
    await alpha.box.power?.off();
    await alpha.box.power?.on();
    await booted(alpha.box, alpha.files);
    await bothAlive(boxes);

    await remove("2", OF_SECOND);
    for (const box of boxes) expect(await missing(box, ""), box.name).toEqual([]);

    await bring();
    // What is to stay as it was has to have come to rest: the exit opens when its probe is answered.
    const isOpen = async (): Promise<boolean> =>
      (await alpha.box.attempt("grep", "beta", "/run/netgen2/egress")).status === 0;
    expect(await eventually(isOpen)).toBe(true);
    await bothAlive(boxes);
    for (const box of boxes) await box.run("systemctl", "disable", "--now", "frr.service");
    await remove("", OF_FIRST);
    for (const box of boxes) expect(await missing(box, "2"), box.name).toEqual([]);
    expect(await silentOf(must(boxes[0], "it is there"), "10.240.0.2", "fd00:240::2", "10.82.0.1")).toEqual([]);
  } finally {
    await root.close();
  }
});
