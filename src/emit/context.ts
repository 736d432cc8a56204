import type { Host } from "../model/host.ts";
import type { Network } from "../model/network.ts";
import type { OutputFile } from "./file.ts";

/** The network with its hosts by name, and what emitters of one compilation share. */
export interface EmitContext {
  readonly network: Network;
  readonly hosts: ReadonlyMap<string, Host>;
}

/** One kind of output: all files of that kind for one host. No file where the host has no use for it. */
export type Emitter = (host: Host, context: EmitContext) => readonly OutputFile[];
