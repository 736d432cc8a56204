/** Generated subnets: routed, sliced and stretched. */
import * as fc from "fast-check";

export interface SubnetDraft {
  readonly kind: "routed" | "slices" | "external" | "containers" | "segment" | "bare";
  /** Members among the hosts with WireGuard; empty: all. */
  readonly members: readonly number[];
  readonly gateway: "none" | "one" | "shared" | "each" | "left out";
  readonly families: "4" | "6" | "both";
  /** A second prefix of each family. */
  readonly hasMore: boolean;
  readonly snat: boolean;
  readonly inVrf: boolean;
  readonly isolated: boolean;
  readonly tagged: boolean;
  readonly pin: number | undefined;
  /** Guests must have 1500 bytes. */
  readonly fragment: boolean | undefined;
  readonly bridge: unknown;
  /** One of its own, or the same as others. */
  readonly vlan: "own" | "same" | undefined;
  readonly hasPorts: boolean;
  readonly separateSwitches: boolean | undefined;
  readonly suppression: boolean;
  readonly targets: object | undefined;
  readonly gatewayMac: string | undefined;
  readonly dhcp: unknown;
  readonly program: "podman" | "docker" | "cni";
  readonly hasContainers: boolean;
  readonly sendRa: unknown;
  /** Guests leave by exits, where there are such. */
  readonly leaves: boolean;
}

/** Less the end of each number, which is the place among the subnets. */
const TARGETS = [
  { import: "64512:910" },
  { export: "65000:910" },
  { import: ["64512:910", "192.0.2.1:910"], export: ["65000:910", "4200000001:910"] },
  { export: "65000:10" },
];

export const subnetDrafts: fc.Arbitrary<readonly SubnetDraft[]> = fc.array(
  fc.record({
    kind: fc.constantFrom("routed", "slices", "external", "containers", "segment", "segment", "segment", "bare"),
    members: fc.uniqueArray(fc.nat(6), { maxLength: 4 }),
    gateway: fc.constantFrom("none", "one", "shared", "each", "left out"),
    families: fc.constantFrom("4", "6", "both"),
    hasMore: fc.integer({ min: 0, max: 3 }).map((each) => each === 0),
    snat: fc.integer({ min: 0, max: 5 }).map((each) => each === 0),
    inVrf: fc.boolean(),
    isolated: fc.integer({ min: 0, max: 3 }).map((each) => each > 0),
    tagged: fc.boolean(),
    pin: fc.integer({ min: 0, max: 9 }).map((each) => (each === 0 ? 1280 : undefined)),
    fragment: fc.constantFrom(undefined, undefined, undefined, undefined, undefined, false, true),
    bridge: fc.constantFrom(undefined, undefined, undefined, "br-own", { name: "vmbr1", existing: true }),
    vlan: fc.constantFrom(undefined, undefined, "own", "own", "same"),
    hasPorts: fc.integer({ min: 0, max: 5 }).map((each) => each === 0),
    separateSwitches: fc.constantFrom(undefined, false, true),
    suppression: fc.boolean(),
    targets: fc.constantFrom(undefined, undefined, ...TARGETS),
    gatewayMac: fc.constantFrom(undefined, undefined, "00:00:5E:00:53:01", "02:00:00:00:64:00", "fe:00:00:64:00:01"),
    dhcp: fc.constantFrom(undefined, undefined, undefined, undefined, true, false, { dns: ["9.9.9.9"] }, "range"),
    program: fc.constantFrom("podman", "docker", "cni"),
    hasContainers: fc.integer({ min: 0, max: 3 }).map((each) => each === 0),
    leaves: fc.boolean(),
    sendRa: fc.constantFrom(undefined, undefined, undefined, true, false, { dns: ["2620:fe::fe"] }),
  }),
  { maxLength: 4 },
);

export interface Around {
  readonly index: number;
  readonly names: readonly string[];
  readonly vrf: string | undefined;
  /** Of what is in no VRF. */
  readonly exits: readonly string[] | undefined;
  readonly hasBgp: boolean;
}

/** Mostly of its own; some share the first one's. */
function prefixesOf({ families, kind, hasMore }: SubnetDraft, index: number): readonly string[] {
  const isCut = kind === "slices" || kind === "external" || kind === "containers";
  return (hasMore ? [70 + index, 80 + index] : [70 + index]).flatMap((number) => {
    const four = isCut ? `10.${number}.0.0/16` : `10.${number}.0.0/24`;
    const six = `fd${number}::/64`;
    if (families === "4" || isCut) return [four];
    return families === "6" ? [six] : [four, six];
  });
}

const addressesOf = (prefixes: readonly string[], host: number): readonly string[] =>
  prefixes.map((prefix) =>
    prefix.includes(":") ? prefix.replace("/64", host.toString(16)) : prefix.replace(/0\/\d+$/, `${host}`),
  );

function gatewayOf({ gateway }: SubnetDraft, prefixes: readonly string[], members: readonly string[]): unknown {
  switch (gateway) {
    case "left out":
      return undefined;
    case "none":
      return "none";
    case "one":
      return { [members[0] as string]: addressesOf(prefixes, 1) };
    case "shared":
      return addressesOf(prefixes, 1);
    case "each":
      return Object.fromEntries(members.map((name, index) => [name, addressesOf(prefixes, index + 2)]));
  }
}

/** What several hosts share has the gateway that BGP, a VRF or its isolation allow. */
function fitted(draft: SubnetDraft, vrf: string | undefined, hasBgp: boolean): SubnetDraft {
  const isStretched = draft.kind === "segment";
  const isShared = draft.gateway === "shared" && (!hasBgp || !isStretched);
  const gateway = isShared || (draft.gateway === "each" && !isStretched) ? "left out" : draft.gateway;
  return {
    ...draft,
    gateway,
    suppression: draft.suppression && hasBgp,
    targets: hasBgp ? draft.targets : undefined,
    gatewayMac: gateway === "shared" && isStretched && typeof draft.bridge !== "object" ? draft.gatewayMac : undefined,
    inVrf: draft.inVrf && vrf !== undefined && draft.kind !== "bare",
  };
}

