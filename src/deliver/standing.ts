/** A tree as it stands on disk, with what follows from its files. */
import { join } from "node:path";
import type { OutputFile } from "../emit/file.ts";
import { bytesAt, look } from "../write/look.ts";
import { type ManifestFile, parseManifest } from "../write/manifest.ts";
import { manifestText, type Tree } from "../write/plan.ts";

/**
 * A bridge of netgen's: of one that is the user's no MAC is said, or a comment says why. A manifest does not have what follows
 * when that is gone.
 */
function goneOf(text: string): readonly string[] {
  const name =
    /^Kind=bridge$/m.test(text) && !/MACAddress=none$/m.test(text) ? /^Name=(.+)$/m.exec(text)?.[1] : undefined;
  return name === undefined ? [] : [`networkctl delete ${name}`];
}

function fileOf(entry: ManifestFile, content: Buffer): OutputFile {
  const { path, mode, owner, group, after } = entry;
  return {
    path,
    mode: Number.parseInt(mode, 8),
    owner,
    group,
    after,
    gone: goneOf(content.toString()),
    content: [content],
  };
}

/** What netgen has built there, as it is now; nothing where there is no manifest. */
export function standingTree(directory: string): Tree {
  const manifest = parseManifest(manifestText(directory));
  if (manifest === undefined) return { name: "", files: [], units: {} };
  const files = manifest.files.flatMap((entry) => {
    const path = join(directory, entry.path);
    const bytes = look(path)?.isFile() ? bytesAt(path) : undefined;
    return bytes === undefined ? [] : [fileOf(entry, bytes)];
  });
  const units = Object.entries(manifest.hosts).map(([host, { enable }]) => [host, enable] as const);
  return { name: manifest.name, files, units: Object.fromEntries(units) };
}
