/** Ways: the stretches from one end to the other, and what fits through them. Pure. */
import type { Host } from "../model/host.ts";

/** A stretch of a way: an interface that a packet has to leave by. */
export interface Leg {
  readonly host: string;
  readonly via: string;
  /** Bytes of IP packet that surely pass. */
  readonly bytes: number;
  /** No packet larger than this passes. A bridge lets pass the 4 bytes of a tag that is not there. */
  readonly ceilingBytes: number;
}

/** From one end to the other; no leg at all where nothing limits it. */
export type Way = readonly Leg[];

/** Both directions: an answer needs a way of its own. */
export interface RoundTrip {
  readonly there: Way;
  readonly back: Way;
}

/** A leg that lets pass exactly so many bytes. */
export const exactLeg = ({ name }: Host, via: string, bytes: number): Leg => ({
  host: name,
  via,
  bytes,
  ceilingBytes: bytes,
});

/** What the narrowest leg of a way carries, in bytes of IP packet: surely, or at most; infinite where nothing limits it. */
export const narrowest = (way: Way, size: "bytes" | "ceilingBytes"): number => Math.min(...way.map((leg) => leg[size]));
