/** A lab from its beginning to its end: opened, proven kind by kind, and torn down or left to itself. */
import { InternalError } from "../base/invariant.ts";
import type { LabRoot } from "./machine/box.ts";
import { isBootFailure } from "./machine/failure.ts";
import { type Compiled, openLab } from "./machine/open.ts";
import type { Lab } from "./machine/running.ts";
import { keepLab } from "./machine/state.ts";
import type { PromiseKind, Proven, Prover } from "./measure/promise.ts";
import { type OnProven, proveKind, provers } from "./prove.ts";
import type { KindResult, Results } from "./report.ts";

/** Told of what goes on. */
export interface Watch {
  readonly onPhase: (phase: string) => void;
  readonly onBooted: (host: string) => void;
  readonly onProven: OnProven;
}

export interface RunRequest {
  readonly compiled: Compiled;
  /** What is proven of it. */
  readonly kinds: readonly PromiseKind[];
  /** Leaves the lab up when it is proven. */
  readonly isKept: boolean;
  /** Ends the run, wherever it is. */
  readonly stop: AbortSignal;
}

/** How a run ended. Whatever it is, nothing is left of the lab, unless it was to be kept and is proven. */
export type RunEnd =
  | { readonly kind: "proven"; readonly results: Results }
  /** By its signal; `phase` is where it was. */
  | { readonly kind: "stopped"; readonly phase: string }
  /** A host of the tree does not come up, or else the machine does not do what is asked. */
  | { readonly kind: "failed"; readonly isHost: boolean; readonly phase: string; readonly message: string };

const secondsSince = (begin: number): number => (performance.now() - begin) / 1000;

/** What a kind of promises comes to when not even measuring it works. */
function unmeasured({ kind }: Prover, error: unknown): Proven {
  const measured = error instanceof Error ? error.message : String(error);
  return { kind, subject: "the lab", promise: "can be measured", measured, isKept: false, command: "", seconds: 0 };
}

async function proveOne(lab: Lab, prover: Prover, watch: Watch): Promise<KindResult> {
  const begin = performance.now();
  watch.onPhase(prover.kind);
  const proven = await proveKind(lab, prover, watch.onProven).catch((error: unknown) => {
    if (isBug(error)) throw error;
    const broken = unmeasured(prover, error);
    watch.onProven(broken, 0, 1);
    return [broken];
  });
  return { kind: prover.kind, proven, seconds: secondsSince(begin) };
}

/** In the order of the provers, whatever that of the kinds. */
async function proveAll(lab: Lab, asked: readonly PromiseKind[], watch: Watch): Promise<readonly KindResult[]> {
  const kinds: KindResult[] = [];
  for (const prover of provers.filter(({ kind }) => asked.includes(kind)))
    kinds.push(await proveOne(lab, prover, watch));
  return kinds;
}

const isBug = (error: unknown): boolean =>
  [InternalError, TypeError, RangeError, ReferenceError].some((each) => error instanceof each);

/** Where a run is. */
interface Place {
  phase: string;
  /** To be closed in the end; `undefined`: not yet open, or to live on. */
  root: LabRoot | undefined;
}

/** What the work itself is told to tell, until it is stopped. */
function followed(place: Place, stop: AbortSignal, watch: Watch) {
  return {
    onOpened: (root: LabRoot): void => {
      place.root = root;
      stop.throwIfAborted();
    },
    onPhase: (phase: string): void => {
      stop.throwIfAborted();
      place.phase = phase;
      watch.onPhase(phase);
    },
    onBooted: watch.onBooted,
    onProven: ((...proven) => {
      // What is being torn down keeps no promise.
      if (!stop.aborted) watch.onProven(...proven);
    }) satisfies OnProven,
  };
}

async function work(place: Place, { compiled, kinds, isKept, stop }: RunRequest, watch: Watch): Promise<RunEnd> {
  const begin = performance.now();
  const told = followed(place, stop, watch);
  told.onPhase(place.phase);
  const open = await openLab(compiled, told);
  const { name, hosts } = compiled.network;
  const results = {
    name,
    hosts: hosts.length,
    bootSeconds: secondsSince(begin),
    kinds: await proveAll(open.lab, kinds, told),
  };
  // What was stopped during the last measurement, and is being torn down, is not to be kept.
  stop.throwIfAborted();
  if (isKept) {
    keepLab(name, open.lab, open.root);
    place.root = undefined;
  }
  return { kind: "proven", results };
}

function failure(error: unknown, phase: string): RunEnd {
  if (isBug(error) || (error as NodeJS.ErrnoException).code === "EEXIST") throw error;
  const message = error instanceof Error ? error.message : String(error);
  return { kind: "failed", isHost: isBootFailure(error), phase, message };
}

/**
 * Opens, boots, proves and ends a lab. When it is stopped, programs of it may still be waited for: the process is to end.
 * @throws Error of netgen's own mistakes; with the code EEXIST when a lab of this name is kept already.
 */
export async function runLab(request: RunRequest, watch: Watch): Promise<RunEnd> {
  const place: Place = { phase: "namespaces", root: undefined };
  const { stop } = request;
  const stopped = new Promise<undefined>((resolve) => {
    stop.addEventListener("abort", () => resolve(undefined), { once: true });
  });
  try {
    const working = work(place, request, watch);
    const end = await Promise.race([working, stopped]);
    // Not yet open: it ends itself as soon as it is.
    return end ?? (place.root === undefined ? await working : { kind: "stopped", phase: place.phase });
  } catch (error) {
    return stop.aborted ? { kind: "stopped", phase: place.phase } : failure(error, place.phase);
  } finally {
    await place.root?.close();
  }
}
