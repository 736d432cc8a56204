/** VRFs and their exits. */
import type { Entries } from "./entry.ts";

export const vrfs = {
  "table-reserved": {
    severity: "error",
    message: "the VRF {vrf} would have the routing table {table}, which is {use}",
    hint: 'give it another with "table:", from 1 to 4294967295 without {own}, 253, 254 and 255',
  },
  "table-duplicate": {
    severity: "error",
    message: "the VRFs {vrf} and {other} both have the routing table {table}; a table is that of one VRF",
    hint: 'give one of them another with "table:"; without it, it is the VNI',
  },
  "route-target-taken": {
    severity: "error",
    message:
      "{network} and {other} share the route target {target}: by what one took of the other's routes FRR would send with the wrong VNI",
    hint: "choose a target that no other segment or VRF has; without an import each has those of any AS that end in its VNI",
  },
  "mac-taken": {
    severity: "error",
    message: "the gateway of {subnet} cannot have the MAC {mac}, which is that of {use} on {host}",
    hint: "choose another; netgen derives those that begin with 02, 12, 22 and fe",
  },
  "vrf-without-bgp": {
    severity: "error",
    message: "the VRF {vrf} needs BGP: nothing else tells its hosts which of them a prefix is behind",
    hint: 'add "bgp:" with an asn',
  },
  "vrf-imports-itself": {
    severity: "error",
    message: "the VRF {vrf} imports itself: its own guests reach each other anyway",
    hint: 'take "{vrf}" out of the list, and name the VRF that its guests are to reach',
  },
  "vrf-import-overlap": {
    severity: "error",
    message:
      "{prefix} ({use}, VRF {vrf}) and {other} ({otherUse}, VRF {otherVrf}) overlap, and the table of the VRF {table} leads to both: an address there could be either's",
    hint: "give one of them another range, or take the VRF out of imports",
  },
  "vrf-holds-host-address": {
    severity: "error",
    message:
      "{prefix} ({use}, VRF {vrf}) holds {address}, which {host} has itself: guests there would reach {host} instead of the VRF",
    hint: "give the subnet another range; overlap with other hosts' addresses is no problem",
  },
  "exit-without-interface": {
    severity: "error",
    message: "{host} is an exit {of}, but netgen does not know the interface by which traffic leaves it",
    hint: 'add "interface:" to the exit, or "uplink:" to the host',
  },
  "exit-host-twice": {
    severity: "error",
    message: "{host} is an exit {of} twice; a host has one way out",
    hint: "delete one of the two",
  },
  "exit-prefix-overlap": {
    severity: "error",
    message:
      "{prefix} ({use}) and {other} ({otherUse}) overlap, and {host} is an exit: replies from outside could belong to either",
    hint: "let them leave by different hosts, or give them ranges of their own",
  },
  "exit-probe-in-overlay": {
    severity: "error",
    message: "the exit {of} on {host} is proven by asking {address}, which lies inside {prefix} ({use})",
    hint: "name an address outside that answers pings, such as the provider's name server",
  },
  "exit-undeclared": {
    severity: "error",
    message: "{who} leaves by {host}, which is no exit",
    hint: "declare {host} under exits, with the interface by which it leads out, or name one that is there",
  },
  "exit-unused": {
    severity: "warning",
    message: "{host} is an exit for what is in no VRF, and nobody leaves by it",
    hint: 'name it under "exits:" of a subnet or of a host, or leave it out',
  },
  "exit-with-exits": {
    severity: "error",
    message: "{host} is an exit, and is to leave by {exit} itself",
    hint: "take {host} out of exits, or its own exits out: what a host carries for others leaves by its own interface",
  },
  "exit-not-neighbour": {
    severity: "error",
    message:
      "{host} leaves by {exit}, with which it has no tunnel: whoever lies between would send all of it out itself",
    hint: "name exits that {host} has a tunnel with, or put its subnets in a VRF, whose exits may be anywhere",
  },
  "exits-differ": {
    severity: "error",
    message: "on {host} {who} leaves by {exits}, but {other} by {otherExits}: one host has one order of exits",
    hint: "name the same ones in the same order, or put one of the two on another host",
  },
  "exits-with-mark": {
    severity: "error",
    message: '{host} leaves by exits, for which its tunnels have a mark of netgen\'s, and "{line}" gives them another',
    hint: "take the line out of extra.wireguard, or the exits out",
  },
  "exit-dialled-by-name": {
    severity: "warning",
    message:
      "{host} sends all by exits, and knows {exit} by the name {name}: while no exit is there it can ask no name server outside",
    hint: "give {exit} an address for its endpoint, or {host} a name server on its own LAN",
  },
  "exit-without-ipv6": {
    severity: "warning",
    message: "IPv6 of {devices} leaves beside the tunnel: the exit {exit} carries none, and an app has no other",
    hint: 'add "ipv6: true" to the exit; for a device that has no IPv6 outside either, say "families: 4"',
  },
  "exit-order-unused": {
    severity: "warning",
    message: "exitOrder says how exits {of} follow each other, and there are fewer than two",
    hint: "leave it out, or name another exit",
  },
  "exit-order-too-long": {
    severity: "error",
    message:
      "the VRF {vrf} has {count} exits in strict order, and {most} is the most: each announces twice as many routes as the next one",
    hint: "name fewer exits, or leave exitOrder out",
  },
  "remote-name-taken": {
    severity: "error",
    message: "{name} is a remote and a VRF; the units and files of their ways out have one name",
    hint: "rename one of the two",
  },
  "remote-not-neighbour": {
    severity: "error",
    message:
      "{host} is to reach the remote {remote} by {exit}, with which it has no tunnel: whoever lies between would choose for it",
    hint: "let hosts lead to {remote} that all others have a tunnel with, such as the hubs",
  },
  "app-with-several-exits": {
    severity: "error",
    message: '{host} has "platform: wireguard-app", and an app sends all to one host: it cannot choose between exits',
    hint: "name one exit",
  },
} as const satisfies Entries;
