/** MTU. */
import type { Entries } from "./entry.ts";

export const mtu = {
  "mtu-wireguard-below-ipv6": {
    severity: "error",
    message:
      "the tunnel between {host} and {other} carries {mtu} bytes (path {path} - {overhead}), and IPv6 inside needs {minimum}: Linux takes the IPv6 address off such an interface",
    hint: "the smallest path that would do is {needed}; else leave IPv6 out of wireguard.addresses and of the routes",
  },
  "mtu-segment-below-ipv6": {
    severity: "error",
    message: "{subnet} carries {mtu} bytes between {host} and {other} ({sum}), and IPv6 in it needs {minimum}",
    hint: "the smallest path that would do is {needed}; else leave IPv6 out of this subnet",
  },
  "mtu-segment-below-minimum": {
    severity: "warning",
    message: "{subnet} carries {mtu} bytes, less than the {minimum} that IPv6 needs: guests cannot use IPv6 on it",
    hint: "the smallest path that would do is {needed}",
  },
  "mtu-pin-too-large": {
    severity: "error",
    message: "{subnet} is pinned to {pin} bytes but carries only {mtu} between {host} and {other} ({sum})",
    hint: 'write "mtu: {mtu}" or less, or widen the path to {needed}; where guests cannot send less, "fragment: true" has their packets cut up',
  },
  "mtu-pin-lower": {
    severity: "note",
    message: "{subnet} is pinned to {pin} bytes; {mtu} would fit",
    hint: "keep the pin if hosts with a smaller path are to come, else take it out",
  },
  "fragment-without-mtu": {
    severity: "error",
    message: "{subnet} may be cut up in the tunnels, but does not say what its guests must have",
    hint: 'write "mtu: 1500" beside it, or take "fragment: true" out',
  },
  "fragment-unused": {
    severity: "note",
    message: "{subnet} may be cut up in the tunnels, which carry its {pin} bytes whole ({mtu} would fit)",
    hint: 'keep "fragment: true" if hosts with a smaller path are to come, else take it out',
  },
  "fragments-too-many": {
    severity: "error",
    message:
      "{subnet} would be cut into {count} packets at {pin} bytes, where {mtu} are whole between {host} and {other} ({sum})",
    hint: 'write "mtu: {most}" or less: two packets are the most, as the loss of one is the loss of all',
  },
  "fragment-without-ipv4": {
    severity: "error",
    message:
      "{subnet} cannot be cut up between the IPv6 addresses of {host} and {other}: Linux drops such VXLAN packets",
    hint: 'add an IPv4 prefix to wireguard.addresses; else write "mtu: {mtu}", and take "fragment: true" out',
  },
  "path-unused": {
    severity: "warning",
    message: "this path is never used: {reason}",
    hint: "take it out, or correct its ends",
  },
} as const satisfies Entries;
