/** The units of systemd-networkd. */
import { type Prefix, prefixOf } from "./prefix.ts";

export interface Link {
  readonly name: string;
  readonly kind: string | undefined;
  readonly mac: string | undefined;
  readonly mtu: number | undefined;
  readonly addresses: readonly Prefix[];
  readonly bridge: string | undefined;
  /** What a port without tags is in, or what the device of a VLAN is. */
  readonly vlan: number | undefined;
  readonly vrf: string | undefined;
  /** Of a VRF's device: what an exit's own table leads into it. */
  readonly mainRoutes: readonly Prefix[];
  /** Of a VRF's device: its table, and the routes of this and of other tables that its unit has. */
  readonly table: string | undefined;
  readonly tableRoutes: readonly TableRoute[];
  readonly dhcp: Dhcp | undefined;
  /** What a route of it says that its way carries. */
  readonly routeMtu: number | undefined;
}

/** A route into the device, or one that ends the lookup. */
export interface TableRoute {
  readonly table: string;
  readonly to: Prefix;
  readonly isEnd: boolean;
}

/** What guests are given: the server's own address with its prefix, addresses from that prefix's first on, an MTU. */
export interface Dhcp {
  readonly server: Prefix;
  readonly offset: bigint;
  readonly size: bigint;
  readonly mtu: number | undefined;
}

export interface Vxlan {
  readonly name: string;
  readonly vni: number;
  readonly local: Prefix;
  readonly port: number;
  readonly learns: boolean;
  /** Where it floods to without EVPN. */
  readonly remotes: readonly Prefix[];
}

export interface Networkd {
  readonly links: readonly Link[];
  readonly vxlans: readonly Vxlan[];
}

interface Section {
  readonly name: string;
  readonly pairs: readonly (readonly [string, string])[];
}

function sectionsOf(text: string): readonly Section[] {
  return text
    .split(/^\[/m)
    .slice(1)
    .map((part) => {
      const [head = "", ...lines] = part.split("\n");
      const pairs = lines
        .filter((line) => line.includes("=") && !line.startsWith("#"))
        .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)] as const);
      return { name: head.replace("]", ""), pairs };
    });
}

const allOf = (sections: readonly Section[], name: string, key: string): readonly string[] =>
  sections
    .filter((each) => each.name === name)
    .flatMap(({ pairs }) => pairs.filter(([each]) => each === key).map(([, value]) => value));

const oneOf = (sections: readonly Section[], name: string, key: string): string | undefined =>
  allOf(sections, name, key).at(-1);

function dhcpOf(sections: readonly Section[]): Dhcp | undefined {
  const server = oneOf(sections, "DHCPServer", "ServerAddress");
  if (server === undefined) return undefined;
  const number = (key: string): bigint => BigInt(oneOf(sections, "DHCPServer", key) ?? "0");
  const mtu = oneOf(sections, "DHCPServer", "SendOption")?.replace("26:uint16:", "");
  return {
    server: prefixOf(server),
    offset: number("PoolOffset"),
    size: number("PoolSize"),
    mtu: mtu === undefined ? undefined : Number(mtu),
  };
}

const tableRouteOf = (route: Section): TableRoute => ({
  table: oneOf([route], "Route", "Table") ?? "",
  to: prefixOf(oneOf([route], "Route", "Destination") as string),
  isEnd: oneOf([route], "Route", "Type") === "unreachable",
});

function linkOf(name: string, sections: readonly Section[]): Link {
  const mtu = oneOf(sections, "Link", "MTUBytes") ?? oneOf(sections, "NetDev", "MTUBytes");
  const routes = sections.filter((each) => each.name === "Route");
  const vlan = oneOf(sections, "BridgeVLAN", "PVID") ?? oneOf(sections, "VLAN", "Id");
  const routeMtu = oneOf(routes, "Route", "MTUBytes");
  return {
    name,
    kind: oneOf(sections, "NetDev", "Kind"),
    mac: oneOf(sections, "NetDev", "MACAddress"),
    mtu: mtu === undefined ? undefined : Number(mtu),
    addresses: [...allOf(sections, "Network", "Address"), ...allOf(sections, "Address", "Address")].map(prefixOf),
    bridge: oneOf(sections, "Network", "Bridge"),
    vlan: vlan === undefined ? undefined : Number(vlan),
    vrf: oneOf(sections, "Network", "VRF"),
    routeMtu: routeMtu === undefined ? undefined : Number(routeMtu),
    dhcp: oneOf(sections, "Network", "DHCPServer") === "yes" ? dhcpOf(sections) : undefined,
    table: oneOf(sections, "VRF", "Table"),
    tableRoutes: routes.map(tableRouteOf),
    mainRoutes: routes.flatMap((each) =>
      oneOf([each], "Route", "Table") === "main" ? [prefixOf(oneOf([each], "Route", "Destination") as string)] : [],
    ),
  };
}

function vxlanOf(name: string, sections: readonly Section[]): readonly Vxlan[] {
  const vni = oneOf(sections, "VXLAN", "VNI");
  if (vni === undefined) return [];
  return [
    {
      name,
      vni: Number(vni),
      local: prefixOf(oneOf(sections, "VXLAN", "Local") as string),
      port: Number(oneOf(sections, "VXLAN", "DestinationPort")),
      learns: oneOf(sections, "VXLAN", "MacLearning") !== "no",
      remotes: allOf(sections, "BridgeFDB", "Destination").map(prefixOf),
    },
  ];
}

/** Reads all units of a host, each given as its name and its text. */
export function readNetworkd(units: readonly (readonly [string, string])[]): Networkd {
  const byDevice = new Map<string, readonly Section[]>();
  for (const [, text] of units) {
    const sections = sectionsOf(text);
    const name = oneOf(sections, "NetDev", "Name") ?? oneOf(sections, "Match", "Name") ?? "";
    byDevice.set(name, [...(byDevice.get(name) ?? []), ...sections]);
  }
  return {
    links: [...byDevice].map(([name, sections]) => linkOf(name, sections)),
    vxlans: [...byDevice].flatMap(([name, sections]) => vxlanOf(name, sections)),
  };
}
