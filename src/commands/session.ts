/** What every command does at its edges: read the topology and the public keys, print diagnostics, choose the exit code. */
import { closeSync, openSync } from "node:fs";
import { dirname, join } from "node:path";
import pc from "picocolors";
import { type Diagnostic, hasErrors, type Severity } from "../base/diagnostic.ts";
import { type Paint, renderJson, renderText } from "../base/render.ts";
import { lineStarts, positionAt, type Source } from "../base/source.ts";
import { visibleLines } from "../base/text.ts";
import { type BesideInput, type Compilation, type CompileOptions, compile, type Judgement, judge } from "../compile.ts";
import { readPublicKeys } from "../keys/store.ts";
import { findStrayKey, privatePublicKeys } from "../keys/stray.ts";
import { readSome } from "../write/input.ts";
import { EXIT_DONE, EXIT_TOPOLOGY, machineError } from "./exit.ts";

/** Options that every command with a topology has. */
export interface CommonOptions {
  readonly keys?: string;
  /** Topologies of other fleets on the same hosts. */
  readonly with?: readonly string[];
  /** Neither notes nor summaries. */
  readonly quiet?: boolean;
  readonly format?: "text" | "json";
}

const CHUNK_BYTES = 1 << 16;
/** Far above what the compiler takes: only so that a device without an end does not fill the memory. */
const MAX_READ_BYTES = 1 << 26;

function readAll(descriptor: number, name: string): Buffer {
  const chunks: Buffer[] = [];
  for (let total = 0; total <= MAX_READ_BYTES; ) {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    const length = readSome(descriptor, chunk);
    if (length === 0) return Buffer.concat(chunks);
    chunks.push(chunk.subarray(0, length));
    total += length;
  }
  throw machineError(`${name} has more than ${MAX_READ_BYTES} bytes: this is no topology`);
}

/** A topology's path as errors of the machine call it. */
const spoken = (path: string): string => (path === "-" ? "standard input" : path);

/** The bytes of a file; an error names it, which Node's own does not when it is a directory. */
function readBytes(path: string): Buffer {
  const descriptor = path === "-" ? 0 : openSync(path, "r");
  try {
    return readAll(descriptor, spoken(path));
  } catch (error) {
    throw Object.assign(error as Error, { path: spoken(path) });
  } finally {
    if (descriptor !== 0) closeSync(descriptor);
  }
}

/** Reads a topology; `-` is standard input. */
const readSource = (path: string): Source => decodeSource(path, readBytes(path));

/** A topology of these bytes. @throws Error when they are no text. */
export function decodeSource(name: string, bytes: Uint8Array): Source {
  try {
    // Standard input keeps its "-": hints quote the name as an argument.
    return { name, text: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes) };
  } catch {
    throw machineError(`${spoken(name)} is not UTF-8 text; save it as UTF-8`);
  }
}

/** The directory that `out` and `keys` stand in by default: that of the topology. */
export function beside(topology: string, name: string): string {
  return topology === "-" ? name : join(dirname(topology), name);
}

/** The directory of public keys that is asked for, or the one beside the topology. */
export const keysBeside = (topology: string, { keys }: Pick<CommonOptions, "keys">): string =>
  keys ?? beside(topology, "keys");

interface Opened {
  readonly source: Source;
  readonly keysDirectory: string;
  readonly isQuiet: boolean;
}

export type Session = Opened & Judgement;
export type CompiledSession = Opened & Compilation;

/** A private key that was shown where others look is no secret any more. */
const ROTATE = "if others have seen this file, make a new one: netgen keys rotate";

/** Before anything is compiled: a private key taken for a public one would be in every host's files, and in messages. */
export function refuseStrayKey({ name, text }: Source, publicKeys: Readonly<Record<string, string>>): void {
  const stray = findStrayKey(text, publicKeys);
  if (stray === undefined) return;
  const { line, column } = positionAt(lineStarts(text), stray.start);
  const { host } = stray;
  const whose =
    host === undefined ? "a host, the other half of a publicKey here" : `${host}, the other half of ${host}.pub`;
  throw machineError(`${name}:${line}:${column}: here stands the private key of ${whose}. Take it out; ${ROTATE}`);
}

/** The same of a private key in the file of the public one. */
function refuseStrayFile(directory: string, publicKeys: Readonly<Record<string, string>>): void {
  const [name] = privatePublicKeys(directory, publicKeys);
  if (name === undefined) return;
  throw machineError(
    `${join(directory, name)} holds the private key of its host. Remove it: keys generate makes it again; ${ROTATE}`,
  );
}

/** Reads one topology, and compiles it as far as to know what is wrong with it. */
export const open = (topology: string, options: CommonOptions): Session => openWith(judge, topology, options);

/** Reads one topology, and compiles it to every host's files. */
export const openCompiled = (topology: string, options: CommonOptions): CompiledSession =>
  openWith(compile, topology, options);

/** A topology with the public keys that stand beside it. */
function readInput(path: string, directory = beside(path, "keys")): Required<BesideInput> {
  const source = readSource(path);
  const publicKeys = readPublicKeys(directory);
  refuseStrayFile(directory, publicKeys);
  refuseStrayKey(source, publicKeys);
  return { source, publicKeys };
}

function openWith<Result extends Judgement>(
  run: (source: Source, options: CompileOptions) => Result,
  topology: string,
  options: CommonOptions,
): Opened & Result {
  const keysDirectory = keysBeside(topology, options);
  const isQuiet = options.quiet ?? false;
  const { source, publicKeys } = readInput(topology, keysDirectory);
  const others = (options.with ?? []).map((path) => readInput(path));
  const result = run(source, { publicKeys, beside: others });
  const { diagnostics } = result;
  const told = isQuiet ? diagnostics.filter(({ severity }) => severity !== "note") : diagnostics;
  return { ...result, source, keysDirectory, isQuiet, diagnostics: told };
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
  const { source, diagnostics, isQuiet } = session;
  if (format === "json") stream.write(renderJson(source, diagnostics));
  else if (diagnostics.length > 0) {
    stream.write(renderText(source, diagnostics, painter(stream)) + (isQuiet ? "" : summary(diagnostics)));
  }
}

/** Says something besides a result: names of files are part of it, and those may hold anything. */
export function say(text: string, stream: NodeJS.WriteStream = process.stderr): void {
  stream.write(visibleLines(text));
}

/** Prints what was done, unless that is not wanted. */
export function printSummary(
  text: string,
  { quiet }: Pick<CommonOptions, "quiet">,
  stream: NodeJS.WriteStream = process.stdout,
): void {
  if (quiet !== true) say(text, stream);
}

/** A result as JSON: what is absent, or without bounds, is `null`, so that every object of a kind has the same fields. */
export const jsonOf = (result: object): string =>
  `${JSON.stringify(result, (_, value: unknown) => (value === undefined ? null : value), 2)}\n`;

/** 1 with errors; warnings and notes alone are 0. */
export function exitCodeOf({ diagnostics }: Session): number {
  return hasErrors(diagnostics) ? EXIT_TOPOLOGY : EXIT_DONE;
}
