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
];
const MEETING: readonly Code[] = ["pair-cannot-meet", "pair-behind-one-nat", "path-unused"];
const DIALLING: readonly Code[] = [
  "endpoint-port-unforwarded",
  "endpoint-duplicate",
  "endpoint-in-overlay",
  "lan-in-allowed-ips",
];

/** By the first key of the place. */
const CONSEQUENCES: Readonly<Record<string, readonly Code[]>> = {
  netgen: [],
  name: [],
  underlay: MTU,
  sites: [...MTU, ...MEETING, ...DIALLING],
  // Its shape decides who meets whom, its pools which pins lie in one, and its port is that of every endpoint without one.
  wireguard: [
    ...MTU,
    ...MEETING,
    "endpoint-port-unforwarded",
    "endpoint-duplicate",
    "address-outside-pool",
    "evpn-without-ipv4",
    "mesh-too-large",
    "interface-name-taken",
  ],
  hostDefaults: [
    ...MTU,
    ...MEETING,
    ...DIALLING,
    "host-not-member",
    "snat-without-uplink",
    "forwarding-without-uplink",
    "interface-name-taken",
  ],
  hosts: ["mtu-pin-lower"],
  subnets: ["bgp-without-vxlan"],
  bgp: ["gateway-shared-static", "vtep-too-many", "bgp-without-vxlan"],
  guard: [],
};

const EVERYWHERE = [...new Set(Object.values(CONSEQUENCES).flat())];

/** The codes that say nothing for sure while these places, as JSON pointers, have mistakes. */
export function consequencesOf(broken: Iterable<string>): ReadonlySet<Code> {
  const sections = new Set([...broken].map((pointer) => pointer.split("/")[1] ?? ""));
  // A key that nobody knows may be any of the others, mistyped.
  return new Set(
    [...sections].flatMap((key) => (Object.hasOwn(CONSEQUENCES, key) ? CONSEQUENCES[key] : EVERYWHERE) ?? []),
  );
}
