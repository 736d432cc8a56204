/** A subnet explained: a segment on several hosts, or a routed one. */
import { collapsePrefixes } from "../../base/ip.ts";
import { listInWords, someOf } from "../../base/text.ts";
import type { Bridge } from "../../model/device.ts";
import type { Host } from "../../model/host.ts";
import type { Gateway, Segment } from "../../model/segment.ts";
import { gatewayHosts } from "./dependents.ts";
import { type Dependent, type Description, type Fact, fact, factOfAll, type Known, listed } from "./description.ts";
import { some } from "./looks.ts";
import { subnetLooks } from "./looks-overlay.ts";
import { addressText, segmentMtu } from "./numbers.ts";

const bridgeOf = ({ bridges }: Host, name: string): Bridge | undefined => bridges.find(({ subnet }) => subnet === name);

/** What a host has of a routed subnet. */
const ownedBy = ({ ownedPrefixes }: Host, name: string) =>
  ownedPrefixes.filter(({ use }) => use.kind === "subnet" && use.subnet === name).map(({ prefix }) => prefix);

/** The hosts that a subnet is on. */
export const membersOf = ({ network, segments }: Known, name: string): readonly Host[] =>
  network.hosts.filter(
    (host) =>
      segments.get(name)?.members.includes(host.name) ||
      bridgeOf(host, name) !== undefined ||
      ownedBy(host, name).length > 0,
  );

function gatewayFacts(gateway: Gateway): readonly Fact[] {
  if (gateway.kind === "none") return [fact("gateway", "none", "it connects its guests, and no host routes for it")];
  if (gateway.kind === "shared") {
    const where = `on each of ${someOf(gateway.hosts)}, with one MAC`;
    return [fact("gateway", gateway.addresses.map(addressText).join(", "), where)];
  }
  return listed(
    "gateway",
    gateway.hosts.map(({ host, addresses }) => [addresses.map(addressText).join(", "), `on ${host}`]),
  );
}

/** What guests are told, and by whom. */
function toldFacts(members: readonly Host[], name: string): readonly Fact[] {
  return members.flatMap((host) => {
    const bridge = bridgeOf(host, name);
    const { dhcp, advertisement } = bridge ?? {};
    return [
      ...(dhcp === undefined
        ? []
        : [
            fact(
              "DHCP",
              `${dhcp.size} addresses from number ${dhcp.offset}, MTU ${dhcp.mtu ?? "not said"}`,
              `by ${host.name}`,
            ),
          ]),
      ...(advertisement === undefined
        ? []
        : [
            fact(
              "router advertisements",
              `${advertisement.prefixes.join(", ")}, MTU ${advertisement.mtu ?? "not said"}`,
              `by ${host.name}`,
            ),
          ]),
    ];
  });
}

/** Who gets there from outside, and by whom. */
function announcedFacts({ isIsolated, vrf, gateway, prefixes }: Segment, isRouting: boolean): readonly Fact[] {
  if (vrf !== undefined) return [fact("announced", `in VRF ${vrf}, by its gateways`, "EVPN has a route to each guest")];
  if (isIsolated) return [fact("announced", "by nobody", "isolated: true")];
  const hosts = gatewayHosts(gateway);
  if (hosts.length === 0 || prefixes.length === 0) return [fact("announced", "by nobody", "no host routes for it")];
  return [fact("announced", `by ${listInWords(hosts)}`, isRouting ? "by BGP" : "in the AllowedIPs of the others")];
}

function segmentFacts(known: Known, segment: Segment): readonly Fact[] {
  const { name, vni, members, prefixes, vtepFamily, isTagged, suppressesNeighbors } = segment;
  const device = known.hosts.get(members[0] ?? "")?.vxlans.find((each) => each.segment === name);
  const flooding = device?.flooding.kind === "static" ? "a list of the others, and learning from traffic" : "EVPN";
  return [
    fact("is", "one Ethernet segment, by VXLAN", "frames go from host to host, and nobody routes between its guests"),
    ...factOfAll("prefixes", prefixes),
    fact("on", members.join(", ")),
    fact("VNI", vni, `as it is written; it names ${device?.name ?? "its devices"}`),
    fact("VTEPs", `IPv${vtepFamily}`, "the addresses of its hosts in the pool"),
    fact("who is where", flooding, suppressesNeighbors ? "ARP is answered on each host" : undefined),
    ...(isTagged ? [fact("tags", "frames may have one", "4 bytes are kept for it")] : []),
    ...segmentMtu(known, segment),
    ...gatewayFacts(segment.gateway),
    ...announcedFacts(segment, known.network.bgp.kind === "routing"),
    ...factOfAll("VRF", segment.vrf === undefined ? [] : [segment.vrf]),
  ];
}

function routedFacts({ network }: Known, name: string, members: readonly Host[]): readonly Fact[] {
  const declared = network.prefixes.flatMap(({ prefix, use }) =>
    use.kind === "subnet" && use.subnet === name ? [prefix] : [],
  );
  const vrfs = new Set(members.flatMap((host) => bridgeOf(host, name)?.vrf ?? []));
  const parts = members.map((host) => {
    const bridge = bridgeOf(host, name);
    const gateway =
      bridge === undefined
        ? "its bridge is somebody else's"
        : `gateway ${bridge.addresses.map(addressText).join(", ") || "none"} on ${bridge.link}`;
    const own = ownedBy(host, name);
    return [`${(own.length > 0 ? own : declared).join(", ")} on ${host.name}`, gateway] as const;
  });
  return [
    fact("is", "routed", "nothing is broadcast from host to host"),
    ...factOfAll("prefixes", collapsePrefixes(declared)),
    ...listed("part", parts),
    ...(vrfs.size > 0
      ? []
      : [
          fact(
            "announced",
            `by ${someOf(members.map((host) => host.name))}`,
            network.bgp.kind === "routing" ? "by BGP" : "in the AllowedIPs of the others",
          ),
        ]),
    ...factOfAll("VRF", [...vrfs]),
  ];
}

/** What guests have of one host alone. */
function dependentsOf(segment: Segment | undefined): readonly Dependent[] {
  const gateways = segment === undefined ? [] : gatewayHosts(segment.gateway);
  return gateways.length === 1
    ? [{ who: "its guests", loses: `all but each other when ${gateways[0]} is gone: it is their only gateway` }]
    : [];
}

export function describeSubnet(known: Known, name: string): Description {
  const members = membersOf(known, name);
  const segment = known.segments.get(name);
  const facts = segment === undefined ? routedFacts(known, name, members) : segmentFacts(known, segment);
  return {
    kind: "subnet",
    name,
    facts: [...facts, ...toldFacts(members, name)],
    dependents: dependentsOf(segment),
    looks: some(members).flatMap((host) => subnetLooks(known, host, name)),
  };
}
