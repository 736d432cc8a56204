/** Which keys of a subnet go with containers. */
import type { Diagnostic } from "../base/diagnostic.ts";
import { addressBits, familyOf, type IpPrefix, prefixLengthBits } from "../base/ip.ts";
import type { ContainerInput } from "../topology/container.ts";
import type { SubnetInput, Topology } from "../topology/topology.ts";
import { type Conflict, conflictsSaid } from "./conflicts.ts";

/** What the programs call something of their own. */
const RESERVED: Readonly<Record<ContainerInput["program"], readonly string[]>> = {
  podman: ["podman", "bridge", "container", "default", "host", "none", "ns", "pasta", "private", "slirp4netns"],
  docker: ["bridge", "container", "default", "host", "none"],
  cni: [],
};

/** Without a gateway and one container there is no network. */
const hasRoom = (prefix: IpPrefix): boolean => prefixLengthBits(prefix) <= addressBits(familyOf(prefix)) - 2;

/** On a routed subnet the program makes the bridge. */
function routedConflicts(subnet: SubnetInput): readonly Conflict[] {
  const { name, prefixes, perHost, gateway, bridge, ports, vrf, hasSnat, isExternal } = subnet;
  const isTight = prefixes.some(({ value }) => !hasRoom(value));
  const isTightSlice = prefixes.some(
    ({ value }) => perHost !== undefined && perHost > addressBits(familyOf(value)) - 2,
  );
  const made = "the program makes the bridge: take one of the two out";
  return [
    { key: "interface", isSet: isExternal, advice: "container says who makes the bridge: take interface out" },
    { key: "bridge", isSet: bridge?.isExisting === true, advice: `${made}, or give the bridge another name` },
    { key: "ports", isSet: ports.length > 0, advice: made },
    {
      key: "gateway",
      isSet: gateway?.kind === "none",
      advice: "the program sets the gateway's address: leave gateway out, or name one",
    },
    {
      key: "vrf",
      isSet: vrf !== undefined,
      advice: "the program's bridge has its routes in the host's own table: take one of the two out",
    },
    {
      key: "snat",
      isSet: hasSnat,
      advice: "what leaves the overlay has the host's address anyway, by the program itself: take snat out",
    },
    {
      key: perHost === undefined ? "cidr" : "perHost",
      isSet: perHost === undefined ? isTight : isTightSlice,
      advice: `${name} has no room for a gateway and a container: choose /30 or larger, of IPv6 /126`,
    },
  ].map((each) => ({ ...each, with: "container" }));
}

/** On a segment the bridge is there, and others are on it. */
function segmentConflicts({ container, prefixes, vlan, dhcp }: SubnetInput): readonly Conflict[] {
  return [
    {
      key: "vlan",
      isSet: vlan !== undefined,
      with: "container",
      advice: "the programs know no VLAN of a bridge: give the segment a bridge of its own",
    },
    {
      key: "dhcp",
      isSet: dhcp !== undefined,
      with: "container",
      advice: "two would give addresses of one segment: take one of the two out",
    },
    {
      key: "container",
      isSet: container?.program === "docker",
      with: "vxlan",
      advice: "Docker gives every bridge an address and rules of its own: let Podman or a CNI plugin do it",
    },
    {
      key: "container",
      isSet: prefixes.length === 0,
      with: "a segment without a cidr",
      advice: "say which prefix its addresses are of",
    },
    {
      key: "container",
      isSet: container?.ranges.length === 0,
      with: "vxlan",
      advice: 'each host gives addresses of its own: "container: {program: podman, ranges: {HOST: 10.77.0.32/27}}"',
    },
  ];
}

function conflictsOf(subnet: SubnetInput, { program }: ContainerInput): readonly Conflict[] {
  const { name, vxlan } = subnet;
  const taken: Conflict = {
    key: "container",
    isSet: RESERVED[program].includes(name),
    with: `the name ${name}`,
    advice: "the program has a network of that name already: call the subnet otherwise",
  };
  return [taken, ...(vxlan === undefined ? routedConflicts(subnet) : segmentConflicts(subnet))];
}

/** What else a subnet of containers says goes with their program. */
export function containersGoWithOtherKeys({ subnets }: Topology): readonly Diagnostic[] {
  return subnets.flatMap((subnet) =>
    subnet.container === undefined ? [] : conflictsSaid(subnet, conflictsOf(subnet, subnet.container)),
  );
}
