/** The links of a VRF that carry less than Ethernet's 1500 bytes, and what TCP in it is held to. */
import type { Host } from "./host.ts";
import type { VrfInstance } from "./vrf.ts";

/** The bridge of the L3VNI, and those of the VRF's stretched segments; bytes of IP packet. */
export function vrfLinks({ bridges, vxlans }: Host, vrf: VrfInstance): readonly { link: string; mtu: number }[] {
  const stretched = vxlans.flatMap(({ segment, mtu }) =>
    bridges.filter((each) => each.vrf === vrf.name && each.subnet === segment).map(({ link }) => ({ link, mtu })),
  );
  return [{ link: vrf.bridge, mtu: vrf.vxlan.mtu }, ...stretched];
}
