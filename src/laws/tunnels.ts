/** Keys of `wireguard` and its shape, and links that join less than all. Who can meet whom is found out later. */
import { type Diagnostic, diagnostic } from "../base/diagnostic.ts";
import { must } from "../base/invariant.ts";
import { compareText, someOf } from "../base/text.ts";
import { originSpan } from "../model/origin.ts";
import { hasTunnels } from "../topology/hosts.ts";
import { linkNeighbours, reachedFrom } from "../topology/links.ts";
import { countPeers, MAX_MESH_HOSTS } from "../topology/mesh.ts";
import { routingClass } from "../topology/routing-class.ts";
import type { Topology, WireguardInput } from "../topology/topology.ts";

const HUBS_ADVICE = "take it out, or choose hub-and-spoke, or a mesh, in which hubs relay pairs that cannot meet";

/** A shape has the keys that it is made of, and none that is another's. */
export function shapesHaveTheirKeys({ wireguard }: Topology): readonly Diagnostic[] {
  const { shape = "mesh", hubs, links, origin } = wireguard;
  const missing = (key: string, what: string): Diagnostic =>
    diagnostic("shape-key-missing", { shape, key, what }, originSpan(origin, "shape"));
  const conflict = (key: string, advice: string): Diagnostic =>
    diagnostic("shape-key-conflict", { shape, key, advice }, originSpan(origin, key));
  return [
    ...(shape === "hub-and-spoke" && hubs.length === 0 ? [missing("hubs", "who the hub is")] : []),
    ...(shape === "links" && links.length === 0 ? [missing("links", "who has a tunnel with whom")] : []),
    ...(shape === "links" && hubs.length > 0 ? [conflict("hubs", HUBS_ADVICE)] : []),
    ...(shape !== "links" && links.length > 0 ? [conflict("links", 'write "shape: links", or take it out')] : []),
  ];
}

/** Two hosts are linked once. */
export function linksAreDistinct({ wireguard: { links } }: Topology): readonly Diagnostic[] {
  const known = new Map<string, WireguardInput["links"][number]>();
  return links.flatMap((link) => {
    const [host, other] = link.hosts;
    // No name holds a space.
    const key = [host, other].sort(compareText).join(" ");
    const first = known.get(key);
    known.set(key, first ?? link);
    // A link of a host with itself is a list that names it twice, which is said already.
    if (first === undefined || host === other) return [];
    const related = [{ message: "they are linked here", span: first.span }];
    return [diagnostic("link-duplicate", { host, other }, link.span, related)];
  });
}

/** Hosts that have a link with another; `undefined` where nothing can be said of who has one. */
function linkedHosts({ hosts, wireguard: { shape, links } }: Topology): ReadonlySet<string> | undefined {
  if (shape !== "links" || links.length === 0) return undefined;
  const known = new Set(hosts.map(({ name }) => name));
  // A host with a mistake of its own is not there: who is joined through it is seen once that is mended.
  if (links.some((link) => link.hosts.some((name) => !known.has(name)))) return undefined;
  return new Set(links.filter(({ hosts: [a, b] }) => a !== b).flatMap((link) => link.hosts));
}

/** Every host that runs WireGuard is linked with another. */
export function everyHostIsLinked(topology: Topology): readonly Diagnostic[] {
  const linked = linkedHosts(topology);
  const running = topology.hosts.filter(hasTunnels);
  if (linked === undefined || running.length < 2) return [];
  return running
    .filter(({ name }) => !linked.has(name))
    .map(({ name, origin }) => diagnostic("host-unlinked", { host: name }, originSpan(origin)));
}

/** Links lead from each linked host to every other. */
export function linksJoinAll(topology: Topology): readonly Diagnostic[] {
  const { links, origin } = topology.wireguard;
  const linked = [...(linkedHosts(topology) ?? [])].sort(compareText);
  const neighbours = linkNeighbours(linked, links);
  const seen = new Set<string>();
  const parts = linked.flatMap((name) => {
    if (seen.has(name)) return [];
    const part = reachedFrom(neighbours, name);
    for (const each of part) seen.add(each);
    return [part.toSorted(compareText)];
  });
  return parts.slice(1).map((part) => {
    const params = { hosts: someOf(must(parts[0], "there is a part before another")), others: someOf(part) };
    return diagnostic("links-apart", params, originSpan(origin, "links"));
  });
}

/** A full mesh is no larger than can be held at once. */
export function meshesAreBearable(topology: Topology): readonly Diagnostic[] {
  const { shape = "mesh" } = topology.wireguard;
  const hosts = countPeers(topology);
  if (shape !== "mesh" || routingClass(topology).kind === "dynamic" || hosts <= MAX_MESH_HOSTS) return [];
  const params = { hosts, count: (hosts * (hosts - 1)) / 2, limit: MAX_MESH_HOSTS };
  return [diagnostic("mesh-too-large", params, originSpan(topology.origin, "wireguard/shape"))];
}
