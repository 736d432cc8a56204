/** Network → what surrounds its hosts: a router for each site, NAT and forwarded ports, names, and the MTU of each path. */
import { must } from "../../base/invariant.ts";
import { containsAddress, familyOf, type IpAddress, type IpFamily } from "../../base/ip.ts";
import { allExits } from "../../model/exits.ts";
import type { Host } from "../../model/host.ts";
import type { Network } from "../../model/network.ts";
import { indexPaths } from "../../model/path.ts";
import { carries, type Endpoint } from "../../model/reach.ts";
import { createMeeting } from "../../model/tunnel.ts";
import { type Allot, ofFamily } from "./addresses.ts";
import { type CableMtus, cableMtus, largestEach, pairMtus, pathsBetween } from "./paths.ts";
import type { LabCable, LabHost, LabPlan, LabRouter, PortForward } from "./plan.ts";
import { type DialledPort, dialledPorts, type Resolve } from "./ports.ts";
import { routedLanOf } from "./routed.ts";
import { isInside, ownAddress } from "./site.ts";

type Underlay = Pick<LabPlan, "hosts" | "routers" | "paths" | "names">;

/** What the lab makes the names of endpoints resolve to; where any will do, what costs most. */
function familyOfNames({ underlay, hosts }: Network): IpFamily {
  if (underlay.ipVersion !== "auto") return underlay.ipVersion;
  return hosts.every(({ reach }) => carries(reach.families, 6)) ? 6 : 4;
}

function familiesInUse(network: Network): readonly IpFamily[] {
  const endpoints = network.hosts.flatMap(({ reach }) => [...reach.endpoints, reach.lanEndpoint]);
  const outward = allExits(network).flatMap(({ families }) => families);
  const families = endpoints.flatMap((each) => {
    if (each === undefined) return [];
    return [each.kind === "address" ? familyOf(each.address) : familyOfNames(network)];
  });
  return [...new Set<IpFamily>(families.length === 0 ? [4] : [...families, ...outward])].sort();
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
  /** Of its uplink, and of its LAN. */
  readonly router: string;
  readonly lanRouter: string;
  readonly endpoints: readonly IpAddress[];
  readonly lan: IpAddress | undefined;
  /** Where others dial it from outside. */
  readonly ports: readonly DialledPort[];
  /** Its endpoints are its router's: a port there leads to it. */
  readonly isForwarded: boolean;
  /** It reaches the outside through the gateway of its site, and is not reached from there. */
  readonly isInside: boolean;
  /** The address that VRRP gives to it or to another. */
  readonly shared: IpAddress | undefined;
  /** Its LAN lies in a prefix that leads elsewhere: it is reached by the link itself, not by a router as all the rest. */
  readonly isOnLink: boolean;
}

/** It is on the LAN of its site by another interface. */
const hasOwnUplink = ({ uplink, lanInterface, reach }: Host): boolean =>
  reach.site !== undefined && lanInterface !== uplink;

