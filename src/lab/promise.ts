/** What a lab proves: promises that the topology makes, each measured on the running hosts. */
import { must } from "../base/invariant.ts";
import type { Host } from "../model/host.ts";
import type { Network } from "../model/network.ts";
import type { PlacedFile } from "./boot.ts";
import type { Box } from "./box.ts";
import type { Built } from "./build.ts";

/** A lab that is up. */
export interface Lab extends Built {
  readonly network: Network;
  /** What each host was given, by its name. */
  readonly files: ReadonlyMap<string, readonly PlacedFile[]>;
}

/** A host with all that belongs to it. */
export interface RunningHost {
  readonly host: Host;
  readonly box: Box;
  readonly files: readonly PlacedFile[];
}

/** The hosts of a lab, in the order of the model. */
export function runningHosts({ network, hosts, files }: Lab): readonly RunningHost[] {
  return network.hosts.map((host) => ({
    host,
    box: must(hosts.get(host.name), "every host has a box"),
    files: must(files.get(host.name), "every host has its files"),
  }));
}

/** The kinds of promises, in the order in which they are measured: what disturbs the lab comes last. */
export const PROMISE_KINDS = [
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
