/** BGP, and whom the guard lets in. */
import type { Entries } from "./entry.ts";

export const bgp = {
  "guard-open": {
    severity: "warning",
    message:
      "{prefix} under {key} is everybody: VXLAN and BGP know no passwords, and anyone may put frames into the segments",
    hint: "name the addresses that have to speak VXLAN or BGP to these hosts outside the tunnels",
  },
  "guard-open-unused": {
    severity: "warning",
    message: "{host} opens {service} to others, and netgen guards none there",
    hint: "leave out {service} under guard of {host}: whatever listens on that port is not netgen's, and not guarded",
  },
  "vtep-too-many": {
    severity: "error",
    message: "{subnet} has {count} members and is flooded statically; systemd-networkd takes at most 1024 remote VTEPs",
    hint: 'add "bgp:" with an asn, or split the segment',
  },
  "evpn-without-ipv4": {
    severity: "error",
    message:
      "{subnet} would have IPv6 VTEPs, which neither the FRR of Debian 12 (8.4) nor that of 13 (10.3) can announce: both name the router-id instead, and nothing gets through",
    hint: "add an IPv4 pool to wireguard.addresses (the endpoints may stay IPv6), or take bgp out: flooded statically, IPv6 VTEPs work",
  },
  "bgp-without-vxlan": {
    severity: "warning",
    message: "bgp is set but no subnet has a vxlan: there is nothing for EVPN to carry, so no FRR file is written",
    hint: 'take bgp out, or give a subnet a "vxlan:" and its vni',
  },
  "asn-reserved": {
    severity: "error",
    message: "{asn} can be nobody's AS number: {reason}",
    hint: "choose one for private use: 64512 to 65534, or 4200000000 to 4294967294",
  },
  "asn-without-bgp": {
    severity: "warning",
    message: "{site} has an AS number, but nobody speaks BGP here",
    hint: 'add "bgp:" with an asn for the other sites, or take this one out',
  },
  "peer-without-bgp": {
    severity: "error",
    message: "{host} is to speak BGP with {address}, and nobody speaks BGP here",
    hint: 'add "bgp:" with the asn of these hosts, or take the peer out',
  },
  "peer-duplicate": {
    severity: "error",
    message: "{host} has the peer {address} twice in {table}; it can have one session with it there",
    hint: "put all that holds for it into one entry",
  },
  "peer-asn-own": {
    severity: "error",
    message:
      "the peer {address} of {host} has the AS number {asn}, which is the host's own; a peer is another network's (eBGP)",
    hint: "write the AS number that the peer has, or give these hosts another: bgp.asn, or asn of their site",
  },
  "peer-key-conflict": {
    severity: "error",
    message: 'the peer {address} of {host} has "{key}", which does not go with {with}',
    hint: "{advice}",
  },
  "peer-prefix-family": {
    severity: "error",
    message: "{prefix} is IPv{family}, and the session of {host} with {address} carries IPv{own}",
    hint: "put it under a peer with an IPv{family} address: two sessions with one router are two entries",
  },
  "peer-announce-unknown": {
    severity: "error",
    message: "the peer {address} of {host} is to be told of {prefix}, which is {what}",
    hint: "{advice}",
  },
  "peer-in-overlay": {
    severity: "error",
    message:
      "the peer {address} of {host} lies inside {prefix} ({use}), where {host} meets nobody by a link of its own",
    hint: "name an address on a network that the host is on, or of a guest on a subnet that it alone is the gateway of",
  },
} as const satisfies Entries;
