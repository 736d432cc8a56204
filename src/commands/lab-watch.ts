/** What goes on while a lab runs: signals that stop it, and all that is printed until it ends. */
import { constants } from "node:os";
import pc from "picocolors";
import { inOrder, type ReportPaint, renderPromiseJson, textReport } from "../lab/report.ts";
import type { Watch } from "../lab/run.ts";
import { type LabScreen, labScreen } from "./lab-screen.ts";
import { type CommonOptions, hasColours } from "./session.ts";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
export type Signal = (typeof SIGNALS)[number];

/** As a shell says it. */
export const exitCodeFor = (signal: Signal): number => 128 + constants.signals[signal];

/** Aborts on a signal, with its name for a reason, and after so many seconds, with `timeout`. */
export function stopOn(timeoutSeconds: number | undefined): AbortSignal {
  const controller = new AbortController();
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      // Asked twice; everything ends with us.
      if (controller.signal.aborted) process.exit(exitCodeFor(signal));
      controller.abort(signal);
    });
  }
  if (timeoutSeconds !== undefined) setTimeout(() => controller.abort("timeout"), timeoutSeconds * 1000).unref();
  return controller.signal;
}

/** Progress on standard error; `undefined` where nobody wants any. */
export function screenFor({ quiet, format }: CommonOptions, hosts: readonly string[]): LabScreen | undefined {
  if (quiet === true || format === "json") return undefined;
  const { stderr, env } = process;
  const columns = stderr.isTTY === true && env.TERM !== "dumb" ? stderr.columns || 80 : undefined;
  return labScreen({ write: (text) => stderr.write(text), now: () => performance.now(), hosts, columns });
}

function paintReport(): ReportPaint {
  const colours = pc.createColors(hasColours(process.stdout));
  const roles: Record<Parameters<ReportPaint>[1], (text: string) => string> = {
    ok: colours.green,
    fail: (text) => colours.bold(colours.red(text)),
    command: colours.dim,
  };
  return (text, role) => roles[role](text);
}

/** Results on standard output as they come, and progress besides. */
export function watchFor({ quiet, format }: CommonOptions, screen: LabScreen | undefined): Watch {
  const write = (text: string): void => {
    screen?.clear();
    process.stdout.write(text);
  };
  const report = inOrder(
    format === "json" ? (proven) => write(renderPromiseJson(proven)) : textReport(write, paintReport(), quiet === true),
  );
  const counts = { done: 0, broken: 0 };
  return {
    onPhase: (phase) => {
      Object.assign(counts, { done: 0, broken: 0 });
      screen?.onPhase(phase);
    },
    onBooted: (host) => screen?.onBooted(host),
    onProven: (proven, index, count) => {
      counts.done += 1;
      if (!proven.isKept) counts.broken += 1;
      report(proven, index, count);
      screen?.onCount(counts.done, count, counts.broken);
    },
  };
}
