/** Network → the networks of remotes that hosts lead to by an interface of their own: what lies behind it, and who is there. */
import { FAMILIES, familyOf, hostAddress, type IpAddress, type IpPrefix, prefixLengthBits } from "../../base/ip.ts";
import type { Network } from "../../model/network.ts";
import { cablesOf, type LabHost, type LabPremises } from "./plan.ts";

// Past what exits ask, as a rule.
const REMOTE_OFFSET = 99;

/** Who stands for a remote in one of its prefixes; where that has no room, whoever comes first. */
export const standIn = (prefix: IpPrefix): IpAddress | undefined => hostAddress(prefix, REMOTE_OFFSET);

/** Both of one prefix, which has room for them. */
function networkOf(prefix: IpPrefix): LabPremises["networks"] {
  const [gateway, address] = [hostAddress(prefix, 1), standIn(prefix)];
  if (gateway === undefined || address === undefined) return [];
  return [{ gateway, address, lengthBits: prefixLengthBits(prefix) }];
}

/** By the uplink and on the LAN there is the rest of the lab: there a remote is reached by those. */
export function planPremises({ remotes }: Network, hosts: readonly LabHost[]): readonly LabPremises[] {
  const taken = new Set(hosts.flatMap((host) => cablesOf(host).map((cable) => `${host.name} ${cable.interface}`)));
  return remotes.flatMap(({ name: remote, prefixes, exits }) =>
    exits.flatMap(({ host, interface: link, hasSnat }): readonly LabPremises[] => {
      const firsts = FAMILIES.flatMap((family) => prefixes.filter((each) => familyOf(each) === family).slice(0, 1));
      const networks = firsts.flatMap(networkOf);
      if (networks.length === 0 || taken.has(`${host} ${link}`)) return [];
      taken.add(`${host} ${link}`);
      return [{ name: `${remote}@${host}`, remote, host, interface: link, hasSnat, networks }];
    }),
  );
}
