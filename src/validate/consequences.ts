/**
 * What later passes might say wrongly because of a mistake that has been reported: they go on with the place left out, so
 * that all other mistakes of the file come to light at once, and what hangs on that place is said when it is mended.
 */
import type { Code } from "../base/catalogue.ts";

const MTU: readonly Code[] = [
  "mtu-wireguard-below-ipv6",
  "mtu-segment-below-ipv6",
  "mtu-segment-below-minimum",
  "mtu-pin-too-large",
  "mtu-pin-lower",
  "fragment-unused",
  "fragments-too-many",
  "fragment-without-ipv4",
  "kubernetes-below-ipv6",
  "ovn-below-ipv6",
];
const MEETING: readonly Code[] = [
  "pair-cannot-meet",
  "pair-behind-one-nat",
  "hub-without-endpoint",
  "path-unused",
  "exit-not-neighbour",
  "remote-not-neighbour",
];
const SHAPE: readonly Code[] = [
  "shape-key-missing",
  "shape-key-conflict",
  "link-duplicate",
  "host-unlinked",
  "links-apart",
];
const DIALLING: readonly Code[] = [
  "endpoint-port-unforwarded",
  "endpoint-duplicate",
  "endpoint-in-overlay",
  "lan-in-allowed-ips",
];
/** What there is to say where hosts have more than one way to each other, or are taken to have. */
const WAYS: readonly Code[] = [
  "several-ways-need-bgp",
  "transit-missing",
  "transit-too-small",
  "mtu-per-peer-with-bgp",
  "app-with-several-ways",
  "kubernetes-with-several-ways",
  "hub-without-endpoint",
  "tunnel-port-too-high",
  "tunnel-endpoint-duplicate",
  "tunnel-name-too-long",
  "bgp-without-vxlan",
  "vxlan-port-unused",
  "ovn-gateway-narrow",
];

/** What two hosts cannot have that share a key, as they do where no BGP is. */
const PAIRS: readonly Code[] = [
  "public-key-duplicate",
  "vrrp-hubs-apart",
  "vrrp-endpoints-differ",
  "vrrp-address-off-uplink",
  "vrrp-keys-differ",
  "vrrp-ports-differ",
  "vrrp-ways-out-differ",
  "vrrp-owns-prefix",
  "vrrp-with-preshared-keys",
];

/** Gateways, hosts without WireGuard, and pairs that share an address. */
const GATES: readonly Code[] = [
  ...PAIRS,
  "gateway-outside-site",
  "wireguard-needed",
  "host-without-gateway",
  "lan-address-missing",
  "lan-router-unfit",
  "lan-router-in-overlay",
  "route-without-family",
  "gateways-without-vrrp",
  "gateway-without-mesh",
  "vrrp-pair-size",
  "vrrp-address-outside",
  "vrrp-without-uplink",
];

/** What a peer can be told of, and where it can be. */
const PEERS: readonly Code[] = ["peer-announce-unknown", "peer-in-overlay"];

/** By the first key of the place. */
const CONSEQUENCES: Readonly<Record<string, readonly Code[]>> = {
  netgen: [],
  name: [],
  underlay: MTU,
  sites: [
    ...MTU,
    ...MEETING,
    ...DIALLING,
    ...WAYS,
    ...GATES,
    "guard-open-unused",
    "preferred-hub-unused",
    "drained-unused",
    "exception-unused",
    ...PEERS,
    "peer-asn-own",
  ],
  // Its shape decides who meets whom, its pools which pins lie in one, and its port is that of every endpoint without one.
  wireguard: [
    ...MTU,
    ...MEETING,
    ...SHAPE,
    ...WAYS,
    ...GATES,
    "preferred-hub-unknown",
    "preferred-hub-unused",
    "drained-unused",
    "endpoint-port-unforwarded",
    "endpoint-duplicate",
    "address-outside-pool",
    "exception-unused",
    "evpn-without-ipv4",
    "mesh-too-large",
    "interface-name-taken",
    "guard-open-unused",
    "kubernetes-family",
    ...PEERS,
  ],
  hostDefaults: [
    ...MTU,
    ...MEETING,
    ...DIALLING,
    ...GATES,
    "hub-without-endpoint",
    "platform-key-conflict",
    "preferred-hub-unused",
    "endpoint-without-family",
    "exit-without-ipv6",
    "tunnel-endpoint-duplicate",
    "host-not-member",
    "snat-without-uplink",
    "exit-without-interface",
    "forwarding-without-uplink",
    "lan-interface-incomplete",
    "interface-name-taken",
    "peer-asn-own",
    "peer-key-conflict",
  ],
  hosts: [
    "exit-without-ipv6",
    "mtu-pin-lower",
    "fragment-unused",
    "fragments-too-many",
    "preferred-hub-unused",
    "drained-unused",
    "exception-unused",
    "exit-unused",
    "peer-announce-unknown",
    "kubernetes-unused",
  ],
  subnets: [
    "fragment-without-mtu",
    "bgp-without-vxlan",
    "vxlan-port-unused",
    "guard-open-unused",
    "exception-unused",
    "exit-unused",
    "drained-unused",
    "interface-name-taken",
    "vlan-bridge-conflict",
    ...PEERS,
  ],
  vrfs: [
    "bgp-without-vxlan",
    "vxlan-port-unused",
    "exit-without-interface",
    "drained-unused",
    "exit-order-unused",
    "exit-order-too-long",
    "interface-name-taken",
    "guard-open-unused",
    "peer-announce-unknown",
    "table-reserved",
    "table-duplicate",
    "route-target-taken",
    "sdn-key-conflict",
  ],
  exits: [
    "exit-undeclared",
    "exit-without-ipv6",
    "exit-without-interface",
    "exit-with-exits",
    "exit-not-neighbour",
    "interface-name-taken",
    "drained-unused",
    "exit-order-unused",
  ],
  exitOrder: ["exit-order-unused", "exit-order-too-long"],
  remotes: [
    "exit-without-interface",
    "exit-order-unused",
    "remote-not-neighbour",
    "interface-name-taken",
    "drained-unused",
  ],
  bgp: [
    ...PAIRS,
    "drained-unused",
    "guard-open-unused",
    "subnet-key-conflict",
    "several-ways-need-bgp",
    "gateway-shared-static",
    "vtep-too-many",
    "bgp-without-vxlan",
    "vxlan-port-unused",
    "vrf-without-bgp",
    "asn-without-bgp",
    "peer-without-bgp",
    "peer-asn-own",
  ],
  kubernetes: [
    "kubernetes-family",
    "kubernetes-pods-few",
    "kubernetes-overlap",
    "kubernetes-below-ipv6",
    "kubernetes-unused",
  ],
  guard: [],
  vxlanPort: ["listen-port-taken", "vxlan-port-taken", "vxlan-port-unused"],
  fleet: ["table-reserved", "interface-name-taken", "interface-name-too-long"],
};

const EVERYWHERE = [...new Set(Object.values(CONSEQUENCES).flat())];

/** The codes that say nothing for sure while these places, as JSON pointers, have mistakes. */
export function consequencesOf(broken: Iterable<string>): ReadonlySet<Code> {
  const sections = new Set([...broken].map((pointer) => pointer.split("/")[1] ?? ""));
  // A key that nobody knows may be any of the others, mistyped.
  const isUnknown = [...sections].some((key) => !Object.hasOwn(CONSEQUENCES, key));
  return new Set(isUnknown ? EVERYWHERE : [...sections].flatMap((key) => CONSEQUENCES[key] ?? []));
}
