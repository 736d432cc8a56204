/** Ways out: those that there are, and who leaves by them. */
import { type Diagnostic, diagnostic, type Related } from "../base/diagnostic.ts";
import { originSpan } from "../model/origin.ts";
import { hostsByName, isApp } from "../topology/hosts.ts";
import { createMembers } from "../topology/members.ts";
import type { ExitInput, HostInput, Located, SubnetInput, Topology } from "../topology/topology.ts";

/** An exit, and what it is one of, in words. */
interface Named {
  readonly exit: ExitInput;
  readonly of: string;
}

const namedExits = ({ vrfs, exits, remotes }: Topology): readonly Named[] => [
  ...vrfs.flatMap(({ name, exits: own }) => own.map((exit) => ({ exit, of: `of the VRF ${name}` }))),
  ...exits.map((exit) => ({ exit, of: "for what is in no VRF" })),
  ...remotes.flatMap(({ name, exits: own }) => own.map((exit) => ({ exit, of: `to the remote ${name}` }))),
];

/** An exit says which interface leads out, or its host does. */
export function exitsHaveInterfaces(topology: Topology): readonly Diagnostic[] {
  const hosts = hostsByName(topology);
  return namedExits(topology).flatMap(({ exit, of }) => {
    const host = hosts.get(exit.host.value);
    if (host === undefined || (exit.interface ?? host.uplink) !== undefined) return [];
    const related = [{ message: `${host.name} is here`, span: originSpan(host.origin) }];
    return [diagnostic("exit-without-interface", { host: host.name, of }, exit.host.span, related)];
  });
}

/** A list of exits, and whose it is. */
interface Wish {
  readonly who: string;
  readonly exits: readonly Located<string>[];
}

const wishesOf = ({ hosts, subnets }: Topology): readonly Wish[] =>
  [
    ...hosts.map(({ name, exits }) => ({ who: name, exits })),
    ...subnets.map(({ name, exits }) => ({ who: `the subnet ${name}`, exits })),
  ].filter(({ exits }) => exits.length > 0);

/** Whom others leave by is one of the exits. */
export function exitsAreThere(topology: Topology): readonly Diagnostic[] {
  const names = topology.exits.map(({ host }) => host.value);
  const known = hostsByName(topology);
  return wishesOf(topology).flatMap(({ who, exits }) =>
    exits
      .filter(({ value }) => known.has(value) && !names.includes(value))
      .map(({ value: host, span }) => diagnostic("exit-undeclared", { who, host }, span)),
  );
}

/** An exit is somebody's. */
export function exitsAreUsed(topology: Topology): readonly Diagnostic[] {
  const used = new Set(wishesOf(topology).flatMap(({ exits }) => exits.map(({ value }) => value)));
  return topology.exits
    .filter(({ host }) => !used.has(host.value))
    .map(({ host: { value: host, span } }) => diagnostic("exit-unused", { host }, span));
}

/** By itself an exit leaves by its own interface: what it carried for others would else go round in circles. */
export function exitsLeaveByThemselves({ hosts, exits }: Topology): readonly Diagnostic[] {
  return hosts.flatMap((host): readonly Diagnostic[] => {
    const exit = exits.find((each) => each.host.value === host.name);
    const [first] = host.exits;
    if (exit === undefined || first === undefined) return [];
    const related = [{ message: `${host.name} is an exit here`, span: exit.host.span }];
    return [diagnostic("exit-with-exits", { host: host.name, exit: first.value }, first.span, related)];
  });
}

/** An app takes one configuration, in which one peer has everything. */
export function appsHaveOneExit({ hosts }: Topology): readonly Diagnostic[] {
  return hosts.filter(isApp).flatMap(({ name: host, exits: [, second] }) => {
    return second === undefined ? [] : [diagnostic("app-with-several-exits", { host }, second.span)];
  });
}

