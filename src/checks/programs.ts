import { type Diagnostic, diagnostic } from "../base/diagnostic.ts";
import { isOlder, NEEDS, PROGRAMS } from "../base/programs.ts";
import type { Span } from "../base/source.ts";
import type { Network } from "../model/network.ts";
import { originSpan } from "../model/origin.ts";

/** Every program that a version is stated of can do what netgen asks of it. Said once for what hostDefaults state. */
export function programsAreNewEnough(network: Network): readonly Diagnostic[] {
  const found = new Map<Span, Diagnostic>();
  for (const { programs, origin } of network.hosts) {
    for (const program of PROGRAMS.filter((each) => isOlder(programs[each], NEEDS[each].oldest))) {
      const { title, oldest, reason } = NEEDS[program];
      const span = originSpan(origin, `programs/${program}`);
      found.set(span, diagnostic("program-too-old", { title, version: programs[program], oldest, reason }, span));
    }
  }
  return [...found.values()];
}
