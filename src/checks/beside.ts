/**
 * What two fleets on one host must leave to each other: all that a host has once only. A host of the same name in both is one
 * machine. Names that carry a fleet's number differ by themselves.
 */
import { type Diagnostic, diagnostic } from "../base/diagnostic.ts";
import { grouped } from "../base/grouped.ts";
import { createPrefixIndex } from "../base/prefix-index.ts";
import type { Source, Span } from "../base/source.ts";
import { cutTable, fleetNumber, ownTables } from "../model/fleet.ts";
import { type Host, outerLinks } from "../model/host.ts";
import type { Network } from "../model/network.ts";
import { originSpan } from "../model/origin.ts";
import { useInWords } from "./addressing.ts";
import { interfaceUses } from "./interfaces.ts";
import { SINGLES } from "./singles.ts";

/** Another fleet, and the file that it is in. */
export interface Beside {
  readonly network: Network;
  readonly source: Source;
}

/** A host of this fleet, and what is the same machine in the other. */
interface Shared {
  readonly host: Host;
  readonly twin: Host;
}

/** Something that a host has once only, and what has it. */
interface Claim {
  readonly what: string;
  readonly use: string;
  readonly span: Span;
  /** A bridge of another program's with VLANs, of which each fleet has some. */
  readonly isShared?: boolean;
}

const fleetSpan = ({ origin }: Network): Span => originSpan(origin, "fleet");

/** Hosts that netgen writes files for in both. */
function sharedHosts(network: Network, beside: Network): readonly Shared[] {
  const twins = new Map(beside.hosts.filter(({ app }) => app === undefined).map((host) => [host.name, host]));
  return network.hosts.flatMap((host) => {
    const twin = host.app === undefined ? twins.get(host.name) : undefined;
    return twin === undefined ? [] : [{ host, twin }];
  });
}

/** Files, units and tables of one name would be one fleet's or the other's. */
function numbersDiffer(network: Network, { network: other, source }: Beside, { host }: Shared): readonly Diagnostic[] {
  if (network.fleet !== other.fleet) return [];
  const number = network.fleet === undefined ? "no number" : `the number ${network.fleet}`;
  const params = { host: host.name, file: source.name, number };
  const related = [{ message: "the other fleet is here", span: fleetSpan(other), source }];
  return [diagnostic("fleet-number-taken", params, fleetSpan(network), related)];
}

// ── What has a name or a number on the host ─────────────────────────────────────────────────────────────────────────

/** All but the ways out, which are there for everybody. */
function ownInterfaces(network: Network, host: Host): readonly Claim[] {
  const remotes = (host.egress?.remotes ?? []).map(({ own }) => own);
  const exits = [host.exit, ...remotes, ...host.vrfs.map(({ exit }) => exit)];
  const outer = new Set([...outerLinks(host), ...exits.map((exit) => exit?.interface)]);
  const others = new Set(host.vlanBridges.filter(({ isExisting }) => isExisting).map(({ name }) => name));
  const own = interfaceUses(network, host).filter(({ name }) => !outer.has(name));
  return own.map(({ name, use, span }) => ({ what: name, use, span, isShared: others.has(name) }));
}

/** WireGuard has a port by itself, and VXLAN one that the guard of each fleet lets only its own hosts in by. */
function udpPorts({ origin }: Network, host: Host): readonly Claim[] {
  const listening = host.interfaces.map(({ name, listenPort }) => ({
    what: String(listenPort),
    use: `WireGuard's ${name}`,
    span: host.origin.listenPort ?? originSpan(origin, "wireguard/listenPort"),
  }));
  const [device] = [...host.vxlans, ...host.vrfs.map(({ vxlan }) => vxlan)];
  if (device === undefined) return listening;
  return [
    ...listening,
    { what: String(device.port), use: "VXLAN's", span: origin.vxlanPort ?? originSpan(device.origin) },
  ];
}

function routingTables(network: Network, { vrfs, vxlans, egress }: Host): readonly Claim[] {
  const ofVrfs = vrfs.map(({ name, table, origin }) => ({
    what: String(table),
    use: `that of the VRF ${name}`,
    span: originSpan(origin, "table"),
  }));
  const isUsed = new Map([
    [fleetNumber(network), egress !== undefined],
    [cutTable(network), vxlans.some(({ cut }) => cut !== undefined)],
  ]);
  const own = [...ownTables(network)].filter(([table]) => isUsed.get(table));
  return [...ofVrfs, ...own.map(([table, use]) => ({ what: String(table), use, span: fleetSpan(network) }))];
}

