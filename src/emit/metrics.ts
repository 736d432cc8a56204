/** What verify sees of a host, written for node_exporter's textfile collector: the program, and the timer that starts it. */
import type { Host } from "../model/host.ts";
import type { EmitContext, Emitter } from "./context.ts";
import { timedProgram, timerOf } from "./timed.ts";

/** The program and its units, on a host that is to have metrics. */
export const emitMetrics: Emitter = (host, context) =>
  host.hasMetrics ? timedProgram(host, context, "metrics", {}) : [];

/** The unit of {@link emitMetrics} that the host has to enable. */
export const metricsUnits = ({ hasMetrics }: Host, context: EmitContext): readonly string[] =>
  hasMetrics ? [timerOf(context, "metrics")] : [];
