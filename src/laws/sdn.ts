/** Hosts whose segments Proxmox's SDN makes: who they share them with, and what their objects are called. */
import { type Diagnostic, diagnostic } from "../base/diagnostic.ts";
import { listInWords } from "../base/text.ts";
import { type Origin, originSpan } from "../model/origin.ts";
import { hasSdn, hostsByName, platformOf } from "../topology/hosts.ts";
import { createMembers } from "../topology/members.ts";
import type { HostInput, SubnetInput, Topology, VrfInput } from "../topology/topology.ts";

/** Only Proxmox has its SDN; that of other hosts is said of them. */
export function sdnIsOfProxmox({ hosts }: Topology): readonly Diagnostic[] {
  const others = hosts.filter((host) => hasSdn(host) && !platformOf(host).startsWith("proxmox"));
  return others.map((host) => {
    const advice = 'only Proxmox has an SDN of its own: take it out, or write "platform: proxmox9"';
    const params = { host: host.name, key: "proxmox", platform: platformOf(host), advice };
    return diagnostic("platform-key-conflict", params, originSpan(host.origin, "proxmox"));
  });
}

/** The objects of a cluster are its own, and a cluster is a site. */
export function sdnHostsHaveSites({ hosts }: Topology): readonly Diagnostic[] {
  return hosts
    .filter((host) => hasSdn(host) && host.site === undefined)
    .map(({ name: host, origin }) => diagnostic("sdn-without-site", { host }, originSpan(origin, "proxmox")));
}

/** A segment or a VRF, by what it becomes in the SDN. */
interface Shared {
  readonly name: string;
  readonly members: readonly HostInput[];
  readonly origin: Origin;
}

export interface SdnVrf extends Shared {
  readonly vrf: VrfInput;
  readonly subnets: readonly (Shared & { readonly subnet: SubnetInput })[];
}

export interface SdnParts {
  readonly subnets: readonly (Shared & { readonly subnet: SubnetInput })[];
  readonly vrfs: readonly SdnVrf[];
}

/** What has a member whose segments the SDN makes. */
export function sdnParts(topology: Topology): SdnParts {
  const membersOf = createMembers(topology);
  const hosts = hostsByName(topology);
  const isOfSdn = ({ members }: Shared): boolean => members.some(hasSdn);
  const all = topology.subnets.map((subnet) => {
    return { name: subnet.name, members: membersOf(subnet), origin: subnet.origin, subnet };
  });
  const vrfs = topology.vrfs.map((vrf): SdnVrf => {
    const subnets = all.filter(({ subnet }) => subnet.vrf?.value === vrf.name);
    const exits = vrf.exits.flatMap(({ host }) => hosts.get(host.value) ?? []);
    const members = [...new Set([...subnets.flatMap((each) => each.members), ...exits])];
    return { name: vrf.name, members, origin: vrf.origin, vrf, subnets };
  });
  return { subnets: all.filter(isOfSdn), vrfs: vrfs.filter(isOfSdn) };
}

const names = (hosts: readonly HostInput[]): string => listInWords(hosts.map(({ name }) => name).sort());

/** Who is not of the SDN is in none of its zones; and a zone's vnets are on all its nodes. */
export function sdnMembersAreOfOneKind(topology: Topology): readonly Diagnostic[] {
  const { subnets, vrfs } = sdnParts(topology);
  const mixed = [...subnets, ...vrfs].flatMap(({ name, members, origin }) => {
    const others = members.filter((host) => !hasSdn(host));
    if (others.length === 0) return [];
    const params = {
      name,
      who: `${names(others)}, without "proxmox: sdn"`,
      advice: "have all of its hosts be of the SDN, or none",
    };
    return [diagnostic("sdn-members-differ", params, originSpan(origin, "hosts"))];
  });
  const partial = vrfs.flatMap(({ name: zone, members, subnets: own }) =>
    own.flatMap(({ name, members: some, origin }) => {
      const missing = members.filter((host) => !some.includes(host));
      if (missing.length === 0) return [];
      const params = {
        name,
        who: `${names(missing)}, which is in the VRF ${zone} without it`,
        advice: `a zone has each of its networks on all its nodes: write the hosts of ${zone}`,
      };
      return [diagnostic("sdn-members-differ", params, originSpan(origin, "hosts"))];
    }),
  );
  return mixed.length > 0 ? mixed : partial;
}

/** pve-network, parse_sdn_zone_id and parse_sdn_vnet_id: the API refuses what the reader of its files takes. */
const ID = /^[a-z][a-z0-9]{1,7}$/i;
/** What is no name at all is said already. */
const NAME = /^[\w.-]+$/;

interface Named {
  readonly id: string;
  readonly object: string;
  readonly key: string;
  readonly origin: Origin;
  readonly advice: string;
}

/** The id that each object of the SDN gets. */
function namedObjects(topology: Topology): readonly Named[] {
  const { subnets, vrfs } = sdnParts(topology);
  return [
    ...vrfs.map(({ name: id, origin }) => ({ id, object: "zone", key: "", origin, advice: "rename the VRF" })),
    ...subnets.map(({ name, origin, subnet: { bridge } }) => ({
      id: bridge?.name ?? name,
      object: "vnet",
      key: bridge === undefined ? "" : "bridge",
      origin,
      advice: bridge === undefined ? 'rename the subnet, or write "bridge: vnet1"' : "name the bridge otherwise",
    })),
  ];
}

/** What Proxmox's API would refuse is never written. */
export function sdnNamesFit(topology: Topology): readonly Diagnostic[] {
  return namedObjects(topology)
    .filter(({ id }) => NAME.test(id) && !ID.test(id))
    .map(({ origin, key, ...params }) => diagnostic("sdn-name-unfit", params, originSpan(origin, key)));
}
