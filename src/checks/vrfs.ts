import { type Diagnostic, diagnostic } from "../base/diagnostic.ts";
import { grouped } from "../base/grouped.ts";
import { must } from "../base/invariant.ts";
import { containsAddress, type IpAddress } from "../base/ip.ts";
import { createPrefixIndex, type PrefixIndex } from "../base/prefix-index.ts";
import type { Exit } from "../model/exit.ts";
import type { Host } from "../model/host.ts";
import type { Network, OverlayPrefix } from "../model/network.ts";
import { originSpan } from "../model/origin.ts";
import type { Vrf } from "../model/vrf.ts";
import { useInWords } from "./addressing.ts";

/** Which host a prefix of a VRF is behind is told by EVPN alone. */
export function vrfsHaveBgp(network: Network): readonly Diagnostic[] {
  if (network.bgp.kind !== "none") return [];
  return network.vrfs
    .filter((vrf) => vrf.members.length > 0)
    .map((vrf) => diagnostic("vrf-without-bgp", { vrf: vrf.name }, originSpan(vrf.origin)));
}

/** What netgen knows to be a host's own addresses in its own table: every lookup finds them first, a VRF's too. */
function ownAddresses({ interfaces, reach, bridges }: Host): readonly IpAddress[] {
  const ofBridges = bridges.filter((bridge) => bridge.vrf === undefined).flatMap((bridge) => bridge.addresses);
  // What a router in front of the host forwards is no address of the host's.
  const dialled = [reach.lanEndpoint, ...(reach.isBehindNat ? [] : reach.endpoints)];
  return [
    ...[...interfaces.flatMap((link) => link.addresses), ...ofBridges].map((each) => each.address),
    ...dialled.flatMap((endpoint) => (endpoint?.kind === "address" ? [endpoint.address] : [])),
  ];
}

/** An address that a prefix of a VRF holds, and whose it is. */
interface Held {
  readonly host: Host;
  readonly address: IpAddress;
}

/** Rule 0 of the kernel looks up local addresses before any VRF's table. */
export function vrfsSpareHostAddresses(network: Network): readonly Diagnostic[] {
  const hosts = new Map(network.hosts.map((host) => [host.name, host]));
  return network.vrfs.flatMap(({ name: vrf, members }) => {
    const index = createPrefixIndex(network.prefixes.filter((each) => each.vrf === vrf));
    const held = new Map<OverlayPrefix, Held>();
    for (const member of members) {
      const host = must(hosts.get(member), "members are hosts");
      for (const address of ownAddresses(host)) {
        const [each] = index.holding(address);
        if (each !== undefined && !held.has(each)) held.set(each, { host, address });
      }
    }
    return [...held].map(([each, { host, address }]) => {
      const params = { prefix: each.prefix, use: useInWords(each), vrf, address, host: host.name };
      const related = [{ message: `${host.name} is here`, span: originSpan(host.origin) }];
      return diagnostic("vrf-holds-host-address", params, each.span, related);
    });
  });
}

/** Exits that stand in one list, and what they are exits of, in words. */
interface ExitList {
  readonly vrf: string | undefined;
  /** Whose own prefixes may be asked. */
  readonly remote: string | undefined;
  readonly of: string;
  readonly exits: readonly Exit[];
}

const exitLists = ({ vrfs, exits, remotes }: Network): readonly ExitList[] => [
  ...vrfs.map(({ name: vrf, exits: own }) => ({ vrf, remote: undefined, of: `of the VRF ${vrf}`, exits: own })),
  { vrf: undefined, remote: undefined, of: "for what is in no VRF", exits },
  ...remotes.map(({ name: remote, exits: own }) => ({
    vrf: undefined,
    remote,
    of: `to the remote ${remote}`,
    exits: own,
  })),
];

/** A host has one way out of a VRF. */
export function exitHostsDistinct(network: Network): readonly Diagnostic[] {
  return exitLists(network).flatMap(({ of, exits }) => {
    const known = new Map<string, Exit>();
    return exits.flatMap((exit) => {
      const first = known.get(exit.host);
      known.set(exit.host, first ?? exit);
      if (first === undefined) return [];
      const related = [{ message: "it is one here already", span: originSpan(first.origin, "host") }];
      return [diagnostic("exit-host-twice", { of, host: exit.host }, originSpan(exit.origin, "host"), related)];
    });
  });
}

interface ExitOfVrf {
  readonly vrf: Vrf;
  readonly exit: Exit;
}

const exitsOfVrfs = ({ vrfs }: Network): readonly ExitOfVrf[] =>
  vrfs.flatMap((vrf) => vrf.exits.map((exit): ExitOfVrf => ({ vrf, exit })));

/** An exit's probe shows that the way out leads somewhere: a target in the overlay would show nothing. */
export function probesLeadOut(network: Network): readonly Diagnostic[] {
  return exitLists(network).flatMap(({ vrf, remote, of, exits }) => {
    const isBeyond = ({ use }: OverlayPrefix): boolean => use.kind === "remote" && use.remote === remote;
    const near = network.prefixes.filter((each) => (each.vrf === undefined || each.vrf === vrf) && !isBeyond(each));
    return exits.flatMap(({ host, probes, origin }) =>
      probes.flatMap((address, index) => {
        const inside = near.find((each) => containsAddress(each.prefix, address));
        if (inside === undefined) return [];
        const params = { of, host, address, prefix: inside.prefix, use: useInWords(inside) };
        const related = [{ message: `${inside.prefix} is declared here`, span: inside.span }];
        return [diagnostic("exit-probe-in-overlay", params, originSpan(origin, `probe/${index}`), related)];
      }),
    );
  });
}

/** The first prefix of a VRF that overlaps one of some others, with that one. */
function firstOverlap(own: readonly OverlayPrefix[], others: readonly PrefixIndex<OverlayPrefix>[]) {
  for (const each of own) {
    const other = others.flatMap((index) => index.overlapping(each.prefix))[0];
    if (other !== undefined) return { each, other };
  }
  return undefined;
}

/** An exit's own table leads replies into its VRF: so it knows each address once, the default VRF's among them. */
export function exitsKnowWhoIsMeant(network: Network): readonly Diagnostic[] {
  const found = new Map<string, Diagnostic>();
  const byHost = [...grouped(exitsOfVrfs(network), ({ exit }) => exit.host).values()];
  const byVrf = grouped(network.prefixes, (each) => each.vrf);
  const prefixesOf = (vrf: string | undefined) => byVrf.get(vrf) ?? [];
  const indices = new Map([...byVrf].map(([vrf, prefixes]) => [vrf, createPrefixIndex(prefixes)]));
  for (const { vrf, exit, own } of byHost.flatMap((own) => own.map((each) => ({ ...each, own })))) {
    const besides = own.filter((other) => other.vrf.name > vrf.name);
    const others = [undefined, ...besides.map((other) => other.vrf.name)].flatMap((name) => indices.get(name) ?? []);
    const pair = firstOverlap(prefixesOf(vrf.name), others);
    if (pair === undefined) continue;
    const { each, other } = pair;
    const key = `${exit.host} ${each.prefix} ${other.prefix}`;
    const params = {
      prefix: each.prefix,
      use: useInWords(each),
      other: other.prefix,
      otherUse: useInWords(other),
      host: exit.host,
    };
    const related = [
      { message: `${each.prefix} is declared here`, span: each.span },
      { message: `${other.prefix} is declared here`, span: other.span },
    ];
    found.set(key, diagnostic("exit-prefix-overlap", params, originSpan(exit.origin, "host"), related));
  }
  return [...found.values()];
}