const LAWS = [
  { code: "fleet-interface-taken", claims: ownInterfaces },
  { code: "fleet-port-taken", claims: udpPorts },
  { code: "fleet-table-taken", claims: routingTables },
] as const;

/** What both claim. */
function claimedTwice(network: Network, { network: other, source }: Beside, { host, twin }: Shared) {
  return LAWS.flatMap(({ code, claims }) => {
    const theirs = new Map(claims(other, twin).map((claim) => [claim.what, claim]));
    return claims(network, host).flatMap(({ what, use, span, isShared }) => {
      const claim = theirs.get(what);
      if (claim === undefined || (isShared && claim.isShared)) return [];
      const params = { host: host.name, what, use, file: source.name, other: claim.use };
      const related = [{ message: `${what} is ${claim.use} here`, span: claim.span, source }];
      return [diagnostic(code, params, span, related)];
    });
  });
}

// ── What a host has one of ──────────────────────────────────────────────────────────────────────────────────────────

function singlesTaken(network: Network, { network: beside, source }: Beside, { host, twin }: Shared) {
  return SINGLES.filter(({ isTaken }) => isTaken(host, twin, { own: network, other: beside })).map(
    ({ what, other, why, span }) => {
      const related = [{ message: `${host.name} has ${other} here`, span: span(beside, twin), source }];
      const params = { host: host.name, what, other, file: source.name, why };
      return diagnostic("fleet-conflict", params, span(network, host), related);
    },
  );
}

/** A program knows a network by its name. */
function networksApart(_: Network, { source }: Beside, { host, twin }: Shared) {
  return host.containers.flatMap(({ program, subnet, origin }) => {
    const other = twin.containers.find((each) => each.program === program && each.subnet === subnet);
    if (other === undefined) return [];
    const what = `the containers' network ${subnet}`;
    const why = `${program} knows a network by its name: call one of the two subnets otherwise`;
    const related = [{ message: `${host.name} has it here`, span: originSpan(other.origin), source }];
    const params = { host: host.name, what, other: "that", file: source.name, why };
    return [diagnostic("fleet-conflict", params, originSpan(origin), related)];
  });
}

// ── Prefixes ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** In a host's own table a prefix leads one way. Its own LAN is routed by neither. */
function prefixesApart(network: Network, { network: beside, source }: Beside, { host, twin }: Shared) {
  const routedOn = ({ prefixes }: Network, { reach }: Host) =>
    prefixes.filter(({ use, vrf }) => vrf === undefined && !(use.kind === "lan" && use.site === reach.site));
  const theirs = createPrefixIndex(routedOn(beside, twin));
  return routedOn(network, host).flatMap((own) => {
    const [first] = theirs.overlapping(own.prefix);
    if (first === undefined) return [];
    const [use, otherUse] = [useInWords(own), useInWords(first)];
    const params = { prefix: own.prefix, use, other: first.prefix, otherUse, file: source.name, host: host.name };
    const related = [{ message: `${first.prefix} is declared here`, span: first.span, source }];
    return [diagnostic("fleet-prefix-overlap", params, own.span, related)];
  });
}

/** Another fleet of which nothing can be said. */
export const besideUnfit = (network: Network, { name: file }: Source): Diagnostic =>
  diagnostic("fleet-unfit", { file }, fleetSpan(network));

/** What is wrong with a fleet beside another one. The same thing is said once, of the first host that has it. */
export function checkBeside(network: Network, beside: Beside): readonly Diagnostic[] {
  const shared = sharedHosts(network, beside.network);
  const [first] = shared;
  if (first === undefined) return [];
  const ofNumbers = numbersDiffer(network, beside, first);
  // Names that are the same follow from it.
  if (ofNumbers.length > 0) return ofNumbers;
  const found = shared.flatMap((each) =>
    [claimedTwice, singlesTaken, networksApart, prefixesApart].flatMap((law) => law(network, beside, each)),
  );
  const keyOf = ({ code, span, related }: Diagnostic): string =>
    [code, span.start, ...related.map((each) => each.span.start)].join(" ");
  return [...grouped(found, keyOf).values()].flatMap((alike) => alike.slice(0, 1));
}
