import { type Diagnostic, diagnostic } from "../base/diagnostic.ts";
import { ownTables } from "../model/fleet.ts";
import { originSpan } from "../model/origin.ts";
import type { Topology, VrfInput } from "../topology/topology.ts";

/** What others are for: the kernel's are in include/uapi/linux/rtnetlink.h, enum rt_class_t. */
const RESERVED_TABLES: ReadonlyMap<number, string> = new Map([
  [253, 'the kernel\'s "default"'],
  [254, 'the kernel\'s "main"'],
  [255, 'the kernel\'s "local"'],
]);

/** Every VRF has a routing table of its own. */
export function tablesAreOwn({ vrfs, fleet }: Topology): readonly Diagnostic[] {
  const reserved = new Map([...RESERVED_TABLES, ...ownTables({ fleet })]);
  const known = new Map<number, VrfInput>();
  return vrfs.flatMap((each) => {
    const { name: vrf, vni, origin } = each;
    const table = each.table ?? vni;
    const span = originSpan(origin, each.table === undefined ? "vni" : "table");
    const use = reserved.get(table);
    if (use !== undefined)
      return [
        diagnostic("table-reserved", { vrf, table, use, own: [...ownTables({ fleet }).keys()].join(", ") }, span),
      ];
    const first = known.get(table);
    known.set(table, first ?? each);
    if (first === undefined) return [];
    const related = [{ message: `the VRF ${first.name} is here`, span: originSpan(first.origin) }];
    return [diagnostic("table-duplicate", { vrf, other: first.name, table }, span, related)];
  });
}

/** What a VRF imports is another's. */
export function importsAreOfOthers({ vrfs }: Topology): readonly Diagnostic[] {
  return vrfs.flatMap(({ name: vrf, imports }) =>
    imports.filter(({ value }) => value === vrf).map(({ span }) => diagnostic("vrf-imports-itself", { vrf }, span)),
  );
}
