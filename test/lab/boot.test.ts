/** The lab's boots test themselves: trees that are broken on purpose, each caught by a promise that a booted host makes. */
import { test } from "vitest";
import { must } from "../../src/base/invariant.ts";
import type { PlacedFile } from "../../src/lab/machine/keys.ts";
import type { Tamper } from "../../src/lab/machine/open.ts";
import type { LabPromise, PromiseKind, Prover } from "../../src/lab/measure/promise.ts";
import { provers } from "../../src/lab/prove.ts";
import { forNow } from "../proofs.ts";
import { proveTampered } from "./netgen-lab.ts";

/** A segment with EVPN that one of two hosts is the gateway of. */
const TOPOLOGY = `
netgen: 1
name: boots
wireguard: {addresses: [10.250.0.0/24]}
bgp: {asn: 65000}
hosts:
  alpha: {id: 1, endpoint: 198.51.100.1, publicKey: "zdPzmIxnUBw7kA72BX2sF2xSdu7u8OZI2Rhm3d7HzGg="}
  beta: {id: 2, endpoint: 203.0.113.9, publicKey: "c2EjgnCEKBJ6WEAbxM94zB1qZwn4TapenDWROXgct1s="}
subnets:
  guests: {cidr: 10.77.0.0/24, vxlan: {vni: 100}, hosts: [alpha, beta], gateway: {alpha: 10.77.0.1}}
`;

/** A tamper that changes nothing would prove nothing. */
const changed = (file: PlacedFile, from: RegExp, to: string): PlacedFile => {
  const text = file.text.replaceAll(from, to);
  must(text === file.text ? undefined : text, `${file.path} is changed`);
  return { ...file, text };
};

const onAlpha =
  (path: RegExp, from: RegExp, to: string): Tamper =>
  (host, files) =>
    host === "alpha" ? files.map((file) => (path.test(file.path) ? changed(file, from, to) : file)) : files;

interface Case {
  readonly what: string;
  /** Of alpha's keys in the topology, which has none of them else. */
  readonly keys: string;
  readonly tamper: Tamper;
  /** Left out: `boot`. */
  readonly kind?: PromiseKind;
  /** What is asked of alpha, by subject and promise. */
  readonly asks: RegExp;
  readonly says: RegExp;
  /** Asked on each change: one as it came up, one after a restart of what it is not alone with. */
  readonly isForEachChange?: true;
}

/** A router of somebody else's. */
const PEER = ", peers: [{address: 192.168.30.2, asn: 64600, accept: [10.90.0.0/24], passwordFile: /etc/netgen/rack}]";

const AS_IT_CAME_UP = /^alpha: /;

