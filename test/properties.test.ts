/** Laws of every network that compiles, over generated fleets; judged by the model and by the files, from the fleet alone. */
import { describe, expect } from "vitest";
import { must } from "../src/base/invariant.ts";
import {
  compareAddresses,
  containsAddress,
  familyOf,
  type IpAddress,
  type IpFamily,
  type IpPrefix,
  overlaps,
  parseAddress,
} from "../src/base/ip.ts";
import { vxlanPacketBytes, wireguardPacketBytes } from "../src/base/mtu.ts";
import { contentOf, type OutputFile } from "../src/emit/file.ts";
import type { Host } from "../src/model/host.ts";
import type { Network } from "../src/model/network.ts";
import type { Peer } from "../src/model/reach.ts";
import {
  compileFleet,
  type Fleet,
  type FleetHost,
  fleets,
  hasBgp,
  IPV4_POOL,
  nameOf,
  pathsOf,
  pinsOf,
} from "./fleet.ts";
import { fc, test } from "./property.ts";

const textOf = (file: OutputFile): string => new TextDecoder().decode(contentOf(file));

const linkOf = (host: Host) => must(host.interfaces[0], "a host has an interface");

const duplicatesIn = <T>(list: readonly T[]): readonly T[] =>
  list.filter((each, index) => list.indexOf(each) !== index);

/** What `host` knows of each of its peers. */
function viewsOf(network: Network, host: Host): readonly Peer[] {
  return linkOf(host).peers.map((id) =>
    must(
      network.peers.find((peer) => peer.id === id),
      `there is a peer ${id}`,
    ),
  );
}

const viewOf = (network: Network, host: Host, other: Host): Peer =>
  must(
    viewsOf(network, host).find((peer) => peer.host === other.name),
    `${host.name} peers with ${other.name}`,
  );

/** Every ordered pair of hosts. */
const pairsOf = ({ hosts }: Network): readonly (readonly [Host, Host])[] =>
  hosts.flatMap((a) => hosts.filter((b) => b !== a).map((b) => [a, b] as const));

const fleetHost = ({ hosts }: Fleet, { id }: Host): FleetHost =>
  must(
    hosts.find((each) => each.id === id),
    `the fleet has a host with the id ${id}`,
  );

describe("peering", () => {
  test("is symmetric: everyone peers with everyone else and nobody with itself", [fleets], (fleet) => {
    const { model } = compileFleet(fleet);
    const names = model.hosts.map((host) => host.name);
    for (const host of model.hosts) {
      const others = viewsOf(model, host).map((peer) => peer.host);
      expect(others).toEqual(names.filter((name) => name !== host.name));
    }
  });

  test(
    "one side of each pair dials, and the other side's key and addresses are what it says of itself",
    [fleets],
    (fleet) => {
      const { model } = compileFleet(fleet);
      for (const [a, b] of pairsOf(model)) {
        const [there, back] = [viewOf(model, a, b), viewOf(model, b, a)];
        expect([...there.endpoints, ...back.endpoints]).not.toEqual([]);
        expect(there.publicKey).toBe(b.publicKey);
        const own = linkOf(b).addresses.map(({ address }) => `${address}/${familyOf(address) === 4 ? 32 : 128}`);
        expect(there.allowedIps).toEqual([...own, ...b.ownedPrefixes.map((each) => each.prefix)]);
        expect(there.hasPresharedKey).toBe(fleet.hasPresharedKeys);
      }
    },
  );

  test("whoever cannot be dialled keeps alive; whoever can be, and is behind no NAT, does not", [fleets], (fleet) => {
    const { model } = compileFleet(fleet);
    for (const [a, b] of pairsOf(model)) {
      const [there, back] = [viewOf(model, a, b), viewOf(model, b, a)];
      const isBehindNat = ["forwarded", "inside"].includes(fleetHost(fleet, a).way);
      if (back.endpoints.length === 0) expect(there.keepaliveSeconds).toBe(25);
      else if (!isBehindNat) expect(there.keepaliveSeconds).toBe(0);
      else expect(there.keepaliveSeconds > 0).toBe(there.endpoints.length > 0 && !isLan(there));
    }
  });

  test(
    "BGP sessions have two ends, and join every speaker with every other or with the reflector",
    [fleets],
    (fleet) => {
      const { model } = compileFleet(fleet);
      const reflector = fleet.bgp === "reflector" ? nameOf(fleet.hosts[0] as FleetHost) : undefined;
      const expected = ({ name }: Host): readonly string[] => {
        const others = model.hosts.map((host) => host.name).filter((other) => other !== name);
        return reflector === undefined || reflector === name ? others : [reflector];
      };
      for (const host of model.hosts) {
        const sessions = host.bgp.kind === "none" ? [] : host.bgp.neighbours.map((each) => each.host);
        expect([...sessions].sort()).toEqual(hasBgp(fleet) ? expected(host) : []);
      }
    },
  );
});

