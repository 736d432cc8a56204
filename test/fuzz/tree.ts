/** Reads a compiled tree as the programs on its hosts would: from the text of its files alone. */
import { type Prefix, prefixOf } from "./prefix.ts";
import { type Bgp, readFrr } from "./tree-frr.ts";
import { type Networkd, readNetworkd } from "./tree-networkd.ts";
import { readWireguard, type Wireguard } from "./tree-wireguard.ts";

/** A line of /etc/netgen/routes. */
export interface Route {
  readonly prefix: Prefix;
  readonly kind: "unreachable" | "dev" | "via";
  /** The device, or the address of the next hop. */
  readonly to: string;
  readonly mtu: number | undefined;
}

export interface TreeHost extends Networkd {
  readonly name: string;
  readonly interfaces: readonly Wireguard[];
  readonly routes: readonly Route[];
  readonly bgp: Bgp | undefined;
  /** The elements of the sets of netgen.nft, by the set's name; a range is two addresses with "-". */
  readonly sets: ReadonlyMap<string, readonly string[]>;
  /** What radvd says on each link. */
  readonly advertised: readonly Advertised[];
  /** The VXLAN devices that a script has join a bridge of others', each with its bridge and VLAN. */
  readonly joined: ReadonlyMap<string, { readonly bridge: string; readonly vlan: number }>;
  /** Addresses that keepalived may give the host. */
  readonly shared: readonly Prefix[];
}

/** An interface of radvd's file. */
export interface Advertised {
  readonly link: string;
  readonly prefixes: readonly Prefix[];
  readonly mtu: number;
}

/** The text of a file by its path in the tree, the host's name first. */
export type Tree = ReadonlyMap<string, string>;

export const linesOf = (text: string): readonly string[] =>
  text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#") && !line.startsWith("!"));

function routeOf(line: string): Route {
  const words = line.split(" ");
  const mtu = words.includes("mtu") ? Number(words[words.indexOf("mtu") + 1]) : undefined;
  if (words[0] === "unreachable") return { prefix: prefixOf(words[1] as string), kind: "unreachable", to: "", mtu };
  const [prefix, kind, to] = words;
  if (kind !== "dev" && kind !== "via") throw new Error(`no route: ${line}`);
  return { prefix: prefixOf(prefix as string), kind, to: to as string, mtu };
}

function setsOf(text: string): ReadonlyMap<string, readonly string[]> {
  const sets = new Map<string, string[]>();
  for (const [, name = "", body = ""] of text.matchAll(/^ {2}set (\S+) \{(.*?)\n {2}\}/gms)) {
    const elements = /elements = \{(.*?)\}/s.exec(body)?.[1] ?? "";
    sets.set(name, [...(sets.get(name) ?? []), ...elements.split(/[\s,]+/).filter((word) => word !== "")]);
  }
  return sets;
}

const advertisedOf = (text: string): readonly Advertised[] =>
  [...text.matchAll(/^interface (\S+)\n\{(.*?)^\};/gms)].map(([, link = "", body = ""]) => ({
    link,
    prefixes: [...body.matchAll(/^ +prefix (\S+) /gm)].map(([, each]) => prefixOf(each as string)),
    mtu: Number(/AdvLinkMTU (\d+);/.exec(body)?.[1] ?? 0),
  }));

function readHost(name: string, files: Tree): TreeHost {
  const text = (path: string): string => files.get(`${name}/etc/${path}`) ?? "";
  const named = (pattern: RegExp): readonly (readonly [string, string])[] =>
    [...files].flatMap(([path, content]) => {
      const match = pattern.exec(path);
      return match !== null && path.startsWith(`${name}/`) ? [[match[1] as string, content] as const] : [];
    });
  const interfaces = named(/\/etc\/wireguard\/(.*)\.conf$/).map(([device, conf]) =>
    readWireguard(device, conf, text(`netgen/${device}.endpoints`)),
  );
  const made = interfaces
    .filter(({ hasRoutes }) => hasRoutes)
    .flatMap(({ name: to, peers }) =>
      peers.flatMap(({ allowedIps }) =>
        allowedIps.map((prefix): Route => ({ prefix, kind: "dev", to, mtu: undefined })),
      ),
    );
  const frr = text("frr/frr.conf") || text("netgen/frr.conf.snippet");
  return {
    name,
    ...readNetworkd(named(/\/etc\/systemd\/network\/(.*\.(?:netdev|network))$/)),
    interfaces,
    routes: [...linesOf(text("netgen/routes")).map(routeOf), ...made],
    bgp: frr === "" ? undefined : readFrr(frr),
    sets: setsOf(text("netgen/netgen.nft")),
    advertised: advertisedOf(text("netgen/radvd.conf")),
    joined: new Map(
      linesOf(text("netgen/vlans"))
        .map((line) => line.split(" "))
        .map(([device = "", bridge = "", vlan]) => [device, { bridge, vlan: Number(vlan) }]),
    ),
    shared: [...text("keepalived/keepalived.conf").matchAll(/^ +(\S+) dev \S+$/gm)].map(([, each]) =>
      prefixOf(each as string),
    ),
  };
}

/** Names less the number of a fleet. */
const plain = (path: string): string => path.replace(/\/etc\/netgen\d\//, "/etc/netgen/");

/** Reads all hosts of a tree. */
export function readTree(tree: Tree): readonly TreeHost[] {
  const files = new Map([...tree].map(([path, text]) => [plain(path), text]));
  const names = new Set([...files.keys()].map((path) => path.slice(0, path.indexOf("/"))));
  return [...names].map((name) => readHost(name, new Map([...files].filter(([path]) => path.startsWith(`${name}/`)))));
}

/** All addresses that are the host's own, by which others send to it. */
export const ownAddresses = (host: TreeHost): readonly Prefix[] => [
  ...host.interfaces.flatMap((link) => link.addresses),
  ...host.links.filter(({ vrf }) => vrf === undefined).flatMap((link) => link.addresses),
];
