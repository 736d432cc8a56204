/** What guests on different hosts can send each other: all that their way carries, and not a byte more. */
import { must } from "../../base/invariant.ts";
import { FAMILIES, type IpAddress } from "../../base/ip.ts";
import { roundTrip } from "../../ways/reach.ts";
import { addressOf } from "../../ways/station.ts";
import { narrowest, type RoundTrip } from "../../ways/way.ts";
import { waysOf } from "../../ways/ways.ts";
import type { Lab } from "../machine/running.ts";
import { guestMtu } from "../measure/guest-mtu.ts";
import { answered, answersOf, once, type Probe, pingWords, probeKey } from "../measure/ping.ts";
import { execCommand, type LabPromise, type Outcome } from "../measure/promise.ts";
import type { LabGuest } from "../plan/plan.ts";

interface Sizes {
  readonly to: IpAddress;
  /** The largest packet that has to be answered. */
  readonly bytes: number;
  /** The smallest that cannot get there; `undefined`: the guest itself sends none so large. */
  readonly tooManyBytes: number | undefined;
}

// An answer may be cut up on its way back, and must not be asked for that: what limits this way refuses more by itself.
function sizesOf({ there, back }: RoundTrip, to: IpAddress, ownMtu: number): Sizes {
  const ceiling = narrowest(there, "ceilingBytes");
  const bytes = Math.min(narrowest([...there, ...back], "bytes"), ownMtu);
  return { to, bytes, tooManyBytes: ceiling < ownMtu ? ceiling + 1 : undefined };
}

interface Pair {
  readonly from: LabGuest;
  readonly subject: string;
  readonly promise: string;
  readonly sizes: readonly Sizes[];
}

function pairsOf({ network, plan }: Lab): readonly Pair[] {
  const ways = waysOf(network, plan.guests);
  const sizesBetween = (from: LabGuest, other: LabGuest): readonly Sizes[] =>
    FAMILIES.flatMap((family) => {
      const trip = roundTrip(ways, from, other, family);
      const to = addressOf(other, family);
      const isLimited = trip !== undefined && trip.there.length > 0 && trip.back.length > 0;
      return isLimited && to !== undefined ? [sizesOf(trip, to, Math.min(guestMtu(from), guestMtu(other)))] : [];
    });
  return plan.guests.flatMap((from) =>
    plan.guests
      .filter((other) => other.host !== from.host)
      .map((other) => {
        const sizes = sizesBetween(from, other);
        const promise = `${[...new Set(sizes.map(({ bytes }) => bytes))].join(" or ")} bytes`;
        return { from, subject: `${from.name} -> ${other.name}`, promise, sizes };
      })
      .filter(({ sizes }) => sizes.length > 0),
  );
}

const fitting = ({ to, bytes }: Sizes): Probe => ({ to, bytes });
const surplus = ({ to, tooManyBytes }: Sizes): readonly Probe[] =>
  tooManyBytes === undefined ? [] : [{ to, bytes: tooManyBytes }];

function judge({ sizes }: Pair, passed: ReadonlySet<string>, passedToo: ReadonlySet<string>): Outcome {
  const lost = sizes.map(fitting).filter((probe) => !passed.has(probeKey(probe)));
  const tooMany = sizes.flatMap(surplus).filter((probe) => passedToo.has(probeKey(probe)));
  const wrong = [
    ...lost.map(({ to, bytes }) => `${bytes} bytes to ${to} are lost, expected an answer`),
    ...tooMany.map(({ to, bytes }) => `${bytes} bytes to ${to} are answered, expected to be lost`),
  ];
  if (wrong.length > 0) return { isKept: false, measured: wrong.join("; ") };
  const right = sizes.map((each) => {
    const isSeen = each.tooManyBytes === undefined ? "" : `, ${each.tooManyBytes} are lost`;
    return `${each.bytes} to ${each.to} pass${isSeen}`;
  });
  return { isKept: true, measured: right.join("; ") };
}

/** A promise for each pair of guests on different hosts that have a way to each other. */
export function guestPromises(lab: Lab): readonly LabPromise[] {
  const pairs = pairsOf(lab);
  return [...new Set(pairs.map(({ from }) => from))].flatMap((from) => {
    const box = must(lab.guests.get(from.name), "every guest has a box");
    const own = pairs.filter((pair) => pair.from === from);
    const sizes = own.flatMap((pair) => pair.sizes);
    const passed = once(() => answered(box, sizes.map(fitting)));
    const passedToo = once(async () => {
      await passed();
      return answersOf(box, sizes.flatMap(surplus));
    });
    return own.map((pair) => ({
      kind: "mtu" as const,
      subject: pair.subject,
      promise: pair.promise,
      command: execCommand(box, ...pair.sizes.slice(0, 1).flatMap((each) => pingWords(fitting(each)))),
      measure: async () => judge(pair, await passed(), await passedToo()),
    }));
  });
}
