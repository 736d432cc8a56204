/** What two hosts need to share an address, and what they cannot have when they share a key as well. */
import { type Diagnostic, diagnostic } from "../base/diagnostic.ts";
import { containsAddress, type IpAddress } from "../base/ip.ts";
import { originSpan } from "../model/origin.ts";
import { hasTunnels, lanAddress } from "../topology/hosts.ts";
import { isBeside, type Pair, pairCandidates, resolvePairs } from "../topology/pairs.ts";
import type { HostInput, SubnetInput, Topology } from "../topology/topology.ts";

type Candidate = ReturnType<typeof pairCandidates>[number];

function checkSize({ what, where, names, vrrp }: Candidate, found: Diagnostic[]): void {
  if (names.length === 2) return;
  found.push(diagnostic("vrrp-pair-size", { where, what, count: names.length }, vrrp.span));
}

/** The addresses that some host has already. */
function addressesOf({ hosts }: Topology): ReadonlyMap<IpAddress, HostInput> {
  const own = hosts.flatMap((host) =>
    [host.lanEndpoint, host.endpoint].flatMap((each) =>
      each?.kind === "address" && !host.isBehindNat ? [[each.address, host] as const] : [],
    ),
  );
  const lan = hosts.flatMap((host) => {
    const address = lanAddress(host);
    return address === undefined ? [] : [[address, host] as const];
  });
  return new Map([...own, ...lan]);
}

function checkAddress({ vrrp, site, names }: Candidate, topology: Topology, found: Diagnostic[]): void {
  const { address } = vrrp.address;
  const owner = addressesOf(topology).get(address);
  if (owner !== undefined) {
    const related = [{ message: `${owner.name} has it here`, span: originSpan(owner.origin, "lanEndpoint") }];
    found.push(diagnostic("vrrp-address-taken", { address, host: owner.name }, vrrp.span, related));
  }
  const named = topology.hosts.filter(({ name }) => names.some(({ value }) => value === name));
  const apart = named.find((host) => {
    const own = lanAddress(host);
    return own !== undefined && !isBeside(vrrp, own);
  });
  const isOutside =
    site !== undefined && site.lan.length > 0 && !site.lan.some(({ value }) => containsAddress(value, address));
  if (apart === undefined && !isOutside) return;
  const beside =
    apart === undefined ? `in the LAN of ${site?.name}` : `beside ${lanAddress(apart)}, the address of ${apart.name}`;
  const text = `${address}/${vrrp.address.lengthBits}`;
  found.push(diagnostic("vrrp-address-outside", { address: text, beside }, vrrp.span));
}

function checkMember(host: HostInput, { vrrp }: Pair, found: Diagnostic[]): void {
  const related = [{ message: "the address is shared here", span: vrrp.span }];
  if (host.uplink === undefined) {
    found.push(diagnostic("vrrp-without-uplink", { host: host.name }, originSpan(host.origin), related));
  }
  if (lanAddress(host) === undefined) {
    const why = "the other host that shares its address finds it there";
    found.push(
      diagnostic("lan-address-missing", { host: host.name, why }, originSpan(host.origin, "lanEndpoint"), related),
    );
  }
}

const endpointText = ({ endpoint }: HostInput): string => {
  if (endpoint === undefined) return "none";
  const place = endpoint.kind === "address" ? endpoint.address : endpoint.name;
  return endpoint.port === undefined ? place : `${place} port ${endpoint.port}`;
};

/** Peers know the two as one, at one endpoint, and in one site. */
function checkSameness({ hosts: [a, b], vrrp }: Pair, found: Diagnostic[]): void {
  const related = [{ message: "the address is shared here", span: vrrp.span }];
  const names = { host: a.name, other: b.name };
  if (endpointText(a) !== endpointText(b)) {
    const params = { ...names, endpoint: endpointText(a), otherEndpoint: endpointText(b) };
    found.push(diagnostic("vrrp-endpoints-differ", params, originSpan(b.origin, "endpoint"), related));
  }
  if (a.site === undefined || a.site !== b.site) {
    found.push(diagnostic("vrrp-hubs-apart", names, originSpan(b.origin, "site"), related));
  }
}

function isMember({ members }: SubnetInput, { name, site }: HostInput, isHub: boolean): boolean {
  // Hubs are left out of "all".
  if (members === "all") return !isHub;
  return members.some(({ value }) => value === name || value === site);
}

/** Nothing that leads to one of the two alone: packets go to whichever is the master. */
function checkPossessions({ subnets }: Topology, host: HostInput, pair: Pair, found: Diagnostic[]): void {
  const related = [{ message: "the address is shared here", span: pair.vrrp.span }];
  const own = subnets.filter((subnet) => isMember(subnet, host, pair.isOfHubs));
  for (const { name, origin } of own) {
    const params = { host: host.name, what: `a member of ${name}` };
    found.push(diagnostic("vrrp-owns-prefix", params, originSpan(origin, "hosts"), related));
  }
  for (const { value, span } of host.routes) {
    found.push(diagnostic("vrrp-owns-prefix", { host: host.name, what: `the way to ${value}` }, span, related));
  }
}

function checkExclusive(pair: Pair, topology: Topology, found: Diagnostic[]): void {
  const { vrrp, hosts } = pair;
  const { bgp, wireguard } = topology;
  checkSameness(pair, found);
  for (const host of hosts) checkPossessions(topology, host, pair, found);
  if (bgp !== undefined) {
    const related = [{ message: "bgp is asked for here", span: originSpan(bgp.origin) }];
    found.push(diagnostic("vrrp-with-bgp", {}, vrrp.span, related));
  }
  if (wireguard.presharedKeys !== true) return;
  const related = [{ message: "they are asked for here", span: originSpan(wireguard.origin, "presharedKeys") }];
  const [{ name: host }, { name: other }] = hosts;
  found.push(diagnostic("vrrp-with-preshared-keys", { host, other }, vrrp.span, related));
}

/** One host can take over one address. */
function checkTwice(candidates: readonly Candidate[], found: Diagnostic[]): void {
  const seen = new Map<string, Candidate>();
  for (const candidate of candidates) {
    for (const { value: host } of candidate.names) {
      const first = seen.get(host);
      seen.set(host, candidate);
      if (first === undefined || first === candidate) continue;
      const related = [{ message: "the first one is here", span: first.vrrp.span }];
      found.push(diagnostic("vrrp-twice", { host }, candidate.vrrp.span, related));
      return;
    }
  }
}

/** Reports what keeps two hosts from sharing an address. */
export function checkPairs(topology: Topology, found: Diagnostic[]): void {
  const candidates = pairCandidates(topology);
  for (const candidate of candidates) {
    checkSize(candidate, found);
    checkAddress(candidate, topology, found);
  }
  checkTwice(candidates, found);
  for (const pair of resolvePairs(topology)) {
    for (const host of pair.hosts.filter(hasTunnels)) checkMember(host, pair, found);
    if (pair.isExclusive) checkExclusive(pair, topology, found);
  }
}