const isLan = ({ endpoints: [endpoint] }: Peer): boolean =>
  endpoint?.kind === "address" && endpoint.address.startsWith("192.168.7.");

describe("numbers", () => {
  test("tunnel addresses are distinct, inside their pool, and the pinned ones where pinned", [fleets], (fleet) => {
    const { model } = compileFleet(fleet);
    const all = model.hosts.flatMap((host) => linkOf(host).addresses.map((each) => each.address));
    expect(duplicatesIn(all)).toEqual([]);
    for (const host of model.hosts) {
      const each = fleetHost(fleet, host);
      const expected = fleet.pools.map((pool) => (pool === IPV4_POOL ? `10.250.0.${each.id}` : ipv6(each.id)));
      const addresses = linkOf(host).addresses.map(({ address }) => address);
      expect([...addresses].sort()).toEqual([...(each.isPinned ? pinsOf(fleet, each) : expected)].sort());
      for (const address of addresses) {
        expect(fleet.pools.filter((pool) => containsAddress(pool as IpPrefix, address))).toHaveLength(1);
      }
    }
  });

  test(
    "MACs are distinct but for a shared gateway, local and of one interface each; router-ids are distinct",
    [fleets],
    (fleet) => {
      const { model } = compileFleet(fleet);
      const bridges = model.hosts.flatMap((host) => host.bridges);
      const shared = bridges.filter((bridge) => bridge.isSharedGateway).map((bridge) => bridge.macAddress);
      const own = [
        ...bridges.filter((bridge) => !bridge.isSharedGateway).map((bridge) => bridge.macAddress),
        ...model.hosts.flatMap((host) => host.vxlans.map((vxlan) => vxlan.macAddress)),
        ...new Set(shared),
      ];
      expect(duplicatesIn(own)).toEqual([]);
      // IEEE 802: the lowest bit of the first byte is set in a group address, the next one in a local address.
      for (const mac of own) expect([mac, Number.parseInt(mac.slice(0, 2), 16) & 3]).toEqual([mac, 2]);
      const ids = model.hosts.flatMap(({ bgp }) => (bgp.kind === "none" ? [] : [bgp.routerId]));
      expect(duplicatesIn(ids)).toEqual([]);
    },
  );

  test("interface names are distinct on a host and fit the kernel", [fleets], (fleet) => {
    for (const { interfaces, bridges, vxlans } of compileFleet(fleet).model.hosts) {
      const names = [...interfaces, ...bridges, ...vxlans].map((each) => each.name);
      expect(duplicatesIn(names)).toEqual([]);
      for (const name of names) expect(name).toMatch(/^[^\s/]{1,15}$/);
    }
  });

  test("a VTEP floods to every other member of its segment, once, and to nobody else", [fleets], (fleet) => {
    const { model } = compileFleet(fleet);
    for (const host of model.hosts) {
      for (const { flooding, local, segment } of host.vxlans) {
        const members = model.hosts.filter((each) => each.vxlans.some((vxlan) => vxlan.segment === segment));
        const others = members.filter((each) => each !== host).map((each) => each.vtep);
        expect(local).toBe(host.vtep);
        if (flooding.kind === "static") expect([...flooding.remotes].sort()).toEqual(others.sort());
      }
    }
  });
});

const ipv6 = (id: number): string => `fd00:250::${id.toString(16)}`;

/** The AllowedIPs of each [Peer] of a file of wg-quick's. */
const allowedIpsIn = (text: string): readonly (readonly string[])[] =>
  text
    .split("[Peer]")
    .slice(1)
    .map((block) => must(/^AllowedIPs = (.*)$/m.exec(block)?.[1], "a peer has AllowedIPs").split(", "));

