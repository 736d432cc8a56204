import { type Diagnostic, diagnostic } from "../base/diagnostic.ts";
import { originSpan } from "../model/origin.ts";
import { hostsByName } from "../topology/hosts.ts";
import type { Topology } from "../topology/topology.ts";

/** An exit says which interface leads out, or its host does. */
export function exitsHaveInterfaces(topology: Topology): readonly Diagnostic[] {
  const hosts = hostsByName(topology);
  return topology.vrfs.flatMap(({ name: vrf, exits }) =>
    exits.flatMap((exit) => {
      const host = hosts.get(exit.host.value);
      if (host === undefined || (exit.interface ?? host.uplink) !== undefined) return [];
      const related = [{ message: `${host.name} is here`, span: originSpan(host.origin) }];
      return [diagnostic("exit-without-interface", { vrf, host: host.name }, exit.host.span, related)];
    }),
  );
}
