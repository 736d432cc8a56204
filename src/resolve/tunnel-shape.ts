/** Keys of `wireguard` that do not go with its shape, and links that join less than all. */
import { type Diagnostic, diagnostic } from "../base/diagnostic.ts";
import { must } from "../base/invariant.ts";
import { compareText } from "../base/text.ts";
import { originSpan } from "../model/origin.ts";
import { linkNeighbours, reachedFrom } from "../topology/links.ts";
import type { Topology, WireguardInput } from "../topology/topology.ts";

type Report = (diagnostic: Diagnostic) => void;

const HUBS_ADVICE = "take it out, or choose hub-and-spoke, or a mesh, in which hubs relay pairs that cannot meet";

function checkKeys({ wireguard }: Topology, report: Report): void {
  const { shape = "mesh", hubs, links } = wireguard;
  const missing = (key: string, what: string): void =>
    report(diagnostic("shape-key-missing", { shape, key, what }, originSpan(wireguard.origin, "shape")));
  const conflict = (key: string, advice: string): void =>
    report(diagnostic("shape-key-conflict", { shape, key, advice }, originSpan(wireguard.origin, key)));
  if (shape === "hub-and-spoke" && hubs.length === 0) missing("hubs", "who the hub is");
  if (shape === "links" && links.length === 0) missing("links", "who has a tunnel with whom");
  if (shape === "links" && hubs.length > 0) conflict("hubs", HUBS_ADVICE);
  if (shape !== "links" && links.length > 0) conflict("links", 'write "shape: links", or take it out');
}

function checkLinks(links: WireguardInput["links"], report: Report): void {
  const known = new Map<string, WireguardInput["links"][number]>();
  for (const link of links) {
    const [host, other] = link.hosts;
    // No name holds a space.
    const key = [host, other].sort(compareText).join(" ");
    const first = known.get(key);
    known.set(key, first ?? link);
    // A link of a host with itself is a list that names it twice, which is said already.
    if (first === undefined || host === other) continue;
    const related = [{ message: "they are linked here", span: first.span }];
    report(diagnostic("link-duplicate", { host, other }, link.span, related));
  }
}

const shown = (names: readonly string[]): string =>
  names.length > 4 ? `${names.slice(0, 3).join(", ")} and ${names.length - 3} more` : names.join(", ");

/** Every host is linked, and all of them with each other. */
function checkJoined({ hosts, wireguard }: Topology, report: Report): void {
  const names = hosts.map(({ name }) => name).sort(compareText);
  const known = new Set(names);
  // A host with a mistake of its own is not there: who is joined through it is seen once that is mended.
  if (wireguard.links.some((link) => link.hosts.some((name) => !known.has(name)))) return;
  const neighbours = linkNeighbours(names, wireguard.links);
  const linked = new Set(wireguard.links.filter(({ hosts: [a, b] }) => a !== b).flatMap((link) => link.hosts));
  for (const { name, origin } of hosts) {
    if (hosts.length > 1 && !linked.has(name)) report(diagnostic("host-unlinked", { host: name }, originSpan(origin)));
  }
  const seen = new Set<string>();
  const parts = names.flatMap((name) => {
    if (seen.has(name) || !linked.has(name)) return [];
    const part = reachedFrom(neighbours, name);
    for (const each of part) seen.add(each);
    return [part.toSorted(compareText)];
  });
  for (const part of parts.slice(1)) {
    const params = { hosts: shown(must(parts[0], "there is a part before another")), others: shown(part) };
    report(diagnostic("links-apart", params, originSpan(wireguard.origin, "links")));
  }
}

/** Reports what is wrong with the shape of the tunnels itself; who can meet whom is found out later. */
export function checkTunnelShape(topology: Topology, found: Diagnostic[]): void {
  const report: Report = (each) => found.push(each);
  const { wireguard } = topology;
  checkKeys(topology, report);
  checkLinks(wireguard.links, report);
  if (wireguard.shape === "links" && wireguard.links.length > 0) checkJoined(topology, report);
}
