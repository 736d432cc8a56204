import { familyOf } from "../../base/ip.ts";
import type { LabPlan } from "../plan/plan.ts";

/** Counts fragments, and what should have been in a tunnel. */
export function watchRules({ overlay }: LabPlan): string {
  const inClear = overlay.map((prefix) => `${familyOf(prefix) === 4 ? "ip" : "ip6"} daddr ${prefix} counter`);
  return `table inet watch {
  chain fragments {
    type filter hook prerouting priority -450
    ip frag-off & 0x3fff != 0 counter
    exthdr frag exists counter
  }
  chain clear {
    type filter hook prerouting priority -450
    ${inClear.join("\n    ")}
  }
}
`;
}
