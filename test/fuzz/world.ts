/** A tree and the topology that it comes from, with what all laws ask of both. */
import { alone, holds, isSameAddress, longest, type Prefix, prefixOf } from "./prefix.ts";
import { ownAddresses, type Route, readTree, type Tree, type TreeHost } from "./tree.ts";
import type { Wireguard, WireguardPeer } from "./tree-wireguard.ts";

/** A host as the topology has it. */
export interface Written {
  readonly id: number;
  readonly publicKey?: string;
  readonly site?: string;
  readonly endpoint?: string | readonly string[];
  readonly lanEndpoint?: string;
  readonly lanInterface?: string;
  readonly behindNat?: boolean;
  readonly families?: 4 | 6 | "ds-lite" | "464xlat";
  readonly wireguard?: boolean;
  readonly platform?: string;
  readonly exits?: readonly string[];
  readonly routes?: readonly (string | WrittenRoute)[];
  readonly peers?: readonly WrittenPeer[];
}

export interface WrittenRoute {
  readonly cidr: string;
  readonly vrf?: string;
  readonly exceptMoreSpecifics?: boolean;
}

export interface WrittenPeer {
  readonly address: string;
  readonly asn: number;
  readonly vrf?: string;
  readonly accept?: readonly (string | { readonly cidr: string })[];
  readonly announce?: readonly string[];
}

export interface Site {
  readonly lanMtu?: number;
  readonly wanMtu?: number;
  readonly lan?: readonly string[];
  readonly lanRouter?: string;
  readonly gateways?: readonly string[];
  readonly vrrp?: { readonly address: string };
}

/** The parts of a topology that the laws read. */
export interface WrittenSubnet {
  readonly cidr?: string | readonly string[];
  readonly vrf?: string;
  readonly vxlan?: { readonly vni: number };
  readonly fragment?: boolean;
  readonly tagged?: boolean;
}

export interface Wanted {
  readonly underlay: {
    readonly pathMtu?: number;
    readonly ipVersion?: 4 | 6 | "auto";
    readonly paths: readonly { readonly between: readonly [string, string]; readonly mtu: number }[];
  };
  readonly sites: Readonly<Record<string, Site>>;
  readonly wireguard: {
    readonly vrrp?: { readonly address: string };
    readonly addresses?: readonly string[];
    readonly transit?: readonly string[];
  };
  readonly subnets: Readonly<Record<string, WrittenSubnet>>;
  readonly hosts: Readonly<Record<string, Written>>;
  readonly vxlanPort: number;
}

/** A peer of an interface of a host, and the host at its other end; of two that share a key the first. */
export interface Leg {
  readonly from: TreeHost;
  readonly link: Wireguard;
  readonly peer: WireguardPeer;
  readonly to: TreeHost;
}

export interface World {
  readonly hosts: readonly TreeHost[];
  readonly wanted: Wanted;
  readonly legs: readonly Leg[];
}

/** Why a tree is no good, one sentence each. */
export type Law = (world: World) => readonly string[];

/** What a host has written of itself. */
export const writtenOf = ({ wanted }: World, name: string): Written => wanted.hosts[name] as Written;

/** What is behind a host, as a mapping. */
export const routesOf = ({ routes }: Written): readonly WrittenRoute[] =>
  (routes ?? []).map((route) => (typeof route === "string" ? { cidr: route } : route));

/** Prefixes that others may lie in, and lead elsewhere. */
export const outerPrefixes = ({ wanted }: World): readonly Prefix[] =>
  Object.values(wanted.hosts)
    .flatMap(routesOf)
    .filter(({ exceptMoreSpecifics, vrf }) => exceptMoreSpecifics === true && vrf === undefined)
    .map(({ cidr }) => prefixOf(cidr));

/** All that a topology gives a place in the overlay, of no VRF. */
export function claimedPrefixes({ wanted }: World): readonly Prefix[] {
  const routes = Object.values(wanted.hosts).flatMap(routesOf);
  const subnets = Object.values(wanted.subnets);
  const plain = [...routes, ...subnets].filter(({ vrf }) => vrf === undefined).flatMap(({ cidr }) => cidr ?? []);
  const lans = Object.values(wanted.sites).flatMap(({ lan }) => lan ?? []);
  return [...plain, ...lans, ...(wanted.wireguard.addresses ?? []), ...(wanted.wireguard.transit ?? [])].map(prefixOf);
}

/** The LAN that a host has on its link: what is longer there than all else. */
export function lanOf({ wanted }: World, name: string, address: Prefix): Prefix | undefined {
  const site = wanted.hosts[name]?.site;
  const lans = site === undefined ? [] : (wanted.sites[site]?.lan ?? []).map(prefixOf);
  return lans.find((lan) => holds(lan, address));
}

type Loose = { readonly [Key in keyof Wanted]?: Wanted[Key] | null } & {
  readonly hostDefaults?: Partial<Written> | null;
};

