/** Measures what a lab promises, kind after kind. */
import type { Lab } from "./machine/running.ts";
import type { LabPromise, Outcome, Proven, Prover } from "./measure/promise.ts";
import { advertisements } from "./prove/advertisement.ts";
import { boots, bootsAgain } from "./prove/boot.ts";
import { daemons } from "./prove/daemons.ts";
import { dhcp } from "./prove/dhcp.ts";
import { evpn } from "./prove/evpn.ts";
import { exits } from "./prove/exits.ts";
import { guard } from "./prove/guard.ts";
import { handshakes } from "./prove/handshake.ts";
import { lan } from "./prove/lan.ts";
import { life } from "./prove/life.ts";
import { mtu } from "./prove/mtu.ts";
import { reachability } from "./prove/reachability.ts";
import { routing } from "./prove/routing.ts";
import { tcp } from "./prove/tcp.ts";
import { traces } from "./prove/trace.ts";
import { vrfFamilies } from "./prove/vrf-families.ts";
import { vrfs } from "./prove/vrfs.ts";

/** In the order of {@link PROMISE_KINDS}. */
export const provers: readonly Prover[] = Object.freeze([
  boots,
  daemons,
  handshakes,
  routing,
  ...evpn,
  vrfs,
  vrfFamilies,
  ...reachability,
  dhcp,
  advertisements,
  lan,
  ...mtu,
  traces,
  ...tcp,
  ...guard,
  ...exits,
  life,
  ...bootsAgain,
]);

// Most of a measurement is waiting.
const AT_ONCE = 12;

async function prove({ measure, ...promise }: LabPromise): Promise<Proven> {
  const begin = performance.now();
  const broken = (error: unknown): Outcome => ({
    isKept: false,
    // What a program printed, as one line.
    measured: (error instanceof Error ? error.message : String(error)).trim().replace(/\s*\n\s*/g, " / "),
  });
  const outcome = await measure().catch(broken);
  return { ...promise, ...outcome, seconds: (performance.now() - begin) / 1000 };
}

/** Told of each promise as it is measured, with its place among all of its kind and how many these are. */
export type OnProven = (proven: Proven, index: number, count: number) => void;

/** Proves all promises of one kind, as many at once as can be. */
export async function proveKind(lab: Lab, prover: Prover, onProven: OnProven): Promise<readonly Proven[]> {
  await prover.prepare?.(lab);
  const promises = prover.promises(lab);
  const results: Proven[] = [];
  const waiting = [...promises.entries()];
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [index, promise] = next;
      const proven = await prove(promise);
      results[index] = proven;
      onProven(proven, index, promises.length);
    }
  };
  await Promise.all(Array.from({ length: prover.isAlone ? 1 : AT_ONCE }, work));
  return results;
}
