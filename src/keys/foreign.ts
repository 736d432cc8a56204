/** Configurations of other tools, read from disk without their secrets. */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Source } from "../base/source.ts";
import { disarm } from "./disarm.ts";
import { badKeyFiles, readBytes } from "./files.ts";

/** What configurations are called; a directory may hold other things. */
const CONFIGURATION = /\.(?:conf|ya?ml|cfg)$/;
const MAX_BYTES = 1 << 24;

/** The file, or those in the directory and below, by name. */
function filesAt(path: string): readonly string[] {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) return [path];
  const names = readdirSync(path, { recursive: true, encoding: "utf8" });
  const files = names.filter((name) => CONFIGURATION.test(name)).map((name) => join(path, name));
  return files.filter((file) => statSync(file, { throwIfNoEntry: false })?.isFile()).sort();
}

function readSource(path: string): Source {
  const bytes = readBytes(path);
  if (bytes.length > MAX_BYTES)
    throw badKeyFiles([`${path} has more than ${MAX_BYTES} bytes: this is no configuration`]);
  try {
    return { name: path, text: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
  } catch {
    throw badKeyFiles([`${path} is not UTF-8 text`]);
  }
}

/** The texts of files, and of those below directories, disarmed: see {@link disarm}. */
export function readForeign(paths: readonly string[]): readonly Source[] {
  return disarm([...new Set(paths.flatMap(filesAt))].map(readSource));
}
