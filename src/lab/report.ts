/** What came of a lab, for people and for programs. */
import { printable } from "../base/diagnostic.ts";
import { maskKeys } from "../base/key.ts";
import type { PromiseKind, Proven } from "./measure/promise.ts";
import type { OnProven } from "./prove.ts";

/** How a part of a line is set off on a terminal; identity where there are no colours. */
export type ReportPaint = (text: string, role: "ok" | "fail" | "command") => string;

const KIND_WIDTH = 12;
/** Under the subject of the promise above. */
const INDENT = " ".repeat(6);
/** Of what a program said when it failed; the rest is in the lab. */
const MAX_LINES = 16;

const seconds = (value: number): string => `${value.toFixed(1)} s`;

/** A promise as lines of text, without its command. */
function renderPromise({ kind, subject, promise, measured, isKept }: Proven, paint: ReportPaint): string {
  const [first = "", ...rest] = maskKeys(measured).trim().split("\n");
  const verdict = isKept ? paint("ok", "ok") : paint("FAIL", "fail");
  const gap = " ".repeat(isKept ? 4 : 2);
  const head = `${verdict}${gap}${kind.padEnd(KIND_WIDTH)}  ${printable(`${subject}: ${promise}: ${first}`)}\n`;
  return (
    head +
    rest
      .slice(-MAX_LINES)
      .map((line) => `${INDENT}| ${printable(line)}\n`)
      .join("")
  );
}

const renderCommand = (command: string, paint: ReportPaint): string =>
  `${INDENT}${paint(`$ ${printable(command)}`, "command")}\n`;

/** A promise as an object on a line. */
export function renderPromiseJson({
  kind,
  subject,
  promise,
  isKept,
  measured,
  command,
  seconds: took,
}: Proven): string {
  const rounded = Math.round(took * 1000) / 1000;
  const shown = maskKeys(measured);
  return `${JSON.stringify({ kind, subject, promise, kept: isKept, measured: shown, command, seconds: rounded })}\n`;
}

type OnNext = (proven: Proven, isLast: boolean) => void;

/** Hands on the promises of each kind in their order, each as soon as those before it have come. */
export function inOrder(onNext: OnNext): OnProven {
  const waiting = new Map<number, Proven>();
  let next = 0;
  return (proven, index, count) => {
    waiting.set(index, proven);
    for (let each = waiting.get(next); each !== undefined; each = waiting.get(next)) {
      waiting.delete(next);
      next += 1;
      onNext(each, next === count);
    }
    if (next === count) next = 0;
  };
}

/** Writes promises as text: each with the command that repeats it, said once below neighbours that have it in common. */
export function textReport(write: (text: string) => void, paint: ReportPaint, isQuiet: boolean): OnNext {
  let owed: string | undefined;
  return (proven, isLast) => {
    if (isQuiet && proven.isKept) return;
    const { command, isKept } = proven;
    const before = owed !== undefined && (owed !== command || !isKept) ? renderCommand(owed, paint) : "";
    const isDue = isLast || !isKept || isQuiet;
    write(before + renderPromise(proven, paint) + (isDue ? renderCommand(command, paint) : ""));
    owed = isDue ? undefined : command;
  };
}

/** All promises of a kind. */
export interface KindResult {
  readonly kind: PromiseKind;
  readonly proven: readonly Proven[];
  readonly seconds: number;
}

export interface Results {
  readonly name: string;
  readonly hosts: number;
  /** Until all hosts were up. */
  readonly bootSeconds: number;
  readonly kinds: readonly KindResult[];
}

const kept = (proven: readonly Proven[]): number => proven.filter(({ isKept }) => isKept).length;

/** Whether every promise was kept. */
export const isAllKept = ({ kinds }: Results): boolean => kinds.every(({ proven }) => kept(proven) === proven.length);

/** A kind may have been measured in several goes. */
function mergeKinds(kinds: readonly KindResult[]): readonly KindResult[] {
  const merged = new Map<PromiseKind, KindResult>();
  for (const each of kinds) {
    const { proven, seconds: before } = merged.get(each.kind) ?? { proven: [], seconds: 0 };
    merged.set(each.kind, { ...each, proven: [...proven, ...each.proven], seconds: before + each.seconds });
  }
  return [...merged.values()];
}

/** How many promises of each kind were kept and how long it took, and a last line that says it all. */
export function renderSummary(results: Results): string {
  const { name, hosts, bootSeconds, kinds } = results;
  const measured = mergeKinds(kinds).filter(({ proven }) => proven.length > 0);
  const rows = measured.map(({ kind, proven, seconds: took }) => {
    const counts = `${kept(proven)} of ${proven.length}`.padStart(12);
    return `${INDENT}${kind.padEnd(KIND_WIDTH)}${counts} kept${seconds(took).padStart(10)}\n`;
  });
  const all = kinds.flatMap(({ proven }) => proven);
  const verdict = isAllKept(results)
    ? `all ${all.length} promises are kept`
    : `${all.length - kept(all)} of ${all.length} promises are broken`;
  const proofSeconds = kinds.reduce((sum, each) => sum + each.seconds, 0);
  return (
    `${rows.join("")}${name}: ${verdict}; ` +
    `${hosts} ${hosts === 1 ? "host" : "hosts"} up in ${seconds(bootSeconds)}, proven in ${seconds(proofSeconds)}\n`
  );
}
