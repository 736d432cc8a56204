/** The health gate: what verify finds is asked for all the time, and acted upon when it lasts. */
import type { Host } from "../model/host.ts";
import { RELOAD_UNITS, restart } from "./after.ts";
import { type EmitContext, type Emitter, ownPath, ownUnit } from "./context.ts";
import { publicFile, scriptFile } from "./print.ts";

const timerOf = (context: EmitContext): string => ownUnit(context, "health.timer");

/** The program and its units, on a host that is to have a gate. */
export const emitHealth: Emitter = (host, context) => {
  const { healthGate } = host;
  if (healthGate === undefined) return [];
  const { failures, run = "", recovers } = healthGate;
  const view = { failures: String(failures), run, recovers };
  const script = { path: ownPath(context, "health"), template: "delivery/health.njk", view, after: [] };
  const unit = (name: string, after: readonly string[]) => {
    const path = `etc/systemd/system/${ownUnit(context, name)}`;
    return publicFile(host, context, { path, template: `delivery/netgen-${name}.njk`, view: {}, after });
  };
  return [
    scriptFile(host, context, script),
    unit("health.service", [RELOAD_UNITS]),
    unit("health.timer", [RELOAD_UNITS, restart(timerOf(context))]),
  ];
};

/** The unit of {@link emitHealth} that the host has to enable. */
export const healthUnits = ({ healthGate }: Host, context: EmitContext): readonly string[] =>
  healthGate === undefined ? [] : [timerOf(context)];
