/** Trees that are wrong, each in one place, and the law that says so: what shows that the reader sees anything. */
import { publicKeyOf } from "./hosts.ts";
import type { laws } from "./laws.ts";
import type { Topology } from "./topologies.ts";

export interface Spoilt {
  readonly what: string;
  readonly topology: Topology;
  readonly host: string;
  /** Below the host's /etc. */
  readonly file: string;
  readonly from: string | RegExp;
  readonly to: string;
  readonly law: keyof typeof laws;
}

const host = (name: string, id: number, rest: object = {}) => ({
  [name]: { id, publicKey: publicKeyOf(name), endpoint: `192.0.2.${id}`, ...rest },
});

const TWO = { ...host("a", 1, { routes: ["10.9.1.0/24"] }), ...host("b", 2, { routes: ["10.9.2.0/24"] }) };
const SEGMENT = { cidr: "10.77.0.0/24", vxlan: { vni: 100 }, hosts: "all", gateway: "none" };

const MESH = { ...TWO, ...host("c", 3, { endpoint: undefined, behindNat: true }) };

/** A mesh of three, without BGP. */
const mesh: Topology = {
  netgen: 1,
  name: "mesh",
  wireguard: { addresses: ["10.250.0.0/24"], presharedKeys: true },
  hosts: MESH,
  subnets: { s: SEGMENT },
};

/** All of a range behind one, but for what is behind others. */
const nested: Topology = {
  ...mesh,
  hosts: { ...MESH, ...host("d", 4, { routes: [{ cidr: "10.0.0.0/8", exceptMoreSpecifics: true }] }) },
};

/** The same, where guests are given their addresses. */
const served: Topology = { ...mesh, subnets: { s: { ...SEGMENT, gateway: { a: "10.77.0.1" }, dhcp: true } } };

/** The same, where they make their addresses themselves. */
const advertised: Topology = {
  ...mesh,
  subnets: { s: { ...SEGMENT, cidr: "fd77::/64", gateway: { a: "fd77::1" }, sendRa: true } },
};

/** Two segments on one bridge. */
const tagging: Topology = {
  ...mesh,
  subnets: { s: { ...SEGMENT, vlan: 10 }, t: { ...SEGMENT, cidr: "10.78.0.0/24", vxlan: { vni: 101 }, vlan: 20 } },
};

/** The same with EVPN. */
const evpn: Topology = { ...mesh, bgp: { asn: 65_000, bfd: {} } };

/** The same with a router of somebody else's. */
const peered: Topology = {
  ...evpn,
  hosts: { ...MESH, ...host("d", 4, { peers: [{ address: "172.30.4.2", asn: 64_600, accept: ["172.22.4.0/24"] }] }) },
};

/** The same, in a fabric with targets of its own. */
const joined: Topology = {
  ...evpn,
  subnets: { s: { ...SEGMENT, vxlan: { vni: 100, routeTargets: { import: "64512:100", export: "65000:9100" } } } },
};

/** The same with two VRFs that share. */
const sharing: Topology = {
  ...evpn,
  vrfs: { blue: { vni: 5000, imports: ["shared"] }, shared: { vni: 7000 } },
  subnets: {
    vms: { cidr: "10.77.0.0/24", hosts: ["a"], vrf: "blue" },
    services: { cidr: "10.79.0.0/24", hosts: ["b"], vrf: "shared" },
  },
};

/** The same with a reflector. */
const reflected: Topology = { ...mesh, bgp: { asn: 65_000, routeReflectors: ["a"] } };

/** Two hubs and two spokes. */
const hubs: Topology = {
  netgen: 1,
  name: "hubs",
  wireguard: { addresses: ["10.250.0.0/24"], transit: ["10.251.0.0/16"], shape: "hub-and-spoke", hubs: ["a", "b"] },
  hosts: { ...TWO, ...host("c", 3), ...host("d", 4, { routes: ["10.9.4.0/24"] }) },
  subnets: { s: { ...SEGMENT, hosts: ["c", "d"] } },
  bgp: { asn: 65_000 },
};

/** The same, with an AS for the hubs and one for the spokes. */
const systems: Topology = {
  ...hubs,
  sites: { x: { asn: 65_001 } },
  hosts: { ...TWO, ...host("c", 3, { site: "x" }), ...host("d", 4, { site: "x", routes: ["10.9.4.0/24"] }) },
};

const WG = "wireguard/wg0.conf";
const ROUTES = "netgen/routes";
const VXLAN = "systemd/network/20-netgen-vx100";
const FRR = "frr/frr.conf";
const KEY_OF_B = publicKeyOf("b").replaceAll("+", "\\+");