/** Where one host is the gateway of an IPv4 prefix. */
function dhcpOf(each: SubnetDraft, prefix: string): unknown {
  const { kind, gateway, inVrf, bridge, dhcp } = each;
  const isOneOf = kind === "segment" ? ["one"] : ["one", "shared", "left out", "each"];
  const isServed = !inVrf && !prefix.includes(":") && isOneOf.includes(gateway) && typeof bridge !== "object";
  if (!isServed) return undefined;
  if (dhcp !== "range") return dhcp;
  return kind === "slices" ? true : { range: [...addressesOf([prefix], 100), ...addressesOf([prefix], 120)] };
}

/** Where there is an IPv6 gateway, which is one, or the same on all. */
function sendRaOf({ kind, gateway, inVrf, bridge, sendRa }: SubnetDraft, prefixes: readonly string[]): unknown {
  const isOneOf = kind === "segment" ? ["one", "shared"] : ["one", "shared", "left out", "each"];
  const hasIpv6 = prefixes.some((prefix) => prefix.includes(":"));
  return !inVrf && hasIpv6 && isOneOf.includes(gateway) && typeof bridge !== "object" ? sendRa : undefined;
}

/** By exits where there are such, a gateway that leads there and no other way out. */
const leavesBy = ({ leaves, inVrf, kind, gateway }: SubnetDraft, hasSnat: boolean, exits: Around["exits"]) =>
  leaves && !inVrf && !hasSnat && (kind !== "segment" || gateway === "one") ? exits : undefined;

/** Of one host on a segment, where nobody else gives addresses; Podman would have to be a later one. */
function containersOf(
  { hasContainers, vlan, dhcp }: SubnetDraft,
  [prefix = ""]: readonly string[],
  [host = ""]: readonly string[],
) {
  if (!hasContainers || vlan !== undefined || dhcp !== undefined || prefix.includes(":")) return undefined;
  return { program: "cni", ranges: { [host]: prefix.replace("0/24", "192/27") } };
}

const pinOf = ({ fragment, pin }: SubnetDraft): number | undefined => (fragment ? 1500 : pin);

const targetsOf = ({ targets }: SubnetDraft, index: number): unknown =>
  targets && JSON.parse(JSON.stringify(targets).replace(/10(?=")/g, `$&${index}`));

/** VLANs are for what is on a bridge with others. */
function bridgeOf({ vlan, tagged, bridge }: SubnetDraft, index: number) {
  if (vlan === undefined) return { tagged, bridge: index === 0 ? bridge : undefined };
  return { vlan: vlan === "own" ? 10 + index : 4094, bridge };
}

/** The name and what stands under `subnets`. */
export function subnetEntry(
  draft: SubnetDraft,
  { index, names, vrf, exits, hasBgp }: Around,
): readonly [string, unknown] {
  const each = fitted(draft, vrf, hasBgp);
  const picked = [...new Set(each.members.map((member) => names[member % names.length] as string))];
  const members = picked.length > 0 ? picked : names;
  const first = members.slice(0, 1);
  const prefixes = prefixesOf(each, index);
  const isStretched = each.kind === "segment";
  const hasSnat = each.snat && !each.inVrf && (!isStretched || !["none", "left out"].includes(each.gateway));
  const common = {
    cidr: prefixes,
    snat: hasSnat || undefined,
    exits: leavesBy(each, hasSnat, exits),
    vrf: each.inVrf ? vrf : undefined,
  };
  const ports = each.hasPorts ? { [members[0] as string]: [`eno${index + 2}`] } : undefined;
  const own = index === 0 ? each.bridge : undefined;
  const gateway = gatewayOf(each, prefixes, members);
  const several = each.inVrf
    ? undefined
    : each.isolated && ["shared", "each"].includes(each.gateway)
      ? true
      : undefined;
  const hosts = picked.length > 0 ? picked : "all";
  const vxlan = { vni: 100 + index, neighborSuppression: each.suppression, routeTargets: targetsOf(each, index) };
  const { tagged, fragment, separateSwitches } = each;
  const mtu = pinOf(each);
  const told = { dhcp: dhcpOf(each, prefixes[0] as string), sendRa: sendRaOf(each, prefixes) };
  switch (each.kind) {
    case "routed":
      return [
        `s${index}`,
        {
          ...common,
          ...told,
          hosts: first,
          gateway: each.gateway === "each" ? undefined : gateway,
          bridge: own,
          ports,
        },
      ];
    case "slices":
      return [`s${index}`, { ...common, ...told, hosts, perHost: 24 }];
    case "external":
      return [`s${index}`, { ...common, vrf: undefined, hosts, perHost: 24, interface: "external" }];
    case "containers": {
      const alone = { ...common, snat: undefined, vrf: undefined };
      return [`s${index}`, { ...alone, hosts, perHost: 24, container: each.program }];
    }
    case "segment":
      return [
        `s${index}`,
        {
          ...common,
          ...told,
          container: containersOf(each, prefixes, members),
          hosts,
          vxlan,
          gateway,
          isolated: several,
          mtu,
          fragment,
          ...bridgeOf(each, index),
          ports,
          separateSwitches,
          gatewayMac: each.gatewayMac,
        },
      ];
    case "bare":
      return [`s${index}`, { hosts, vxlan, tagged, mtu, fragment, bridge: own, ports, separateSwitches }];
  }
}
