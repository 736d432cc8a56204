/** Who hears of what whom: how announcements go from speaker to speaker. Pure. */
import type { Host } from "../model/host.ts";

/**
 * Whom that reaches which one host announces: over sessions, and by hosts that pass it on. Inside an AS only a reflector does;
 * what comes from another AS, or goes to one, everyone does.
 */
export function hearersOf(hosts: readonly Host[], one: string): ReadonlySet<string> {
  const speakers = new Map(hosts.flatMap(({ name, bgp }) => (bgp.kind !== "none" ? [[name, bgp] as const] : [])));
  // A host that heard it inside its AS counts apart: it passes on less.
  const waiting = [{ name: one, isInside: false }];
  const seen = new Set<string>();
  const hearers = new Set<string>();
  for (let at = waiting.shift(); at !== undefined; at = waiting.shift()) {
    const speaker = speakers.get(at.name);
    const key = `${at.name} ${at.isInside}`;
    if (speaker === undefined || seen.has(key)) continue;
    seen.add(key);
    hearers.add(at.name);
    for (const { host, asn } of speaker.neighbours) {
      const isInside = asn === speaker.asn;
      if (!(at.isInside && isInside) || speaker.isReflector) waiting.push({ name: host, isInside });
    }
  }
  return hearers;
}
