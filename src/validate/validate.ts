/** The tree as parsed → the topology, and all that is wrong with it by itself, at once. */
import type { Code } from "../base/catalogue.ts";
import type { Result } from "../base/diagnostic.ts";
import type { ParsedYaml } from "../parse/tree.ts";
import type { Topology } from "../topology/topology.ts";
import { consequencesOf } from "./consequences.ts";
import {
  decodeBgp,
  decodeExitOrder,
  decodeExits,
  decodeFleet,
  decodeGuard,
  decodeName,
  decodePaths,
  decodeRemotes,
  decodeSites,
  decodeUnderlay,
  decodeVrfs,
  decodeVxlanPort,
  decodeWireguard,
} from "./decode.ts";
import { checkDuplicates } from "./duplicates.ts";
import { decodeHosts, type Entry, hostNames } from "./hosts.ts";
import { decodeKubernetes } from "./kubernetes.ts";
import { decodeOvn, ovnRoutes } from "./ovn.ts";
import { member, members, type Reader, rootOf, startOfFile, valueSpan } from "./reader.ts";
import { checkReferences } from "./references.ts";
import { checkSchema } from "./schema.ts";
import { decodeSubnets } from "./subnets.ts";

/** A topology with the mistakes of its text, and what later passes cannot say for sure because of them. */
export interface Validated extends Result<Topology | undefined> {
  readonly unsure: ReadonlySet<Code>;
}

/**
 * Judges and decodes a topology. A host, subnet or path with a mistake is left out of the value, and any other value with
 * one reads as if it were not there, so that later passes can still judge the rest. There is no value where the mistake
 * changes what the rest means.
 */
export function validate(tree: ParsedYaml): Validated {
  const reader: Reader = { tree, found: [], broken: new Set() };
  checkSchema(reader);
  const ofVersion = reader.found.filter((each) => each.code === "language-version-unknown");
  // Another version has other rules: what ours says of the rest is worth nothing.
  if (ofVersion.length > 0) return { value: undefined, diagnostics: ofVersion, unsure: new Set() };
  const draft = decodeTopology(reader);
  checkReferences(reader);
  checkDuplicates(reader);
  const unsure = consequencesOf(reader.broken);
  return { value: soundPart(reader, draft), diagnostics: reader.found, unsure };
}

type Draft = ReturnType<typeof decodeTopology>;

function decodeTopology(reader: Reader) {
  return {
    paths: decodePaths(reader),
    sites: decodeSites(reader),
    wireguard: decodeWireguard(reader),
    hosts: decodeHosts(reader),
    subnets: decodeSubnets(reader),
    vrfs: decodeVrfs(reader),
    exits: decodeExits(reader),
    exitOrder: decodeExitOrder(rootOf(reader)),
    remotes: decodeRemotes(reader),
    ovn: decodeOvn(reader),
    bgp: decodeBgp(reader),
    kubernetes: decodeKubernetes(reader),
    vxlanPort: decodeVxlanPort(reader),
    fleet: decodeFleet(reader),
    ...decodeGuard(reader),
  };
}

/** The entries that are left out as a whole: with half of it gone, the rest would mean something else. */
const ENTRY = /^\/(?:hosts\/[^/]+|subnets\/[^/]+|underlay\/paths\/\d+)/;

/** True where nothing can be said of the rest: the whole, all hosts or all subnets cannot be read, or VRFs were meant. */
const isFatal = (pointer: string): boolean => ["", "/hosts", "/subnets", "/vrfs"].includes(pointer);

function soundPart(reader: Reader, draft: Draft): Topology | undefined {
  if ([...reader.broken].some(isFatal)) return undefined;
  const unsound = new Set([...reader.broken].map((pointer) => ENTRY.exec(pointer)?.[0]));
  const sound = <T>(list: readonly Entry<T>[]): readonly T[] =>
    list.filter((entry) => !unsound.has(entry.pointer)).map((entry) => entry.value);
  const { paths, hosts, subnets, ...rest } = draft;
  return {
    ...rest,
    name: decodeName(reader),
    underlay: decodeUnderlay(reader, sound(paths)),
    hosts: sound(hosts).map((host) => ({ ...host, routes: [...host.routes, ...ovnRoutes(rest.ovn, host.name)] })),
    hostNames: hostNames(reader),
    subnets: sound(subnets),
    origin: originOfWhole(reader),
  };
}

/** The places of the whole's own fields; hosts, subnets and the like have origins of their own. */
function originOfWhole(reader: Reader): Topology["origin"] {
  const root = rootOf(reader);
  const nested = ["underlay", "guard", "kubernetes"].flatMap((key) => members(member(root, key)));
  const fields = [...members(root), ...nested];
  const places = fields.map(([, node]) => [node.pointer.slice(1), valueSpan(reader, node.pointer)] as const);
  return { "": startOfFile(reader), ...Object.fromEntries(places) };
}
