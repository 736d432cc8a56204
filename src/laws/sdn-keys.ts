/** What Proxmox's SDN has no word for, or another one: none of it would be as written. */
import { type Diagnostic, diagnostic } from "../base/diagnostic.ts";
import type { FrrLines } from "../model/extra.ts";
import { type Origin, originSpan } from "../model/origin.ts";
import { hasSdn } from "../topology/hosts.ts";
import { routingClass } from "../topology/routing-class.ts";
import type { ExitInput, HostInput, RouteTargetsInput, SubnetInput, Topology } from "../topology/topology.ts";
import { type SdnVrf, sdnParts } from "./sdn.ts";

interface Conflict {
  readonly key: string;
  /** Its pointer, where it is a key of a key. */
  readonly at?: string;
  readonly isSet: boolean;
  readonly why: string;
  readonly advice: string;
}

const WRITES_FRR = "that writes frr.conf, and netgen nothing of it";
const OUT = "take it out";
const hasTargets = ({ imports, exports }: RouteTargetsInput): boolean => imports.length + exports.length > 0;

const targetsConflict = (at: string, targets: RouteTargetsInput): Conflict => ({
  key: "routeTargets",
  at,
  isSet: hasTargets(targets),
  why: "that derives route targets from AS number and VNI",
  advice: OUT,
});

/** Of a subnet, whichever it is. */
function subnetConflicts({ vxlan, gateway, bridge, ...subnet }: SubnetInput): readonly Conflict[] {
  const all: readonly Conflict[] = [
    {
      key: "hosts",
      isSet: vxlan === undefined && !subnet.isExternal,
      why: "that makes no subnet which is routed without VXLAN",
      advice: 'write "vxlan: {vni: 100}" and "vrf:", or "interface: external" for a bridge that you make',
    },
    {
      key: "vlan",
      isSet: subnet.vlan !== undefined,
      why: "each of its vnets is a bridge of its own",
      advice: `${OUT}, and the vnet is the VLAN's`,
    },
    {
      key: "ports",
      isSet: subnet.ports.length > 0,
      why: "a vnet has no ports but guests",
      advice: "leave them to a bridge of the node's own",
    },
    {
      key: "bridge",
      isSet: bridge?.isExisting === true,
      why: "that makes the bridge, by the name of the vnet",
      advice: 'write "bridge: vnet1" without "existing", or leave it out',
    },
    { key: "tagged", isSet: subnet.isTagged, why: "zones of EVPN pass no VLANs on", advice: OUT },
    { key: "fragment", isSet: subnet.isFragmented, why: "nobody cuts up what its devices send", advice: OUT },
    {
      key: "container",
      isSet: subnet.container !== undefined,
      why: "a container's network would make, or take addresses of, a bridge that is the SDN's",
      advice: OUT,
    },
    {
      key: "dhcp",
      isSet: subnet.dhcp !== undefined,
      why: "DHCP of Proxmox's serves simple zones only",
      advice: `${OUT}, and have guests configured by cloud-init`,
    },
    {
      key: "sendRa",
      isSet: subnet.advertisement !== undefined,
      why: "that has no router advertisements",
      advice: OUT,
    },
    {
      key: "gatewayMac",
      isSet: subnet.gatewayMac !== undefined,
      why: "a zone has one MAC for all its gateways, which netgen derives from the VNI of the VRF",
      advice: OUT,
    },
    ...(vxlan === undefined ? [] : [targetsConflict("vxlan/routeTargets", vxlan.routeTargets)]),
  ];
  return subnet.isExternal ? [] : all;
}

/** A network of a zone of EVPN, or, in no VRF, a zone of its own with static flooding. */
function zoneConflicts({ vrf, gateway, vxlan, mtu }: SubnetInput): readonly Conflict[] {
  if (vxlan === undefined) return [];
  const isRouted = vrf !== undefined;
  return [
    {
      key: "gateway",
      isSet: gateway?.kind === "perHost",
      why: "a gateway in a zone is the same on all its nodes",
      advice: 'write one address: "gateway: 10.1.1.1"',
    },
    {
      key: "gateway",
      isSet: gateway?.kind === "shared" && !isRouted,
      why: "only a zone of EVPN has gateways, which is a VRF",
      advice: 'write "vrf:", or leave the gateway out',
    },
    {
      key: "mtu",
      isSet: mtu !== undefined && isRouted,
      why: "a zone has one MTU for all its networks, which netgen works out",
      advice: OUT,
    },
    {
      key: "neighborSuppression",
      at: "vxlan/neighborSuppression",
      isSet: vxlan.suppressesNeighbors && !isRouted,
      why: "only a zone of EVPN knows neighbours, and there it is always on",
      advice: OUT,
    },
  ];
}

const LOCAL_ROUTING =
  "local routing puts static routes by a veth pair with 10.255.255.0/30 in place of the routes that an exit node has";

