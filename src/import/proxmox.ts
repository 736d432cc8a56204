/**
 * Proxmox's SDN, /etc/pve/sdn/*.cfg: sections "type: id", in them "key value" behind a tab, truth values 0 and 1, lists
 * with commas (pve-network, PVE::SectionConfig).
 */
import type { Source } from "../base/source.ts";
import {
  type FabricFacts,
  type Facts,
  type Finding,
  note,
  type Place,
  question,
  type Said,
  type SegmentFacts,
} from "./facts.ts";
import { asName } from "./names.ts";
import { readNumber } from "./values.ts";

interface Section {
  readonly type: string;
  readonly id: string;
  readonly place: Place;
  readonly values: Map<string, Said<string>>;
}

const HEADER = /^([a-z]+): *(\S+)$/;
const VALUE = /^\s+([a-z][a-z0-9-]*)(?: +(.*))?$/;

function sectionsOf({ name, text }: Source, findings: Finding[]): readonly Section[] {
  const sections: Section[] = [];
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const place = { file: name, line: index + 1 };
    if (/^\s*(?:#|$)/.test(raw)) continue;
    const [, type = "", id] = HEADER.exec(raw) ?? [];
    const [, key, value = ""] = VALUE.exec(raw) ?? [];
    const values = sections.at(-1)?.values;
    if (id !== undefined) sections.push({ type, id, place, values: new Map() });
    else if (key !== undefined && values !== undefined) values.set(key, { value: value.trim(), place });
    else findings.push(question(`"${raw.trim()}" is no line of Proxmox's SDN; it was left out`, place));
  }
  return sections;
}

const textOf = ({ values }: Section, key: string): string => values.get(key)?.value ?? "";

function listOf({ values, place }: Section, key: string): readonly Said<string>[] {
  const said = values.get(key);
  const texts = (said?.value ?? "").split(/[,;\s]+/).filter((text) => text !== "");
  return texts.map((value) => ({ value, place: said?.place ?? place }));
}

function numberOf(section: Section, key: string, high: number, findings: Finding[]): number | undefined {
  const said = section.values.get(key);
  return said && readNumber(said.value, { what: key, low: 1, high, place: said.place }, findings);
}

/** What has a counterpart here, by the type of the section; of all else it is said that it has none. */
const KNOWN: Readonly<Record<string, string>> = {
  "zone evpn": "controller vrf-vxlan exitnodes nodes exitnodes-primary exitnodes-local-routing ipam",
  "zone vxlan": "peers nodes ipam",
  "vnet vnet": "zone tag",
  "subnet subnet": "vnet gateway snat",
  "controller evpn": "asn peers",
};

/** "evpn" stands for zones and controllers: a controller has an AS number. */
function kindOf(section: Section): string {
  const { type, values } = section;
  if (type === "evpn") return values.has("asn") ? "controller evpn" : "zone evpn";
  if (type === "vnet" || type === "subnet") return `${type} ${type}`;
  return type === "bgp" || type === "isis" ? `controller ${type}` : `zone ${type}`;
}

function tellRest(section: Section, findings: Finding[]): void {
  const known = KNOWN[kindOf(section)];
  if (known === undefined) {
    findings.push(
      question(`${section.type}: ${section.id} has no counterpart in netgen; it was left out`, section.place),
    );
    return;
  }
  for (const [key, { value, place }] of section.values) {
    if (known.split(" ").includes(key)) continue;
    const reason = key === "mtu" ? "; netgen works it out, see netgen mtu" : "";
    findings.push(note(`${section.id}: "${key} ${value}" was not taken over${reason}`, place));
  }
}

/** `prod-10.1.1.0-24` and `prod-fd00::-64`. */
const cidrOf = (id: string): string => id.replace(/^[^-]*-/, "").replace(/-(\d+)$/, "/$1");

function segmentOf(vnet: Section, all: readonly Section[], findings: Finding[]): readonly SegmentFacts[] {
  const zone = all.find(({ type, id }) => (type === "evpn" || type === "vxlan") && id === textOf(vnet, "zone"));
  const name = asName(vnet.id);
  const vni = numberOf(vnet, "tag", 16_777_215, findings);
  if (zone === undefined || name === undefined || vni === undefined) {
    const why = zone === undefined ? `its zone "${textOf(vnet, "zone")}" is none of EVPN or VXLAN` : "it has no tag";
    findings.push(question(`the vnet ${vnet.id} was left out: ${why}`, vnet.place));
    return [];
  }
  const subnets = all.filter((each) => each.type === "subnet" && textOf(each, "vnet") === vnet.id);
  return [
    {
      name,
      vni,
      cidrs: subnets.map(({ id }) => cidrOf(id)),
      gateways: subnets.map((subnet) => textOf(subnet, "gateway")).filter((gateway) => gateway !== ""),
      snat: subnets.some((subnet) => textOf(subnet, "snat") === "1"),
      vrf: zone.type === "evpn" ? asName(zone.id) : undefined,
      place: vnet.place,
    },
  ];
}

function fabricOf(all: readonly Section[], findings: Finding[]): FabricFacts {
  const controllers = all.filter((section) => kindOf(section) === "controller evpn");
  const zones = all.filter((section) => kindOf(section) === "zone evpn");
  const flat = all.filter((section) => kindOf(section) === "zone vxlan");
  const [controller] = controllers;
  return {
    asn: controller && numberOf(controller, "asn", 4_294_967_294, findings),
    nodes: [...zones, ...flat].flatMap((zone) => [...listOf(zone, "nodes"), ...listOf(zone, "exitnodes")]),
    addresses: [...controllers, ...flat].flatMap((section) => listOf(section, "peers")),
    segments: all.filter(({ type }) => type === "vnet").flatMap((vnet) => segmentOf(vnet, all, findings)),
    vrfs: zones.flatMap((zone) => {
      const vni = numberOf(zone, "vrf-vxlan", 16_777_215, findings);
      const name = asName(zone.id);
      if (vni === undefined || name === undefined) return [];
      return [{ name, vni, exits: listOf(zone, "exitnodes").map(({ value }) => value), place: zone.place }];
    }),
  };
}

/** All files are one cluster's. */
export function readProxmox(sources: readonly Source[]): Facts {
  const findings: Finding[] = [];
  const all = sources.flatMap((source) => sectionsOf(source, findings));
  for (const section of all) tellRest(section, findings);
  return { hosts: [], fabric: fabricOf(all, findings), findings };
}
