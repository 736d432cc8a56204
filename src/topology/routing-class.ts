/** Whether there is one way from each host to each other one, or more than one, which only BGP can choose from. */
import { must } from "../base/invariant.ts";
import type { Span } from "../base/source.ts";
import { originSpan } from "../model/origin.ts";
import type { Topology, WireguardInput } from "./topology.ts";

/** What routes between the hosts: AllowedIPs alone, or BGP over tunnels that take anything. */
export type RoutingClass =
  | { readonly kind: "static" }
  /** `why`: what makes a second way, for messages; `span`: where it was asked for. */
  | { readonly kind: "dynamic"; readonly why: string; readonly span: Span };

/** Sets that are joined one by one (union-find): gives the function that joins those of two names, `false`: it is one already. */
function createJoin(): (a: string, b: string) => boolean {
  const parents = new Map<string, string>();
  const rootOf = (name: string): string => {
    let root = name;
    for (let parent = parents.get(root); parent !== undefined; parent = parents.get(root)) root = parent;
    // Whoever was passed leads there directly from now on, or chains of thousands would be walked thousands of times.
    for (let at = name; at !== root; ) {
      const next = must(parents.get(at), "the way to the root is known to its end");
      parents.set(at, root);
      at = next;
    }
    return root;
  };
  return (a, b) => {
    const [one, other] = [rootOf(a), rootOf(b)];
    if (one !== other) parents.set(one, other);
    return one !== other;
  };
}

/** The first of the links that closes a ring; `undefined` where there is one way between any two hosts at most. */
function ringLink({ links }: WireguardInput): WireguardInput["links"][number] | undefined {
  const join = createJoin();
  const joined = new Set<string>();
  return links.find(({ hosts: [a, b] }) => {
    // Twice the same, or with itself, is a mistake that is said elsewhere. No name holds a space.
    const isKnown = a === b || joined.has(`${a} ${b}`);
    for (const pair of [`${a} ${b}`, `${b} ${a}`]) joined.add(pair);
    return !join(a, b) && !isKnown;
  });
}

/**
 * Decides the class of a topology. Two hubs that share an address by VRRP are one way, and so are two gateways, where there
 * is no BGP; where there is, both are up, and the address is for their LAN alone.
 */
export function routingClass({ wireguard, sites, bgp }: Topology): RoutingClass {
  const { shape, hubs, vrrp } = wireguard;
  if (shape === "hub-and-spoke" && hubs.length > 1 && vrrp === undefined) {
    return { kind: "dynamic", why: `${hubs.length} hubs`, span: originSpan(wireguard.origin, "hubs") };
  }
  const ring = shape === "links" ? ringLink(wireguard) : undefined;
  if (ring !== undefined) return { kind: "dynamic", why: "links that form a ring", span: ring.span };
  const site = sites.find(
    ({ gateways, vrrp: shared }) => gateways.length > 1 && (shared === undefined || bgp !== undefined),
  );
  if (site === undefined) return { kind: "static" };
  const why = `${site.gateways.length} gateways of ${site.name}`;
  return { kind: "dynamic", why, span: originSpan(site.origin, "gateways") };
}
