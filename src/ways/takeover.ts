/** Who takes over when something goes down without a word, and after how long at the most. Pure. */
import { failoverOf } from "../model/loopback.ts";
import type { Network } from "../model/network.ts";
import type { Course, Working } from "./flows.ts";
import type { Loss } from "./loss.ts";

/**
 * `bgp`: the hosts choose another way. `exit`: another way out is open. `vrrp`: the other of two that share an address has it
 *now.
 */
export interface Takeover {
  readonly by: "bgp" | "exit" | "vrrp";
  /** Milliseconds; `undefined`: nobody has a bound for it. */
  readonly withinMs: number | undefined;
}

/** Three pings a second apart without an answer, asked every 2 s, and a look of 2 s (templates/egress/): docs/exits.md. */
const EXIT_MS = 8000;
/** FRR's hold time with its datacenter defaults, without BFD; and a second to choose anew. */
const [HOLD_MS, CHANGE_MS] = [9000, 1000];
/**
 * An advertisement is missed three times, with a skew (RFC 5798 §6.1): 4 s; then who sends notices after 15 s (WireGuard's
 * KEEPALIVE_TIMEOUT + REKEY_TIMEOUT), and tries every 5 s. What does not send is found by its next handshake: docs/gateways.md.
 */
const VRRP_MS = 24_000;

/** When BGP has seen that a session is gone, and chosen anew. */
function bgpMs(network: Network): number | undefined {
  const { bgp } = network;
  if (bgp.kind === "none") return undefined;
  const failover = failoverOf(network);
  if (failover !== undefined) return failover.boundMs;
  return (bgp.bfd.kind === "on" ? Math.min(bgp.bfd.intervalMs * bgp.bfd.multiplier, HOLD_MS) : HOLD_MS) + CHANGE_MS;
}

/** A flow that goes another way. */
export interface Moved extends Working {
  readonly after: Course;
}

/** What a flow that goes elsewhere owes that to. */
export function takeoverOf(network: Network, loss: Loss, { flow, course: before, after }: Moved): Takeover {
  const isOut = flow.kind === "leaving" && before.exit !== after.exit;
  if (isOut && flow.from.station?.vrf === undefined) return { by: "exit", withinMs: EXIT_MS };
  if (isOut) return { by: "exit", withinMs: bgpMs(network) };
  const isCouple = network.hosts.some(({ name, vrrp }) => vrrp !== undefined && loss.yielding.includes(name));
  // With tunnels of their own BGP has chosen before the address is taken over.
  if (isCouple && failoverOf(network) === undefined) return { by: "vrrp", withinMs: VRRP_MS };
  if (isCouple) return { by: "vrrp", withinMs: Math.max(bgpMs(network) ?? 0, 4000) };
  return { by: "bgp", withinMs: bgpMs(network) };
}
