/**
 * Every code that netgen can report, with its words. A code is `subject-problem`; once released it is never renamed and
 * never used for anything else. `{name}` is a hole that the place of the report must fill.
 */
interface Entry {
  readonly severity: "error" | "warning" | "note";
  /** What is wrong, the value quoted, the legal range stated. */
  readonly message: string;
  /** What to do about it. */
  readonly hint: string;
}

type Holes<Text extends string> = Text extends `${string}{${infer Name}}${infer Rest}` ? Name | Holes<Rest> : never;

export type Code = keyof typeof catalogue;
export type ParamsOf<C extends Code> = Readonly<
  Record<Holes<(typeof catalogue)[C]["message"]> | Holes<(typeof catalogue)[C]["hint"]>, string | number>
>;

export const catalogue = {
  // The file.
  "source-too-large": {
    severity: "error",
    message: "the topology has {bytes} bytes; netgen reads at most {limit}",
    hint: "check that this is the topology, and not some other file",
  },
  "source-form": {
    severity: "error",
    message: "this file is {form}; netgen reads UTF-8",
    hint: "save it as UTF-8, with line ends of Unix (LF) or Windows (CRLF)",
  },
  "source-control-character": {
    severity: "error",
    message: "the character {character} may not stand in a topology: it is invisible or changes how the line is shown",
    hint: "delete it and type the text anew",
  },
  "yaml-syntax": {
    severity: "error",
    message: "this is not YAML: {problem}",
    hint: "look at the indentation, the colon and the quotes of this line and the one before it",
  },
  "yaml-too-deep": {
    severity: "error",
    message: "the file is nested more than {limit} levels deep here",
    hint: "no part of the language needs more than 9 levels: look for a bracket that is never closed",
  },
  "yaml-duplicate-key": {
    severity: "error",
    message: 'the key "{key}" stands twice in one mapping; only one value can count',
    hint: "delete one of the two, or rename it",
  },
  "yaml-key-not-text": {
    severity: "error",
    message: "a key must be plain text; this one is a {kind}",
    hint: "write the key as a word, in quotes if need be",
  },
  "yaml-several-documents": {
    severity: "error",
    message: "the file holds more than one YAML document; netgen reads exactly one",
    hint: 'delete this "---" line, or move what follows it to a file of its own',
  },
  "yaml-alias-cycle": {
    severity: "error",
    message: "the alias *{alias}* stands inside its own anchor, so it has no end",
    hint: "write the value out here",
  },
  "yaml-alias-bomb": {
    severity: "error",
    message: "aliases make the file grow past {limit} values",
    hint: "write the values out, or use hostDefaults for what all hosts share",
  },

  // Shape.
  "key-unknown": {
    severity: "error",
    message: '"{key}" is no key of {parent}; {known}',
    hint: "{suggestion}",
  },
  "key-missing": {
    severity: "error",
    message: '{parent} lacks the key "{key}": {purpose}',
    hint: 'add "{key}: {example}"',
  },
  "language-version-unknown": {
    severity: "error",
    message: "the language version is {value}; this netgen knows only version 1",
    hint: 'write "netgen: 1"',
  },
  "value-type": {
    severity: "error",
    message: "{where} is {actual}; it must be {expected}",
    hint: "write it like this: {example}",
  },
  "value-choice": {
    severity: "error",
    message: '{where} is "{value}"; it must be {expected}',
    hint: "{suggestion}",
  },
  "value-range": {
    severity: "error",
    message: "{where} is {value}; it must be {expected}",
    hint: "write it like this: {example}",
  },
  "list-empty": {
    severity: "error",
    message: "{where} is empty; it needs at least {count} {noun}",
    hint: "write it like this: {example}",
  },
  "list-duplicate": {
    severity: "error",
    message: '{where} names "{value}" twice',
    hint: "delete one of the two",
  },
  "name-malformed": {
    severity: "error",
    message:
      '"{value}" cannot be the name of {what}: a name is 1 to 63 of a-z, 0-9, "." and "-", starts with a letter or digit, and has no two dots in a row',
    hint: "choose a name that is also good as a directory and a host name, such as alpha or rack1-a",
  },
  "address-malformed": {
    severity: "error",
    message: '{where} is "{value}", which is not {expected}',
    hint: "write it like this: {example}",
  },
  "prefix-malformed": {
    severity: "error",
    message: '{where} is "{value}", which is not {expected}',
    hint: "write it like this: {example}",
  },
  "prefix-host-bits": {
    severity: "error",
    message: '"{value}" has host bits set: the network is {network}',
    hint: "write {network}; an address of its own goes under gateway or addresses",
  },
  "endpoint-malformed": {
    severity: "error",
    message: '{where} is "{value}", which is not {expected}',
    hint: "write it like this: {example}",
  },
  "public-key-malformed": {
    severity: "error",
    message:
      'the public key of {host} is "{value}", which is not base64 of 32 bytes, not all zero (44 characters, the last "=")',
    hint: "paste what `wg pubkey` or `netgen keys list` prints for {host}",
  },
  "interface-name-malformed": {
    severity: "error",
    message:
      '{where} is "{value}"; an interface name is 1 to 15 of A-Z, a-z, 0-9, "_", "-" and ".", does not start with "-" or ".", and is not all, default, lo or a number',
    hint: "write it like this: {example}",
  },
  "version-malformed": {
    severity: "error",
    message: '{where} is "{value}"; a version is one to four numbers with dots between them',
    hint: "leave out what a distribution adds after upstream's number, and write it like this: {example}",
  },
  "text-malformed": {
    severity: "error",
    message: '{where} is "{value}"; it must be {expected}',
    hint: "write it like this: {example}",
  },
  "extra-refused": {
    severity: "error",
    message: 'the extra line "{value}" is refused: {reason}',
    hint: "write one plain line that stays inside its block; anything else belongs in a file of your own",
  },

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
    hint: "write a prefix length between the two, such as {example}",
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

  // Who meets whom.
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
  "kubernetes-cni-conflict": {
    severity: "error",
    message:
      "{host} has the CNI {cni} and {other} has {otherCni}: the nodes of a topology are one cluster, which has one",
    hint: "give all nodes the same cni, flannel, cilium or calico; another cluster has a topology of its own",
  },
  "kubernetes-with-several-ways": {
    severity: "error",
    message: "{host} is a node of Kubernetes, and with {why} it has a tunnel for each way: a CNI is told one interface",
    hint: 'give the nodes one way to each other, or take "kubernetes" out and set the CNI up by hand',
  },
  "kubernetes-family": {
    severity: "error",
    message:
      "pods have {pods}, services {services} and wireguard.addresses {pools}: a cluster has one prefix of each family for both, and its nodes an address of each",
    hint: "write kubernetes.pods and kubernetes.services with the same families in the same order, and a pool for each",
  },
  "kubernetes-overlap": {
    severity: "error",
    message:
      "{prefix} (the {what} of Kubernetes) and {other} ({otherUse}) overlap: what is sent there has two meanings",
    hint: "take a range that nothing else has, and remember that a cluster cannot change it later",
  },
  "kubernetes-below-ipv6": {
    severity: "error",
    message: "pods of {prefix} would get {mtu} bytes ({tunnel} - {overhead}), and IPv6 needs {minimum}",
    hint: "have the tunnels of all nodes carry {needed} bytes, or give pods IPv4 alone",
  },
  "kubernetes-vxlan-conflict": {
    severity: "error",
    message:
      "{segment} has the VNI {vni} on UDP port {port} of {host}, where {cni} has {what}: the kernel gives it to one",
    hint: "choose another vxlanPort, or another VNI",
  },
  "kubernetes-unused": {
    severity: "warning",
    message: "no host is a node of Kubernetes: nothing is written of its prefixes, and nothing keeps them free",
    hint: 'give the nodes "kubernetes" with cni, distribution and role, or take it out here',
  },
  "credential-with-preshared-keys": {
    severity: "error",
    message:
      "{host} keeps its private key as a credential, and its preshared keys would lie beside it in clear: netgen cannot do both yet",
    hint: 'take "presharedKeys" out, or "keyStore"',
  },
  "vrrp-twice": {
    severity: "error",
    message: "{host} would share two addresses by VRRP",
    hint: "let other hosts share one of them",
  },

  // Proxmox's SDN.
  "sdn-without-site": {
    severity: "error",
    message: '{host} has "proxmox: sdn" and no site: whose cluster it is in is not known',
    hint: 'write "site:" with a name for the cluster; the objects of an SDN are those of one cluster',
  },
  "sdn-members-differ": {
    severity: "error",
    message: "{name} is made by Proxmox's SDN, but not on {who}",
    hint: "{advice}",
  },
  "sdn-name-unfit": {
    severity: "error",
    message:
      '"{id}" cannot be the {object} of Proxmox\'s SDN that it is to be: an id has 2 to 8 letters and digits, a letter first',
    hint: "{advice}",
  },
  "sdn-key-conflict": {
    severity: "error",
    message: '{what} has "{key}", and is made by Proxmox\'s SDN: {why}',
    hint: "{advice}",
  },
  "sdn-unfit": {
    severity: "error",
    message: "{what} and Proxmox's SDN do not go together: {why}",
    hint: 'take one of the two out; without "proxmox: sdn" netgen makes the segments itself',
  },

  // Subnets.
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

  // VRFs and their exits.
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
  "preshared-keys-many": {
    severity: "warning",
    message: "preshared keys in a mesh of {hosts} hosts are {count} files",
    hint: "consider doing without, or fewer pairs",
  },

  // MTU.
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

  // Several fleets on one host.
  "fleet-number-taken": {
    severity: "error",
    message: "{host} is a host of {file} too, and both fleets have {number}: their files would have the same names",
    hint: 'give one of the two a number that the other has not, as in "fleet: 2", from 1 to 9',
  },
  "fleet-interface-taken": {
    severity: "error",
    message: 'on {host} the interface "{what}" is {use}, and in {file} {other}',
    hint: "rename one of the two; a vxlan device has its name of the VNI, of which a host has each once",
  },
  "fleet-port-taken": {
    severity: "error",
    message: "on {host} UDP port {what} is {use}, and in {file} {other}",
    hint: "choose another listenPort or vxlanPort in one of the two, from 1 to 65535",
  },
  "fleet-table-taken": {
    severity: "error",
    message: "on {host} the routing table {what} is {use}, and in {file} {other}",
    hint: 'give the VRF another with "table:", from 1 to 4294967295 without 210 to 219, 230 to 239, 253, 254 and 255',
  },
  "fleet-prefix-overlap": {
    severity: "error",
    message: "{prefix} ({use}) overlaps {other} ({otherUse}) of {file}, and {host} is a host of both",
    hint: "give each fleet prefixes of its own: in a host's table a prefix leads one way",
  },
  "fleet-conflict": {
    severity: "error",
    message: "{host} cannot have {what} beside {other} in {file}: {why}",
    hint: "take one of the two out of its fleet, or leave the host to one fleet",
  },
  "fleet-unfit": {
    severity: "error",
    message: "{file} has errors of its own, so that nothing can be said of what hosts have of both",
    hint: 'mend it first: "netgen check {file}" says what is wrong',
  },
} as const satisfies Record<string, Entry>;
