/** What is said of hosts that should have a tunnel and cannot meet. */
import { type Diagnostic, diagnostic } from "../../base/diagnostic.ts";
import { originSpan } from "../../model/origin.ts";
import type { WireguardInput } from "../../topology/topology.ts";
import type { ResolvedHost } from "../hosts/hosts.ts";
import type { Member } from "./meetings.ts";

// A mesh of n hosts that forgot its endpoints has n²/2 such pairs: enough is enough.
const MAX_PAIRS_REPORTED = 50;

/** What else two hosts that cannot meet may do than to have an endpoint. */
const NAME_A_HUB = "name a hub that both can meet under wireguard.hubs: it relays them";
const LINK_OTHERS = "link each with a host that it can meet instead";

/** Says that two hosts which should have a tunnel cannot meet. */
export function reportPair(
  a: ResolvedHost,
  b: ResolvedHost,
  { found, shape }: { readonly found: Diagnostic[]; readonly shape: WireguardInput["shape"] },
): void {
  const names = { host: a.input.name, other: b.input.name };
  const related = [{ message: `${names.other} is here`, span: originSpan(b.input.origin) }];
  const span = originSpan(a.input.origin);
  const site = a.reach.site;
  // A spoke is dialled by nobody.
  const dialled = [a, b]
    .filter(({ isSpoke }) => !isSpoke)
    .map(({ input }) => input.name)
    .join(" or ");
  const isNat = site !== undefined && site === b.reach.site && (a.reach.endpoint ?? b.reach.endpoint) !== undefined;
  found.push(
    isNat
      ? diagnostic("pair-behind-one-nat", { ...names, site, dialled }, span, related)
      : diagnostic(
          "pair-cannot-meet",
          { ...names, instead: shape === "links" ? LINK_OTHERS : NAME_A_HUB },
          span,
          related,
        ),
  );
}

interface Unmet {
  readonly found: Diagnostic[];
  readonly wireguard: WireguardInput;
  /** Hubs and gateways. One with a mistake of its own is not there, and might have led the others to each other. */
  readonly leaders: readonly string[];
}

/** Reports pairs that cannot meet; a hub that nobody outside its site can dial is one mistake, however many spokes it has. */
export function createRefuse(
  hosts: readonly ResolvedHost[],
  { found, wireguard, leaders }: Unmet,
): (from: Member, to: Member) => void {
  const names = new Set(hosts.map(({ input }) => input.name));
  if (leaders.some((name) => !names.has(name))) return () => undefined;
  let unmet = 0;
  const unknown = new Set<string>();
  return ({ host: a }, { host: b }) => {
    // Each pair comes by from both sides.
    if (a.input.name >= b.input.name) return;
    const hub = a.isSpoke ? b : a;
    if (wireguard.shape !== "hub-and-spoke" || hub.reach.endpoint !== undefined) {
      if (unmet++ < MAX_PAIRS_REPORTED) reportPair(a, b, { found, shape: wireguard.shape });
      return;
    }
    const { name, origin } = hub.input;
    if (!unknown.has(name)) found.push(diagnostic("hub-without-endpoint", { hub: name }, originSpan(origin)));
    unknown.add(name);
  };
}
