import { FAMILIES, type IpAddress, type IpFamily } from "../../base/ip.ts";
import type { Network } from "../../model/network.ts";
import { LAN_LEG } from "../../ways/lan-routes.ts";
import { roundTrip } from "../../ways/reach.ts";
import { addressOf } from "../../ways/station.ts";
import { narrowest, type RoundTrip, type Way } from "../../ways/way.ts";
import { waysOf } from "../../ways/ways.ts";
import { cover } from "../measure/cover.ts";
import { guestMtu } from "../measure/guest-mtu.ts";
import type { LabGuest, LabPlan } from "../plan/plan.ts";

/** Two guests on different hosts, and what lies between them. */
export interface TcpPair {
  readonly from: LabGuest;
  readonly to: LabGuest;
  readonly family: IpFamily;
  readonly address: IpAddress;
  readonly trip: RoundTrip;
  /** The hosts on the way that clamp: not those that only pass on to a neighbour on their LAN, and no device of an app's. */
  readonly clamping: readonly string[];
  /** Frames of one segment, that nobody routes. */
  readonly isStretched: boolean;
}

const legsOf = ({ there, back }: RoundTrip): Way => [...there, ...back];

/** All pairs of guests that have a way to each other, from one host to another. */
export function tcpPairs(network: Network, { guests }: Pick<LabPlan, "guests">): readonly TcpPair[] {
  const ways = waysOf(network, guests);
  const clamps = new Set(network.hosts.filter(({ app }) => app === undefined).map(({ name }) => name));
  return guests.flatMap((from) =>
    guests
      .filter((to) => to.host !== from.host)
      .flatMap((to) =>
        FAMILIES.flatMap((family) => {
          const trip = roundTrip(ways, from, to, family);
          const address = addressOf(to, family);
          if (trip === undefined || address === undefined) return [];
          const isStretched = trip.there.length === 1 && trip.back.length === 1;
          const passing = legsOf(trip).filter(({ host, via }) => clamps.has(host) && via !== LAN_LEG);
          const clamping = [...new Set(passing.map(({ host }) => host))];
          return [{ from, to, family, address, trip, clamping, isStretched }];
        }),
      ),
  );
}

const kindOf = ({ isStretched, family }: TcpPair): string => `${isStretched ? "stretched" : "routed"} IPv${family}`;

/** The pairs that are to exchange something. */
export function tcpSample(pairs: readonly TcpPair[]): readonly TcpPair[] {
  return cover(pairs, (pair) => {
    const { from, to } = pair;
    const ends = [`host ${from.host}`, `host ${to.host}`, `subnet ${from.subnet}`, `subnet ${to.subnet}`];
    return ends.map((end) => `${kindOf(pair)} ${end}`);
  });
}

/** Whether guests could send more than gets through: only then is there something to clamp. */
export function isClamped(pair: TcpPair): boolean {
  const ceilingBytes = narrowest(legsOf(pair.trip), "ceilingBytes");
  return ceilingBytes < Math.min(guestMtu(pair.from), guestMtu(pair.to));
}

/**
 * Hosts on the way whose clamp is enough without that of the others: they know the narrowest stretch, and what both ends
 * announce comes by. Where guests have different gateways, a host may see one direction only.
 */
export function sufficientHosts(pair: TcpPair): readonly string[] {
  const { there, back } = pair.trip;
  const legs = legsOf(pair.trip);
  const leastBytes = narrowest(legs, "bytes");
  const isOn = (way: Way, name: string): boolean => way.some(({ host }) => host === name);
  return pair.clamping.filter(
    (name) =>
      legs.some(({ host, via, bytes }) => host === name && via !== LAN_LEG && bytes === leastBytes) &&
      (pair.isStretched || (isOn(there, name) && isOn(back, name))),
  );
}

/** The pairs at which clamps are taken out. */
export function clampSample(pairs: readonly TcpPair[]): readonly TcpPair[] {
  return cover(pairs.filter(isClamped), (pair) =>
    sufficientHosts(pair).map((host) => `${pair.isStretched ? "stretched" : "routed"} ${host}`),
  );
}
