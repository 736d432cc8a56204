/** What must hold of segments: who floods to whom, and by which devices. */
import { isSameAddress, prefixOf } from "./prefix.ts";
import { ownAddresses, type TreeHost } from "./tree.ts";
import type { Link, Vxlan } from "./tree-networkd.ts";
import type { Law } from "./world.ts";

interface Member {
  readonly host: TreeHost;
  readonly vxlan: Vxlan;
}

function membersByVni(hosts: readonly TreeHost[]): ReadonlyMap<number, readonly Member[]> {
  const members = new Map<number, Member[]>();
  for (const host of hosts) {
    for (const vxlan of host.vxlans) members.set(vxlan.vni, [...(members.get(vxlan.vni) ?? []), { host, vxlan }]);
  }
  return members;
}

/** Sends from an address of its own, to the port of all others. */
export const vtepsAreOwn: Law = ({ hosts, wanted }) =>
  hosts.flatMap((host) =>
    host.vxlans.flatMap(({ name, local, port, vni }) => {
      const isOwn = ownAddresses(host).some((own) => isSameAddress(own, local));
      const found = isOwn ? [] : [`${host.name} ${name}: ${local.text} is no address of its own`];
      return port === wanted.vxlanPort ? found : [...found, `${host.name} ${name}: VNI ${vni} goes to port ${port}`];
    }),
  );

/** Without EVPN each floods to all others and is flooded to by them; with it FRR says who they are. */
export const floodingIsMutual: Law = ({ hosts }) =>
  [...membersByVni(hosts)].flatMap(([vni, members]) =>
    members.flatMap(({ host, vxlan }) => {
      const others = members.filter((other) => other.host !== host);
      if (!vxlan.learns) {
        const evpn = host.bgp?.hasEvpn === true && vxlan.remotes.length === 0;
        return evpn ? [] : [`${host.name} ${vxlan.name}: neither learns nor is told by BGP`];
      }
      const missing = others.filter(
        (other) => !vxlan.remotes.some((remote) => isSameAddress(remote, other.vxlan.local)),
      );
      const surplus = vxlan.remotes.filter(
        (remote) => !others.some((other) => isSameAddress(remote, other.vxlan.local)),
      );
      return [
        ...missing.map((other) => `${host.name}: VNI ${vni} does not flood to ${other.host.name}`),
        ...surplus.map((remote) => `${host.name}: VNI ${vni} floods to ${remote.text}, which has none of it`),
      ];
    }),
  );

/** Where a VXLAN device is a port: of which bridge, in which VLAN, and by which device the host itself is there. */
function placeOf(host: TreeHost, { name, vni }: Vxlan) {
  const link = host.links.find((each) => each.name === name);
  const { bridge, vlan } = host.joined.get(name) ?? { bridge: link?.bridge, vlan: link?.vlan };
  const own = host.links.find((each) => each.name === (vlan === undefined ? bridge : `vl${vni}`));
  return { bridge, vlan, own };
}

/** All devices of a segment have one MTU, and each VXLAN device its bridge, or a VLAN of one. */
export const segmentsHaveOneMtu: Law = ({ hosts }) =>
  [...membersByVni(hosts)].flatMap(([vni, members]) => {
    const sizes = members.map(({ host, vxlan }) => host.links.find(({ name }) => name === vxlan.name)?.mtu);
    const bridges = members.flatMap(({ host, vxlan }) => {
      const { bridge, own } = placeOf(host, vxlan);
      if (bridge === undefined) return [`${host.name}: ${vxlan.name} is in no bridge`];
      if (own?.mtu === undefined || own.mtu === sizes[0]) return [];
      return [`${host.name}: ${own.name} has the MTU ${own.mtu}, its segment ${sizes[0]}`];
    });
    return new Set(sizes).size > 1 ? [...bridges, `VNI ${vni} has the MTUs ${sizes.join(", ")}`] : bridges;
  });

/** Two segments on one bridge are two VLANs of it, and the host is in each by a device of that VLAN. */
export const segmentsAreApart: Law = ({ hosts }) =>
  hosts.flatMap((host) => {
    const places = host.vxlans.map((vxlan) => ({ ...placeOf(host, vxlan), name: vxlan.name }));
    const names = places.map(({ bridge, vlan }) => `${bridge} ${vlan}`);
    return places.flatMap(({ name, vlan, own }, index) => {
      const first = names.indexOf(names[index] as string);
      const met = first < index ? [`${host.name}: ${name} is one with ${places[first]?.name}`] : [];
      const isOther = own?.vlan !== undefined && own.vlan !== vlan;
      return isOther ? [...met, `${host.name}: ${name} is in VLAN ${vlan}, ${own.name} in ${own.vlan}`] : met;
    });
  });

