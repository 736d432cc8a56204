/** A host explained. */
import { NEEDS, PROGRAMS } from "../../base/programs.ts";
import { listInWords, someOf } from "../../base/text.ts";
import type { Host } from "../../model/host.ts";
import { poolAddresses, unicastOf } from "../../model/loopback.ts";
import { waysInWords } from "../../model/reach.ts";
import { hubsOf } from "../draw/diagram.ts";
import { dependentsOf } from "./dependents.ts";
import { type Description, type Fact, fact, factOfAll, type Known, type Look, listed } from "./description.ts";
import { firstLooks, lanLooks, look, tunnelsLooks, underlayLooks } from "./looks.ts";
import { bgpLooks, exitLooks, lastLooks, subnetLooks, vrfLooks } from "./looks-overlay.ts";
import { addressText, whyOfPool, whyOfTunnels } from "./numbers.ts";

function rolesOf(known: Known, host: Host): readonly string[] {
  const { network } = known;
  const roles = [
    host.app !== undefined && "a device that its app configures",
    host.interfaces.length === 0 && "without WireGuard",
    hubsOf(network).has(host.name) && "passes on what others send each other",
    ...network.sites.filter(({ gateways }) => gateways.includes(host.name)).map(({ name }) => `gateway of ${name}`),
    host.bgp.kind !== "none" && host.bgp.isReflector && "route reflector",
    host.exit !== undefined && "exit",
    ...host.vrfs.filter(({ exit }) => exit !== undefined).map(({ name }) => `exit of VRF ${name}`),
    ...(host.egress?.remotes ?? []).filter(({ own }) => own !== undefined).map(({ name }) => `leads to ${name}`),
    host.bgp.kind !== "none" && host.bgp.isDrained && "drained",
    host.vrrp !== undefined && `shares ${host.vrrp.address.address} with ${host.vrrp.other.host}`,
  ];
  return roles.filter((role) => role !== false);
}

/** By whom it meets others that it has no tunnel with. */
function hubFacts({ network, neighboursOf }: Known, host: Host): readonly Fact[] {
  const hubs = hubsOf(network);
  if (hubs.has(host.name)) return [];
  const own = [...neighboursOf(host)].filter((name) => hubs.has(name));
  const preferenceOf = (name: string): number =>
    Math.max(
      0,
      ...(unicastOf(host)?.neighbours ?? []).map((each) => (each.host === name ? (each.preference ?? 0) : 0)),
    );
  const sorted = own.toSorted((a, b) => preferenceOf(b) - preferenceOf(a));
  const isPreferring = new Set(sorted.map(preferenceOf)).size > 1;
  return sorted.length === 0 ? [] : [fact("meets others by", sorted.join(isPreferring ? ", else " : ", "))];
}

/** Addresses on its tunnels or its loopback interface, each with where it comes from. */
function addressFacts({ network }: Known, host: Host): readonly Fact[] {
  const where = unicastOf(host) === undefined ? "" : " on lo";
  return listed(
    "address",
    poolAddresses(host).map((each) => [`${addressText(each)}${where}`, whyOfPool(network, host, each.address)]),
  );
}

function tunnelFacts(known: Known, host: Host): readonly Fact[] {
  return host.interfaces.flatMap((link) => {
    const peers = link.peers.flatMap((id) => known.peers.get(id)?.host ?? []);
    const held = link.smallerPeers.map(({ host: peer, mtu }) => `${peer} ${mtu}`);
    return [
      fact(link.name, `WireGuard, port ${link.listenPort}, to ${peers.length === 0 ? "nobody" : someOf(peers)}`),
      fact("", `MTU ${link.mtu}`, whyOfTunnels(known, host, link)),
      ...(held.length === 0 ? [] : [fact("", `in its routes less: ${someOf(held)}`, "an MTU for each peer")]),
    ];
  });
}

function subnetFacts({ bridges, vxlans, ownedPrefixes }: Host): readonly Fact[] {
  const onLinks = bridges.map(({ subnet, link, addresses, vrf }) => {
    const device = vxlans.find(({ segment }) => segment === subnet);
    const parts = [
      `subnet ${subnet}`,
      ...addresses.map(addressText),
      ...(device === undefined
        ? []
        : [`VXLAN ${device.name}, VNI ${device.vni}, from ${device.local}, MTU ${device.mtu}`]),
      ...(vrf === undefined ? [] : [`VRF ${vrf}`]),
    ];
    return fact(link, parts.join(", "));
  });
  const behind = ownedPrefixes.map(({ prefix, use }) => (use.kind === "subnet" ? `${prefix} (${use.subnet})` : prefix));
  return [...onLinks, ...factOfAll("behind it", behind, "others send it here")];
}