function place(network: Network, resolve: Resolve): readonly Placed[] {
  const placed = network.hosts.map((host) => {
    const { endpoints, lanEndpoint, site } = host.reach;
    return {
      host,
      router: hasOwnUplink(host) ? host.name : (site ?? host.name),
      lanRouter: site ?? host.name,
      endpoints: present(...endpoints.map(resolve)),
      ports: dialledPorts(network, host, resolve),
      lan: ownAddress(host) ?? (lanEndpoint && resolve(lanEndpoint)),
      isInside: isInside(network, host),
      shared: host.vrrp?.address.address,
      isOnLink: network.prefixes.some(
        ({ prefix, exceptsMoreSpecifics }) =>
          exceptsMoreSpecifics && lanEndpoint !== undefined && containsAddress(prefix, resolve(lanEndpoint)),
      ),
    };
  });
  const users = (address: IpAddress): number => placed.filter(({ endpoints }) => endpoints.includes(address)).length;
  return placed.map((each) => {
    const { isBehindNat } = each.host.reach;
    const isPort = each.ports.some(({ port, toPort }) => port !== toPort);
    const isShared = each.endpoints.some((address) => users(address) > 1);
    const isOpen = each.endpoints.every((address) => address === each.shared);
    return { ...each, isForwarded: !isOpen && (isBehindNat || isPort || isShared) };
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

/** Addresses of a host on its uplink, and as what the internet sees it, one per family. */
function addressesOf(placed: Placed, { families, allot, natAddress }: Surroundings) {
  const { isForwarded, router } = placed;
  const endpoints = placed.endpoints.filter((address) => address !== placed.shared);
  const lan = hasOwnUplink(placed.host) ? undefined : placed.lan;
  const isHidden = placed.host.reach.isBehindNat || isForwarded || placed.isInside;
  const declared = isHidden ? present(lan) : present(...endpoints, lan);
  const carried = families.filter((family) => carries(placed.host.reach.families, family));
  const own = carried.map((family) => ofFamily(declared, family) ?? allot(family));
  const seenAs = carried.flatMap((family) => {
    const dialled = endpoints.filter((address) => familyOf(address) === family);
    if (dialled.length > 0) return dialled;
    return isHidden ? natAddress(router, family) : must(ofFamily(own, family), "a host has an address of each family");
  });
  return { addresses: present(...own, ...declared), publicAddresses: present(...seenAs) };
}

function toHost(placed: Placed, surroundings: Surroundings, mtus: CableMtus): LabHost {
  const { host, router, lanRouter } = placed;
  const { addresses, publicAddresses } = addressesOf(placed, surroundings);
  const shared = present(placed.shared);
  const isApart = hasOwnUplink(host);
  const uplink: LabCable = {
    interface: host.uplink ?? [host, ...host.vrfs].find(({ exit }) => exit !== undefined)?.exit?.interface ?? "eth0",
    router,
    mtu: isApart ? mtus.uplink : Math.max(...Object.values(mtus)),
    addresses,
    shared: isApart ? [] : shared,
  };
  const lan: LabCable = {
    interface: host.lanInterface ?? uplink.interface,
    router: lanRouter,
    mtu: mtus.lan,
    addresses: present(placed.lan),
    shared,
  };
  return {
    name: host.name,
    isDevice: host.app !== undefined,
    uplink,
    lan: isApart ? lan : uplink,
    isNetworkd: host.networkManager === "networkd",
    isBehindNat: host.reach.isBehindNat || placed.isForwarded || placed.isInside,
    publicAddresses,
  };
}

function toRouter(name: string, all: readonly (readonly [Placed, LabHost])[], network: Network): LabRouter {
  const hidden = all.filter(([{ router }, { isBehindNat }]) => router === name && isBehindNat);
  const forwards = hidden.flatMap(([{ host, ports, isForwarded }, { uplink }]): PortForward[] => {
    const own = host.reach.isShared ? uplink.shared : uplink.addresses;
    return ports.flatMap((dialled) => {
      const to = ofFamily(own, familyOf(dialled.address));
      return isForwarded && to !== undefined ? [{ to, ...dialled }] : [];
    });
  });
  const masquerades = hidden.flatMap(([, { uplink, publicAddresses }]) =>
    [...uplink.addresses, ...uplink.shared].flatMap((from) => {
      const to = ofFamily(publicAddresses, familyOf(from));
      return to === undefined ? [] : [{ from, to }];
    }),
  );
  const isOnLan = ({ host, lanRouter, isOnLink }: Placed): boolean =>
    lanRouter === name && (isOnLink || host.vrrp !== undefined || host.interfaces.length === 0 || hasOwnUplink(host));
  const routed = routedLanOf(network, name);
  return {
    name,
    routed,
    hasLan: routed === undefined && all.some(([placed]) => isOnLan(placed)),
    addresses: present(...masquerades.map(({ to }) => to), ...forwards.map(({ address }) => address)),
    // Two that share an address have one port.
    forwards: [...new Map(forwards.map((each) => [`${each.address} ${each.port}`, each])).values()],
    masquerades,
  };
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
  const meeting = createMeeting(network);
  const pairs = network.hosts.flatMap((a) =>
    network.hosts.flatMap((b) => {
      const isApart = a.reach.site !== b.reach.site && (isInside(network, a) || isInside(network, b));
      const mtus = a === b || isApart ? undefined : pairMtus(index, [a, b], meeting(a, b));
      return mtus === undefined ? [] : [{ from: a.name, to: b.name, mtus }];
    }),
  );
  const lanRouters = new Map(placed.map(({ host, lanRouter }) => [host.name, lanRouter]));
  const mtusOf = cableMtus(pairs, lanRouters, network.underlay.pathMtu);
  const hosts = placed.map((each) => toHost(each, { families, allot, natAddress }, mtusOf(each.host.name)));
  const byName = new Map(hosts.map((host) => [host.name, host]));
  const host = (name: string): LabHost => must(byName.get(name), "a pair is of two hosts");
  const lan = network.prefixes.filter(({ use }) => use.kind === "lan").map(({ prefix }) => prefix);
  const all = placed.map((each) => [each, host(each.host.name)] as const);
  const routers = [...new Set(placed.flatMap((each) => [each.router, each.lanRouter]))].map((name) =>
    toRouter(name, all, network),
  );
  return {
    hosts,
    routers,
    paths: largestEach(pairs.flatMap(({ from, to, mtus }) => pathsBetween(host(from), host(to), mtus, lan))),
    names: [...names].map(([name, address]) => ({ name, address })),
  };
}
