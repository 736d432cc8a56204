/** What must hold of tunnels: whose a prefix is, who dials whom, and by which way. */
import { alone, holds, overlap, type Prefix, prefixOf } from "./prefix.ts";
import type { TreeHost } from "./tree.ts";
import type { Neighbour } from "./tree-frr.ts";
import { backOf, type Law, type Leg, lanOf, outerPrefixes, type World, waysOf, writtenOf } from "./world.ts";

/** An interface sends each address to one peer: no prefix is in another but where the topology says so. */
export const onePeerForEachPrefix: Law = (world) => {
  const outer = outerPrefixes(world);
  const isExcepted = (inner: Prefix, wide: Prefix): boolean =>
    inner.length > wide.length &&
    outer.some((each) => holds(wide, each) && holds(each, inner) && each.length < inner.length);
  return world.hosts.flatMap(({ name, interfaces }) =>
    interfaces.flatMap((link) => {
      // An app sends what is for nobody else to its exit.
      const { platform, exits } = writtenOf(world, name);
      const isRest = (peer: string, { length }: Prefix): boolean =>
        length === 0 && platform === "wireguard-app" && exits?.[0] === peer;
      const all = link.peers.flatMap((peer) =>
        peer.allowedIps.filter((prefix) => !isRest(peer.name, prefix)).map((prefix) => ({ prefix, peer })),
      );
      return all.flatMap((one, index) =>
        all
          .slice(index + 1)
          .filter((other) => overlap(one.prefix, other.prefix))
          .filter((other) => !isExcepted(one.prefix, other.prefix) && !isExcepted(other.prefix, one.prefix))
          .map(
            (other) =>
              `${name} ${link.name}: ${one.prefix.text} of ${one.peer.name} and ${other.prefix.text} of ${other.peer.name} overlap`,
          ),
      );
    }),
  );
};

/** What a route leads into a tunnel lies in what a peer of that tunnel may carry. */
export const routesHavePeers: Law = ({ hosts }) =>
  hosts.flatMap((host) => {
    const static_ = host.routes.filter(({ kind }) => kind === "dev").map(({ prefix, to }) => ({ prefix, to }));
    const frr = (host.bgp?.routes ?? [])
      .filter(({ isLast }) => !isLast)
      .map(({ prefix, device }) => ({ prefix, to: device }));
    return [...static_, ...frr].flatMap(({ prefix, to }) => {
      const link = host.interfaces.find(({ name }) => name === to);
      const isCarried = link?.peers.some(({ allowedIps }) => allowedIps.some((each) => holds(each, prefix))) ?? false;
      return isCarried ? [] : [`${host.name}: ${prefix.text} dev ${to} lies in no peer's AllowedIPs`];
    });
  });

/** What a peer may carry, a route leads to it; where FRR routes, it is its affair. */
export const peersHaveRoutes: Law = ({ hosts }) =>
  hosts.flatMap((host) => {
    if (host.links.some(({ name }) => name === "lo")) return [];
    const led = [
      ...host.routes.filter(({ kind }) => kind === "dev"),
      ...host.interfaces.flatMap(({ name, addresses }) => addresses.map((prefix) => ({ prefix, to: name }))),
    ];
    return host.interfaces.flatMap((link) =>
      link.peers.flatMap((peer) =>
        peer.allowedIps
          .filter((wanted) => !led.some(({ prefix, to }) => to === link.name && holds(prefix, wanted)))
          .map((wanted) => `${host.name} ${link.name}: no route leads to ${wanted.text} of ${peer.name}`),
      ),
    );
  });

/** A peer that is named names back, both with a preshared key or neither, and one of the two at least dials. */
export const peersAreMutual: Law = (world) =>
  world.legs.flatMap((leg) => {
    const back = backOf(world, leg);
    const who = `${leg.from.name} ${leg.link.name} and ${leg.to.name}`;
    if (back === undefined) return [`${who}: only one of them has the other as a peer`];
    const found: string[] = [];
    if (leg.peer.hasPresharedKey !== back.peer.hasPresharedKey) found.push(`${who}: only one has a preshared key`);
    const [dials, isDialled] = [leg, back].map(({ peer }) => peer.endpoints.length > 0);
    if (!dials && !isDialled) found.push(`${who}: nobody dials`);
    if (dials && !isDialled && leg.peer.keepaliveSeconds === 0)
      found.push(`${who}: nobody keeps alive what only ${leg.from.name} can dial`);
    return found;
  });

const literalEnds = ({ peer }: Leg): readonly Prefix[] =>
  peer.endpoints.filter(({ host }) => /^[\d.]+$|:/.test(host)).map(({ host }) => prefixOf(host));

