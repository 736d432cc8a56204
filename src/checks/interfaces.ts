import { type Diagnostic, diagnostic } from "../base/diagnostic.ts";
import type { Span } from "../base/source.ts";
import type { Bridge } from "../model/device.ts";
import type { Exit } from "../model/exit.ts";
import { cutLink } from "../model/fleet.ts";
import type { Host } from "../model/host.ts";
import type { Network } from "../model/network.ts";
import { type Origin, originSpan } from "../model/origin.ts";
import type { VrfInstance } from "../model/vrf.ts";

/** IFNAMSIZ is 16 with the terminating NUL (include/uapi/linux/if.h). */
export const MAX_INTERFACE_NAME_LENGTH = 15;

interface SubnetLink {
  readonly use: "bridge" | "VLAN";
  readonly subnet: string;
  readonly name: string;
  readonly origin: Origin;
}

/** The link of each of a host's subnets, whoever makes it. */
function subnetLinks({ bridges, containers }: Host): readonly SubnetLink[] {
  const own = bridges.map(({ subnet, link: name, vlan, origin }): SubnetLink => {
    return { use: vlan === undefined ? "bridge" : "VLAN", subnet, name, origin };
  });
  const others = containers.filter(({ makesBridge }) => makesBridge);
  return [
    ...own,
    ...others.map(({ subnet, bridge: name, origin }) => ({ use: "bridge", subnet, name, origin }) as const),
  ];
}

/** Names that netgen makes up fit the kernel; names that the user gave were measured when they were read. */
export function interfaceNamesFit(network: Network): readonly Diagnostic[] {
  const tooLong = new Map<string, SubnetLink>();
  for (const each of network.hosts.flatMap(subnetLinks)) {
    if (each.name.length > MAX_INTERFACE_NAME_LENGTH) tooLong.set(each.subnet, each);
  }
  return [...tooLong.values()].map(({ use, subnet, name, origin }) => {
    return diagnostic("interface-name-too-long", { use, subnet, name, length: name.length }, originSpan(origin));
  });
}

export interface InterfaceUse {
  readonly name: string;
  readonly use: string;
  readonly span: Span;
}

/** What each interface of a host is, by its name. */
export function interfaceUses(network: Network, host: Host): readonly InterfaceUse[] {
  const wireguard = host.interfaces.map(({ name }) => ({
    name,
    use: "the WireGuard interface",
    span: originSpan(network.origin, "wireguard/interface"),
  }));
  const bridges = host.bridges.flatMap((bridge) => bridgeUses(bridge, host));
  const ofContainers = host.containers
    .filter(({ makesBridge }) => makesBridge)
    .map(({ bridge: name, subnet, origin }) => ({
      name,
      use: `the bridge of ${subnet}`,
      span: originSpan(origin, "bridge"),
    }));
  const vxlans = host.vxlans.map(({ name, segment, origin }) => ({
    name,
    use: `the vxlan device of ${segment}`,
    span: originSpan(origin),
  }));
  const cutting = host.vxlans
    .filter(({ cut }) => cut !== undefined)
    .map(({ origin }) => ({
      name: cutLink(network),
      use: "the link that segments are cut up by",
      span: originSpan(origin),
    }));
  return [
    ...wireguard,
    ...cutting.slice(0, 1),
    ...outerUses(host),
    ...bridges,
    ...ofContainers,
    ...vxlans,
    ...host.vrfs.flatMap((vrf) => vrfUses(vrf, host)),
    ...exitUses(host.exit, host),
    ...(host.egress?.remotes ?? []).flatMap(({ own }) => exitUses(own, host)),
  ];
}

