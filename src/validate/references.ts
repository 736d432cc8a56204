/** Names that refer to hosts, sites and VRFs: each must be there, and be of the right kind. */
import { diagnostic } from "../base/diagnostic.ts";
import type { Span } from "../base/source.ts";
import { isMapping, placeAt } from "./place.ts";
import {
  entries,
  keySpan,
  member,
  members,
  type Node,
  type Reader,
  report,
  rootOf,
  textAt,
  valueSpan,
} from "./reader.ts";
import { closest } from "./suggest.ts";
import { namesInWords } from "./words.ts";

/** The first mistakes get a suggestion; to search 10,000 names for each of 10,000 mistakes would take minutes. */
const MAX_SUGGESTIONS = 200;

interface Names {
  readonly reader: Reader;
  readonly hosts: ReadonlySet<string>;
  readonly sites: ReadonlySet<string>;
  readonly vrfs: ReadonlySet<string>;
  /** What may be suggested for each kind of name, in the order of the file. */
  readonly candidates: Readonly<Record<Wanted, readonly string[]>>;
  /** How many suggestions were looked for. */
  readonly asked: { count: number };
}

type Wanted = "host" | "site" | "member" | "vrf";

/** Reports every name of a host or site that there is not. */
export function checkReferences(reader: Reader): void {
  const root = rootOf(reader);
  const [hosts, sites] = [member(root, "hosts"), member(root, "sites")];
  // What could not be read at all makes no name unknown.
  if (!isMapping(hosts.value) || reader.broken.has(hosts.pointer) || reader.broken.has(sites.pointer)) return;
  const names = collectNames(reader, hosts, sites);
  for (const path of entries(member(member(root, "underlay"), "paths"))) {
    for (const end of entries(member(path, "between"))) checkValue(names, end, "member");
  }
  checkValue(names, member(member(root, "hostDefaults"), "site"), "site");
  checkExtra(names, member(root, "hostDefaults"));
  for (const [, host] of members(hosts)) checkHost(names, host);
  for (const [, site] of members(sites)) {
    for (const key of ["gateways", "hubs"]) checkNames(names, member(site, key), "host");
  }
  for (const [, subnet] of members(member(root, "subnets"))) checkSubnet(names, subnet);
  for (const [, vrf] of members(member(root, "vrfs"))) {
    checkExits(names, member(vrf, "exits"));
    checkNames(names, member(vrf, "imports"), "vrf");
  }
  checkExits(names, member(root, "exits"));
  for (const [, remote] of members(member(root, "remotes"))) checkExits(names, member(remote, "exits"));
  checkOvn(names, member(root, "ovn"));
  checkNames(names, member(member(root, "wireguard"), "hubs"), "host");
  for (const link of entries(member(member(root, "wireguard"), "links"))) checkNames(names, link, "host");
  checkNames(names, member(member(root, "bgp"), "routeReflectors"), "host");
}

function checkHost(names: Names, host: Node): void {
  for (const key of ["hubs", "exits"]) checkNames(names, member(host, key), "host");
  checkValue(names, member(host, "site"), "site");
  for (const key of ["routes", "peers"]) {
    for (const each of entries(member(host, key))) checkValue(names, member(each, "vrf"), "vrf");
  }
  checkExtra(names, host);
}

function checkOvn(names: Names, ovn: Node): void {
  checkValue(names, member(ovn, "central"), "host");
  checkNames(names, member(ovn, "chassis"), "host");
  for (const [, network] of members(member(ovn, "networks"))) checkNames(names, member(network, "gateway"), "host");
}

function checkExtra(names: Names, host: Node): void {
  const frr = member(member(host, "extra"), "frr");
  for (const [vrf, node] of members(member(frr, "vrfs"))) checkKey(names, vrf, node, "vrf");
}

function checkExits(names: Names, exits: Node): void {
  for (const exit of entries(exits)) checkValue(names, member(exit, "host"), "host");
}

