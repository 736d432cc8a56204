/** What the commands that deal with an output tree share: which tree, where it stands, why it cannot be written, and what was. */
import { type Manifest, parseManifest } from "../write/manifest.ts";
import { manifestText, type Refusal, type Tree } from "../write/plan.ts";
import type { Written } from "../write/write.ts";
import { EXIT_DONE, machineError } from "./exit.ts";
import { beside, type CommonOptions, type CompiledSession, exitCodeOf } from "./session.ts";

export interface TreeOptions extends CommonOptions {
  readonly output?: string;
  readonly hosts?: string;
}

/** What was compiled, or `undefined` when there is an error. */
export function treeOf(session: CompiledSession): Tree | undefined {
  if (session.model === undefined || exitCodeOf(session) !== EXIT_DONE) return undefined;
  return { name: session.model.name, files: session.files, units: session.units };
}

/** The hosts of `--hosts`; `undefined`: all. @throws Error when the topology has no such host. */
export function askedHosts({ model }: CompiledSession, hosts: string | undefined): readonly string[] | undefined {
  const asked = hosts?.split(",").map((name) => name.trim());
  const unknown = asked?.filter((name) => !model?.hosts.some((host) => host.name === name)) ?? [];
  if (unknown.length > 0) {
    throw machineError(`--hosts: the topology has no host ${unknown.map((name) => `"${name}"`).join(", ")}`);
  }
  return asked;
}

type Writer = "build" | "ansible" | "monitoring" | "proxmox" | "cloud-routes";

/** Of which command a manifest is: only the tree of a build has hosts, rules and programs for clusters are what one alone writes. */
function writerOf({ hosts, files }: Manifest): Writer {
  if (Object.keys(hosts).length > 0) return "build";
  if (files.some(({ path }) => path.endsWith("/sdn-apply"))) return "proxmox";
  if (files.some(({ path }) => /^[^/]+\/routes-apply$/.test(path))) return "cloud-routes";
  return files.some(({ path }) => path === "rules/netgen.rules.yml") ? "monitoring" : "ansible";
}

/**
 * Each command takes away what it wrote and no longer makes, which is all that another one wrote. @throws Error when another one
 * wrote this directory.
 */
export function refuseOther(command: Writer, directory: string): void {
  const manifest = parseManifest(manifestText(directory));
  if (manifest === undefined || manifest.files.length === 0) return;
  const writer = writerOf(manifest);
  if (writer === command) return;
  throw machineError(`${directory} is a tree that netgen ${writer} wrote; name another directory with -o`);
}

/** The directory of the tree, and the part of it that is asked for. */
export function treePlace(session: CompiledSession, topology: string, { output, hosts }: TreeOptions) {
  const directory = output ?? beside(topology, "out");
  refuseOther("build", directory);
  return { directory, hosts: askedHosts(session, hosts) };
}

export type Place = ReturnType<typeof treePlace>;

const MAX_PATHS_LISTED = 20;

export function listPaths(sign: string, paths: readonly string[]): string {
  const lines = paths.slice(0, MAX_PATHS_LISTED).map((path) => `  ${sign} ${path}\n`);
  const rest = paths.length - lines.length;
  return lines.join("") + (rest > 0 ? `  ${sign} and ${rest} more\n` : "");
}

/** What was written over and removed, and what of that somebody had edited. */
export function listChanges({ changed, edited, removed }: Written): string {
  const note =
    edited.length === 0 ? "" : `Edited since netgen wrote them, and replaced or removed:\n${listPaths("!", edited)}`;
  return `${listPaths("~", changed)}${listPaths("-", removed)}${note}`;
}

export function countAll({ created, changed, removed, unchanged }: Written): string {
  return `${created.length} new, ${changed.length} changed, ${removed.length} removed, ${unchanged} as they were`;
}

/** Why a tree is left alone, and what may be done about it; `command`: which writes it. */
export function complain(outcome: string, directory: string, refusal: Refusal, command = "build"): string {
  const { reason, paths, canForce } = refusal;
  const way = canForce ? `Move it away, or let ${command} replace it with --force.\n` : "";
  return `netgen: ${outcome}: in ${directory} this ${reason}:\n${listPaths("!", paths)}${way}`;
}
