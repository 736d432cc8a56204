/** What a host does after a change: in which order, which action makes another one needless, and what each costs. */
import { invariant } from "../base/invariant.ts";

/** What an action interrupts. One table for the host's `apply --check`, the plan and its JSON. */
export interface Cost {
  readonly what: string;
  /** Milliseconds at the most; `undefined`: for good, it goes. */
  readonly atMostMs: number | undefined;
}

/** A cost in words that go on from "interrupts ". */
export const costWords = ({ what, atMostMs }: Cost): string =>
  `${what}, ${atMostMs === undefined ? "for good" : `up to ${atMostMs / 1000} s`}`;

/** A command that a change asks for. */
export interface Action {
  readonly command: string;
  /** Two digits, ascending; of equal ones the order does not matter. Up to 34 before units are started, which is 35. */
  readonly phase: number;
  /** Whose start makes it needless: what has just begun has read its files. */
  readonly unit: string;
  /** `undefined`: it interrupts nothing. */
  readonly cost: Cost | undefined;
}

interface Kind {
  readonly pattern: RegExp;
  readonly phase: number;
  readonly cost?: Cost;
}

// Bounds: that of FRR was seen (docs/bgp.md, 3 to 7 s), that of a tunnel follows from WireGuard: a handshake that was not answered is
// tried again after 5 s (REKEY_TIMEOUT). The rest is more than was ever lost in test/lab/plan.test.ts: a slow machine takes longer.
const REMADE: Cost = { what: "what this link carries", atMostMs: 5000 };
const RECONFIGURED: Cost = { what: "what this link carries", atMostMs: 1000 };
const RESTARTED: Cost = { what: "all tunnels of it, until they have shaken hands", atMostMs: 6000 };
const RELOADED: Cost = { what: "peers whose lines changed", atMostMs: 1000 };
const WITHOUT_FRR: Cost = { what: "what BGP brings", atMostMs: 7000 };

// Pods go on as they are; how long K3s takes was not measured.
const NODE_AWAY: Cost = { what: "this node's K3s, and on a server its API", atMostMs: 60_000 };

const NETWORKD = "systemd-networkd.service";

// Each needs only what stands above it: what the kernel knows, links, rules, routes, tunnels, and what speaks through them.
const KINDS: readonly Kind[] = Object.freeze([
  { pattern: /^systemctl daemon-reload$/, phase: 10 },
  { pattern: /^systemctl \S+ systemd-modules-load\./, phase: 20 },
  { pattern: /^systemctl \S+ systemd-sysctl\./, phase: 25 },
  { pattern: /^systemctl \S+ systemd-networkd\./, phase: 30 },
  { pattern: /^networkctl delete /, phase: 40, cost: REMADE },
  { pattern: /^networkctl reload$/, phase: 45 },
  { pattern: /^networkctl reconfigure /, phase: 46, cost: RECONFIGURED },
  { pattern: /^systemctl \S+ netgen\d*-vlans\./, phase: 47 },
  { pattern: /^systemctl \S+ netgen\d*-nftables/, phase: 50 },
  { pattern: /^systemctl \S+ netgen\d*-(lan-)?routes\./, phase: 55 },
  { pattern: /^systemctl restart wg-quick@/, phase: 60, cost: RESTARTED },
  { pattern: /^systemctl \S+ wg-quick@/, phase: 60, cost: RELOADED },
  { pattern: /^systemctl \S+ netgen\d*-endpoints\./, phase: 65 },
  { pattern: /^systemctl restart frr\./, phase: 70, cost: WITHOUT_FRR },
  { pattern: /^systemctl \S+ frr\./, phase: 70 },
  { pattern: /^systemctl \S+ netgen\d*-frr-passwords\./, phase: 72 },
  { pattern: /^systemctl \S+ netgen\d*-exit@/, phase: 75 },
  { pattern: /^systemctl \S+ netgen\d*-egress\./, phase: 76 },
  { pattern: /^systemctl \S+ keepalived\./, phase: 80 },
  { pattern: /^systemctl \S+ netgen\d*-radvd\./, phase: 85 },
  { pattern: /^systemctl \S+ netgen\d*-docker(-networks)?\./, phase: 90 },
  { pattern: /^systemctl \S+ netgen\d*-ovn\./, phase: 92 },
  { pattern: /^systemctl try-restart k3s/, phase: 93, cost: NODE_AWAY },
  { pattern: /^systemctl \S+ netgen\d*-(?:metrics|health)\./, phase: 95 },
]);

/** A bridge goes after its ports: by then nothing is on it but what is not netgen's. */
export const BRIDGE_PHASE = 41;

function unitOf(command: string): string {
  if (command.startsWith("networkctl ")) return NETWORKD;
  const unit = command.split(" ")[2] ?? "";
  return unit.includes("*") ? "" : unit;
}

/** The action that a command is. */
export function actionOf(command: string): Action {
  const kind = KINDS.find(({ pattern }) => pattern.test(command));
  invariant(kind !== undefined, `nothing says when to run ${command}`);
  return { command, phase: kind.phase, unit: unitOf(command), cost: kind.cost };
}

/** What is done for a bridge that no file says any more. */
export const removalOf = (command: string): Action => ({
  ...actionOf(command),
  phase: BRIDGE_PHASE,
  cost: { what: "guests on this bridge", atMostMs: undefined },
});

/** Pairs of commands, the first of which makes the second needless. */
export function replacements(commands: readonly string[]): readonly (readonly [string, string])[] {
  const asked = new Set(commands);
  return [...asked].flatMap((command) => {
    const unit = /^systemctl restart (.*)$/.exec(command)?.[1];
    const weaker = ["reload", "try-reload-or-restart"].map((verb) => `systemctl ${verb} ${unit}`);
    return unit === undefined ? [] : weaker.filter((each) => asked.has(each)).map((each) => [command, each] as const);
  });
}
