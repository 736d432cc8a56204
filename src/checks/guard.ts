/** What is opened has to be guarded. */
import { type Diagnostic, diagnostic } from "../base/diagnostic.ts";
import { grouped } from "../base/grouped.ts";
import { GUARDED_SERVICES, type GuardedService, type Host } from "../model/host.ts";
import type { Network } from "../model/network.ts";
import { originSpan } from "../model/origin.ts";
import { watchesByBfd } from "../model/peer.ts";

function isGuarded(host: Host, service: GuardedService): boolean {
  if (service === "vxlan") return host.vxlans.length + host.vrfs.length > 0 || host.kubernetes !== undefined;
  return service === "bgp" ? host.bgp.kind !== "none" : watchesByBfd(host);
}

/** A host that opens a service has it guarded; of hostDefaults, one of the hosts. */
export function openServicesAreGuarded({ hosts }: Network): readonly Diagnostic[] {
  return GUARDED_SERVICES.flatMap((service) => {
    const opening = hosts
      .filter(({ guardOpen }) => guardOpen[service].length > 0)
      .map((host) => ({ host, span: originSpan(host.origin, `guard/${service}`) }));
    return [...grouped(opening, ({ span }) => span.start).values()].flatMap((group) => {
      const [first] = group;
      if (first === undefined || group.some(({ host }) => isGuarded(host, service))) return [];
      return [diagnostic("guard-open-unused", { host: first.host.name, service }, first.span)];
    });
  });
}
