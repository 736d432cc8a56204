/** Fleets of any size at any number of sites, for what has to be drawn. */
import { createHash } from "node:crypto";

export interface Sites {
  readonly hosts: number;
  /** None: hosts without a site. */
  readonly sites: number;
  /** Two of the hosts are hubs; else all meet. */
  readonly hasHubs?: boolean;
}

/** A key of the right shape that nobody has the private half of. */
const publicKey = (id: number): string => createHash("sha256").update(`sites ${id}`).digest("base64");
const numbers = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index + 1);

/** A topology with a segment over all hosts that are no hubs, and a subnet behind each. */
export function sitesOf({ hosts, sites, hasHubs = false }: Sites): string {
  const isHub = (id: number): boolean => hasHubs && id === 1;
  const siteOf = (id: number): string => (sites === 0 || isHub(id) ? "" : `, site: site${(id % sites) + 1}`);
  const host = (id: number): string =>
    `  host${id}: {id: ${id}, endpoint: 198.18.${id >> 8}.${id & 255}, publicKey: "${publicKey(id)}"${siteOf(id)}}\n`;
  const shape = hasHubs ? ", shape: hub-and-spoke, hubs: [host1]" : "";
  const declared = sites === 0 ? "" : `sites: {${numbers(sites).map((site) => `site${site}: {}`)}}\n`;
  return `netgen: 1
name: ${hosts} hosts
${declared}wireguard: {addresses: [10.0.0.0/16]${shape}}
hosts:
${numbers(hosts).map(host).join("")}subnets:
  guests: {vxlan: {vni: 100}, hosts: all, gateway: none}
  pods: {cidr: 10.128.0.0/9, perHost: 24, hosts: all, interface: external}
bgp: {asn: 65000, routeReflectors: [host1]}
`;
}