/** Connected, which any unreachable route is behind: the LAN of a host that has an interface to it. */
function isConnected(world: World, { name }: TreeHost, { kind, prefix }: ReturnType<typeof waysOf>[number]): boolean {
  const { site = "", lanInterface } = writtenOf(world, name);
  const lans = world.wanted.sites[site]?.lan ?? [];
  return kind === "unreachable" && lanInterface !== undefined && lans.includes(prefix.text);
}

/** The way to an endpoint is the host's own way out: no route, no tunnel, no bridge and no VRF's table. */
export const endpointsAreOutside: Law = (world) =>
  world.legs.flatMap((leg) =>
    literalEnds(leg).flatMap((end) => {
      const lan = lanOf(world, leg.from.name, end);
      const isLonger = ({ prefix }: { readonly prefix: Prefix }): boolean => prefix.length > (lan?.length ?? 0);
      const way = waysOf(leg.from).find(
        (each) => isLonger(each) && holds(each.prefix, end) && !isConnected(world, leg.from, each),
      );
      const who = `${leg.from.name}: the endpoint ${end.text} of ${leg.peer.name}`;
      return way === undefined ? [] : [`${who} is led ${way.kind} ${way.to} by ${way.prefix.text}`];
    }),
  );

const takes = ({ families, accepts }: Neighbour, prefix: Prefix): boolean =>
  families.includes(`ipv${prefix.family} unicast`) && accepts(prefix);

/** What BGP would bring counts as well: nothing that is taken from a neighbour holds an endpoint. */
export const endpointsAreNotAnnounced: Law = (world) => {
  const { legs, hosts } = world;
  const announced = hosts.flatMap(({ name, bgp }) => (bgp?.networks ?? []).map((prefix) => ({ name, prefix })));
  return legs.flatMap((leg) => {
    const neighbours = leg.from.bgp?.neighbours ?? [];
    const heard = announced.filter(
      ({ name, prefix }) => name !== leg.from.name && neighbours.some((each) => takes(each, prefix)),
    );
    return literalEnds(leg).flatMap((end) =>
      heard
        .filter(({ prefix }) => holds(prefix, end) && prefix.length > (lanOf(world, leg.from.name, end)?.length ?? 0))
        .map(
          ({ name, prefix }) =>
            `${leg.from.name}: the endpoint ${end.text} of ${leg.peer.name} is in ${prefix.text}, which ${name} announces`,
        ),
    );
  });
};

/** Whoever is dialled directly listens on the port that is dialled. */
export const portsAreRight: Law = (world) =>
  world.legs.flatMap((leg) => {
    const { endpoint = [], lanEndpoint, behindNat } = writtenOf(world, leg.to.name);
    const back = backOf(world, leg);
    if (back === undefined) return [];
    const hasPort = [endpoint].flat().some((each) => /[^:\]]:\d+$|\]:\d+$/.test(each));
    const isTranslated = (host: string) => lanEndpoint?.includes(host) !== true && (behindNat === true || hasPort);
    return leg.peer.endpoints
      .filter(({ host, port }) => !isTranslated(host) && port !== back.link.listenPort)
      .map(
        ({ port }) => `${leg.from.name} dials ${leg.peer.name} on ${port}, which listens on ${back.link.listenPort}`,
      );
  });

/** No two interfaces of a host listen on one port, and none on that of VXLAN or BFD where the host has these. */
export const portsAreFree: Law = ({ hosts }) =>
  hosts.flatMap(({ name, interfaces, vxlans, bgp }) => {
    const ports = interfaces.map(({ listenPort }) => listenPort);
    const others = [
      ...vxlans.map(({ port }) => port),
      ...(bgp?.neighbours.some(({ hasBfd }) => hasBfd) ? [3784, 3785, 4784] : []),
    ];
    const taken = ports.filter((port, index) => ports.indexOf(port) !== index || others.includes(port));
    return taken.map((port) => `${name}: port ${port} is taken`);
  });

/** No two hosts have one address, but for those that are the same peer to all others. */
export const addressesAreDistinct: Law = ({ hosts }) => {
  const all = hosts.flatMap((host) => {
    const own = host.interfaces.flatMap(({ addresses }) => addresses.map((each) => `${alone(each).text}`));
    // A host may have the same link-local address on each of its links.
    return own.filter((each, index) => !each.startsWith("fe80:") || own.indexOf(each) === index);
  });
  return all.filter((each, index) => all.indexOf(each) !== index).map((each) => `two tunnels have the address ${each}`);
};
