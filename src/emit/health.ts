/** The health gate: what verify finds is asked for all the time, and acted upon when it lasts. */
import type { Host } from "../model/host.ts";
import type { EmitContext, Emitter } from "./context.ts";
import { timedProgram, timerOf } from "./timed.ts";

/** The program and its units, on a host that is to have a gate. */
export const emitHealth: Emitter = (host, context) => {
  const { healthGate } = host;
  if (healthGate === undefined) return [];
  const { failures, run = "", recovers } = healthGate;
  return timedProgram(host, context, "health", { failures: String(failures), run, recovers });
};

/** The unit of {@link emitHealth} that the host has to enable. */
export const healthUnits = ({ healthGate }: Host, context: EmitContext): readonly string[] =>
  healthGate === undefined ? [] : [timerOf(context, "health")];
