/** Keys of a subnet that do not go with something else of it. */
import { type Diagnostic, diagnostic } from "../base/diagnostic.ts";
import { originSpan } from "../model/origin.ts";
import type { SubnetInput } from "../topology/topology.ts";

export interface Conflict {
  readonly key: string;
  /** Its pointer, where it is a key of a key. */
  readonly at?: string;
  readonly isSet: boolean;
  readonly with: string;
  readonly advice: string;
}

/** Those that there are, said. */
export function conflictsSaid(subnet: SubnetInput, conflicts: readonly Conflict[]): readonly Diagnostic[] {
  return conflicts
    .filter(({ isSet }) => isSet)
    .map(({ key, at = key, with: other, advice }) => {
      const params = { subnet: subnet.name, key, with: other, advice };
      return diagnostic("subnet-key-conflict", params, originSpan(subnet.origin, at));
    });
}
