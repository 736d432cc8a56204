/** Who meets whom. */
import type { Entries } from "./entry.ts";

export const joins = {
  "pair-cannot-meet": {
    severity: "error",
    message: "{host} and {other} can never meet: neither has an endpoint that the other can dial",
    hint: "give {host} or {other} an endpoint (a forwarded port will do), or {instead}",
  },
  "pair-families-apart": {
    severity: "error",
    message: "{host} and {other} can never meet: neither gets to the IP version of the other's endpoint",
    hint: "give one of them an endpoint of the version that the other has, or a name that leads to one, or {instead}",
  },
  "endpoint-without-family": {
    severity: "error",
    message: "nobody reaches {host} at {where}: IPv{family} does not come in where families is {families}",
    hint: "give {host} an endpoint of IPv{other}, or none, so that it dials the others; or mend {cause}",
  },
  "families-without-ip-version": {
    severity: "error",
    message:
      "{host} has IPv{families} alone, and the name of {other}'s endpoint is looked up as IPv{ipVersion}: {host} cannot dial it",
    hint: "leave out underlay.ipVersion, or the families of {host}",
  },
  "several-ways-need-bgp": {
    severity: "error",
    message: "{why} make more than one way between hosts, and bgp, which would choose, is missing",
    hint: "add bgp with an asn, such as 65000, or leave one way",
  },
  "transit-missing": {
    severity: "error",
    message:
      "{why} make more than one way between hosts: each tunnel needs IPv{family} addresses of its own, and wireguard.transit has none",
    hint: 'write "transit: [{example}]" below wireguard, a prefix that nothing else uses',
  },
  "transit-too-small": {
    severity: "error",
    message: "the id {id} of {host} does not fit {pool}, which has blocks 0 to {block} of addresses 1 to {last}",
    hint: "a hub's id is the number of its block, every id an address in one: choose a shorter prefix, or a smaller id",
  },
  "tunnel-name-too-long": {
    severity: "error",
    message: "{host}'s tunnel {name} has {length} characters, and Linux allows 15",
    hint: "its name is wireguard.interface, less the digits at its end, and an id: choose a shorter one",
  },
  "tunnel-port-too-high": {
    severity: "error",
    message: "the tunnel to {host} would have the port {port} + {id}, its id, and the last port is 65535",
    hint: "choose a lower port (listenPort, endpoint), or a smaller id",
  },
  "tunnel-endpoint-duplicate": {
    severity: "error",
    message:
      "{host} and {other} are both dialled at {endpoint}: a tunnel's port is that of the endpoint and the other end's id",
    hint: "give one of them another port, with as many free ones above it as the highest id",
  },
  "mtu-per-peer-with-bgp": {
    severity: "error",
    message: "mtu: per-peer gives routes an MTU, and with {why} the routes are BGP's, which have none",
    hint: 'take "mtu: per-peer" out: each tunnel interface has the MTU of its own peers already',
  },
  "pair-behind-one-nat": {
    severity: "error",
    message:
      "{host} and {other} are both behind the NAT of {site}, and most NATs do not let a host dial the outside address of another",
    hint: "give {dialled} a lanEndpoint, by which its own site reaches it",
  },
  "mesh-too-large": {
    severity: "error",
    message: "a mesh of {hosts} hosts has {count} tunnels; netgen makes meshes of at most {limit} hosts",
    hint: "split the fleet into several topologies",
  },
  "preferred-hub-unknown": {
    severity: "error",
    message: "{who} prefers the hub {hub}, which is none: hubs are those of wireguard.hubs, {hubs}",
    hint: "name one of these, or add {hub} to wireguard.hubs",
  },
  "preferred-hub-unused": {
    severity: "error",
    message: "{who} says which hubs are preferred, and {why}",
    hint: "leave hubs out there",
  },
  "drained-unused": {
    severity: "error",
    message: "{host} is drained, and nothing passes through it that another host could take over",
    hint: "leave drained out; of several hubs, gateways or exits, and of hosts in a ring of links, one can be drained while another is not",
  },
  "hub-without-endpoint": {
    severity: "error",
    message:
      "{hub} is a hub without an endpoint: spokes dial their hub, and from outside its site nobody can dial this one",
    hint: "give {hub} an endpoint (a forwarded port will do), or make a hub of a host that has one",
  },
  "shape-key-missing": {
    severity: "error",
    message: 'the shape {shape} needs "{key}", which says {what}',
    hint: 'add "{key}:" to wireguard, or leave out "shape:" for a mesh',
  },
  "shape-key-conflict": {
    severity: "error",
    message: 'wireguard has "{key}", which has no meaning in the shape {shape}',
    hint: "{advice}",
  },
  "link-duplicate": {
    severity: "error",
    message: "{host} and {other} are linked twice",
    hint: "delete one of the two: a link is one tunnel, used in both directions",
  },
  "host-unlinked": {
    severity: "error",
    message: "{host} is in no link, so it has a tunnel with nobody",
    hint: "link {host} with a host that it can meet, or take it out of the topology",
  },
  "links-apart": {
    severity: "error",
    message: "the links join {hosts} with each other, and {others}, but no link joins the two parts",
    hint: "add a link between a host of the one part and a host of the other, or make two topologies of them",
  },
  "endpoint-port-unforwarded": {
    severity: "warning",
    message: "{host} is dialled on port {port} but listens on {listenPort}, and is not said to be behind NAT",
    hint: 'add "behindNat: true" if a router forwards the port, or use port {listenPort}',
  },
  "listen-port-taken": {
    severity: "error",
    message:
      "{host} would listen for WireGuard on UDP port {port}, which is {use}: the guard drops what comes there from outside",
    hint: "choose another listenPort, of the host or of all; where there is more than one way, a tunnel's port is that and the other end's id",
  },
  "vxlan-port-taken": {
    severity: "error",
    message: "UDP port {port} is BFD's, by which BGP's neighbours are watched: VXLAN needs another, from 1 to 65535",
    hint: "take vxlanPort out, which leaves 4789, or choose another",
  },
  "vxlan-port-unused": {
    severity: "warning",
    message: "there is a vxlanPort, but no VXLAN here",
    hint: "take it out, or give a subnet vxlan, or a VRF",
  },
  "endpoint-in-overlay": {
    severity: "error",
    message:
      "{host} is dialled at {address}, which lies inside {prefix}: the tunnel's own packets would go into the tunnel",
    hint: "give an address outside the overlay, or a smaller prefix",
  },
  "endpoint-duplicate": {
    severity: "error",
    message: "{host} and {other} are both dialled at {endpoint}; only one of them can answer there",
    hint: "forward another port to one of them and write it behind its endpoint",
  },
  "lan-in-allowed-ips": {
    severity: "error",
    message:
      "{prefix}, reached through {owner}, holds {address}, which is {host}'s own: {host} would send its LAN into the tunnel",
    hint: "leave this LAN out, or name only the part of it that {host} is not in",
  },

  "lan-in-overlay": {
    severity: "error",
    message: "{prefix} ({use}) overlaps {lan}, the LAN of {site}: {host} would send its own LAN into the tunnel",
    hint: 'give one of the two another range; where the LAN lies inside the other, {site} can have "gateways:", by which others reach it',
  },
} as const satisfies Entries;
