/** What two hosts need to share an address by VRRP. */
import { type Diagnostic, diagnostic } from "../base/diagnostic.ts";
import { containsAddress, type IpAddress } from "../base/ip.ts";
import { originSpan } from "../model/origin.ts";
import { lacksLanAddress, lanAddress, lanInterfaceOf } from "../topology/hosts.ts";
import { isBeside, type Pair, pairCandidates, resolvePairs } from "../topology/pairs.ts";
import type { HostInput, Topology } from "../topology/topology.ts";

type Candidate = ReturnType<typeof pairCandidates>[number];

/** Two share an address, not one and not three. */
export function pairsAreTwo(topology: Topology): readonly Diagnostic[] {
  return pairCandidates(topology)
    .filter(({ names }) => names.length !== 2)
    .map(({ what, where, names, vrrp }) =>
      diagnostic("vrrp-pair-size", { where, what, count: names.length }, vrrp.span),
    );
}

/** One host can take over one address. */
export function hostsShareOneAddress(topology: Topology): readonly Diagnostic[] {
  const seen = new Map<string, Candidate>();
  for (const candidate of pairCandidates(topology)) {
    for (const { value: host } of candidate.names) {
      const first = seen.get(host);
      seen.set(host, candidate);
      if (first === undefined || first === candidate) continue;
      const related = [{ message: "the first one is here", span: first.vrrp.span }];
      return [diagnostic("vrrp-twice", { host }, candidate.vrrp.span, related)];
    }
  }
  return [];
}

/** The addresses that some host has already. */
function addressesOf({ hosts }: Topology): ReadonlyMap<IpAddress, HostInput> {
  const own = hosts.flatMap((host) =>
    [host.lanEndpoint, ...host.endpoints.map(({ value }) => value)].flatMap((each) =>
      each?.kind === "address" && !host.isBehindNat ? [[each.address, host] as const] : [],
    ),
  );
  const lan = hosts.flatMap((host) => {
    const address = lanAddress(host);
    return address === undefined ? [] : [[address, host] as const];
  });
  return new Map([...own, ...lan]);
}

/** A shared address is nobody's own. */
export function sharedAddressesAreFree(topology: Topology): readonly Diagnostic[] {
  const owners = addressesOf(topology);
  return pairCandidates(topology).flatMap(({ vrrp }) => {
    const { address } = vrrp.address;
    const owner = owners.get(address);
    if (owner === undefined) return [];
    const related = [{ message: `${owner.name} has it here`, span: originSpan(owner.origin, "lanEndpoint") }];
    return [diagnostic("vrrp-address-taken", { address, host: owner.name }, vrrp.span, related)];
  });
}

/** A shared address stands beside the own ones of those who share it, and in their LAN. */
export function sharedAddressesStandBeside(topology: Topology): readonly Diagnostic[] {
  return pairCandidates(topology).flatMap(({ vrrp, site, names }) => {
    const { address, lengthBits } = vrrp.address;
    const named = topology.hosts.filter(({ name }) => names.some(({ value }) => value === name));
    const apart = named.find((host) => {
      const own = lanAddress(host);
      return own !== undefined && !isBeside(vrrp, own);
    });
    const isOutside =
      site !== undefined && site.lan.length > 0 && !site.lan.some(({ value }) => containsAddress(value, address));
    if (apart === undefined && !isOutside) return [];
    const beside =
      apart === undefined ? `in the LAN of ${site?.name}` : `beside ${lanAddress(apart)}, the address of ${apart.name}`;
    return [diagnostic("vrrp-address-outside", { address: `${address}/${lengthBits}`, beside }, vrrp.span)];
  });
}

interface Sharer extends Pick<Pair, "vrrp"> {
  readonly host: HostInput;
}

const sharersOf = (topology: Topology): readonly Sharer[] =>
  resolvePairs(topology).flatMap(({ hosts, vrrp }) => hosts.map((host) => ({ host, vrrp })));

const sharedHere = ({ vrrp }: Pick<Pair, "vrrp">) => [{ message: "the address is shared here", span: vrrp.span }];

/** Whoever shares an address has an interface to have it on. */
export function sharersHaveUplinks(topology: Topology): readonly Diagnostic[] {
  return sharersOf(topology)
    .filter(({ host }) => lanInterfaceOf(host) === undefined)
    .map(({ host: { name, origin }, vrrp }) =>
      diagnostic("vrrp-without-uplink", { host: name }, originSpan(origin), sharedHere({ vrrp })),
    );
}

/** An interface of its own to the LAN is one besides the uplink, and somewhere an address of the host is on it. */
export function lanInterfacesAreWhole(topology: Topology): readonly Diagnostic[] {
  return topology.hosts.flatMap((host) => {
    const { name, lanInterface, uplink, lanEndpoint, origin } = host;
    if (lanInterface === undefined) return [];
    const missing = [
      ...(uplink === undefined ? [{ key: "uplink", example: "eth0" }] : []),
      ...(lanEndpoint === undefined ? [{ key: "lanEndpoint", example: "192.168.2.7" }] : []),
    ];
    return missing.map(({ key, example }) => {
      const params = { host: name, interface: lanInterface, key, example };
      return diagnostic("lan-interface-incomplete", params, originSpan(origin, "lanInterface"));
    });
  });
}

/** Two that share an address find each other on the LAN. */
export function sharersHaveLanAddresses(topology: Topology): readonly Diagnostic[] {
  const why = "the other host that shares its address finds it there";
  return sharersOf(topology)
    .filter(({ host }) => lacksLanAddress(host))
    .map(({ host: { name, origin }, vrrp }) =>
      diagnostic("lan-address-missing", { host: name, why }, originSpan(origin, "lanEndpoint"), sharedHere({ vrrp })),
    );
}
