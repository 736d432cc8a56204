/** What a cloud's own network takes as a route, and how it is told: a row for each. */
import { containsAddress, containsPrefix, type IpAddress, type IpFamily, type IpPrefix } from "../base/ip.ts";
import type { cloudParts } from "./cloud.generated.ts";

/** One route as a provider is told of it. */
export interface CloudRoute {
  readonly prefix: IpPrefix;
  readonly family: IpFamily;
  /** The host that it leads to. */
  readonly host: string;
  /** The host's address on the LAN; empty where it has none, and the provider asks for none. */
  readonly address: string;
  /** Of a form that each provider takes: 1 to 63 of a-z, 0-9 and "-", from a letter to one of the former. */
  readonly name: string;
}

/** A variable of Terraform's that the topology does not know. */
interface Variable {
  readonly type: string;
  readonly description: string;
}

export interface Cloud {
  readonly title: string;
  /** What its routes are in. */
  readonly table: string;
  readonly families: readonly IpFamily[];
  /** By what it knows whom a route leads to; an address is of one family alone. */
  readonly leadsTo: "interface" | "address";
  /** The program has to be told the interfaces of hosts, which the topology does not know. */
  readonly needsInterfaces: boolean;
  /** Hosts of one network are each other's neighbours; else its router has all that they send. */
  readonly hasNeighbours: boolean;
  /** One destination may lie inside another one, and lead elsewhere. */
  readonly takesNested: boolean;
  /** How many routes a table takes at first, and at the most when more are asked for; `undefined`: it is not said. */
  readonly limit: { readonly usual: number; readonly most: number | undefined };
  /** Why it does not take a destination; `undefined`: it does. */
  readonly refusal: (prefix: IpPrefix) => string | undefined;
  /** What lets an instance forward, as a sentence in Terraform's words. */
  readonly forwarding: string;
  readonly terraform: {
    readonly provider: readonly [name: string, source: string, version: string];
    readonly resource: string;
    readonly variables: Readonly<Record<string, Variable>>;
    /** The variable with several tables, of which each has all routes. */
    readonly each?: string;
    readonly argumentsOf: (route: CloudRoute) => Readonly<Record<string, string>>;
  };
  /** Where this is said. */
  readonly sources: readonly string[];
}

/** What Terraform works out when it runs. */
export const reference = (expression: string): string => `\${${expression}}`;

const NETWORK_INTERFACES: Variable = {
  type: "map(string)",
  description: "The network interface on the LAN of each host that routes lead to, by the name of the host.",
};

/** RFC 1918. */
const PRIVATE = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"] as readonly string[] as readonly IpPrefix[];
/** By which Hetzner's servers leave to the internet. */
const HETZNERS_GATEWAY = "172.31.1.1" as string as IpAddress;

function hetznersRefusal(prefix: IpPrefix): string | undefined {
  if (!PRIVATE.some((range) => containsPrefix(range, prefix))) {
    return `it takes destinations inside ${PRIVATE.join(", ")} alone`;
  }
  return containsAddress(prefix, HETZNERS_GATEWAY) ? `${HETZNERS_GATEWAY} is the way out of its servers` : undefined;
}

const takesAll = (): undefined => undefined;