const CASES: readonly Case[] = [
  {
    what: "routes that are to come after the tunnel that waits for them",
    isForEachChange: true,
    keys: "",
    tamper: onAlpha(
      /netgen-routes\.service$/,
      /^After=network-pre\.target$/gm,
      "After=network-pre.target wg-quick@wg0.service",
    ),
    asks: AS_IT_CAME_UP,
    says: /no ordering cycle, and no warning: .*[Oo]rdering cycle/,
  },
  {
    what: "a ruleset with a word that nft does not know",
    keys: "",
    tamper: onAlpha(/netgen\.nft$/, /jump guard$/gm, "jumps guard"),
    asks: AS_IT_CAME_UP,
    says: /none has failed: .*netgen-nftables\.service has failed/,
  },
  {
    what: "keys of interfaces without their dash",
    keys: "",
    tamper: onAlpha(/90-netgen\.conf$/, /^-net/gm, "net"),
    asks: AS_IT_CAME_UP,
    says: /no warning: .*Couldn't write '2' to 'net\/ipv4\/conf\/wg0\/rp_filter'/,
  },
  {
    what: "rules that do not follow nftables.service",
    isForEachChange: true,
    keys: "",
    tamper: onAlpha(/nftables\.service\.d\/10-netgen\.conf$/, /^Exec.*\n/gm, ""),
    asks: /^alpha, after a (?:restart|reload|stop|start) of nftables:/,
    says: /^alpha, after a restart .* flushed .*\n.* a reload .* flushed .*\n.* a stop .* flushed .*\n.* a start .* flushed /,
  },
  {
    what: "rules that nobody looks after",
    keys: "",
    tamper: onAlpha(/netgen\/nft-watch$/, /^keep .*\n/gm, ""),
    asks: /^alpha, after nft -f /,
    says: /the rules are not what they were, 60 s later; table inet netgen is not loaded; .*; no warning/,
  },
  {
    what: "daemons that watchfrr has no patience with",
    keys: "",
    tamper: onAlpha(/frr\/daemons$/, /^watchfrr_options=.*\n/gm, ""),
    asks: /^alpha, after a start of FRR on a slow machine:/,
    says: /still running after 20 seconds/,
  },
  {
    what: "a reload that takes the passwords of sessions back",
    isForEachChange: true,
    keys: PEER,
    tamper: onAlpha(/frr\/daemons$/, /^RELOAD_SCRIPT=.*$/gm, "RELOAD_SCRIPT=/etc/netgen/frr-reload"),
    asks: /^alpha, after a reload of FRR, /,
    says: /the session with 192\.168\.30\.2 was lost/,
  },
  {
    what: "a session that is open without its password",
    keys: PEER,
    tamper: onAlpha(/frr\/frr\.conf$/, /^ neighbor \S+ shutdown\n/gm, ""),
    asks: /^alpha, after a restart of FRR without /,
    says: /the session with 192\.168\.30\.2 is not shut/,
  },
  {
    what: "waiting for networkd, which has none of the links that make this host online",
    keys: ", networkManager: other",
    tamper: onAlpha(/wait-online\.service\.d\/10-netgen\.conf$/, /^ExecCondition=.*\n/gm, ""),
    asks: AS_IT_CAME_UP,
    says: /systemd-networkd-wait-online\.service has failed[\s\S]*the network is there at once: after \d+\.\d s, expected within/,
  },
  {
    what: "not waiting for networkd, which has the uplink",
    keys: "",
    tamper: onAlpha(/wait-online\.service\.d\/10-netgen\.conf$/, /^ExecCondition=.*$/gm, "ExecCondition=/bin/false"),
    asks: /^alpha, after a boot with an uplink that comes/,
    says: /the network is there -\d+\.\d s after its uplink/,
  },
  {
    what: "routes that a reboot forgets",
    keys: "",
    tamper: onAlpha(/netgen-routes\.service$/, /^WantedBy=multi-user\.target$/gm, "WantedBy=rescue.target"),
    asks: AS_IT_CAME_UP,
    says: /netgen-routes\.service is inactive, expected active/,
  },
  {
    // Only where udev tells networkd of its links: without that it has no eye for what is there before it.
    what: "an address whose broadcast address networkd is not told",
    keys: "",
    tamper: onAlpha(/br100\.network$/, /^Broadcast=.*\n/gm, ""),
    kind: "life",
    asks: /^alpha, restart of networkd:/,
    says: /10\.77\.0\.1\/24 was taken from br100 for a while/,
  },
];

const askedOf = ({ asks, kind: asked = "boot" }: Case): readonly Prover[] =>
  provers
    .filter(({ kind }) => kind === asked)
    .map((prover) => ({
      ...prover,
      promises: (lab) =>
        prover.promises(lab).filter(({ subject, promise }: LabPromise) => asks.test(`${subject}: ${promise}`)),
    }));

const cases = forNow(CASES, ({ isForEachChange = false }) => isForEachChange, "broken trees that boot");

test.concurrent.for(cases)("$what", { timeout: 1_800_000 }, async (each, { expect, signal }) => {
  const { tamper, keys } = each;
  const topology = TOPOLOGY.replace("{id: 1", `{id: 1${keys}`);
  const proven = await proveTampered({ topology, tamper, provers: askedOf(each), isBooting: true, signal });
  const broken = proven.filter(({ isKept }) => !isKept);
  const lines = broken.map(({ subject, promise, measured }) => `${subject}: ${promise}: ${measured}`);
  expect(proven.length).toBeGreaterThan(0);
  expect(lines.join("\n")).toMatch(each.says);
});
