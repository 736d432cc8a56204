/** FRR's timers of BFD. */
import type { Bfd } from "../model/bgp.ts";

type Watched = Extract<Bfd, { kind: "on" }>;

/** bfdd/bfd.h: BFD_DEFREQUIREDMINRX, BFD_DEFDESIREDMINTX and BFD_DEFDETECTMULT. */
const FRR_BFD = { intervalMs: 300, multiplier: 3 };

/** FRR's longest, bfdd/bfdd_cli.c of 8.4; 10.3 takes more. */
const MAX_BFD_INTERVAL_MS = 60_000;

export const isFrrOwn = ({ intervalMs, multiplier }: Watched): boolean =>
  intervalMs === FRR_BFD.intervalMs && multiplier === FRR_BFD.multiplier;

/**
 * A profile. `isMerged`: without a multiplier, so FRR's own has to take as long: a neighbour misses a host by what that sends.
 * Three of the longest intervals, three minutes, are the most.
 */
export function profileView(name: string, { intervalMs, multiplier }: Watched, isMerged: boolean) {
  const asLongMs = Math.min(Math.ceil((intervalMs * multiplier) / FRR_BFD.multiplier), MAX_BFD_INTERVAL_MS);
  const transmitMs = isMerged ? asLongMs : intervalMs;
  return {
    name,
    // FRR lists no default of its own, and a reload would write it again and again.
    hasTransmit: transmitMs !== FRR_BFD.intervalMs,
    hasReceive: intervalMs !== FRR_BFD.intervalMs,
    hasMultiplier: !isMerged && multiplier !== FRR_BFD.multiplier,
    transmit: String(transmitMs),
    receive: String(intervalMs),
    multiplier: String(multiplier),
  };
}
