/** Ways: the stretches from one end to the other, and what fits through them. Pure. */
import type { IpPrefix } from "../base/ip.ts";
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

/** A leg of a packet's way, with what chose it. */
export interface Step extends Leg {
  /** In clear on the LAN, onto a subnet, through a tunnel; or first into VXLAN, a segment's or a VRF's. */
  readonly kind: "lan" | "subnet" | "tunnel" | "vxlan";
  /** The host that has it next. */
  readonly to: string;
  /** The prefix of the route that led here; `undefined`: none, for frames are not routed. */
  readonly route: IpPrefix | undefined;
}

/** From one end to the other; no leg at all where nothing limits it. */
export type Way = readonly Step[];

/** Where a packet's way ends, and how. */
export interface End {
  readonly host: string;
  /**
   * `arrived`; or `outside`: it leaves the overlay; else what is done with it there. Answered by ICMP, or by the sender's own
   * kernel: `no-route`, `loop` (its hop limit is used up), `nobody` has the address. Without a word: `not-forwarded`, as the
   * host is no router; `not-taken`, as WireGuard expects this source from another peer. Not sent by its station: `no-gateway`,
   * as it knows none, or is not let send it; `no-neighbour`, as nobody on its subnet has the address.
   */
  readonly kind:
    | "arrived"
    | "outside"
    | "no-route"
    | "loop"
    | "nobody"
    | "not-forwarded"
    | "not-taken"
    | "no-gateway"
    | "no-neighbour";
}

/** As far as a packet gets. */
export interface Walk {
  readonly steps: Way;
  readonly end: End;
}

/** All of a walk, if it leads where it is meant to. */
export const wayOf = ({ steps, end }: Walk): Way | undefined => (end.kind === "arrived" ? steps : undefined);

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
export const narrowest = (way: readonly Leg[], size: "bytes" | "ceilingBytes"): number =>
  Math.min(...way.map((leg) => leg[size]));