test("in the file of an interface each address has one owner: no two AllowedIPs overlap", [fleets], (fleet) => {
  const { files, model } = compileFleet(fleet);
  for (const host of model.hosts) {
    const path = `${host.name}/etc/wireguard/wg0.conf`;
    const file = must(
      files.find((each) => each.path === path),
      `there is ${path}`,
    );
    const prefixes = allowedIpsIn(textOf(file)).flat() as IpPrefix[];
    expect(prefixes.length).toBeGreaterThanOrEqual((model.hosts.length - 1) * fleet.pools.length);
    const own = linkOf(host).addresses.map((each) => each.address);
    for (const [index, prefix] of prefixes.entries()) {
      expect(prefixes.slice(index + 1).filter((other) => overlaps(prefix, other))).toEqual([]);
      expect(own.filter((address) => containsAddress(prefix, address))).toEqual([]);
    }
  }
});

/** The MTU of the path between two hosts, by the words of the language reference and without netgen's own code. */
function pathMtuOf(fleet: Fleet, [a, b]: readonly [FleetHost, FleetHost], isOnLan: boolean): number {
  const declared = (x: string | undefined, y: string | undefined): number[] =>
    pathsOf(fleet)
      .filter(({ between: [p, q] }) => (p === x && q === y) || (p === y && q === x))
      .map((path) => path.mtu);
  const [nameA, nameB] = [nameOf(a), nameOf(b)];
  const sites = [a, b].flatMap(({ site }) => (site === undefined ? [] : [fleet.sites[site]]));
  const ranks = [
    declared(nameA, nameB),
    [...declared(nameA, b.site), ...declared(a.site, nameB)],
    declared(a.site, b.site),
    sites.flatMap(({ lanMtu, wanMtu }) => (isOnLan ? lanMtu : wanMtu) ?? []),
    [fleet.pathMtu],
  ];
  return Math.min(
    ...must(
      ranks.find((each) => each.length > 0),
      "the last rank has a number",
    ),
  );
}

/** What a packet of the tunnel may cost and hold, one entry for each of the two ends that is dialled. */
function waysOf(
  fleet: Fleet,
  model: Network,
  [a, b]: readonly [Host, Host],
): readonly { path: number; outer: IpFamily }[] {
  const ends = [fleetHost(fleet, a), fleetHost(fleet, b)] as const;
  return [viewOf(model, a, b), viewOf(model, b, a)].flatMap((view) => {
    const [endpoint] = view.endpoints;
    if (endpoint === undefined) return [];
    const outer = endpoint.kind === "address" ? familyOf(endpoint.address) : fleet.ipVersion === 4 ? 4 : 6;
    return [{ path: pathMtuOf(fleet, ends, isLan(view)), outer }];
  });
}

/** The bytes that the tightest way of a pair leaves over, once an inner packet of this size is wrapped up. */
function bytesLeft(fleet: Fleet, model: Network, pair: readonly [Host, Host]): (inner: number, mtu: number) => number {
  const ways = waysOf(fleet, model, pair);
  return (inner, mtu) => Math.min(...ways.map(({ path, outer }) => path - wireguardPacketBytes(inner, mtu, outer)));
}

const hostNamed = ({ hosts }: Network, name: string): Host =>
  must(
    hosts.find((host) => host.name === name),
    `there is a host ${name}`,
  );

describe("MTU", () => {
  test("no tunnel makes a packet larger than its path, and one byte more would", [fleets], (fleet) => {
    const { model } = compileFleet(fleet);
    for (const [a, b] of pairsOf(model)) {
      const { mtu } = linkOf(a);
      for (const inner of [mtu, mtu - 1, mtu - 15]) {
        expect(bytesLeft(fleet, model, [a, b])(inner, mtu)).toBeGreaterThanOrEqual(0);
      }
    }
    for (const host of model.hosts) {
      const { mtu, limitingPeer } = linkOf(host);
      const limit = hostNamed(model, must(limitingPeer, "a fleet has two hosts"));
      expect(bytesLeft(fleet, model, [host, limit])(mtu + 1, mtu + 1)).toBe(-1);
    }
  });

  test("no segment makes a packet larger than any path, and one byte more would", [fleets], (fleet) => {
    const { model } = compileFleet(fleet);
    const vtep: IpFamily = fleet.pools.includes(IPV4_POOL) ? 4 : 6;
    for (const { name, mtu, members, isTagged } of model.segments) {
      const outer = (inner: number): number => vxlanPacketBytes(inner, vtep, isTagged);
      for (const [a, b] of pairsOf(model)) {
        expect(outer(mtu.bytes)).toBeLessThanOrEqual(linkOf(a).mtu);
        expect(bytesLeft(fleet, model, [a, b])(outer(mtu.bytes), linkOf(a).mtu)).toBeGreaterThanOrEqual(0);
      }
      const [least, peer] = mtu.limitingPair.map((each) => hostNamed(model, each)) as [Host, Host];
      const tooMuch = outer(mtu.bytes + 1);
      expect(bytesLeft(fleet, model, [least, peer])(tooMuch, tooMuch)).toBe(-1);
      expect(members).toHaveLength(model.hosts.length);
      const devices = model.hosts.flatMap(({ vxlans, bridges }) => [
        ...vxlans.filter((vxlan) => vxlan.segment === name),
        ...bridges.filter((bridge) => bridge.subnet === name),
      ]);
      expect(devices.map((each) => each.mtu)).toEqual(devices.map(() => mtu.bytes));
    }
  });
});