/** What a VRF's device leads out of another's table, that one's leads back; behind each there is an end for when it is gone. */
export const leaksAreMutual: Law = ({ hosts }) =>
  hosts.flatMap((host) => {
    const vrfs = host.links.filter(({ table }) => table !== undefined);
    const isBare = ({ tableRoutes }: Link) => tableRoutes.every(({ isEnd }) => isEnd);
    const into = (vrf: Link, table: string | undefined) =>
      vrf.tableRoutes.filter((route) => !route.isEnd && route.table === table);
    return vrfs.flatMap((vrf) =>
      vrfs
        .filter((other) => other !== vrf)
        .flatMap((other) => {
          const led = into(vrf, other.table);
          // One without a prefix has nothing to be led to.
          const isLedBack = led.length === 0 || isBare(other) || into(other, vrf.table).length > 0;
          const endless = led.filter(
            ({ to }) => !other.tableRoutes.some((end) => end.isEnd && end.to.text === to.text),
          );
          return [
            ...(isLedBack ? [] : [`${host.name}: ${other.name} leads to ${vrf.name}, which does not lead back`]),
            ...endless.map(({ to }) => `${host.name}: ${other.name} has no end for ${to.text} of ${vrf.name}`),
          ];
        }),
    );
  });

/** Whoever is sent VXLAN is let in by the guard: no member's address is missing in the set of the others. */
export const guardKnowsVteps: Law = ({ hosts }) =>
  [...membersByVni(hosts)].flatMap(([vni, members]) =>
    members.flatMap(({ host }) =>
      members
        .filter(
          (other) =>
            other.host !== host && !isInSet(host, "vteps", other.vxlan.local.address, other.vxlan.local.family),
        )
        .map((other) => `${host.name}: the guard does not know ${other.host.name}, which is in VNI ${vni} too`),
    ),
  );

function rangeOf(element: string): { readonly first: bigint; readonly last: bigint } {
  const [from = "", to = from] = element.split("-");
  return { first: prefixOf(from).first, last: prefixOf(to).last };
}

/** nft refuses a set of which one element holds another. */
export const setsAreApart: Law = ({ hosts }) =>
  hosts.flatMap((host) =>
    [...host.sets].flatMap(([name, elements]) => {
      const ranges = elements.map((text) => ({ text, ...rangeOf(text) })).sort((a, b) => (a.first < b.first ? -1 : 1));
      return ranges
        .filter(({ first }, index) => first <= (ranges[index - 1]?.last ?? -1n))
        .map(({ text }) => `${host.name}: ${text} of the set ${name} lies in another element`);
    }),
  );

/** Whether an address is in a set of the host's ruleset, of whichever family. */
export function isInSet(host: TreeHost, set: string, address: bigint, family: 4 | 6): boolean {
  return (host.sets.get(`${set}${family}`) ?? []).some((element) => {
    const { first, last } = rangeOf(element);
    return first <= address && address <= last;
  });
}

/** What is wrong with what guests of a link are given; `most`: bytes of what carries it. */
function flawsOf({ addresses, dhcp }: Link, most: number): readonly string[] {
  if (dhcp === undefined) return [];
  const { server, offset, size, mtu = 0 } = dhcp;
  const [first, last] = [server.first + offset, server.first + offset + size - 1n];
  const flaws: readonly (readonly [boolean, string])[] = [
    [!addresses.some(({ text }) => text === server.text), `${server.text} is not its address`],
    [offset < 1n || size < 1n || last >= server.last, `the pool leaves ${server.text}`],
    [server.address >= first && server.address <= last, "the gateway is given away"],
    [mtu > most, `guests are told ${mtu} bytes of ${most}`],
  ];
  return flaws.flatMap(([isSo, flaw]) => (isSo ? [flaw] : []));
}

/** What a router advertises on a link is where it has an address itself, of 64 bits, and as large as what carries it. */
export const routersAdvertiseTheirOwn: Law = ({ hosts }) =>
  hosts.flatMap((host) =>
    host.advertised.flatMap(({ link: name, prefixes, mtu }) => {
      const link = host.links.find((each) => each.name === name);
      const most = link?.mtu ?? Math.min(...host.interfaces.map((each) => each.mtu));
      const stray = prefixes.filter(
        (prefix) => prefix.length !== 64 || !link?.addresses.some(({ first }) => first === prefix.first),
      );
      return [
        ...(prefixes.length === 0 ? [`${host.name} ${name}: no prefix is advertised`] : []),
        ...stray.map(({ text }) => `${host.name} ${name}: ${text} is advertised, which is not its own`),
        ...(mtu > most ? [`${host.name} ${name}: guests are told ${mtu} bytes of ${most}`] : []),
      ];
    }),
  );

/** What guests are given lies in their prefix, is not the gateway's, and is no larger than what carries it. */
export const guestsAreGivenTheirOwn: Law = ({ hosts }) =>
  hosts.flatMap((host) =>
    host.links.flatMap((link) => {
      const most = link.mtu ?? Math.min(...host.interfaces.map(({ mtu }) => mtu));
      return flawsOf(link, most).map((flaw) => `${host.name} ${link.name}: ${flaw}`);
    }),
  );