/** A topology as it is meant: with what may be left out, and what all hosts share. */
function wantedOf({ underlay, sites, wireguard, hosts, hostDefaults, subnets, vxlanPort }: Loose): Wanted {
  return {
    underlay: { ...underlay, paths: underlay?.paths ?? [] },
    sites: Object.fromEntries(Object.entries(sites ?? {}).map(([name, site]) => [name, site ?? {}])),
    wireguard: wireguard ?? {},
    vxlanPort: vxlanPort ?? 4789,
    subnets: Object.fromEntries(Object.entries(subnets ?? {}).map(([name, subnet]) => [name, subnet ?? {}])),
    hosts: Object.fromEntries(Object.entries(hosts ?? {}).map(([name, host]) => [name, { ...hostDefaults, ...host }])),
  };
}

/** A tree beside the topology that it was made from, as that stands in the file. */
export function worldOf(topology: object, files: Tree): World {
  const [wanted, hosts] = [wantedOf(topology), readTree(files)];
  const byKey = new Map<string, TreeHost>();
  for (const host of hosts) {
    const key = wanted.hosts[host.name]?.publicKey ?? "";
    if (host.interfaces.length > 0 && !byKey.has(key)) byKey.set(key, host);
  }
  const legs = hosts.flatMap((from) =>
    from.interfaces.flatMap((link) =>
      link.peers.map((peer) => {
        const to = byKey.get(peer.publicKey);
        if (to === undefined) throw new Error(`${from.name} ${link.name}: nobody has the key of ${peer.name}`);
        return { from, link, peer, to };
      }),
    ),
  );
  return { hosts, wanted, legs };
}

/** The same leg from its other end, if that knows it: where two hosts share several, the one whose address this end is led to. */
export function backOf({ legs, wanted }: World, leg: Leg): Leg | undefined {
  const key = wanted.hosts[leg.from.name]?.publicKey;
  const all = legs.filter(({ from, peer }) => from === leg.to && peer.publicKey === key);
  const leads = (one: Leg, other: Leg): boolean =>
    one.peer.allowedIps.some((each) => other.link.addresses.some((own) => holds(each, alone(own))));
  return all.length === 1 ? all[0] : all.find((one) => leads(leg, one) && leads(one, leg));
}

/** A way that a host's own table has for an address. */
export interface Way {
  readonly prefix: Prefix;
  readonly kind: Route["kind"] | "connected" | "own";
  readonly to: string;
  readonly mtu: number | undefined;
}

/** All ways of a host's own table, the better of equals first; not BGP's. */
export function waysOf(host: TreeHost): readonly Way[] {
  const own = ownAddresses(host).map(
    (prefix): Way => ({ prefix: alone(prefix), kind: "own", to: "lo", mtu: undefined }),
  );
  const tunnels = host.interfaces.flatMap(({ name, addresses }) =>
    addresses.map((prefix): Way => ({ prefix, kind: "connected", to: name, mtu: undefined })),
  );
  const links = host.links
    .filter(({ vrf, name }) => vrf === undefined && name !== "lo")
    .flatMap(({ name, addresses }) =>
      addresses.map((prefix): Way => ({ prefix, kind: "connected", to: name, mtu: undefined })),
    );
  const led = host.routes.filter(({ kind }) => kind !== "unreachable");
  const tables = host.links.flatMap(({ name, mainRoutes }) =>
    mainRoutes.map((prefix): Way => ({ prefix, kind: "connected", to: name, mtu: undefined })),
  );
  const frr = (host.bgp?.routes ?? []).map(
    ({ prefix, device }): Way => ({ prefix, kind: "dev", to: device, mtu: undefined }),
  );
  return [
    ...own,
    ...led,
    ...tunnels,
    ...links,
    ...tables,
    ...frr,
    ...host.routes.filter(({ kind }) => kind === "unreachable"),
  ];
}

export const wayTo = (host: TreeHost, address: Prefix): Way | undefined => longest(waysOf(host), address);

/** The peer that an interface sends an address to. */
export const peerFor = ({ peers }: Wireguard, address: Prefix): WireguardPeer | undefined =>
  longest(
    peers.flatMap((peer) => peer.allowedIps.map((prefix) => ({ prefix, peer }))),
    address,
  )?.peer;

/** Who has an address. */
export const holderOf = ({ hosts }: World, address: Prefix): TreeHost | undefined =>
  hosts.find((host) => ownAddresses(host).some((own) => isSameAddress(own, address)));

/** The literal address of an endpoint as it is written in a topology. */
export function literalOf(endpoint: string | undefined): Prefix | undefined {
  const text = /^\[(.*)\](?::\d+)?$/.exec(endpoint ?? "")?.[1] ?? /^([\d.]+)(?::\d+)?$/.exec(endpoint ?? "")?.[1];
  return text === undefined ? undefined : prefixOf(text);
}