function collectNames(reader: Reader, hosts: Node, sites: Node): Names {
  const [hostNames, siteNames] = [namesOf(hosts), namesOf(sites)] as const;
  // A name that is too long has been reported: nobody means it.
  const [host, site] = [hostNames.filter(isShort), siteNames.filter(isShort)] as const;
  const vrf = namesOf(member(rootOf(reader), "vrfs"));
  const candidates = { host, site, vrf, member: [...host, ...site] };
  const sets = { hosts: new Set(hostNames), sites: new Set(siteNames), vrfs: new Set(vrf) };
  return { reader, ...sets, candidates, asked: { count: 0 } };
}

const namesOf = (node: Node): readonly string[] => members(node).map(([name]) => name);
const isShort = (name: string): boolean => name.length <= 63;

function checkSubnet(names: Names, subnet: Node): void {
  const hosts = member(subnet, "hosts");
  if (Array.isArray(hosts.value)) checkNames(names, hosts, "member");
  checkNames(names, member(subnet, "exits"), "host");
  checkValue(names, member(subnet, "vrf"), "vrf");
  for (const [host, node] of members(member(subnet, "gateway"))) checkKey(names, host, node);
  for (const [host, node] of members(member(member(subnet, "container"), "ranges"))) checkKey(names, host, node);
  for (const [host, node] of members(member(subnet, "ports"))) {
    checkKey(names, host, node);
    checkTwice(names.reader, node);
  }
}

/** A list of names, none of them twice. */
function checkNames(names: Names, list: Node, wanted: Wanted): void {
  for (const node of entries(list)) checkValue(names, node, wanted);
  checkTwice(names.reader, list);
}

function checkValue(names: Names, node: Node, wanted: Wanted): void {
  const name = textAt(names.reader, node);
  if (name !== undefined)
    checkName(names, { name, wanted, pointer: node.pointer, span: valueSpan(names.reader, node.pointer) });
}

function checkKey(names: Names, name: string, { pointer }: Node, wanted: Wanted = "host"): void {
  if (names.reader.broken.has(pointer)) return;
  checkName(names, { name, wanted, pointer, span: keySpan(names.reader, pointer) });
}

interface Reference {
  readonly name: string;
  readonly wanted: Wanted;
  readonly pointer: string;
  readonly span: Span;
}

function checkName(names: Names, reference: Reference): void {
  const { name, wanted, pointer, span } = reference;
  if (isKnown(names, name, wanted)) return;
  report(names.reader, pointer, diagnostic(`${wanted}-unknown`, { name, suggestion: suggest(names, reference) }, span));
}

function isKnown({ reader, hosts, sites, vrfs }: Names, name: string, wanted: Wanted): boolean {
  // What could not be read at all makes no name unknown.
  if (wanted === "vrf") return vrfs.has(name) || reader.broken.has("/vrfs");
  return (hosts.has(name) && wanted !== "site") || (sites.has(name) && wanted !== "host");
}

function suggest(names: Names, { name, wanted }: Reference): string {
  const { hosts, sites } = names;
  if (wanted === "host" && sites.has(name)) return `"${name}" is a site: name its hosts`;
  if (wanted === "site" && hosts.has(name)) return `"${name}" is a host: name a site, or leave site out`;
  if (wanted === "member" && name === "all") return "write hosts: all, without brackets";
  names.asked.count += 1;
  const candidates = names.candidates[wanted];
  const meant = names.asked.count > MAX_SUGGESTIONS ? undefined : closest(name, candidates);
  if (meant !== undefined) return `did you mean "${meant}"?`;
  if (wanted === "vrf") return `declare it under vrfs, as "${name}: {vni: 5000}"`;
  if (wanted === "site") return `declare it under sites, as "${name}: {}"`;
  return `write one of ${namesInWords(candidates)}`;
}

function checkTwice(reader: Reader, list: Node): void {
  const seen = new Map<string, Node>();
  for (const node of entries(list)) {
    const value = textAt(reader, node);
    const first = seen.get(value ?? "");
    if (value === undefined) continue;
    seen.set(value, first ?? node);
    if (first === undefined) continue;
    const { words: where } = placeAt(reader.tree.value, list.pointer);
    const related = [{ message: "the first one is here", span: valueSpan(reader, first.pointer) }];
    const problem = diagnostic("list-duplicate", { where, value }, valueSpan(reader, node.pointer), related);
    report(reader, node.pointer, problem);
  }
}
