/** The objects of one cluster's SDN as files: the program that enters them, what Proxmox keeps of them, and Terraform's form. */
import type { OutputFile } from "../emit/file.ts";
import { sdnApply } from "./proxmox.generated.ts";
import type { Cluster } from "./sdn.ts";
import type { GoneObject } from "./sdn-gone.ts";
import type { SdnKind, SdnObject } from "./sdn-object.ts";
import { plainFile } from "./tar.ts";

const commented = (lines: readonly string[], mark = "#"): string => lines.map((line) => `${mark} ${line}\n`).join("");

const isSaid = ([, value]: readonly [string, string]): boolean => value !== "";

// ── Proxmox's own files (PVE::SectionConfig) ────────────────────────────────────────────────────────────────────────

const FILES: Readonly<Record<SdnKind, string>> = {
  controller: "controllers",
  zone: "zones",
  vnet: "vnets",
  subnet: "subnets",
};

function section({ type, id, values, about }: SdnObject): string {
  const lines = values.filter(isSaid).map(([key, value]) => `\t${key} ${value}\n`);
  return `${commented(about)}${type}: ${id}\n${lines.join("")}\n`;
}

function cfgFiles({ name, objects }: Cluster, by: string): readonly OutputFile[] {
  return (Object.keys(FILES) as SdnKind[]).flatMap((kind) => {
    const own = objects.filter((each) => each.kind === kind);
    if (own.length === 0) return [];
    const path = `${name}/sdn/${FILES[kind]}.cfg`;
    const head = commented([`${by}; as it comes to stand in /etc/pve/sdn, of objects that are netgen's alone.`]);
    return [plainFile(path, 0o644, `${head}\n${own.map(section).join("")}`)];
  });
}

// ── The program ─────────────────────────────────────────────────────────────────────────────────────────────────────

/** By which path of the API, by which key, and with which type where it has one. */
function wordsOf({ kind, type, id, values }: SdnObject): readonly string[] {
  const vnet = values.find(([key]) => key === "vnet")?.[1] ?? "";
  const path = kind === "subnet" ? `vnets/${vnet}/subnets` : FILES[kind];
  const own = values.filter(([key]) => key !== "vnet").map(([key, value]) => `${key}=${value}`);
  return [path, kind, id, kind === "vnet" ? "none" : type, ...own];
}

/** By which of its values an object is the one that was made: those of another one are somebody else's. */
const IDENTITY = new Set(["zone", "tag", "vrf-vxlan", "asn"]);

function goneWords({ returns, values, ...object }: GoneObject): string {
  const own = values.filter(([key]) => IDENTITY.has(key) || key === "vnet");
  return `${returns ? "again=yes " : ""}gone ${wordsOf({ ...object, values: own }).join(" ")}\n`;
}

function program({ name, objects, gone, hasLock }: Cluster, by: string): OutputFile {
  const lines = objects.map((each) => `${commented(each.about)}object ${wordsOf(each).join(" ")}\n`);
  const controllers = objects.filter(({ kind }) => kind === "controller").map(({ id }) => `only_controller ${id}\n`);
  const head = `#!/bin/bash\n# ${by}; changes belong in the topology.\nHAS_LOCK=${hasLock ? "yes" : "no"}\n`;
  const removals = gone.length === 0 ? "" : `${gone.map(goneWords).join("")}take_away\n`;
  const calls = `${controllers.join("")}${removals}${lines.join("")}`;
  return plainFile(`${name}/sdn-apply`, 0o755, `${head}${sdnApply}${calls}\napply\n`);
}

// ── Terraform, by the provider bpg/proxmox ──────────────────────────────────────────────────────────────────────────

/** Of its resources and their arguments, those whose names differ from the API's; `undefined`: it has no such argument. */
const ARGUMENTS: Readonly<Record<string, string | undefined>> = {
  exitnodes: "exit_nodes",
  "exitnodes-local-routing": "exit_nodes_local_routing",
  "exitnodes-primary": "primary_exit_node",
  "vrf-vxlan": "vrf_vxlan",
  mac: undefined,
};
const LISTS = new Set(["peers", "nodes", "exitnodes"]);
const TRUTHS = new Set(["snat", "exitnodes-local-routing"]);
const NUMBERS = new Set(["asn", "vrf-vxlan", "mtu", "tag"]);

function argumentOf([key, value]: readonly [string, string]): readonly (readonly [string, unknown])[] {
  const name = key in ARGUMENTS ? ARGUMENTS[key] : key;
  if (name === undefined || value === "") return [];
  if (LISTS.has(key)) return [[name, value.split(",")]];
  if (TRUTHS.has(key)) return [[name, value === "1"]];
  return [[name, NUMBERS.has(key) ? Number(value) : value]];
}

const resourceOf = ({ kind, type }: SdnObject): string =>
  `proxmox_sdn_${kind === "vnet" || kind === "subnet" ? kind : `${kind}_${type}`}`;

/** Names of Terraform's begin with a letter, and have no dots and colons. */
const labelOf = ({ id }: SdnObject): string => id.replace(/[.:]/g, "_");

/** `prod-10.1.1.0-24` as a prefix. */
const cidrOf = (id: string): string => id.replace(/^[^-]*-/, "").replace(/-(\d+)$/, "/$1");

const addressOf = (each: SdnObject): string => `${resourceOf(each)}.${labelOf(each)}`;

/** What it names comes first; the applier that all wait for is the last to go, when all are destroyed. */
function resource(each: SdnObject, objects: readonly SdnObject[]): unknown {
  const named = objects.filter(({ kind, id }) => each.values.some(([key, value]) => key === kind && value === id));
  return {
    ...(each.kind === "subnet" ? { cidr: cidrOf(each.id) } : { id: each.id }),
    ...Object.fromEntries(each.values.flatMap(argumentOf)),
    depends_on: [...named.map(addressOf), "proxmox_sdn_applier.finalizer"],
  };
}

function terraform({ name, objects }: Cluster, by: string): OutputFile {
  const types = [...new Set(objects.map(resourceOf))];
  const resources = types.map((type) => {
    const own = objects.filter((each) => resourceOf(each) === type);
    return [type, Object.fromEntries(own.map((each) => [labelOf(each), resource(each, objects)]))] as const;
  });
  const all = objects.map(addressOf);
  const applier = {
    finalizer: {},
    netgen: { depends_on: all, lifecycle: { replace_triggered_by: all } },
  };
  const config = {
    "//": `${by}. The provider's address and token are yours, in another file. It has no argument for a zone's MAC: see docs/proxmox.md.`,
    terraform: { required_providers: { proxmox: { source: "bpg/proxmox", version: ">= 0.105.0" } } },
    resource: { ...Object.fromEntries(resources), proxmox_sdn_applier: applier },
  };
  return plainFile(`${name}/terraform/main.tf.json`, 0o644, `${JSON.stringify(config, null, 2)}\n`);
}

/** All files of a cluster's SDN; of one that has no node any more, what takes it away. */
export function sdnFiles(cluster: Cluster, by: string): readonly OutputFile[] {
  if (cluster.nodes.length === 0) return [program(cluster, by)];
  return [program(cluster, by), ...cfgFiles(cluster, by), terraform(cluster, by)];
}
