/** What a lab proves: promises that the topology makes, each measured on the running hosts. */
import type { Box } from "../machine/box.ts";
import type { Lab } from "../machine/running.ts";

/** The kinds of promises, in the order in which they are measured: what disturbs the lab comes last. */
export const PROMISE_KINDS = [
  "boot",
  "daemons",
  "handshake",
  "routing",
  "evpn",
  "reachability",
  "mtu",
  "tcp",
  "guard",
  "exits",
  "life",
] as const;

export type PromiseKind = (typeof PROMISE_KINDS)[number];

/** What came of a promise. */
export interface Outcome {
  readonly isKept: boolean;
  /** What was seen, in one line; where it is broken, what was expected as well. */
  readonly measured: string;
}

export interface LabPromise {
  readonly kind: PromiseKind;
  /** Whom it is about: `alpha -> beta`, `guests@alpha`. */
  readonly subject: string;
  /** What is promised, in one line. */
  readonly promise: string;
  /** A command that shows the same in a lab that was kept, as it is typed there. */
  readonly command: string;
  readonly measure: () => Promise<Outcome>;
}

/** A promise with what came of it. */
export interface Proven extends Omit<LabPromise, "measure">, Outcome {
  readonly seconds: number;
}

/** Everything of one kind that a lab has to prove. Alone: these cannot be measured beside each other. */
export interface Prover {
  readonly kind: PromiseKind;
  readonly isAlone: boolean;
  /** Done before the first of them is measured, such as making all guests believe in 1500 bytes. */
  readonly prepare?: (lab: Lab) => Promise<void>;
  readonly promises: (lab: Lab) => readonly LabPromise[];
}

/** A line of a program in a box, as it is typed while the lab is kept. */
export function execCommand(box: Box, ...words: readonly string[]): string {
  return `netgen lab exec ${box.name} -- ${words.join(" ")}`;
}
