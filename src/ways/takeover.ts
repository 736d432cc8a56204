/** Who takes over when something goes down without a word, and after how long at the most. Pure. */
import { failoverBound } from "../model/bgp.ts";
import type { Network } from "../model/network.ts";
import type { Course, Working } from "./flows.ts";
import type { Loss } from "./loss.ts";

/**
 * `bgp`: the hosts choose another way. `exit`: another way out is open. `vrrp`: the other of two that share an address has it
 * now.
 */
export interface Takeover {
  readonly by: "bgp" | "exit" | "vrrp";
  /** Milliseconds. */
  readonly withinMs: number;
}

/** Three pings a second apart without an answer, asked every 2 s, and a look of 2 s (templates/egress/): docs/exits.md. */
const EXIT_MS = 8000;
/**
 * An advertisement is missed three times, with a skew (RFC 5798 §6.1): 4 s; then who sends notices after 15 s (WireGuard's
 * KEEPALIVE_TIMEOUT + REKEY_TIMEOUT), and tries every 5 s. What does not send is found by its next handshake: docs/gateways.md.
 */
const VRRP_MS = 24_000;

/** A flow that goes another way. */
export interface Moved extends Working {
  readonly after: Course;
}

/** What a flow that goes elsewhere owes that to. */
export function takeoverOf({ hosts, bgp }: Network, loss: Loss, { flow, course: before, after }: Moved): Takeover {
  const isOut = flow.kind === "leaving" && before.exit !== after.exit;
  if (isOut && flow.from.station?.vrf === undefined) return { by: "exit", withinMs: EXIT_MS };
  const isCouple = hosts.some(({ name, vrrp }) => vrrp !== undefined && loss.yielding.includes(name));
  // Without BGP nothing goes elsewhere but a shared address.
  if (bgp.kind === "none" || (isCouple && !isOut)) return { by: "vrrp", withinMs: VRRP_MS };
  return { by: isOut ? "exit" : "bgp", withinMs: failoverBound(bgp.bfd).boundMs };
}
