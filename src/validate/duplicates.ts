/** What may stand only once in a topology: ids, VNIs, public keys, names. */
import { diagnostic } from "../base/diagnostic.ts";
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

/** Reports what two entries share though each needs its own, and names that no host or site can have. */
export function checkDuplicates(reader: Reader): void {
  const root = rootOf(reader);
  const [hosts, sites] = [members(member(root, "hosts")), members(member(root, "sites"))];
  for (const { name, other, value, at } of sharedValues(reader, hosts, (host) => member(host, "id"))) {
    report(reader, at.pointer, diagnostic("id-duplicate", { host: name, other, id: value }, at.span, at.related));
  }
  const groups = sharingGroups(reader, sites);
  // Who shares an address is not known where these have mistakes.
  const isUnsure = [...reader.broken].some((pointer) => /^\/(?:sites|wireguard)/.test(pointer));
  for (const { name, other, at } of sharedValues(reader, hosts, (host) => member(host, "publicKey"))) {
    // One peer to all others; whether that is what it is, the model knows.
    if (isUnsure || groups.some((group) => group.has(name) && group.has(other))) continue;
    report(reader, at.pointer, diagnostic("public-key-duplicate", { host: name, other }, at.span, at.related));
  }
  const subnets = members(member(root, "subnets")).map(([name, node]) => [name, member(node, "vxlan")] as const);
  const vrfs = members(member(root, "vrfs")).map(([name, node]) => [`VRF ${name}`, node] as const);
  for (const { name, other, value, at } of sharedValues(reader, [...subnets, ...vrfs], (each) => member(each, "vni"))) {
    report(reader, at.pointer, diagnostic("vni-duplicate", { subnet: name, other, vni: value }, at.span, at.related));
  }
  checkNames(reader, hosts, sites);
}

/** The hosts that are to share an address by VRRP, and may share a key. */
function sharingGroups(reader: Reader, sites: Named): readonly ReadonlySet<string | undefined>[] {
  const wireguard = member(rootOf(reader), "wireguard");
  const lists = [{ of: wireguard, key: "hubs" }, ...sites.map(([, of]) => ({ of, key: "gateways" }))];
  return lists
    .filter(({ of }) => member(of, "vrrp").value !== undefined)
    .map(({ of, key }) => new Set(entries(member(of, key)).map((each) => textAt(reader, each))));
}

type Named = readonly (readonly [string, Node])[];

/** Every entry whose value an earlier one has already, in the order of the file. */
function sharedValues(reader: Reader, named: Named, pick: (entry: Node) => Node) {
  const seen = new Map<string | number, readonly [string, Node]>();
  return named.flatMap(([name, entry]) => {
    const node = pick(entry);
    const { value, pointer } = node;
    if ((typeof value !== "string" && typeof value !== "number") || reader.broken.has(pointer)) return [];
    const first = seen.get(value);
    if (first === undefined) {
      seen.set(value, [name, node]);
      return [];
    }
    const [other, there] = first;
    const related = [{ message: `${other} has it here`, span: valueSpan(reader, there.pointer) }];
    return [{ name, other, value, at: { pointer, span: valueSpan(reader, pointer), related } }];
  });
}

/** Names of files in the output, and words of the language. */
const RESERVED: ReadonlyMap<string, string> = new Map([
  ["all", "that means every host"],
  ["manifest.json", "the output has a file of that name"],
]);

function checkNames(reader: Reader, hosts: Named, sites: Named): void {
  const siteNodes = new Map(sites);
  const hasPresharedKeys = member(member(rootOf(reader), "wireguard"), "presharedKeys").value === true;
  for (const [name, { pointer }] of [...hosts, ...sites]) {
    const reason = RESERVED.get(name);
    if (reason !== undefined)
      report(reader, pointer, diagnostic("name-reserved", { name, reason }, keySpan(reader, pointer)));
  }
  for (const [name, { pointer }] of hosts) {
    const site = siteNodes.get(name);
    const span = keySpan(reader, pointer);
    if (site !== undefined) {
      const related = [{ message: "the site is here", span: keySpan(reader, site.pointer) }];
      report(reader, pointer, diagnostic("name-taken", { name }, span, related));
    }
    // Two pairs of such names could mean one file.
    if (hasPresharedKeys && name.includes("--")) {
      const reason = 'with presharedKeys a "--" divides two names in the name of a key file';
      report(reader, pointer, diagnostic("name-reserved", { name, reason }, span));
    }
  }
}