const ofMesh = (what: string, law: Spoilt["law"], file: string, from: Spoilt["from"], to: string): Spoilt => ({
  what,
  law,
  topology: mesh,
  host: "a",
  file,
  from,
  to,
});
const ofServed = (what: string, from: Spoilt["from"], to: string): Spoilt => ({
  ...ofMesh(what, "guestsAreGivenTheirOwn", "systemd/network/20-netgen-br100.network", from, to),
  topology: served,
});
const ofAdvertised = (what: string, from: Spoilt["from"], to: string): Spoilt => ({
  ...ofMesh(what, "routersAdvertiseTheirOwn", "netgen/radvd.conf", from, to),
  topology: advertised,
});
const ofTagging = (what: string, file: string, from: string, to: string): Spoilt => ({
  ...ofMesh(what, "segmentsAreApart", file, from, to),
  topology: tagging,
});
const SHARED = "systemd/network/20-netgen-shared.network";
const ofSharing = (what: string, from: Spoilt["from"], to: string): Spoilt => ({
  ...ofMesh(what, "leaksAreMutual", SHARED, from, to),
  topology: sharing,
});
const ofEvpn = (...args: Parameters<typeof ofMesh>): Spoilt => ({ ...ofMesh(...args), topology: evpn });
const ofHubs = (name: string, ...args: Parameters<typeof ofMesh>): Spoilt => ({
  ...ofMesh(...args),
  topology: hubs,
  host: name,
});