export const CLOUDS = {
  aws: {
    title: "AWS",
    table: "a route table",
    families: [4, 6],
    leadsTo: "interface",
    needsInterfaces: true,
    hasNeighbours: true,
    takesNested: true,
    limit: { usual: 500, most: 1000 },
    refusal: takesAll,
    forwarding:
      "What lets an instance forward: source_dest_check = false on each aws_instance or aws_network_interface that a route leads to",
    terraform: {
      provider: ["aws", "hashicorp/aws", ">= 4.0"],
      resource: "aws_route",
      variables: {
        route_table_ids: { type: "set(string)", description: "The route tables of the subnets that the LAN is of." },
        network_interface_ids: NETWORK_INTERFACES,
      },
      each: "route_table_ids",
      argumentsOf: ({ prefix, family, host }) => ({
        route_table_id: reference("each.value"),
        [family === 4 ? "destination_cidr_block" : "destination_ipv6_cidr_block"]: prefix,
        network_interface_id: reference(`var.network_interface_ids[${JSON.stringify(host)}]`),
      }),
    },
    sources: ["docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html", "terraform-provider-aws r/route"],
  },
  gcp: {
    title: "Google Cloud",
    table: "a VPC network",
    // "dest_range: only IPv4 is supported", says the resource.
    families: [4],
    leadsTo: "address",
    needsInterfaces: false,
    hasNeighbours: false,
    takesNested: true,
    // Of the network: the quota STATIC_ROUTES_PER_NETWORK.
    limit: { usual: 200, most: undefined },
    refusal: takesAll,
    forwarding:
      "What lets an instance forward: can_ip_forward = true on each google_compute_instance that a route leads to, when it is made",
    terraform: {
      provider: ["google", "hashicorp/google", ">= 4.0"],
      resource: "google_compute_route",
      variables: { network: { type: "string", description: "The VPC network that the LAN is of." } },
      argumentsOf: ({ prefix, address, name }) => ({
        name,
        network: reference("var.network"),
        dest_range: prefix,
        next_hop_ip: address,
      }),
    },
    sources: [
      "cloud.google.com/vpc/docs/static-routes",
      "cloud.google.com/vpc/docs/quota: the quota by name",
      "gardener-extension-provider-gcp docs/usage/ipv6.md: 200 of them at first",
      "terraform-provider-google r/compute_route",
    ],
  },
  azure: {
    title: "Azure",
    table: "a route table",
    families: [4, 6],
    leadsTo: "address",
    needsInterfaces: true,
    hasNeighbours: true,
    takesNested: true,
    limit: { usual: 400, most: undefined },
    refusal: takesAll,
    forwarding:
      "What lets an instance forward: ip_forwarding_enabled = true (before 4.0 of the provider: enable_ip_forwarding) on each azurerm_network_interface that a route leads to",
    terraform: {
      provider: ["azurerm", "hashicorp/azurerm", ">= 3.0"],
      resource: "azurerm_route",
      variables: {
        resource_group_name: { type: "string", description: "The resource group of the route tables." },
        route_table_names: { type: "set(string)", description: "The route tables of the subnets that the LAN is of." },
      },
      each: "route_table_names",
      argumentsOf: ({ prefix, address, name }) => ({
        name,
        resource_group_name: reference("var.resource_group_name"),
        route_table_name: reference("each.value"),
        address_prefix: prefix,
        next_hop_type: "VirtualAppliance",
        next_hop_in_ip_address: address,
      }),
    },
    sources: [
      "learn.microsoft.com/azure/azure-resource-manager/management/azure-subscription-service-limits",
      "terraform-provider-azurerm r/route",
    ],
  },
  hetzner: {
    title: "Hetzner Cloud",
    table: "a network",
    families: [4],
    leadsTo: "address",
    needsInterfaces: false,
    hasNeighbours: false,
    // "Must not overlap with any destinations in other routes".
    takesNested: false,
    limit: { usual: 100, most: 100 },
    refusal: hetznersRefusal,
    forwarding: "Its servers forward without more",
    terraform: {
      provider: ["hcloud", "hetznercloud/hcloud", ">= 1.20"],
      resource: "hcloud_network_route",
      variables: { network_id: { type: "number", description: "The network that the LAN is." } },
      argumentsOf: ({ prefix, address }) => ({
        network_id: reference("var.network_id"),
        destination: prefix,
        gateway: address,
      }),
    },
    sources: [
      "docs.hetzner.cloud/reference/cloud#network-actions-add-a-route-to-a-network",
      "docs.hetzner.com/cloud/networks/faq: 100 routes, as hcloud-cloud-controller-manager#342 has it too",
    ],
  },
} as const satisfies Readonly<Record<Exclude<keyof typeof cloudParts, "routes-apply">, Cloud>>;

export type CloudName = keyof typeof CLOUDS;
