/** Programs that are run all the time: a script, the service that it is, and the timer that starts it. */
import type { Host } from "../model/host.ts";
import { RELOAD_UNITS, restart } from "./after.ts";
import { type EmitContext, ownPath, ownUnit } from "./context.ts";
import type { OutputFile } from "./file.ts";
import { publicFile, scriptFile } from "./print.ts";
import type { View } from "./template.ts";

/** The unit of {@link timedProgram} that the host has to enable. */
export const timerOf = (context: EmitContext, name: string): string => ownUnit(context, `${name}.timer`);

/** The three files of a program, each from the template of its name. */
export function timedProgram(host: Host, context: EmitContext, name: string, view: View): readonly OutputFile[] {
  const script = { path: ownPath(context, name), template: `delivery/${name}.njk`, view, after: [] };
  const unit = (kind: "service" | "timer", after: readonly string[]) => {
    const path = `etc/systemd/system/${ownUnit(context, `${name}.${kind}`)}`;
    return publicFile(host, context, { path, template: `delivery/netgen-${name}.${kind}.njk`, view: {}, after });
  };
  return [
    scriptFile(host, context, script),
    unit("service", [RELOAD_UNITS]),
    unit("timer", [RELOAD_UNITS, restart(timerOf(context, name))]),
  ];
}