function bgpFacts({ network }: Known, host: Host): readonly Fact[] {
  const { bgp, id } = host;
  if (bgp.kind === "none") return [];
  const isOfPool = poolAddresses(host).some(({ address }) => address === bgp.routerId);
  const ofNetwork = network.bgp.kind !== "none" && network.bgp.asn === bgp.asn;
  const neighbours = bgp.neighbours.map(({ host }) => host);
  return [
    fact("BGP", `AS ${bgp.asn}`, ofNetwork ? "that of the network" : "that of its site"),
    fact("", `router ID ${bgp.routerId}`, isOfPool ? "its IPv4 address" : `made from its id, ${id}`),
    ...factOfAll("", neighbours.length === 0 ? [] : [`EVPN with ${someOf(neighbours)}`]),
    ...listed(
      "",
      bgp.peers.map(({ address, asn }) => [`with ${address} (AS ${asn}), somebody else's`]),
    ),
  ];
}

function exitFacts({ exit, egress, snat }: Host): readonly Fact[] {
  const all = egress?.exits.map(({ host }) => host) ?? [];
  return [
    ...(exit === undefined ? [] : [fact("exit", `by ${exit.interface}${exit.hasSnat ? ", behind its address" : ""}`)]),
    ...(all.length === 0 ? [] : [fact("ways out", `by ${listInWords(all, "else")}`, "the first that is open")]),
    ...(egress?.remotes ?? []).map(({ name, exits }) =>
      fact(
        name,
        `by ${listInWords(
          exits.map(({ host }) => host),
          "else",
        )}`,
        "the first that is open",
      ),
    ),
    ...factOfAll("SNAT", [...new Set(snat.map(({ uplink }) => `by ${uplink}`))]),
  ];
}

/** The versions that its files are written for. */
function programsInWords({ programs, app }: Host): string | undefined {
  if (app !== undefined) return undefined;
  const all = PROGRAMS.map((program) => `${NEEDS[program].title} ${programs[program]}`);
  return `its files are for ${all.join(", ")}`;
}

function factsOf(known: Known, host: Host): readonly Fact[] {
  const { platform, id, reach, uplink } = host;
  return [
    ...factOfAll("role", rolesOf(known, host)),
    fact("platform", platform, programsInWords(host)),
    fact("id", id, "addresses, router ID and MACs are made from it"),
    ...factOfAll("site", reach.site === undefined ? [] : [reach.site]),
    fact("reached at", waysInWords(reach) || "nothing: it dials the others"),
    ...hubFacts(known, host),
    ...factOfAll("uplink", uplink === undefined ? [] : [uplink]),
    ...addressFacts(known, host),
    ...tunnelFacts(known, host),
    ...subnetFacts(host),
    ...host.vrfs.map(({ name, table, vni, bridge }) => fact(`VRF ${name}`, `table ${table}, VNI ${vni}, ${bridge}`)),
    ...bgpFacts(known, host),
    ...exitFacts(host),
  ];
}

/** A device has no shell: who has a tunnel with it is asked. */
function deviceLooks({ network, peers, hosts }: Known, host: Host): readonly Look[] {
  const ids = new Set(network.peers.filter((peer) => peer.host === host.name).map(({ id }) => id));
  const others = [...new Set(host.interfaces.flatMap((link) => link.peers.flatMap((id) => peers.get(id)?.host ?? [])))];
  return others.flatMap((name) => {
    const other = hosts.get(name);
    const link = other?.interfaces.find((each) => each.peers.some((id) => ids.has(id)));
    if (other === undefined || link === undefined) return [];
    const command = `wg show ${link.name} latest-handshakes | grep -F ${host.publicKey}`;
    return [look(other, command, "not 0: it was heard, then (seconds since 1970)", { matches: ["\\t[1-9]"] })];
  });
}

function looksAt(known: Known, host: Host): readonly Look[] {
  if (host.app !== undefined) return deviceLooks(known, host);
  return [
    ...firstLooks(known, host),
    ...underlayLooks(known, host),
    ...lanLooks(host),
    ...tunnelsLooks(known, host),
    ...bgpLooks(host),
    ...host.vrfs.flatMap((vrf) => vrfLooks(known, host, vrf)),
    ...host.bridges.flatMap(({ subnet }) => subnetLooks(known, host, subnet)),
    ...exitLooks(known, host),
    ...lastLooks(known, host),
  ];
}

export const describeHost = (known: Known, host: Host): Description => ({
  kind: "host",
  name: host.name,
  facts: factsOf(known, host),
  dependents: dependentsOf(known, host),
  looks: looksAt(known, host),
});