export const SPOILT: readonly Spoilt[] = [
  ofMesh("a prefix at two peers", "onePeerForEachPrefix", WG, "10.250.0.3/32", "10.250.0.3/32, 10.9.2.0/25"),
  ofMesh("a route that no peer has", "routesHavePeers", WG, ", 10.9.2.0/24", ""),
  ofMesh("a route into another interface", "routesHavePeers", ROUTES, "10.9.2.0/24 dev wg0", "10.9.2.0/24 dev wg1"),
  ofMesh("a peer without its route", "peersHaveRoutes", ROUTES, /^10\.9\.2\.0.*\n/m, ""),
  ofMesh("a peer that is gone", "peersAreMutual", WG, /\[Peer\]\n# friendly_name = b\n[^[]*/, ""),
  ofMesh(
    "a preshared key at one end",
    "peersAreMutual",
    WG,
    new RegExp(`^PostUp = wg set %i peer ${KEY_OF_B} preshared.*\\n`, "m"),
    "",
  ),
  {
    ...ofMesh("a mapping that expires", "peersAreMutual", WG, "PersistentKeepalive = 25", "PersistentKeepalive = 0"),
    host: "c",
  },
  ofMesh(
    "an endpoint that is unreachable",
    "endpointsAreOutside",
    ROUTES,
    /$/,
    "unreachable 192.0.2.0/24 metric 4278198272\n",
  ),
  ofMesh(
    "an endpoint in a bridge's prefix",
    "endpointsAreOutside",
    "systemd/network/20-netgen-br100.network",
    "[Network]",
    "[Network]\nAddress=192.0.2.77/24",
  ),
  ofHubs(
    "c",
    "an endpoint that BGP brings",
    "endpointsAreNotAnnounced",
    "wireguard/wg1.conf",
    "Endpoint = 192.0.2.1:",
    "Endpoint = 10.9.2.1:",
  ),
  ofMesh("a port that nobody listens on", "portsAreRight", WG, "192.0.2.2:51820", "192.0.2.2:51821"),
  ofMesh("VXLAN's port", "portsAreFree", WG, "ListenPort = 51820", "ListenPort = 4789"),
  ofMesh("two with one address", "addressesAreDistinct", WG, "Address = 10.250.0.1/", "Address = 10.250.0.2/"),
  ofMesh("a VTEP that is another's", "vtepsAreOwn", `${VXLAN}.netdev`, "Local=10.250.0.1", "Local=10.250.0.9"),
  ofMesh(
    "a VTEP nobody floods to",
    "floodingIsMutual",
    `${VXLAN}.network`,
    "Destination=10.250.0.2",
    "Destination=10.250.0.9",
  ),
  ofEvpn("a VTEP that learns beside EVPN", "floodingIsMutual", `${VXLAN}.netdev`, "MacLearning=no", "MacLearning=yes"),
  ofMesh("a segment of two sizes", "segmentsHaveOneMtu", `${VXLAN}.network`, /MTUBytes=\d+/, "MTUBytes=1300"),
  ofTagging("two segments in one VLAN", "systemd/network/20-netgen-vx101.network", "PVID=20", "PVID=10"),
  ofTagging("a device of another VLAN", "systemd/network/20-netgen-vl101.netdev", "Id=20", "Id=30"),
  ofServed("a pool that leaves its prefix", "PoolSize=127", "PoolSize=128"),
  ofServed("a pool that holds the gateway", "PoolOffset=128", "PoolOffset=1"),
  ofServed("a server of another address", "ServerAddress=10.77.0.1/", "ServerAddress=10.77.0.2/"),
  ofServed("guests that are told too much", /uint16:\d+/, "uint16:1500"),
  ofAdvertised("guests that are told too much by the router", /AdvLinkMTU \d+/, "AdvLinkMTU 1500"),
  ofAdvertised("a router of another prefix", "prefix fd77::/64", "prefix fd78::/64"),
  ofAdvertised("a prefix that no address can be made of", "prefix fd77::/64", "prefix fd77::/63"),
  ofAdvertised("a router without a prefix", /^ +prefix.*\n/m, ""),
  ofMesh(
    "a VTEP that the guard drops",
    "guardKnowsVteps",
    "netgen/netgen.nft",
    "10.250.0.1-10.250.0.3",
    "10.250.0.1-10.250.0.2",
  ),
  ofEvpn("a neighbour that does not name back", "sessionsAreMutual", FRR, /^ neighbor 10\.250\.0\.2 .*\n/gm, ""),
  ofEvpn("another AS", "sessionsAreMutual", FRR, "router bgp 65000", "router bgp 65001"),
  {
    ...ofMesh("another source", "sessionsAreMutual", FRR, "update-source 10.250.0.1", "update-source 10.250.0.3"),
    topology: reflected,
  },
  ofEvpn("another address to speak from", "sessionsAreMutual", WG, "Address = 10.250.0.1/", "Address = 10.250.0.9/"),
  {
    what: "a peer that may say what is another host's",
    topology: peered,
    host: "d",
    file: FRR,
    from: "FROM-172.30.4.2 seq 5 permit 172.22.4.0/24",
    to: "FROM-172.30.4.2 seq 5 permit 10.9.1.0/24",
    law: "peersAreHeldTo",
  },
  ofEvpn("a router id twice", "routerIdsAreDistinct", FRR, "router-id 10.250.0.1", "router-id 10.250.0.2"),
  {
    ...ofMesh("clients that nothing is passed on to", "evpnReachesAll", FRR, /neighbor .* route-reflector-client/, ""),
    topology: reflected,
  },
  {
    ...ofEvpn("targets that are not taken", "targetsAreOfOneNetwork", FRR, "import 65000:9100", "import 65000:9101"),
    topology: joined,
  },
  {
    ...ofEvpn("targets that are kept out", "targetsAreOfOneNetwork", FRR, "RT:65000:9100", "RT:65000:9101"),
    topology: joined,
  },
  {
    ...ofHubs(
      "d",
      "a prefix that nobody outside is told of",
      "unicastReachesAll",
      FRR,
      "OWN seq 5 permit 10.9.4",
      "OWN seq 5 permit 10.9.9",
    ),
    topology: systems,
  },
  {
    ...ofHubs(
      "c",
      "another host of the AS, by another one",
      "unicastReachesAll",
      FRR,
      / neighbor WG.* allowas-in 1\n/g,
      "",
    ),
    topology: systems,
  },
  ofHubs("c", "a prefix that a list keeps out", "unicastReachesAll", FRR, "permit 10.9.1.0/24", "permit 10.9.9.0/24"),
  ofHubs(
    "c",
    "a loopback that nobody hears of",
    "loopbacksAreAnnounced",
    FRR,
    "network 10.250.0.3/32",
    "network 10.250.0.33/32",
  ),
  {
    ...ofMesh(
      "an endpoint that nothing comes in by",
      "endpointsAreOfBoth",
      WG,
      "192.0.2.2:51820",
      "[2001:db8::2]:51820",
    ),
    topology: { ...mesh, hosts: { ...MESH, ...host("b", 2, { families: 4, routes: ["10.9.2.0/24"] }) } },
  },
  ofMesh("a device larger than its path", "tunnelsFitTheirPaths", WG, "MTU = 1440", "MTU = 1441"),
  {
    ...ofMesh("a device that forgets a translation", "tunnelsFitTheirPaths", WG, "MTU = 1400", "MTU = 1401"),
    topology: { ...mesh, hosts: { ...TWO, ...host("c", 3, { endpoint: undefined, families: "ds-lite" }) } },
  },
  {
    ...ofMesh(
      "packets to be cut up that are refused",
      "fragmentsAreLetPass",
      "systemd/network/20-netgen-netgen-cut.network",
      "MTUBytes=1550",
      "MTUBytes=1549",
    ),
    topology: { ...mesh, subnets: { s: { ...SEGMENT, mtu: 1500, fragment: true } } },
  },
  ofMesh("a tunnel too small for its segment", "segmentsFitTheirTunnels", WG, "MTU = 1440", "MTU = 1439"),
  {
    ...ofMesh("a part that follows the whole", "prefixesLeadHome", WG, ", 10.9.2.0/24", ""),
    topology: nested,
    host: "d",
  },
  {
    ...ofMesh("a part of what is its own that is kept", "prefixesLeadHome", ROUTES, /^10\.9\.2\.0.*\n/m, ""),
    topology: nested,
    host: "c",
  },
  ofSharing("a VRF that leads to another and is not led back to", "Table=5000", "Table=5001"),
  ofSharing(
    "what another VRF leads to, and leaves by an exit once that is gone",
    /10\.77\.0\.0\/24\nType=unreachable/,
    "10.77.0.0/24",
  ),
  ofMesh(
    "a set with a part of an element",
    "setsAreApart",
    "netgen/netgen.nft",
    "10.250.0.0/24",
    "10.250.0.0/24,\n      10.250.0.7",
  ),
  ofMesh("a host that nobody takes anything from", "hostsReachEachOther", WG, "10.250.0.2/32", "10.250.0.9/32"),
];
