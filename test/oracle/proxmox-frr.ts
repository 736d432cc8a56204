/**
 * How Proxmox adds /etc/frr/frr.conf.local to the configuration that its SDN makes, by the two readers of libpve-network (its
 * SDN/Frr.pm): both take lines by the blocks in which they stand, and lose what stands in none. Written from what they do
 * with the kinds of lines that netgen writes.
 */

type Kind = "block" | "router" | "route-map" | "family" | "end of family" | "end" | "list" | "comment" | "line";

interface Line {
  readonly kind: Kind;
  readonly text: string;
  /** Of a block or a family. */
  readonly name: string;
}

const KINDS: readonly (readonly [Kind, RegExp])[] = [
  ["router", /^router (?<name>.+)$/],
  ["route-map", /^route-map (?<name>.+) (?:permit|deny) \d+$/],
  ["block", /^(?<name>(?:vrf|interface) .+)$/],
  ["list", /^(?:access-list|ip prefix-list|ipv6 prefix-list) .+ seq \d+ .+$|^bgp community-list /],
  ["end of family", /exit-address-family$/],
  ["family", /address-family (?<name>.+)$/],
  ["end", /^exit/],
  ["comment", /!|^$/],
];

function lineOf(text: string): Line {
  for (const [kind, form] of KINDS) {
    const found = form.exec(text);
    if (found !== null) return { kind, text, name: found.groups?.name ?? "" };
  }
  return { kind: "line", text, name: "" };
}

type Handlers = Partial<Record<Kind, (line: Line) => void>>;

function read(text: string, handlers: Handlers): void {
  for (const line of text.split("\n").map((each) => lineOf(each.trimEnd()))) handlers[line.kind]?.(line);
}

/** The list of a key, made where it is not there yet. */
function listAt<T>(map: Map<string, T[]>, key: string): T[] {
  const list = map.get(key) ?? [];
  map.set(key, list);
  return list;
}

const sortedEntries = <T>(map: ReadonlyMap<string, T>): readonly (readonly [string, T])[] =>
  [...map].sort(([a], [b]) => (a < b ? -1 : 1));

/** Entries of all route-maps, numbered anew; each is its lines, of which the first and the last are its own. */
function numbered(routeMaps: ReadonlyMap<string, readonly (readonly string[])[]>): readonly string[] {
  const renamed = ([first = "", ...lines]: readonly string[], index: number) => [
    first.replace(/\d+$/, String(index + 1)),
    ...lines,
  ];
  return sortedEntries(routeMaps).flatMap(([, entries]) => entries.flatMap(renamed));
}

/** The older reader: what was read is printed kind by kind, and lines of an interface are sorted. */
function mergedByKind(text: string): readonly string[] {
  const blocks = new Map<string, string[]>();
  const families = new Map<string, string[]>();
  const routeMaps = new Map<string, string[][]>();
  const lists: string[] = [];
  let router = "";
  let entry: string[] | undefined;
  let section: string[] = [];
  read(
    // Blanks at the beginning say nothing.
    text.replaceAll(/^ +/gm, ""),
    {
      router: ({ name }) => {
        router = `router ${name}`;
        section = listAt(blocks, router);
      },
      block: ({ name }) => {
        section = listAt(blocks, name);
      },
      "route-map": ({ name, text: first }) => {
        entry = [first];
        listAt(routeMaps, name).push(entry);
      },
      family: ({ name }) => {
        section = listAt(families, `${router}/${name}`);
      },
      list: (line) => lists.push(line.text),
      end: (line) => {
        // The end of a VRF or an interface ends nothing, and any other word than this one is a line like others.
        if (line.text !== "exit") section.push(line.text);
        else if (router !== "" || entry !== undefined) section = [];
        router = line.text === "exit" ? "" : router;
        entry = undefined;
      },
      line: (line) => (entry ?? section).push(line.text),
    },
  );
  const of = (word: string) => sortedEntries(blocks).filter(([name]) => name.startsWith(word));
  return [
    ...of("vrf ").flatMap(([name, lines]) => [name, ...lines, "exit-vrf"]),
    ...of("interface ").flatMap(([name, lines]) => [name, ...lines.toSorted()]),
    ...of("router ").flatMap(([name, lines]) => [
      name,
      ...lines,
      ...sortedEntries(families)
        .filter(([family]) => family.startsWith(`${name}/`))
        .flatMap(([family, own]) => [`address-family ${family.split("/")[1]}`, ...own, "exit-address-family"]),
      "exit",
    ]),
    ...lists.toSorted(),
    ...numbered(new Map([...routeMaps].map(([name, entries]) => [name, entries.map((own) => [...own, "exit"])]))),
  ];
}

