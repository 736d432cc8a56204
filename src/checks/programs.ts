import { type Diagnostic, diagnostic } from "../base/diagnostic.ts";
import { CREDENTIAL_NEED, isOlder, NEEDS, PROGRAMS } from "../base/programs.ts";
import type { Span } from "../base/source.ts";
import type { Host } from "../model/host.ts";
import type { Network } from "../model/network.ts";
import { originSpan } from "../model/origin.ts";

/** What a host's programs must be able to do: for netgen's files as such, and for what the host says. */
function needsOf({ keyStore }: Host) {
  const always = PROGRAMS.map((program) => {
    return { program, place: `programs/${program}`, ...NEEDS[program], what: "netgen", instead: "" };
  });
  if (keyStore === "file") return always;
  const what = '"keyStore: credential"';
  const instead = ', or write "keyStore: file"';
  const credential = {
    program: "systemd",
    place: "keyStore",
    ...NEEDS.systemd,
    ...CREDENTIAL_NEED,
    what,
    instead,
  } as const;
  return [...always, credential];
}

/** Every program can do what is asked of it. Said once for what hostDefaults state. */
export function programsAreNewEnough(network: Network): readonly Diagnostic[] {
  const found = new Map<Span, Diagnostic>();
  for (const host of network.hosts) {
    for (const { program, place, ...words } of needsOf(host)) {
      const version = host.programs[program];
      const span = originSpan(host.origin, place);
      if (!isOlder(version, words.oldest) || found.has(span)) continue;
      found.set(span, diagnostic("program-too-old", { host: host.name, version, ...words }, span));
    }
  }
  return [...found.values()];
}
