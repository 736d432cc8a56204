/** What a host has one of, so that one of its fleets may have it and no other. */
import type { Span } from "../base/source.ts";
import type { Host } from "../model/host.ts";
import type { Network } from "../model/network.ts";
import { originSpan } from "../model/origin.ts";
import { ovnRolesOf } from "../model/ovn.ts";

interface Single {
  /** Of this fleet, and of the other. */
  readonly what: string;
  readonly other: string;
  readonly why: string;
  readonly isTaken: (host: Host, twin: Host, networks: { readonly own: Network; readonly other: Network }) => boolean;
  readonly span: (network: Network, host: Host) => Span;
}

const isRouted = ({ bgp }: Host): boolean => bgp.kind !== "none";
const leaves = ({ egress }: Host): boolean => egress?.own !== undefined;
/** As Docker names its own, whose names nobody knows before: the guard lets them in. */
const hasDockerlike = ({ bridges, containers }: Host): boolean =>
  [...bridges.map(({ link }) => link), ...containers.map(({ bridge }) => bridge)].some((name) =>
    name.startsWith("br-"),
  );
const MAY_ENTER =
  "bridges whose names begin as Docker's own do may enter the other fleet: give them other names (bridge: lan-vms)";
const ALL_LEAVES = "all that the host sends would leave by the exits, what those tunnels are made of too";

export const SINGLES: readonly Single[] = [
  {
    what: "bgp",
    other: "bgp",
    why: "FRR has one configuration",
    isTaken: (host, twin) => isRouted(host) && isRouted(twin),
    span: ({ origin }) => originSpan(origin, "bgp"),
  },
  {
    what: "an address by VRRP",
    other: "one",
    why: "keepalived has one configuration",
    isTaken: (host, twin) => host.vrrp !== undefined && twin.vrrp !== undefined,
    span: (_, { origin }) => originSpan(origin),
  },
  {
    what: "OVN's chassis",
    other: "that",
    why: "Open vSwitch has one system-id, one encap-ip and one ovn-remote",
    isTaken: ({ name }, _, { own, other }) =>
      ovnRolesOf(own.ovn, name).isChassis && ovnRolesOf(other.ovn, name).isChassis,
    span: ({ origin }) => originSpan(origin, "ovn"),
  },
  {
    what: "OVN's central",
    other: "that",
    why: "OVN has one northbound database there, which knows switches and routers by their names",
    isTaken: ({ name }, _, { own, other }) =>
      ovnRolesOf(own.ovn, name).isCentral && ovnRolesOf(other.ovn, name).isCentral,
    span: ({ origin }) => originSpan(origin, "ovn"),
  },
  {
    what: "kubernetes",
    other: "kubernetes",
    why: "it has one K3s or kubelet",
    isTaken: (host, twin) => host.kubernetes !== undefined && twin.kubernetes !== undefined,
    span: (_, { origin }) => originSpan(origin, "kubernetes"),
  },
  {
    what: "exits of its own",
    other: "tunnels",
    why: ALL_LEAVES,
    isTaken: (host, twin) => leaves(host) && twin.interfaces.length > 0,
    span: (_, { origin }) => originSpan(origin, "exits"),
  },
  {
    what: "tunnels",
    other: "exits of its own",
    why: ALL_LEAVES,
    isTaken: (host, twin) => leaves(twin) && !leaves(host) && host.interfaces.length > 0,
    span: (_, { origin }) => originSpan(origin, "exits"),
  },
  {
    what: '"docker: true"',
    other: "a bridge br-…",
    why: MAY_ENTER,
    isTaken: (host, twin) => host.hasDocker && hasDockerlike(twin),
    span: (_, { origin }) => originSpan(origin, "docker"),
  },
  {
    what: "a bridge br-…",
    other: '"docker: true"',
    why: MAY_ENTER,
    isTaken: (host, twin) => twin.hasDocker && !host.hasDocker && hasDockerlike(host),
    span: (_, { origin }) => originSpan(origin, "docker"),
  },
];
