/** Remotes: prefixes outside that some hosts lead to. */
import { type Diagnostic, diagnostic } from "../base/diagnostic.ts";
import { originSpan } from "../model/origin.ts";
import type { Topology } from "../topology/topology.ts";

/** Units, files and tables of a way out have the name of the VRF or of the remote. */
export function remotesAreNoVrfs({ remotes, vrfs }: Topology): readonly Diagnostic[] {
  return remotes.flatMap(({ name, origin }) => {
    const vrf = vrfs.find((each) => each.name === name);
    if (vrf === undefined) return [];
    const related = [{ message: `the VRF ${name} is here`, span: originSpan(vrf.origin) }];
    return [diagnostic("remote-name-taken", { name }, originSpan(origin), related)];
  });
}
