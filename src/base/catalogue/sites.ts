/** Gateways of sites, and addresses that two hosts share. */
import type { Entries } from "./entry.ts";

export const sites = {
  // Gateways of sites.
  "gateway-outside-site": {
    severity: "error",
    message: "{host} is named as a gateway of {site}, but stands {stands}",
    hint: 'name a host of {site}, or write "site: {site}" under {host}',
  },
  "lan-router-unfit": {
    severity: "error",
    message: "{router} cannot be what routes on the LAN of {site}: {why}",
    hint: "{advice}",
  },
  "lan-router-in-overlay": {
    severity: "error",
    message: "{router} routes on the LAN of {site} and lies in {prefix} ({use}): hosts would send to it by a tunnel",
    hint: "give the prefix another range, or the router its address on the LAN",
  },
  "wireguard-needed": {
    severity: "error",
    message: '{host} is {role}, which takes WireGuard, and has "wireguard: false"',
    hint: "name another host, or let {host} run WireGuard",
  },
  "platform-key-conflict": {
    severity: "error",
    message: '{host} has "{key}", which has no meaning with "platform: {platform}"',
    hint: "{advice}",
  },
  "app-role-conflict": {
    severity: "error",
    message: '{host} is {role}, and has "platform: wireguard-app": it has a tunnel, and netgen cannot have it do more',
    hint: "name another host, or give {host} the platform that it runs",
  },
  "app-with-several-ways": {
    severity: "error",
    message: '{host} has "platform: wireguard-app", which speaks no BGP, and with {why} only BGP knows the ways',
    hint: "leave {host} to a topology with one way, such as one hub, or give it the platform that it runs",
  },
  "host-without-gateway": {
    severity: "error",
    message: "{host} runs no WireGuard and has nobody to send to: {where}",
    hint: 'name a host of its site that runs WireGuard, as "gateways: [alpha]"',
  },
  "lan-address-missing": {
    severity: "error",
    message: "{host} has no lanEndpoint that is an address: {why}",
    hint: 'add "lanEndpoint: 192.168.2.7" to {host}; a name is resolved too late for a route',
  },
  "route-without-family": {
    severity: "error",
    message:
      "{prefix} lies behind {host}, which runs no WireGuard and is sent to at {address}: no IPv{family} gets there",
    hint: "put it behind a host that has an IPv{family} address on the LAN, or let {host} run WireGuard",
  },
  "gateways-without-vrrp": {
    severity: "error",
    message: "{host} runs no WireGuard, and {site} has {count} gateways: a route of {host} leads to one address only",
    hint: 'let the gateways share one: "vrrp: (address: 192.168.2.254/24)", in braces, under {site}',
  },
  "gateway-without-mesh": {
    severity: "error",
    message: "{site} has a gateway and, besides, {host} with WireGuard; in a {shape} the gateway does not carry for it",
    hint: "use the shape mesh without hubs, or let {host} be led by the shape and take gateways out",
  },

  // Addresses that two hosts share.
  "vrrp-pair-size": {
    severity: "error",
    message: "vrrp of {where} is for exactly two {what}, and there are {count}",
    hint: "name two, or take vrrp out",
  },
  "vrrp-address-outside": {
    severity: "error",
    message: "the shared address {address} does not lie {beside}",
    hint: "choose a free address of that network, with the length of its prefix",
  },
  "vrrp-address-taken": {
    severity: "error",
    message: "the shared address {address} is the address of {host}",
    hint: "choose one that no host has of its own",
  },
  "vrrp-without-uplink": {
    severity: "error",
    message: "{host} shares an address by VRRP, and no uplink says on which interface",
    hint: 'add "uplink: eth0" to {host}',
  },
  "lan-interface-incomplete": {
    severity: "error",
    message: "{host} has an interface to the LAN besides its uplink, {interface}, but no {key}",
    hint: 'add "{key}: {example}" to {host}, or leave out lanInterface',
  },
  "vrrp-address-off-uplink": {
    severity: "error",
    message:
      "peers dial {host} by the address that it shares, which stands on {interface}, and would be answered by {uplink}",
    hint: "leave out the endpoint, so that {host} dials them; or give each a key of its own, with bgp; or leave out lanInterface",
  },
  "vrrp-endpoints-differ": {
    severity: "error",
    message:
      "{host} and {other} share a key and are one peer to all others, but have the endpoints {endpoint} and {otherEndpoint}",
    hint: "give both the one that leads to the shared address, or none",
  },
  "vrrp-keys-differ": {
    severity: "error",
    message: "{host} and {other} share an address and are one peer to all others, but have two public keys",
    hint: "give {other} the key of {host}: move keys/{other}.key and keys/{other}.pub away, then run netgen keys import {other} keys/{host}.key",
  },
  "vrrp-ports-differ": {
    severity: "error",
    message:
      "{host} and {other} share an address and are one peer to all others, but listen on the ports {port} and {otherPort}",
    hint: "give both the same listenPort, or none",
  },
  "vrrp-ways-out-differ": {
    severity: "error",
    message:
      "{host} and {other} share an address and are one peer to all others, but {key} is {value} of {host} and {otherValue} of {other}",
    hint: "say the same {key} of both: whoever is the master dials and is dialled alike",
  },
  "vrrp-hubs-apart": {
    severity: "error",
    message: "{host} and {other} share an address, which takes one network, but do not stand in one site",
    hint: "put both into one site, or take vrrp out",
  },
  "vrrp-owns-prefix": {
    severity: "error",
    message: "{host} is {what}, but is silent while the other host of its pair is the master",
    hint: "give it to a host that is not of the pair",
  },
  "vrrp-with-bgp": {
    severity: "error",
    message: "hubs that share one key cannot speak BGP: the standby is silent, and its sessions with it",
    hint: "take wireguard.vrrp out, and BGP chooses between the hubs; or take bgp out",
  },
  "vrrp-with-preshared-keys": {
    severity: "error",
    message: "{host} and {other} are one peer to all others, and a preshared key would be that of one of them only",
    hint: 'take "presharedKeys" out, or let BGP choose between the two instead of vrrp',
  },
  "vrrp-twice": {
    severity: "error",
    message: "{host} would share two addresses by VRRP",
    hint: "let other hosts share one of them",
  },
} as const satisfies Entries;