const exitConflicts = (exit: ExitInput, first: ExitInput | undefined, host: HostInput | undefined) => [
  { key: "probe", isSet: exit.probes.length > 0, why: "no exit node asks whether its way out is open", advice: OUT },
  {
    key: "interface",
    isSet: exit.interface !== undefined && exit.interface !== host?.uplink,
    why: "an exit node leaves by its default route",
    advice: `${OUT}, or write it as the host's uplink`,
  },
  { key: "reach", isSet: exit.reach.length > 0, why: "an exit node leads to all that it is near to", advice: OUT },
  { key: "localRouting", isSet: exit.hasLocalRouting, why: LOCAL_ROUTING, advice: OUT },
  {
    key: "snat",
    isSet: exit.hasSnat !== first?.hasSnat,
    why: "source NAT is said of subnets, for all exit nodes alike",
    advice: "say it of all exits of the VRF, or of none",
  },
];

const vrfConflicts = ({ vrf }: SdnVrf): readonly Conflict[] => [
  { key: "table", isSet: vrf.table !== undefined, why: "ifupdown2 gives the table a number itself", advice: OUT },
  targetsConflict("routeTargets", vrf.routeTargets),
  { key: "imports", isSet: vrf.imports.length > 0, why: "zones do not reach each other", advice: OUT },
  {
    key: "exitOrder",
    isSet: vrf.exitOrder === "strict",
    why: "an exit node always leaves by itself, and others by the primary one of the cluster",
    advice: OUT,
  },
];

/** Of lists of lines, and of lists of blocks that have some. */
const hasLines = (lines: FrrLines): boolean => Object.values(lines).some((list) => list.length > 0);

const hostConflicts = ({ frr, peers, routes, extra, vrfLines, isDrained }: HostInput): readonly Conflict[] => [
  { key: "frr", isSet: frr !== undefined, why: WRITES_FRR, advice: OUT },
  {
    key: "peers",
    isSet: peers.length > 0,
    why: WRITES_FRR,
    advice: "write a BGP controller of Proxmox's for them",
  },
  {
    key: "routes",
    isSet: routes.some(({ vrf }) => vrf !== undefined),
    why: "netgen sets no route in a zone",
    advice: 'take "vrf" out of the route',
  },
  {
    key: "extra",
    at: "extra/frr",
    isSet: hasLines(extra.frr) || vrfLines.size > 0,
    why: WRITES_FRR,
    advice: "write these lines into /etc/frr/frr.conf.local",
  },
  { key: "drained", isSet: isDrained, why: "nobody tells its BGP so", advice: OUT },
];

const told = (what: string, origin: Origin, conflicts: readonly Conflict[]): readonly Diagnostic[] =>
  conflicts
    .filter(({ isSet }) => isSet)
    .map(({ key, at = key, why, advice }) =>
      diagnostic("sdn-key-conflict", { what, key, why, advice }, originSpan(origin, at)),
    );

/** Whatever is said of segments, VRFs and hosts of the SDN is something that it can do. */
export function sdnKeysAreOfProxmox(topology: Topology): readonly Diagnostic[] {
  const { subnets, vrfs } = sdnParts(topology);
  const hosts = topology.hosts.filter(hasSdn);
  return [
    ...subnets.flatMap(({ name, subnet, origin }) =>
      told(name, origin, [...subnetConflicts(subnet), ...zoneConflicts(subnet)]),
    ),
    ...vrfs.flatMap((each) => told(`the VRF ${each.name}`, each.origin, vrfConflicts(each))),
    ...vrfs.flatMap(({ name, vrf }) =>
      vrf.exits.flatMap((exit) => {
        const host = hosts.find((each) => each.name === exit.host.value);
        return told(`an exit of the VRF ${name}`, exit.origin, exitConflicts(exit, vrf.exits[0], host));
      }),
    ),
    ...hosts.flatMap((host) => told(host.name, host.origin, hostConflicts(host))),
  ];
}

/** What is said of the whole, and its frr.conf cannot do. */
export function sdnHasOneWay(topology: Topology): readonly Diagnostic[] {
  const host = topology.hosts.find(hasSdn);
  if (host === undefined) return [];
  const routing = routingClass(topology);
  const problems = [
    ...(routing.kind === "static"
      ? []
      : [{ what: routing.why, why: "only BGP of netgen's own chooses", span: routing.span }]),
    ...topology.sites
      .filter(({ asn }) => asn !== undefined)
      .map(({ name, origin }) => {
        return { what: `an AS of ${name}`, why: "all of its controllers have one", span: originSpan(origin, "asn") };
      }),
    ...(topology.bgp?.routeReflectors ?? [])
      .filter(({ value }) => topology.hosts.some((each) => each.name === value && hasSdn(each)))
      .map(({ value, span }) => {
        return { what: `the route reflector ${value}`, why: "a controller of its reflects nothing", span };
      }),
    ...(topology.vxlanPort === undefined
      ? []
      : [{ what: '"vxlanPort"', why: "not every release has it", span: originSpan(topology.origin, "vxlanPort") }]),
  ];
  const related = [{ message: `${host.name} is of the SDN here`, span: originSpan(host.origin, "proxmox") }];
  return problems.map(({ span, ...params }) => diagnostic("sdn-unfit", params, span, related));
}
