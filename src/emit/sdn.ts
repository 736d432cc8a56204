/** Hosts whose segments Proxmox's SDN makes: what is left to netgen, and how the links of the others are called. */
import { must } from "../base/invariant.ts";
import { type Host, isOfSdn } from "../model/host.ts";
import type { EmitContext } from "./context.ts";

/** The device of a zone (pve-network, PVE/Network/SDN/Zones/EvpnPlugin.pm). */
const zoneDevice = (zone: string): string => `vrf_${zone}`;

/** A host without what somebody else makes: the same one where that is nothing. */
export function ownPart(host: Host): Host {
  if (!isOfSdn(host)) return host;
  const ofZones = new Set(host.vrfs.flatMap(({ prefixes }) => prefixes));
  const snat = host.snat.filter(({ prefix }) => !ofZones.has(prefix));
  return { ...host, bridges: [], vlanBridges: [], vxlans: [], vrfs: [], bgp: { kind: "none" }, snat };
}

/** A host with all its links, whoever makes them, each VRF called as its device is. */
export function withAllLinks({ name }: Host, { hosts }: EmitContext): Host {
  const host = must(hosts.get(name), "every host is one of the network");
  if (!isOfSdn(host)) return host;
  return {
    ...host,
    vrfs: host.vrfs.map((vrf) => ({ ...vrf, name: zoneDevice(vrf.name) })),
    bridges: host.bridges.map((bridge) => ({
      ...bridge,
      vrf: bridge.vrf === undefined ? undefined : zoneDevice(bridge.vrf),
    })),
  };
}
