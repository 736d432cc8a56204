/** frr.conf, as far as it says who speaks with whom and what is announced. */
import { holds, type Prefix, prefixOf } from "./prefix.ts";

export interface Neighbour {
  readonly address: Prefix;
  readonly description: string;
  /** A number, internal or external. */
  readonly remoteAs: string;
  readonly source: Prefix | undefined;
  readonly families: readonly string[];
  readonly isClient: (family: string) => boolean;
  readonly hasBfd: boolean;
  /** Whether what it says of a prefix gets past the prefix list. */
  readonly accepts: (prefix: Prefix) => boolean;
  /** Whether it is told of a prefix. */
  readonly hears: (prefix: Prefix) => boolean;
  /** How often the host's own AS may stand in the path of what it says. */
  readonly ownAsMost: (family: string) => number;
  /** Whether a route of EVPN gets past the route-map, by its communities as FRR prints them. */
  readonly takes: (communities: string) => boolean;
}

/** What FRR is told of route targets of one VNI; `undefined`: it derives them. */
export interface Targets {
  readonly imports: readonly string[] | undefined;
  readonly exports: readonly string[] | undefined;
}

export interface Bgp {
  readonly asn: number;
  readonly routerId: string;
  readonly neighbours: readonly Neighbour[];
  /** What is announced, but for the VRFs. */
  readonly networks: readonly Prefix[];
  readonly hasEvpn: boolean;
  /** By the VNI of a segment or a VRF; those that are derived are not there. */
  readonly targets: ReadonlyMap<number, Targets>;
  /** Static routes of the host's own table, with their device. */
  readonly routes: readonly { readonly prefix: Prefix; readonly device: string; readonly isLast: boolean }[];
}

/** All that is said of one neighbour or peer group, word by word. */
interface Said {
  readonly words: readonly string[];
  readonly family: string | undefined;
}

function saidIn(lines: readonly string[]): ReadonlyMap<string, readonly Said[]> {
  const said = new Map<string, Said[]>();
  let family: string | undefined;
  for (const line of lines) {
    const words = line.trim().split(/ +/);
    if (words[0] === "address-family") family = words.slice(1).join(" ");
    if (words[0] === "exit-address-family") family = undefined;
    if (words[0] !== "neighbor") continue;
    const name = words[1] as string;
    said.set(name, [...(said.get(name) ?? []), { words: words.slice(2), family }]);
  }
  return said;
}

interface Entry {
  readonly isPermitted: boolean;
  readonly prefix: Prefix;
  readonly most: number;
}

/** The prefix lists by name. */
function listsIn(lines: readonly string[]): ReadonlyMap<string, readonly Entry[]> {
  const lists = new Map<string, Entry[]>();
  for (const line of lines) {
    const [, name = "", action, text, most] =
      /^ip(?:v6)? prefix-list (\S+) seq \d+ (permit|deny) ([\d.a-f:]+\/\d+)(?: le (\d+))?$/.exec(line) ?? [];
    if (text === undefined) continue;
    const prefix = prefixOf(text);
    const entry = { isPermitted: action === "permit", prefix, most: most === undefined ? prefix.length : Number(most) };
    lists.set(name, [...(lists.get(name) ?? []), entry]);
  }
  return lists;
}

type Lists = ReturnType<typeof listsIn>;

/** The patterns of lists of extended communities, by name, which is that of the route-map that asks them. */
const patternsIn = (lines: readonly string[]): ReadonlyMap<string, RegExp> =>
  new Map(
    lines.flatMap((line) => {
      const [, name, pattern] = /^bgp extcommunity-list expanded (\S+) seq \d+ permit (.*)$/.exec(line) ?? [];
      return name === undefined || pattern === undefined ? [] : [[name, new RegExp(pattern)] as const];
    }),
  );

function targetsOf(block: string): Targets {
  const all = (word: string) =>
    [...block.matchAll(new RegExp(`route-target ${word} (\\S+)`, "g"))].map(([, each = ""]) => each);
  const [imports, exports] = [all("import"), all("export")];
  return { imports: imports.length > 0 ? imports : undefined, exports: exports.length > 0 ? exports : undefined };
}

