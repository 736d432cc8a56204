/** From views to files: the head line that every file begins with, then a template. */
import { onceByKey } from "../base/once.ts";
import type { Host } from "../model/host.ts";
import type { EmitContext } from "./context.ts";
import type { OutputFile } from "./file.ts";
import { type Print, print } from "./shared.ts";
import { encode, render } from "./template.ts";

/** How a file's format begins a comment; a script begins with its interpreter. */
export type Head = "#" | "!" | "#!/bin/bash";

/** JSON has no comments: its templates say {@link sourceOf} as a name that readers pass over. */
const HEADLESS = "none";

/** What a file is written from. */
export const sourceOf = ({ name }: Host, { network }: EmitContext): string => `${network.name} for ${name}`;

// By the host's name: every file asks for one, and a view is a long key.
const heads = onceByKey<EmitContext, Uint8Array>();

/** Whose file this is and where it comes from. No date, no version: they would move golden files. */
export function headOf(host: Host, context: EmitContext, head: Head): Uint8Array {
  return heads(context, `${head} ${host.name}`, () => {
    const isScript = head === "#!/bin/bash";
    const view = { isScript, mark: isScript ? "#" : head, topology: context.network.name, host: host.name };
    return encode(render("head.njk", view));
  });
}

/** A file to print; its path is the one on the host. */
export interface PrintedFile extends Print {
  readonly path: string;
  readonly head?: Head | typeof HEADLESS;
  /** As in {@link OutputFile}. */
  readonly after: readonly string[];
  readonly gone?: OutputFile["gone"];
  readonly afterLines?: OutputFile["afterLines"];
}

/** A file of root's that anyone on the host may read. */
export function publicFile(host: Host, context: EmitContext, file: PrintedFile): OutputFile {
  const { path, head = "#", after, gone, afterLines, ...body } = file;
  return {
    path: `${host.name}/${path}`,
    mode: 0o644,
    owner: "root",
    group: "root",
    after,
    ...(gone === undefined ? {} : { gone }),
    ...(afterLines === undefined ? {} : { afterLines }),
    content: [...(head === HEADLESS ? [] : [headOf(host, context, head)]), print(context, body)],
  };
}

/** A script of root's that anyone may run. */
export function scriptFile(host: Host, context: EmitContext, file: Omit<PrintedFile, "head">): OutputFile {
  return { ...publicFile(host, context, { ...file, head: "#!/bin/bash" }), mode: 0o755 };
}
