import type { Host, Network, Peer, Segment } from "../model/network.ts";
import type { OutputFile } from "./file.ts";
import { encode, render, type View } from "./template.ts";

/** The network with its lists indexed by name, and what emitters of one compilation share. */
export interface EmitContext {
  readonly network: Network;
  readonly hosts: ReadonlyMap<string, Host>;
  readonly peers: ReadonlyMap<string, Peer>;
  readonly segments: ReadonlyMap<string, Segment>;
}

/** One kind of output: all files of that kind for one host. No file where the host has no use for it. */
export type Emitter = (host: Host, context: EmitContext) => readonly OutputFile[];

/** Mode and owner of a file that anyone on the host may read. */
const PUBLIC = { mode: 0o644, owner: "root", group: "root" } as const;

/** A world-readable file of root's, printed through a template. */
export function publicFile(host: Host, path: string, template: string, view: View): OutputFile {
  return { path: `${host.name}/${path}`, ...PUBLIC, content: [encode(render(template, view))] };
}

/** A script of root's that anyone may run, printed through a template. */
export function scriptFile(host: Host, path: string, template: string, view: View): OutputFile {
  return { ...publicFile(host, path, template, view), mode: 0o755 };
}

/** What every head line says: whose file this is and where it comes from. No date, no version: they would move golden files. */
export function header(host: Host, { network }: EmitContext): { readonly topology: string; readonly host: string } {
  return { topology: network.name, host: host.name };
}
