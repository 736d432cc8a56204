/** What every command does at its edges: read the topology and the public keys, print diagnostics, choose the exit code. */
import { closeSync, openSync, readSync } from "node:fs";
import { dirname, join } from "node:path";
import pc from "picocolors";
import { type Diagnostic, hasErrors, type Severity } from "../base/diagnostic.ts";
import { type Paint, renderJson, renderText } from "../base/render.ts";
import type { Source } from "../base/source.ts";
import { type Compilation, compile } from "../compile.ts";
import { readPublicKeys } from "../keys/store.ts";
import { EXIT_DONE, EXIT_TOPOLOGY, machineError } from "./exit.ts";

/** Options that every command with a topology has. */
export interface CommonOptions {
  readonly keys?: string;
  readonly format?: "text" | "json";
}

const CHUNK_BYTES = 1 << 16;
/** Far above what the compiler takes: only so that a device without an end does not fill the memory. */
const MAX_READ_BYTES = 1 << 26;

function readAll(descriptor: number, path: string): Buffer {
  const chunks: Buffer[] = [];
  for (let total = 0; total <= MAX_READ_BYTES; ) {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    const length = readSync(descriptor, chunk);
    if (length === 0) return Buffer.concat(chunks);
    chunks.push(chunk.subarray(0, length));
    total += length;
  }
  throw machineError(`${path} has more than ${MAX_READ_BYTES} bytes: this is no topology`);
}

/** The bytes of a file; an error names it, which Node's own does not when it is a directory. */
function readBytes(path: string): Buffer {
  const descriptor = path === "-" ? 0 : openSync(path, "r");
  try {
    return readAll(descriptor, path);
  } catch (error) {
    throw Object.assign(error as Error, { path });
  } finally {
    if (descriptor !== 0) closeSync(descriptor);
  }
}

/** Reads a topology; `-` is standard input. */
function readSource(path: string): Source {
  const bytes = readBytes(path);
  try {
    // Standard input keeps its "-": hints quote the name as an argument.
    return { name: path, text: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes) };
  } catch {
    throw machineError(`${path === "-" ? "standard input" : path} is not UTF-8 text; save it as UTF-8`);
  }
}

/** The directory that `out` and `keys` stand in by default: that of the topology. */
export function beside(topology: string, name: string): string {
  return topology === "-" ? name : join(dirname(topology), name);
}

export interface Session extends Compilation {
  readonly source: Source;
  readonly keysDirectory: string;
}

/** Reads and compiles one topology. */
export function open(topology: string, options: CommonOptions): Session {
  const source = readSource(topology);
  const keysDirectory = options.keys ?? beside(topology, "keys");
  return { source, keysDirectory, ...compile(source, { publicKeys: readPublicKeys(keysDirectory) }) };
}

/** Colours are for terminals, and for those who did not ask for none (no-color.org). */
export function hasColours(stream: NodeJS.WriteStream): boolean {
  return stream.isTTY === true && !process.env.NO_COLOR;
}

function painter(stream: NodeJS.WriteStream): Paint {
  const colours = pc.createColors(hasColours(stream));
  const roles: Record<Severity | "frame", (text: string) => string> = {
    error: (text) => colours.bold(colours.red(text)),
    warning: (text) => colours.bold(colours.yellow(text)),
    note: colours.cyan,
    frame: colours.blue,
  };
  return (text, role) => roles[role](text);
}

/** `1 host`, `2 hosts`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** `2 errors and 1 warning`, or nothing where there is nothing to say. */
function summary(diagnostics: readonly Diagnostic[]): string {
  const count = (severity: Severity): number => diagnostics.filter((each) => each.severity === severity).length;
  const parts = (["error", "warning", "note"] as const)
    .filter((severity) => count(severity) > 0)
    .map((severity) => counted(count(severity), severity));
  return parts.length === 0 ? "" : `${parts.join(", ")}\n`;
}

/** Prints diagnostics; standard output is for the command whose result they are. */
export function printDiagnostics(session: Session, stream: NodeJS.WriteStream, format: CommonOptions["format"]): void {
  const { source, diagnostics } = session;
  if (format === "json") stream.write(renderJson(source, diagnostics));
  else if (diagnostics.length > 0)
    stream.write(renderText(source, diagnostics, painter(stream)) + summary(diagnostics));
}

/** 1 with errors; warnings and notes alone are 0. */
export function exitCodeOf({ diagnostics }: Session): number {
  return hasErrors(diagnostics) ? EXIT_TOPOLOGY : EXIT_DONE;
}
