/** Network → what surrounds its hosts: a router for each site, NAT and forwarded ports, names, and the MTU of each path. */
import { must } from "../base/invariant.ts";
import { familyOf, type IpAddress, type IpFamily } from "../base/ip.ts";
import type { Endpoint, Host, Network } from "../model/network.ts";
import { type Dial, indexPaths, meeting, type PathIndex, pathBetween } from "../model/tunnel.ts";
import { type Allot, ofFamily } from "./addresses.ts";
import type { LabHost, LabPath, LabPlan, LabRouter, PortForward } from "./plan.ts";

type Underlay = Pick<LabPlan, "hosts" | "routers" | "paths" | "names">;

/** What the lab makes the names of endpoints resolve to; where any will do, what costs most. */
function familyOfNames({ underlay }: Network): IpFamily {
  return underlay.ipVersion === "auto" ? 6 : underlay.ipVersion;
}

function familiesInUse(network: Network): readonly IpFamily[] {
  const endpoints = network.hosts.flatMap(({ reach }) => [reach.endpoint, reach.lanEndpoint]);
  const families = endpoints.flatMap((each) => {
    if (each === undefined) return [];
    return [each.kind === "address" ? familyOf(each.address) : familyOfNames(network)];
  });
  return [...new Set<IpFamily>(families.length === 0 ? [4] : families)].sort();
}

/** Addresses by endpoint name, given out as they are asked for. */
function createNames(network: Network, allot: Allot) {
  const addresses = new Map<string, IpAddress>();
  const resolve = (endpoint: Endpoint): IpAddress => {
    if (endpoint.kind === "address") return endpoint.address;
    const known = addresses.get(endpoint.name) ?? allot(familyOfNames(network));
    addresses.set(endpoint.name, known);
    return known;
  };
  return { addresses, resolve };
}

/** A host with its endpoints resolved. */
interface Placed {
  readonly host: Host;
  readonly router: string;
  readonly endpoint: IpAddress | undefined;
  readonly lan: IpAddress | undefined;
  /** Its endpoint is its router's: a port there leads to it. */
  readonly isForwarded: boolean;
}

const listenPort = ({ interfaces }: Host): number => must(interfaces[0], "every host has an interface").listenPort;

function place(network: Network, resolve: (endpoint: Endpoint) => IpAddress): readonly Placed[] {
  const placed = network.hosts.map((host) => {
    const { endpoint, lanEndpoint, site } = host.reach;
    return {
      host,
      router: site ?? host.name,
      endpoint: endpoint && resolve(endpoint),
      lan: lanEndpoint && resolve(lanEndpoint),
    };
  });
  const users = (address: IpAddress): number => placed.filter((each) => each.endpoint === address).length;
  return placed.map((each) => {
    const { endpoint: dialled, isBehindNat } = each.host.reach;
    const isPort = dialled !== undefined && dialled.port !== listenPort(each.host);
    const isShared = each.endpoint !== undefined && users(each.endpoint) > 1;
    return { ...each, isForwarded: each.endpoint !== undefined && (isBehindNat || isPort || isShared) };
  });
}

const present = (...addresses: readonly (IpAddress | undefined)[]): readonly IpAddress[] => [
  ...new Set(addresses.filter((address) => address !== undefined)),
];

interface Surroundings {
  readonly families: readonly IpFamily[];
  readonly allot: Allot;
  /** What a router hides a family's hosts behind; asked for, it is given out. */
  readonly natAddress: (router: string, family: IpFamily) => IpAddress;
}

/** Addresses of a host: those of its own, and as what the internet sees it, one per family. */
function addressesOf(placed: Placed, { families, allot, natAddress }: Surroundings) {
  const { endpoint, lan, isForwarded, router } = placed;
  const isHidden = placed.host.reach.isBehindNat || isForwarded;
  const declared = isHidden ? present(lan) : present(endpoint, lan);
  const own = families.map((family) => ofFamily(declared, family) ?? allot(family));
  const seenAs = families.map((family) => {
    const dialled = ofFamily(present(endpoint), family);
    if (dialled !== undefined) return dialled;
    return isHidden ? natAddress(router, family) : must(ofFamily(own, family), "a host has an address of each family");
  });
  return { addresses: present(...own, ...declared), publicAddresses: present(...seenAs) };
}

