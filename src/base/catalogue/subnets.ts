/** Subnets. */
import type { Entries } from "./entry.ts";

export const subnets = {
  "prefix-overlap": {
    severity: "error",
    message: "{prefix} ({use}) and {other} ({otherUse}) overlap; one prefix can lead to one host only",
    hint: "give them ranges of their own, or {way}",
  },
  "exception-unused": {
    severity: "warning",
    message: "{prefix} ({use}) excepts more specific prefixes, and none lies inside it",
    hint: 'take "exceptMoreSpecifics" out, or correct the prefix that is to lie inside',
  },
  "subnet-without-prefix": {
    severity: "error",
    message: "the subnet {subnet} has no cidr, which only a VXLAN segment without a gateway can do without",
    hint: 'add "cidr: 10.1.1.0/24"',
  },
  "subnet-several-owners": {
    severity: "error",
    message: "{subnet} is routed but lies on {count} hosts ({hosts}); a routed prefix leads to exactly one host",
    hint: 'name one host, split it with "perHost: 24", or stretch it with a "vxlan:" and its vni',
  },
  "subnet-key-conflict": {
    severity: "error",
    message: '{subnet} has "{key}", which does not go with {with}',
    hint: "{advice}",
  },
  "gateway-outside-subnet": {
    severity: "error",
    message: "the gateway {address} is no host address of {subnet} ({prefixes})",
    hint: "choose an address inside the subnet that is neither its first nor its broadcast address",
  },
  "dhcp-without-server": {
    severity: "error",
    message: "guests of {subnet} are to be configured by DHCP, and {why}",
    hint: "{advice}",
  },
  "dhcp-range-unusable": {
    severity: "error",
    message: "the addresses {first} to {last} cannot be given to guests of {subnet}: {why}",
    hint: "choose two host addresses of {prefix}, the smaller one first, without the gateway between them",
  },
  "container-range-unusable": {
    severity: "error",
    message: "containers of {host} cannot be given the addresses {range} of {subnet}: {why}",
    hint: "choose a prefix inside {prefixes} in which no gateway is, and of which nobody else gives addresses",
  },
  "dhcp-dns-ipv6": {
    severity: "error",
    message: "{address} is an IPv6 address, and DHCP tells guests of IPv4 name servers alone",
    hint: "leave it out",
  },
  "ra-without-router": {
    severity: "error",
    message: "guests of {subnet} are to be configured by router advertisements, and {why}",
    hint: "{advice}",
  },
  "ra-prefix-length": {
    severity: "error",
    message:
      "guests of {subnet} cannot make addresses of {prefix}: a router advertises prefixes of 64 bits, and these have {length}",
    hint: "take prefixes of 64 bits, or leave sendRa out",
  },
  "ra-dns-ipv4": {
    severity: "error",
    message: "{address} is an IPv4 address, and router advertisements tell guests of IPv6 name servers alone",
    hint: "leave it out",
  },
  "gateway-prefix-twice": {
    severity: "error",
    message: "{subnet} has two gateway addresses of {prefix} on one host: {address} and {other}",
    hint: "keep one address of each prefix",
  },
  "host-not-member": {
    severity: "error",
    message: "{host} is given {what} of {subnet} but is not among its hosts",
    hint: "add {host} to the hosts of {subnet}, or take it out here",
  },
  "ports-in-one-site": {
    severity: "error",
    message:
      "{host} and {other} both put ports into {subnet} and stand in the site {site}: if these lead to one switch, each frame comes back by the other host, and spanning tree, which ends at the tunnel, sees no loop",
    hint: 'keep the ports of one of them; or write "separateSwitches: true" if they lead to switches that are not connected',
  },
  "gateway-on-existing-bridge": {
    severity: "note",
    message:
      "{subnet} has the gateway {address} on {host}, on the existing bridge {bridge}: netgen leaves the addresses of that bridge to its owner",
    hint: "set {address} where {bridge} is configured; routes and firewall here count on it",
  },
  "gateway-on-several-hosts": {
    severity: "error",
    message:
      "{subnet} has its gateway on {count} hosts in the default VRF: AllowedIPs lead to one of them only, so the replies of guests on the others would be dropped",
    hint: 'put it in a VRF ("vrf: NAME", declared under vrfs), where each host has a route to each guest; or keep one gateway host; or write "isolated: true" if nothing outside the segment has to reach it',
  },
  "gateway-shared-static": {
    severity: "error",
    message:
      "{subnet} has one gateway address on {count} hosts but is flooded statically: its MAC would flap between them",
    hint: 'add "bgp:" with an asn, or give each host a gateway address of its own',
  },
  "snat-without-uplink": {
    severity: "error",
    message: "{subnet} asks for snat, but {host} has no uplink to send it out of",
    hint: 'add "uplink: eth0" to {host}',
  },
  "forwarding-without-uplink": {
    severity: "warning",
    message:
      "{host} forwards IPv6 and has no uplink named: a kernel that forwards ignores router advertisements, so {host} may lose its own default route",
    hint: 'add "uplink: eth0" to {host}, and netgen keeps advertisements accepted there; or "acceptRa: false" where it needs none',
  },
} as const satisfies Entries;
