import { FAMILIES, familyOf, type IpPrefix } from "../../base/ip.ts";
import type { LabMember, LabPlan } from "../plan/plan.ts";

/** What hosts of one site send each other as such is the underlay itself, though it may be of a LAN that others reach by a tunnel. */
function amongMembers(members: readonly LabMember[]): readonly string[] {
  return FAMILIES.flatMap((family) => {
    const own = [...new Set(members.flatMap(({ addresses }) => addresses))].filter((each) => familyOf(each) === family);
    const [word, set] = [family === 4 ? "ip" : "ip6", `{ ${own.join(", ")} }`];
    return own.length === 0 ? [] : [`${word} saddr ${set} ${word} daddr ${set} return`];
  });
}

/**
 * Counts fragments, and what should have been in a tunnel; `members`: who is joined to a router, `allowed`: whose packets cross
 * it in clear as they must, to them and from them.
 */
export function watchRules(
  { overlay }: LabPlan,
  members: readonly LabMember[] = [],
  allowed: readonly IpPrefix[] = [],
): string {
  const word = (prefix: IpPrefix): string => (familyOf(prefix) === 4 ? "ip" : "ip6");
  const passing = allowed.flatMap((prefix) =>
    ["saddr", "daddr"].map((end) => `${word(prefix)} ${end} ${prefix} return`),
  );
  const inClear = overlay.map((prefix) => `${word(prefix)} daddr ${prefix} counter`);
  return `table inet watch {
  chain fragments {
    type filter hook prerouting priority -450
    ip frag-off & 0x3fff != 0 counter
    exthdr frag exists counter
  }
  chain clear {
    type filter hook prerouting priority -450
    ${[...amongMembers(members), ...passing, ...inClear].join("\n    ")}
  }
}
`;
}
