import { type Diagnostic, diagnostic } from "../base/diagnostic.ts";
import { grouped } from "../base/grouped.ts";
import type { Bridge } from "../model/device.ts";
import type { Host } from "../model/host.ts";
import type { Network } from "../model/network.ts";
import { originSpan } from "../model/origin.ts";

/** What a bridge cannot be for one subnet and not for another. */
interface Kind {
  readonly isSo: (bridge: Bridge) => boolean;
  /** In which words it is so, and is not. */
  readonly words: readonly [string, string];
  readonly advice: string;
}

const KINDS: readonly Kind[] = [
  {
    isSo: ({ vlan }) => vlan !== undefined,
    words: ["has VLANs", "has none"],
    advice: 'give both a "vlan:", or one of the two a bridge of its own',
  },
  {
    isSo: ({ isExisting }) => isExisting,
    words: ["is there already", "is to be made"],
    advice: 'say "existing: true" of the bridge in both subnets, or in none',
  },
];

/** Why a bridge of a host cannot be that of both subnets; of bridges without VLANs each is one subnet's by its name. */
function conflictOf(host: string, first: Bridge, second: Bridge): Diagnostic | undefined {
  if (first.vlan === undefined && second.vlan === undefined) return undefined;
  const params = { host, bridge: second.name, other: first.subnet, subnet: second.subnet };
  const at = originSpan(first.origin, first.vlan === undefined ? "bridge" : "vlan");
  const related = [{ message: `${first.subnet} has it here`, span: at }];
  const kind = KINDS.find(({ isSo }) => isSo(first) !== isSo(second));
  if (kind !== undefined) {
    const [so, not] = kind.words;
    const [one, two] = kind.isSo(first) ? [so, not] : [not, so];
    const span = originSpan(second.origin, "bridge");
    return diagnostic("vlan-bridge-conflict", { ...params, one, two, advice: kind.advice }, span, related);
  }
  if (first.vlan === undefined || first.vlan !== second.vlan) return undefined;
  return diagnostic("vlan-taken", { ...params, vlan: first.vlan }, originSpan(second.origin, "vlan"), related);
}

/** Every two subnets that have a bridge in common. */
const pairsOn = ({ bridges }: Host): readonly (readonly [Bridge, Bridge])[] =>
  [...grouped(bridges, ({ name }) => name).values()].flatMap((parts) =>
    parts.flatMap((second, index) => parts.slice(0, index).map((first) => [first, second] as const)),
  );

/** Subnets on one bridge of a host are VLANs of it, each another one, and agree on whose the bridge is. */
export function vlansFitTogether({ hosts }: Network): readonly Diagnostic[] {
  const found = new Map<string, Diagnostic>();
  for (const host of hosts) {
    for (const [first, second] of pairsOn(host)) {
      // Said once, not once for each host that is on the same two subnets.
      const key = `${first.subnet} ${second.subnet}`;
      const conflict = found.has(key) ? undefined : conflictOf(host.name, first, second);
      if (conflict !== undefined) found.set(key, conflict);
    }
  }
  return [...found.values()];
}