/** The hosts by which guests of a subnet leave it. */
function gatewaysOf(subnet: SubnetInput, members: readonly HostInput[]): readonly string[] {
  const names = members.map(({ name }) => name);
  const { gateway, vxlan } = subnet;
  if (vxlan === undefined || gateway?.kind !== "perHost") return names;
  const own = gateway.hosts.map(({ host }) => host.value);
  return names.filter((name) => own.includes(name));
}

/** Each host's lists of exits: its own, and those of subnets that guests leave by it. */
function listsByHost(topology: Topology): ReadonlyMap<string, readonly Wish[]> {
  const membersOf = createMembers(topology);
  const asking = topology.subnets
    .filter(({ exits }) => exits.length > 0)
    .map((subnet) => ({ subnet, gateways: new Set(gatewaysOf(subnet, membersOf(subnet))) }));
  return new Map(
    topology.hosts.map(({ name, exits }) => {
      const ofSubnets = asking
        .filter(({ gateways }) => gateways.has(name))
        .map(({ subnet }) => ({ who: `the subnet ${subnet.name}`, exits: subnet.exits }));
      return [name, [{ who: name, exits }, ...ofSubnets].filter((list) => list.exits.length > 0)];
    }),
  );
}

const orderOf = ({ exits }: Wish): string => exits.map(({ value }) => value).join(", ");

/** On one host all leave by the same exits: a tunnel sends what is meant for nobody else to one peer. */
export function hostsHaveOneOrder(topology: Topology): readonly Diagnostic[] {
  const found = new Map<Wish["exits"], Diagnostic>();
  for (const [host, [first, ...others]] of listsByHost(topology)) {
    const other = first && others.find((each) => orderOf(each) !== orderOf(first));
    const [here, there] = [other?.exits[0], first?.exits[0]];
    if (first === undefined || other === undefined || here === undefined || there === undefined) continue;
    if (found.has(other.exits)) continue;
    const related: readonly Related[] = [{ message: `${first.who} leaves by ${orderOf(first)}`, span: there.span }];
    const params = { host, who: other.who, exits: orderOf(other), other: first.who, otherExits: orderOf(first) };
    found.set(other.exits, diagnostic("exits-differ", params, here.span, related));
  }
  return [...found.values()];
}

/** Packets of tunnels have one mark, by which they are told from what goes into a tunnel. */
export function marksAreFree({ hosts }: Topology): readonly Diagnostic[] {
  return hosts.flatMap(({ name: host, exits, extra, origin }) => {
    const line = extra.wireguard.find((each) => /^FwMark\b/i.test(each));
    return exits.length === 0 || line === undefined
      ? []
      : [diagnostic("exits-with-mark", { host, line }, originSpan(origin, "exits"))];
  });
}

/** An order is one of several. */
export function ordersAreOfSeveral({ exits, exitOrder, remotes, vrfs, origin }: Topology): readonly Diagnostic[] {
  const lists = [
    { of: "for what is in no VRF", exits, exitOrder, origin },
    ...vrfs.map((vrf) => ({ ...vrf, of: `of the VRF ${vrf.name}` })),
    ...remotes.map((remote) => ({ ...remote, of: `to the remote ${remote.name}` })),
  ];
  return lists
    .filter((list) => list.exitOrder !== undefined && list.exits.length < 2)
    .map(({ of, origin: own }) => diagnostic("exit-order-unused", { of }, originSpan(own, "exitOrder")));
}

/** Each exit of a VRF announces twice as many routes as the next one in strict order: the first of six has 32 and the default. */
const MOST_STRICT_EXITS = 6;

/** A strict order in a VRF is a short one. */
export function strictOrdersAreShort({ vrfs }: Topology): readonly Diagnostic[] {
  return vrfs
    .filter(({ exits, exitOrder }) => exitOrder === "strict" && exits.length > MOST_STRICT_EXITS)
    .map(({ name: vrf, exits, origin }) => {
      const params = { vrf, count: exits.length, most: MOST_STRICT_EXITS };
      return diagnostic("exit-order-too-long", params, originSpan(origin, "exitOrder"));
    });
}