/** A bridge with VLANs, and its trunks, are one thing for all subnets on it. */
function bridgeUses({ name, link, vlan, subnet, ports, origin }: Bridge, host: Host): readonly InterfaceUse[] {
  const span = originSpan(origin, "bridge");
  const at = originSpan(origin, `ports/${host.name}`);
  const hasVlans = host.vlanBridges.some((bridge) => bridge.name === name);
  // A bridge that has VLANs for another subnet is what is wrong then.
  if (vlan === undefined && hasVlans) return [];
  if (vlan === undefined) {
    const own = ports.map((port) => ({ name: port, use: `a port of ${subnet}`, span: at }));
    return [{ name, use: `the bridge of ${subnet}`, span }, ...own];
  }
  return [
    { name, use: "a bridge with VLANs", span },
    { name: link, use: `the VLAN of ${subnet}`, span: originSpan(origin, "vlan") },
    ...ports.map((port) => ({ name: port, use: `a trunk of ${name}`, span: at })),
  ];
}

/** The uplink, and the interface to the LAN unless that is the same. */
function outerUses({ uplink, lanInterface, origin }: Host): readonly InterfaceUse[] {
  const outer = [
    { name: uplink, use: "the uplink", span: originSpan(origin, "uplink") },
    {
      name: lanInterface === uplink ? undefined : lanInterface,
      use: "the interface to the LAN",
      span: originSpan(origin, "lanInterface"),
    },
  ];
  return outer.flatMap(({ name, ...rest }) => (name === undefined ? [] : [{ name, ...rest }]));
}

/** The interface of a way out, unless it is one of the host's own, which is there already. */
function exitUses(exit: Exit | undefined, { uplink, lanInterface }: Host): readonly InterfaceUse[] {
  if (exit === undefined || exit.interface === uplink || exit.interface === lanInterface) return [];
  return [{ name: exit.interface, use: "the way out", span: originSpan(exit.origin, "interface") }];
}

/** The devices of a VRF, and the interface of its exit. */
function vrfUses({ name, bridge, vxlan, exit, origin }: VrfInstance, host: Host): readonly InterfaceUse[] {
  const span = originSpan(origin);
  return [
    { name, use: `the VRF ${name}`, span },
    { name: bridge, use: `the bridge of the VRF ${name}`, span },
    { name: vxlan.name, use: `the vxlan device of the VRF ${name}`, span },
    ...exitUses(exit, host),
  ];
}

/** On one host an interface name stands for one thing. */
export function interfaceNamesDistinct(network: Network): readonly Diagnostic[] {
  const found = new Map<string, Diagnostic>();
  for (const host of network.hosts) {
    const first = new Map<string, InterfaceUse>();
    for (const use of interfaceUses(network, host)) {
      const other = first.get(use.name);
      const key = `${use.name} ${use.use} ${other?.use}`;
      if (other === undefined) first.set(use.name, use);
      // Said once, not once for each host that is on the same two subnets.
      else if (use.use !== other.use && !found.has(key)) {
        const params = { host: host.name, name: use.name, use: other.use, other: use.use };
        const related = [{ message: `it is ${other.use} here`, span: other.span }];
        found.set(key, diagnostic("interface-name-taken", params, use.span, related));
      }
    }
  }
  return [...found.values()];
}

/** A kernel that forwards IPv6 ignores router advertisements, unless told otherwise for the interface they come in by. */
export function forwardingKeepsUplink(network: Network): readonly Diagnostic[] {
  return network.hosts
    .filter((host) => host.acceptsRa && host.uplink === undefined)
    .map((host) => diagnostic("forwarding-without-uplink", { host: host.name }, originSpan(host.origin)));
}

/** On a bridge that is the user's netgen sets no address; a gateway that nobody set is hard to find. */
export function existingBridgesHaveGateways(network: Network): readonly Diagnostic[] {
  return network.hosts.flatMap((host) =>
    host.bridges.flatMap((bridge) => {
      const [first] = bridge.addresses;
      if (!bridge.isExisting || first === undefined) return [];
      const params = { subnet: bridge.subnet, address: first.address, host: host.name, bridge: bridge.link };
      return [diagnostic("gateway-on-existing-bridge", params, originSpan(bridge.origin, "bridge"))];
    }),
  );
}
