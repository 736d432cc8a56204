/** What verify sees of a host, written for node_exporter's textfile collector: the program, and the timer that starts it. */
import type { Host } from "../model/host.ts";
import { RELOAD_UNITS, restart } from "./after.ts";
import { type EmitContext, type Emitter, ownPath, ownUnit } from "./context.ts";
import { publicFile, scriptFile } from "./print.ts";

const timerOf = (context: EmitContext): string => ownUnit(context, "metrics.timer");

/** The program and its units, on a host that is to have metrics. */
export const emitMetrics: Emitter = (host, context) => {
  if (!host.hasMetrics) return [];
  const script = { path: ownPath(context, "metrics"), template: "delivery/metrics.njk", view: {}, after: [] };
  const unit = (name: string, after: readonly string[]) => {
    const path = `etc/systemd/system/${ownUnit(context, name)}`;
    return publicFile(host, context, { path, template: `delivery/netgen-${name}.njk`, view: {}, after });
  };
  return [
    scriptFile(host, context, script),
    unit("metrics.service", [RELOAD_UNITS]),
    unit("metrics.timer", [RELOAD_UNITS, restart(timerOf(context))]),
  ];
};

/** The unit of {@link emitMetrics} that the host has to enable. */
export const metricsUnits = ({ hasMetrics }: Host, context: EmitContext): readonly string[] =>
  hasMetrics ? [timerOf(context)] : [];