/** All that is numbered or named on a host; not the MTU, which a new peer may lower. */
function numbersOf({ interfaces, bridges, vxlans, bgp, vtep }: Host): unknown {
  return {
    interfaces: interfaces.map(({ name, addresses, listenPort }) => ({ name, addresses, listenPort })),
    bridges: bridges.map(({ name, macAddress, addresses }) => ({ name, macAddress, addresses })),
    vxlans: vxlans.map(({ name, vni, macAddress, local, port }) => ({ name, vni, macAddress, local, port })),
    routerId: bgp.kind === "none" ? undefined : bgp.routerId,
    vtep,
  };
}

/** True for a range of addresses, as nft writes it, that an address lies in. */
function isInRange(word: string, address: IpAddress): boolean {
  const ends = word.split("-").map(parseAddress);
  const [first, last] = ends;
  if (ends.length !== 2 || first === undefined || last === undefined) return false;
  if (familyOf(first) !== familyOf(address)) return false;
  return compareAddresses(first, address) <= 0 && compareAddresses(address, last) <= 0;
}

/** True when the text names the host, its endpoint, an address of its own or a range of such, or a prefix that leads to it. */
function mentions(text: string, { name, interfaces, bridges, ownedPrefixes }: Host): boolean {
  const addresses = [...interfaces, ...bridges].flatMap((each) => each.addresses.map(({ address }) => address));
  const words = new Set(text.split(/[\s,="{}]+/).map((word) => word.replace(/\/(?:32|128)$/, "")));
  const own = [name, `${name}.example.net`, ...addresses, ...ownedPrefixes.map((each) => each.prefix)];
  const ranges = [...words].filter((word) => word.includes("-"));
  return (
    own.some((word) => words.has(word)) || addresses.some((each) => ranges.some((range) => isInRange(range, each)))
  );
}

/** What a host needs for the first peer that it dials by name. */
const DIALS_BY_NAME = /\/(?:wg-endpoints|wg0\.endpoints|netgen-endpoints\.(?:service|timer))$/;

/** A fleet, and the same with its last host not there yet. */
const growing = fleets
  .filter(({ hosts }) => hosts.length > 2)
  .map((after) => ({ after, before: { ...after, hosts: after.hosts.slice(0, -1) } }));

describe("a new host", () => {
  test("changes no number of another", [growing], ({ before, after }) => {
    const [old, now] = [compileFleet(before).model, compileFleet(after).model];
    for (const host of old.hosts) expect(numbersOf(hostNamed(now, host.name))).toEqual(numbersOf(host));
  });

  test("changes only files that mention it, unless it lowers an MTU", [growing], ({ before, after }) => {
    const [old, now] = [compileFleet(before), compileFleet(after)];
    const added = hostNamed(now.model, nameOf(after.hosts.at(-1) as FleetHost));
    fc.pre(old.model.hosts.every((host) => linkOf(hostNamed(now.model, host.name)).mtu === linkOf(host).mtu));
    const texts = new Map(now.files.map((file) => [file.path, textOf(file)]));
    const changed = old.files.filter((file) => texts.get(file.path) !== textOf(file)).map((file) => file.path);
    expect(changed.filter((path) => !mentions(texts.get(path) ?? "", added))).toEqual([]);
    for (const { path } of old.files) texts.delete(path);
    const surplus = [...texts.keys()].filter((path) => !path.startsWith(`${added.name}/`));
    expect(surplus.filter((path) => added.reach.endpoints[0]?.kind !== "name" || !DIALS_BY_NAME.test(path))).toEqual(
      [],
    );
  });
});