/** What a controller of a zone says; lines of the file for the same blocks come after its own. */
interface Controller {
  readonly router: string;
  readonly own: readonly string[];
  readonly evpn: readonly string[];
}

const CONTROLLER: Controller = {
  router: "bgp 65000",
  own: [
    "bgp router-id 192.168.2.9",
    "no bgp default ipv4-unicast",
    "coalesce-time 1000",
    "neighbor VTEP peer-group",
    "neighbor VTEP remote-as 65000",
  ],
  evpn: ["neighbor VTEP activate", "advertise-all-vni"],
};

const blockOf = ({ router, own, evpn }: Controller): readonly string[] => [
  `router ${router}`,
  ...own,
  "address-family l2vpn evpn",
  ...evpn,
  "exit-address-family",
  "exit",
];

/** The newer one, which came with Proxmox 9: blocks that the controller has not are kept as they stand, in the order of the file. */
function mergedInOrder(text: string, controller: Controller | undefined): readonly string[] {
  const known = { own: [...(controller?.own ?? [])], evpn: [...(controller?.evpn ?? [])] };
  const rest: string[] = [];
  const routeMaps = new Map<string, string[][]>();
  let isKnown = false;
  let section: string[] | undefined;
  const kept = (line: Line) => section?.push(line.text);
  const begin = (line: Line, into: string[]) => {
    isKnown = line.kind === "router" && line.name === controller?.router;
    section = isKnown ? known.own : into;
    if (!isKnown) kept(line);
  };
  read(text, {
    router: (line) => begin(line, rest),
    block: (line) => begin(line, rest),
    "route-map": (line) => {
      const entry: string[] = [];
      listAt(routeMaps, line.name).push(entry);
      begin(line, entry);
    },
    family: (line) => {
      if (isKnown && line.name === "l2vpn evpn") section = known.evpn;
      else kept(line);
    },
    "end of family": (line) => {
      if (section !== known.evpn) kept(line);
      else section = known.own;
    },
    list: (line) => rest.push(line.text),
    end: (line) => {
      if (!isKnown) kept(line);
      section = undefined;
    },
    line: kept,
  });
  const router = controller === undefined ? [] : blockOf({ ...controller, ...known });
  return [...router, ...rest, ...numbered(routeMaps)];
}

const HEAD = ["frr defaults datacenter", "hostname pve", "log syslog informational", "service integrated-vtysh-config"];
const finished = (lines: readonly string[]): string => [...HEAD, ...lines, "line vty", ""].join("\n");

/** frr.conf as Proxmox writes it where netgen's file is its frr.conf.local, by the reader of libpve-network. */
export const MERGERS: Readonly<Record<string, (local: string) => string>> = {
  "older, without a controller": (local) => finished(mergedByKind(local)),
  "older, with a controller": (local) => finished(mergedByKind([...blockOf(CONTROLLER), local].join("\n"))),
  "newer, without a controller": (local) => finished(mergedInOrder(local, undefined)),
  "newer, with a controller": (local) => finished(mergedInOrder(local, CONTROLLER)),
};
