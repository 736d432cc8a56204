/** The lab tests itself: trees that are broken on purpose, each caught by the promise that it breaks. */
import { expect, test } from "vitest";
import { must } from "../../src/base/invariant.ts";
import { compile } from "../../src/compile.ts";
import type { PlacedFile } from "../../src/lab/boot.ts";
import { openLab, type Tamper } from "../../src/lab/lab.ts";
import type { PromiseKind, Proven } from "../../src/lab/promise.ts";
import { proveKind, provers } from "../../src/lab/prove.ts";

/** A stretched segment with EVPN and a gateway, a routed subnet on each of two hosts, and a third to be confused with. */
const TOPOLOGY = `
netgen: 1
name: self
wireguard: {addresses: [10.250.0.0/24]}
bgp: {asn: 65000}
hosts:
  alpha: {id: 1, endpoint: 198.51.100.1, publicKey: "zdPzmIxnUBw7kA72BX2sF2xSdu7u8OZI2Rhm3d7HzGg="}
  beta: {id: 2, endpoint: 203.0.113.9, publicKey: "c2EjgnCEKBJ6WEAbxM94zB1qZwn4TapenDWROXgct1s="}
  gamma: {id: 3, endpoint: 192.0.2.3, publicKey: "ACZ6LDpMyCoKDVNqjYAEGuaUqE97ZPbpYvbIFy97bXY="}
subnets:
  guests: {cidr: 10.77.0.0/24, vxlan: {vni: 100}, hosts: [alpha, beta], gateway: {alpha: 10.77.0.1}}
  vms-alpha: {cidr: 10.78.1.0/24, hosts: [alpha]}
  vms-beta: {cidr: 10.78.2.0/24, hosts: [beta]}
`;

const everywhere =
  (path: RegExp, edit: (text: string) => string): Tamper =>
  (_, files) =>
    files.map((file) => (path.test(file.path) ? { ...file, text: changed(file, edit) } : file));

/** A tamper that changes nothing would prove nothing. */
function changed({ path, text }: PlacedFile, edit: (text: string) => string): string {
  const edited = edit(text);
  must(edited === text ? undefined : edited, `${path} is changed`);
  return edited;
}

const only =
  (name: string, tamper: Tamper): Tamper =>
  (host, files) =>
    host === name ? tamper(host, files) : files;

const inOrder =
  (...tampers: readonly Tamper[]): Tamper =>
  (host, files) =>
    tampers.reduce((result, tamper) => tamper(host, result), files);

const withFile =
  (path: string, text: string): Tamper =>
  (_, files) => [...files, { path, text, mode: 0o644, owner: "root", group: "root" }];

const without = (expression: RegExp) => (text: string) => text.replaceAll(expression, "");

/**
 * What disturbs the lab (reloads, clamps taken out) is asked only where it is what breaks: in a lab with something else
 * broken it would wait for what never comes.
 */
const askedFor = (breaks: readonly PromiseKind[]) =>
  provers.filter(({ kind, isAlone }) => !isAlone || breaks.length === 0 || (kind !== "tcp" && breaks.includes(kind)));

async function brokenOf(tamper: Tamper, breaks: readonly PromiseKind[]): Promise<readonly Proven[]> {
  const { files, model } = compile({ name: "topology.yaml", text: TOPOLOGY });
  const network = must(model, "the topology has no mistake");
  const quiet = { onPhase: () => undefined, onBooted: () => undefined };
  const { lab, root } = await openLab({ network, files }, quiet, tamper);
  try {
    const proven: Proven[] = [];
    for (const prover of askedFor(breaks)) proven.push(...(await proveKind(lab, prover, () => undefined)));
    return proven.filter(({ isKept }) => !isKept);
  } finally {
    await root.close();
  }
}

const DEVICE = /vx100\.(netdev|network)$/;
const NETDEV = /vx100\.netdev$/;
const RULES = /netgen\.nft$/;
const DROP_IN = /wg-quick@wg0\.service\.d\/10-netgen\.conf$/;

/** What wg-quick@.service itself says. */
const PLAIN_RELOAD = `ExecReload=/bin/bash -c 'exec wg syncconf %i <(exec wg-quick strip %i)'`;

interface Case {
  readonly what: string;
  readonly tamper: Tamper;
  /** The kinds of promises that it breaks, all of them. */
  readonly breaks: readonly PromiseKind[];
}

const CASES: readonly Case[] = [
  { what: "nothing", tamper: (_, files) => files, breaks: [] },
  {
    what: "a WireGuard MTU that is 20 bytes too big",
    tamper: everywhere(/wg0\.conf$/, (text) => text.replace("MTU = 1440", "MTU = 1460")),
    breaks: ["mtu"],
  },
  {
    what: "a VXLAN device of 1500 bytes",
    tamper: everywhere(DEVICE, (text) => text.replace(/MTUBytes=\d+/, "MTUBytes=1500")),
    breaks: ["mtu"],
  },
  {
    what: "clamps that were taken out",
    tamper: everywhere(RULES, without(/^.*maxseg.*\n/gm)),
    breaks: ["tcp"],
  },
  {
    what: "clamps of one direction, on one host",
    tamper: inOrder(
      only("alpha", everywhere(RULES, without(/^.*oifname.*maxseg.*\n/gm))),
      only("beta", everywhere(RULES, without(/^.*maxseg.*\n/gm))),
    ),
    breaks: ["tcp"],
  },
  {
    what: "wg-quick's own reload instead of the drop-in's",
    tamper: everywhere(DROP_IN, (text) => text.replace(/^ExecReload=\/.*$/m, PLAIN_RELOAD)),
    breaks: ["life"],
  },
  {
    what: "a VXLAN device that hangs on wg0 instead of being independent",
    tamper: inOrder(
      everywhere(NETDEV, without(/^Independent=.*\n/gm)),
      everywhere(/05-netgen-wg0\.network$/, (text) =>
        text.replace(
          "Unmanaged=yes",
          "Unmanaged=no\n[Network]\nVXLAN=vx100\nKeepConfiguration=yes\nLinkLocalAddressing=no",
        ),
      ),
    ),
    // Besides, the kernel holds a device that hangs on another to that one's MTU less 70 bytes, whatever its outer family.
    breaks: ["life", "daemons", "mtu", "tcp"],
  },
  {
    what: "MACs that follow from a machine-id in common",
    tamper: inOrder(
      everywhere(/\.netdev$/, (text) => text.replaceAll(/^MACAddress=.*\n/gm, "")),
      withFile("/etc/machine-id", "0123456789abcdef0123456789abcdef\n"),
    ),
    // All that needs the gateway, of which each host believes to be it itself.
    breaks: ["evpn", "reachability", "mtu", "tcp", "guard"],
  },
  {
    what: "no guard",
    tamper: everywhere(RULES, without(/^.*jump guard\n/gm)),
    breaks: ["guard"],
  },
  {
    what: "AllowedIPs that another peer has as well",
    tamper: only(
      "alpha",
      everywhere(/wg0\.conf$/, (text) => text.replace("AllowedIPs = 10.250.0.3/32", "$&, 10.78.2.0/24")),
    ),
    // What has no way is not measured either.
    breaks: ["reachability", "mtu", "tcp"],
  },
];

test.each(CASES)("$what breaks $breaks", async ({ tamper, breaks }) => {
  const broken = await brokenOf(tamper, breaks);
  const lines = broken.map(({ kind, subject, promise, measured }) => `${kind} ${subject}: ${promise}: ${measured}`);
  expect([...new Set(broken.map(({ kind }) => kind))].sort(), lines.join("\n")).toEqual([...breaks].sort());
});