/** The targets in blocks of VNIs, and in those of VRFs, of which another block says the VNI. */
function targetsIn(text: string): ReadonlyMap<number, Targets> {
  const vrfs = new Map([...text.matchAll(/^vrf (\S+)\n vni (\d+)$/gm)].map(([, name, vni]) => [name, Number(vni)]));
  const segments = [...text.matchAll(/^ {2}vni (\d+)\n((?: {3}.*\n)*)/gm)];
  const routers = [...text.matchAll(/^router bgp \d+ vrf (\S+)\n((?: .*\n)*)/gm)];
  return new Map([
    ...segments.map(([, vni, block = ""]) => [Number(vni), targetsOf(block)] as const),
    ...routers.map(([, name, block = ""]) => [vrfs.get(name) ?? 0, targetsOf(block)] as const),
  ]);
}

interface Filters {
  readonly lists: Lists;
  readonly patterns: ReadonlyMap<string, RegExp>;
}

function neighbourOf(address: string, said: ReadonlyMap<string, readonly Said[]>, filters: Filters): Neighbour {
  const { lists, patterns } = filters;
  const own = said.get(address) ?? [];
  const group = own.find(({ words }) => words[0] === "peer-group")?.words[1];
  const all = [...(group === undefined ? [] : (said.get(group) ?? [])), ...own];
  const last = (word: string): string | undefined => all.findLast(({ words }) => words[0] === word)?.words[1];
  const source = last("update-source");
  const families = all.flatMap(({ words, family }) => (words[0] === "activate" && family ? [family] : []));
  const passes = (wanted: Prefix, direction: string): boolean => {
    const list = all.findLast(
      ({ words, family }) =>
        words[0] === "prefix-list" && words[2] === direction && family === `ipv${wanted.family} unicast`,
    );
    if (list === undefined) return true;
    const isMatched = ({ prefix, most }: Entry): boolean => holds(prefix, wanted) && wanted.length <= most;
    return (lists.get(list.words[1] ?? "") ?? []).find(isMatched)?.isPermitted ?? false;
  };
  return {
    address: prefixOf(address),
    description:
      own
        .find(({ words }) => words[0] === "description")
        ?.words.slice(1)
        .join(" ") ?? "",
    remoteAs: last("remote-as") ?? "",
    source: source === undefined ? undefined : prefixOf(source),
    families,
    isClient: (wanted) => all.some(({ words, family }) => words[0] === "route-reflector-client" && family === wanted),
    hasBfd: all.some(({ words }) => words[0] === "bfd"),
    accepts: (wanted) => passes(wanted, "in"),
    hears: (wanted) => passes(wanted, "out"),
    ownAsMost: (wanted) =>
      Number(all.find(({ words, family }) => words[0] === "allowas-in" && family === wanted)?.words[1] ?? 0),
    takes: (communities) => {
      const map = all.findLast(({ words, family }) => words[0] === "route-map" && family === "l2vpn evpn")?.words[1];
      return patterns.get(map ?? "")?.test(communities) ?? true;
    },
  };
}

/** The lines of the first block that begins like this, up to its end at the margin. */
function blockOf(lines: readonly string[], begin: RegExp): readonly string[] | undefined {
  const start = lines.findIndex((line) => begin.test(line));
  if (start < 0) return undefined;
  const length = lines.slice(start + 1).findIndex((line) => !line.startsWith(" "));
  return lines.slice(start, length < 0 ? undefined : start + 1 + length);
}

/** Reads a configuration; `undefined` when it has no BGP. */
export function readFrr(text: string): Bgp | undefined {
  const lines = text.split("\n").filter((line) => !/^ *!/.test(line));
  const block = blockOf(lines, /^router bgp \d+$/);
  if (block === undefined) return undefined;
  const said = saidIn(block);
  const filters = { lists: listsIn(lines), patterns: patternsIn(lines) };
  const after = (word: string): readonly string[] =>
    block.flatMap((line) => (line.trim().startsWith(`${word} `) ? [line.trim().slice(word.length + 1)] : []));
  return {
    asn: Number(/\d+$/.exec(block[0] as string)?.[0]),
    routerId: after("bgp router-id")[0] ?? "",
    neighbours: [...said.keys()]
      .filter((name) => /^[\da-f]*[.:]/.test(name))
      .map((name) => neighbourOf(name, said, filters)),
    networks: after("network").map(prefixOf),
    targets: targetsIn(`${lines.join("\n")}\n`),
    hasEvpn: block.some((line) => line.trim() === "advertise-all-vni"),
    routes: lines.flatMap((line) => {
      const [, prefix, device, distance] = /^ip(?:v6)? route (\S+) (\S+)(?: (\d+))?$/.exec(line) ?? [];
      if (prefix === undefined || device === undefined) return [];
      return [{ prefix: prefixOf(prefix), device, isLast: distance === "254" }];
    }),
  };
}
