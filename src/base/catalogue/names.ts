/** Names, numbers and interfaces. */
import type { Entries } from "./entry.ts";

export const names = {
  // Names and numbers.
  "host-unknown": {
    severity: "error",
    message: 'there is no host "{name}"',
    hint: "{suggestion}",
  },
  "site-unknown": {
    severity: "error",
    message: 'there is no site "{name}"',
    hint: "{suggestion}",
  },
  "vrf-unknown": {
    severity: "error",
    message: 'there is no VRF "{name}"',
    hint: "{suggestion}",
  },
  "member-unknown": {
    severity: "error",
    message: '"{name}" is neither a host nor a site',
    hint: "{suggestion}",
  },
  "name-taken": {
    severity: "error",
    message: '"{name}" names both a host and a site; hosts and sites share one namespace',
    hint: "rename one of them",
  },
  "name-reserved": {
    severity: "error",
    message: 'a host or site cannot be called "{name}": {reason}',
    hint: "choose another name",
  },
  "id-duplicate": {
    severity: "error",
    message: "{host} and {other} both have the id {id}; addresses and MACs are made from it",
    hint: "give one of them an id of its own, from 1 to 65535",
  },
  "vni-duplicate": {
    severity: "error",
    message:
      "{subnet} and {other} both have the VNI {vni}; each segment and each VRF needs its own, from 1 to 16777215",
    hint: "give one of them another VNI",
  },
  "public-key-duplicate": {
    severity: "error",
    message: "{host} and {other} have the same public key; WireGuard knows a peer by its key alone",
    hint: "generate a new key for one of them: netgen keys generate",
  },
  "public-key-missing": {
    severity: "error",
    message: "{host} has no public key",
    hint: "run: netgen keys generate {topology}",
  },
  "id-outside-pool": {
    severity: "error",
    message: "{host} has the id {id}, which has no address in {pool}: ids there go from 1 to {last}",
    hint: 'choose a smaller id, a larger pool, or pin an address with "addresses:"',
  },
  "prefix-reserved": {
    severity: "error",
    message: "{prefix} cannot be {use}: it overlaps {range}, and {reason}",
    hint: "take a private range that nothing else uses, such as 10.250.0.0/24 or fd00:250::/64",
  },
  "address-outside-pool": {
    severity: "error",
    message: "{address} lies in none of the pools {pools}, or is no address that a host can have there",
    hint: "pin an address inside a pool, or widen the pool under wireguard.addresses",
  },
  "pool-address-twice": {
    severity: "error",
    message: "{host} pins two addresses in {pool}: {address} and {other}",
    hint: "keep one of the two: a host has one address of each pool",
  },
  "address-duplicate": {
    severity: "error",
    message: "{host} and {other} both have the address {address}",
    hint: "give one of them another address or id",
  },
  "slice-outside-subnet": {
    severity: "error",
    message: "{host} has the id {id}, but {cidr} holds only the /{length} slices 0 to {last}",
    hint: "choose a smaller id, a longer perHost, or a larger subnet",
  },
  "slice-length-wrong": {
    severity: "error",
    message: "perHost is {length}, but slices of {cidr} must be longer than the subnet and at most /{longest}",
    hint: "{advice}",
  },

  // Interfaces.
  "interface-name-too-long": {
    severity: "error",
    message: 'the {use} of {subnet} would be called "{name}", which has {length} characters; the kernel takes 15',
    hint: "name it: bridge: br-short",
  },
  "vlan-taken": {
    severity: "error",
    message: "on {host} VLAN {vlan} of the bridge {bridge} is {other}, and {subnet} as well",
    hint: "give {subnet} another VLAN, or a bridge of its own",
  },
  "vlan-bridge-conflict": {
    severity: "error",
    message: "on {host} the bridge {bridge} {one} for {other}, and {two} for {subnet}",
    hint: "{advice}",
  },
  "interface-name-taken": {
    severity: "error",
    message: 'on {host} the interface "{name}" is {use}, and {other} as well',
    hint: "rename one of the two, or put one on another interface",
  },

  "program-too-old": {
    severity: "error",
    message: "{title} {version} of {host} is older than {oldest}, the oldest that will do for {what}: {reason}",
    hint: 'bring it to {oldest} or a later version, and state that one in "programs"{instead}',
  },
  "credential-with-preshared-keys": {
    severity: "error",
    message:
      "{host} keeps its private key as a credential, and its preshared keys would lie beside it in clear: netgen cannot do both yet",
    hint: 'take "presharedKeys" out, or "keyStore"',
  },
  "preshared-keys-many": {
    severity: "warning",
    message: "preshared keys in a mesh of {hosts} hosts are {count} files",
    hint: "consider doing without, or fewer pairs",
  },
} as const satisfies Entries;
