/** Two trees, host by host. */
import { contentOf, type OutputFile } from "../emit/file.ts";
import { hostOf } from "../write/manifest.ts";
import type { Tree } from "../write/plan.ts";
import { onHost } from "./bundle.ts";

/** One host's part of a tree: files by their path on the host. */
export interface Side {
  readonly files: ReadonlyMap<string, OutputFile>;
  readonly units: readonly string[];
}

/** A host before and after. */
export interface Change {
  readonly host: string;
  readonly before: Side;
  readonly after: Side;
}

/** That of a host which comes or goes. */
export const NOTHING: Side = { files: new Map(), units: [] };

/** Empty where there is no such file. */
export const textOf = (file: OutputFile | undefined): string =>
  file === undefined ? "" : Buffer.from(contentOf(file)).toString();

/** The part of each host that has units. */
export function sidesOf({ files, units }: Tree): ReadonlyMap<string, Side> {
  const sides = new Map(
    Object.entries(units).map(([host, own]) => [host, { files: new Map<string, OutputFile>(), units: own }]),
  );
  for (const file of files) sides.get(hostOf(file.path))?.files.set(onHost(file.path), file);
  return sides;
}

/** Units that a tree brings itself, and stops when they are gone; those of others are only told to read their files again. */
export const OWN = /^(netgen\d*-|wg-quick@)/;
