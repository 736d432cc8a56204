/** Two fleets on the same hosts, each with its tree: both are alive, and either is taken off without a trace. */
import { describe, expect, test } from "vitest";
import { must } from "../../src/base/invariant.ts";
import { bootHost, install, serveFrr } from "../../src/lab/machine/boot.ts";
import { type Box, writeInto } from "../../src/lab/machine/box.ts";
import { filesOf, makeKeys, type PlacedFile } from "../../src/lab/machine/keys.ts";
import { openLab } from "../../src/lab/machine/open.ts";
import { eventually } from "../../src/lab/machine/patience.ts";
import type { Lab, RunningHost } from "../../src/lab/machine/running.ts";
import type { PromiseKind } from "../../src/lab/measure/promise.ts";
import { daemonProblems } from "../../src/lab/prove/daemons.ts";
import { proveKind, provers } from "../../src/lab/prove.ts";
import { fleetMark } from "../../src/model/fleet.ts";
import type { Network } from "../../src/model/network.ts";
import { quiet } from "./computers.ts";
import { OF_FIRST, OF_SECOND, read, removal, silentOf, takeOffWhole } from "./two-fleets.ts";

// A box has no systemd: units are ended as it would end them, and links go as networkd lets them go.
const SYSTEMCTL = `#!/bin/bash
cd /etc/systemd/system || exit
case $1 in
  list-units) for each in \${*: -1}; do echo "\${each/@.service/@default.service} loaded"; done ;;
  disable)
    shift 2
    for unit; do
      if [[ $unit == wg-quick@* ]]; then
        unit=\${unit#wg-quick@}
        exec wg-quick down "\${unit%.service}"
      fi
      file=\${unit/@*.service/@.service} instance=\${unit#*@}
      line() { sed -n "s/^$1=-\\?//p" "$file" | sed "s/%i/\${instance%.service}/g"; }
      start=$(line ExecStart) stop=$(line ExecStop) post=$(line ExecStopPost)
      [[ -z $start ]] || pkill -f -- "$start\\$"
      while [[ -n $start ]] && pgrep -f -- "$start\\$" > /dev/null; do sleep 0.2; done
      bash -c "$stop"
      bash -c "$post"
    done ;;
esac
true
`;
const NETWORKCTL = `#!/bin/bash
[[ $1 != delete ]] || exec ip link delete "$2"
`;
const SHIMS = `
for name in systemctl networkctl; do
  mountpoint -q "/usr/bin/$name" || mount --bind "/run/$name" "/usr/bin/$name"
done
`;

async function takeOff(box: Box, fleet: string): Promise<void> {
  writeInto(box, "/run/systemctl", SYSTEMCTL, 0o755);
  writeInto(box, "/run/networkctl", NETWORKCTL, 0o755);
  await box.shell(SHIMS);
  writeInto(box, "/run/removal", removal(fleet));
  await box.run("bash", "/run/removal");
}

interface Fleet {
  readonly network: Network;
  readonly files: ReadonlyMap<string, readonly PlacedFile[]>;
}

/** A host of the second fleet, in the box of the first one's. */
const asOf = (lab: Lab, { network, files }: Fleet): readonly RunningHost[] =>
  network.hosts.flatMap((host) => {
    const box = lab.hosts.get(host.name);
    if (box === undefined) return [];
    return [
      {
        host,
        box: { ...box, fleet: fleetMark(network) },
        files: must(files.get(host.name), "it has files"),
        units: [],
      },
    ];
  });

const isLink = ({ path }: PlacedFile): boolean => path.startsWith("/etc/systemd/network/");

const KINDS: readonly PromiseKind[] = ["handshake", "reachability", "evpn", "exits"];

async function brokenOf(lab: Lab, kinds = KINDS): Promise<readonly string[]> {
  const asked = provers.filter(({ kind }) => kinds.includes(kind));
  const proven = [];
  for (const prover of asked) proven.push(...(await proveKind(lab, prover, () => undefined)));
  expect(proven.length).toBeGreaterThan(20);
  return proven
    .filter(({ isKept }) => !isKept)
    .map(({ subject, promise, measured }) => `${subject}: ${promise}: ${measured}`);
}

/** Both fleets, up side by side; the second one's links are made by the same networkd. */
async function openBoth(first: ReturnType<typeof read>, second: ReturnType<typeof read>) {
  const keys = await makeKeys(second.model);
  const files = new Map(second.model.hosts.map((host) => [host.name, filesOf(host, second, keys)] as const));
  const { lab, root } = await openLab({ ...first, network: first.model }, quiet, (name, own) => [
    ...own,
    ...(files.get(name) ?? []).filter(isLink),
  ]);
  const others = asOf(lab, { network: second.model, files });
  try {
    for (const { box, host, files: own } of others) {
      await install(box, host, own, keys);
      await bootHost(
        box,
        host,
        own.filter((file) => !isLink(file)),
      );
    }
  } catch (error) {
    await root.close();
    throw error;
  }
  return { lab, root, others };
}

interface Both extends Awaited<ReturnType<typeof openBoth>> {
  readonly alpha: Box;
  readonly beta: Box;
}

const first = () => read("beside.yaml");
const second = () => read("topology.yaml");

async function withBoth(ask: (both: Both) => Promise<void>): Promise<void> {
  const both = await openBoth(first(), second());
  const [alpha, beta] = ["alpha", "beta"].map((name) => must(both.lab.hosts.get(name), "it is in both"));
  try {
    await ask({ ...both, alpha: must(alpha, "it is there"), beta: must(beta, "it is there") });
  } finally {
    await both.root.close();
  }
}

/** What the second fleet does is as it is to be. */
async function secondIsAlive({ others, alpha, beta }: Both): Promise<void> {
  for (const other of others) {
    const problems = await daemonProblems(other);
    // Only systemd's bus tells networkd that files are gone: it would make the first fleet's links anew.
    expect(problems.filter((each) => !each.startsWith("networkd: vx100: "))).toEqual([]);
  }
  expect(await eventually(async () => (await alpha.attempt("grep", "beta", "/run/netgen2/egress")).status === 0)).toBe(
    true,
  );
  expect(await silentOf(alpha, "10.240.0.2", "fd00:240::2", "10.82.0.1")).toEqual([]);
  expect(await silentOf(beta, "10.240.0.1", "10.81.0.1")).toEqual([]);
}

describe("two fleets on alpha and beta", () => {
  test("both are alive; without the second the first is as it was", () =>
    withBoth(async (both) => {
      await secondIsAlive(both);
      expect(await brokenOf(both.lab, ["daemons", ...KINDS])).toEqual([]);
      for (const box of [both.alpha, both.beta]) await takeOffWhole(box, OF_SECOND, () => takeOff(box, "2"));
      // But for the daemons: networkd, which does not know that files are gone, misses the second fleet's links.
      expect(await brokenOf(both.lab)).toEqual([]);
    }));

  test("without the first, which has BGP, the second is as it was", () =>
    withBoth(async (both) => {
      await secondIsAlive(both);
      for (const box of [both.alpha, both.beta]) {
        await serveFrr(box, "stop");
        await takeOffWhole(box, OF_FIRST, () => takeOff(box, ""));
      }
      await secondIsAlive(both);
    }));
});
