/** Proxmox's SDN, Kubernetes and OVN. */
import type { Entries } from "./entry.ts";

export const systems = {
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
  "kubernetes-pods-few": {
    severity: "warning",
    message: "{prefix} holds {rooms} of the /{bits} that Kubernetes gives each node, and there are {nodes} nodes",
    hint: "take a prefix of at most {most} bits, or have kube-controller-manager give smaller parts before nodes join (--node-cidr-mask-size-ipv{family})",
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
  "ovn-network-family": {
    severity: "error",
    message: "{network} has {prefix} and {other}, both of IPv{family}: a network of OVN's has one prefix of a family",
    hint: "take one of them out, or make a second network of it",
  },
  "ovn-below-ipv6": {
    severity: "error",
    message:
      "guests of {network} would have {mtu} bytes for {prefix} ({tunnel} - {overhead}), and IPv6 needs {minimum}",
    hint: "have the tunnels between OVN's hosts carry {needed} bytes, or give the network IPv4 alone",
  },
  "ovn-gateway-narrow": {
    severity: "error",
    message:
      "{host} cannot be one of several gateways of {network}: others send it what is its own only, and let {prefix} in by one such host alone",
    hint: "name hosts that others send anything to, by BGP (two hubs or more, two gateways of a site, hosts whose links form a ring), or one gateway",
  },
} as const satisfies Entries;
