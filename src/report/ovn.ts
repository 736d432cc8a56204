/** What the MTU report says of OVN. */
import type { Network } from "../model/network.ts";

/** The networks of OVN as if they were segments. */
export const ovnCarriers = ({ ovn }: Network) =>
  ovn === undefined
    ? []
    : ovn.networks.map(({ name, prefixes }) => ({
        name: `OVN ${name}`,
        vni: undefined,
        members: ovn.chassis,
        prefixes: prefixes.map(({ prefix }) => prefix),
        mtu: ovn.mtu,
        fragments: undefined,
        vtepFamily: ovn.family,
        isTagged: false,
      }));