function toHost(placed: Placed, surroundings: Surroundings, uplinkMtu: number): LabHost {
  const { host, router } = placed;
  return {
    name: host.name,
    uplink: host.uplink ?? "eth0",
    uplinkMtu,
    router,
    isBehindNat: host.reach.isBehindNat || placed.isForwarded,
    ...addressesOf(placed, surroundings),
  };
}

function toRouter(name: string, members: readonly (readonly [Placed, LabHost])[]): LabRouter {
  const hidden = members.filter(([, { isBehindNat }]) => isBehindNat);
  const forwards = hidden.flatMap(([{ host, endpoint, isForwarded }, { addresses }]): PortForward[] => {
    const to = endpoint && ofFamily(addresses, familyOf(endpoint));
    if (!isForwarded || to === undefined || endpoint === undefined) return [];
    const { port } = must(host.reach.endpoint, "a forwarded host has an endpoint");
    return [{ address: endpoint, port, to, toPort: listenPort(host) }];
  });
  const masquerades = hidden.flatMap(([, { addresses, publicAddresses }]) =>
    addresses.flatMap((from) => {
      const to = ofFamily(publicAddresses, familyOf(from));
      return to === undefined ? [] : [{ from, to }];
    }),
  );
  return { name, addresses: present(...masquerades.map(({ to }) => to)), forwards, masquerades };
}

/** The MTU between two hosts: that of the ways they may use; `undefined`: they cannot meet. */
function pairMtu(index: PathIndex, a: Host, b: Host): number | undefined {
  const { there, back } = meeting(a.reach, b.reach);
  const ways = [there, back].filter((way): way is Dial => way !== undefined);
  if (ways.length === 0) return undefined;
  return Math.min(...ways.map(({ scope }) => pathBetween(index, a.reach, b.reach, scope).mtu));
}

/** Where both are of one family. */
function pathsBetween(from: LabHost, to: LabHost, mtu: number): readonly LabPath[] {
  const seen = from.router === to.router ? from.addresses : from.publicAddresses;
  return to.addresses.flatMap((address) =>
    seen
      .filter((each) => familyOf(each) === familyOf(address))
      .map((each) => ({ router: to.router, from: each, to: address, mtu })),
  );
}

/**
 * Two hosts behind one address look alike to a third: a path that differs between them counts with its larger MTU, so that
 * nothing is refused that the topology promises.
 */
function largestEach(paths: readonly LabPath[]): readonly LabPath[] {
  const largest = new Map<string, LabPath>();
  for (const path of paths) {
    const key = `${path.from} ${path.to}`;
    if (path.mtu > (largest.get(key)?.mtu ?? 0)) largest.set(key, path);
  }
  return [...largest.values()];
}

/** Who stands where, and what lies between. */
export function planUnderlay(network: Network, allot: Allot): Underlay {
  const families = familiesInUse(network);
  const { addresses: names, resolve } = createNames(network, allot);
  const placed = place(network, resolve);
  const natAddresses = new Map<string, IpAddress>();
  const natAddress = (router: string, family: IpFamily): IpAddress => {
    const known = natAddresses.get(`${router} ${family}`) ?? allot(family);
    natAddresses.set(`${router} ${family}`, known);
    return known;
  };
  const index = indexPaths(network.underlay, network.sites);
  const pairs = network.hosts.flatMap((a) =>
    network.hosts.flatMap((b) => {
      const mtu = a === b ? undefined : pairMtu(index, a, b);
      return mtu === undefined ? [] : [{ from: a.name, to: b.name, mtu }];
    }),
  );
  const largest = new Map<string, number>();
  for (const { to, mtu } of pairs) largest.set(to, Math.max(mtu, largest.get(to) ?? 0));
  const uplinkMtu = ({ name }: Host): number => Math.max(network.underlay.pathMtu, largest.get(name) ?? 0);
  const hosts = placed.map((each) => toHost(each, { families, allot, natAddress }, uplinkMtu(each.host)));
  const byName = new Map(hosts.map((host) => [host.name, host]));
  const host = (name: string): LabHost => must(byName.get(name), "a pair is of two hosts");
  const routers = [...new Set(placed.map(({ router }) => router))].map((name) =>
    toRouter(
      name,
      placed.filter(({ router }) => router === name).map((each) => [each, host(each.host.name)] as const),
    ),
  );
  return {
    hosts,
    routers,
    paths: largestEach(pairs.flatMap(({ from, to, mtu }) => pathsBetween(host(from), host(to), mtu))),
    names: [...names].map(([name, address]) => ({ name, address })),
  };
}
