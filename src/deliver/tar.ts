/** Files as a tar archive: what a build would write, or what a host is brought, for a pipe instead of a disk. */
import { type Pack, pack } from "tar-stream";
import { sortedBy } from "../base/text.ts";
import type { OutputFile } from "../emit/file.ts";
import { describeFile, formatManifest, hostOf, MANIFEST_NAME } from "../write/manifest.ts";
import type { Tree } from "../write/plan.ts";

/** The part of a tree that belongs to these hosts; `undefined`: all of it. */
export function treeOfHosts(tree: Tree, hosts: readonly string[] | undefined): Tree {
  if (hosts === undefined) return tree;
  const units = Object.entries(tree.units).filter(([host]) => hosts.includes(host));
  return {
    name: tree.name,
    files: tree.files.filter(({ path }) => hosts.includes(hostOf(path))),
    units: Object.fromEntries(units),
  };
}

/** A file of root's that nothing follows from. */
export const plainFile = (path: string, mode: number, text: string): OutputFile => ({
  path,
  mode,
  owner: "root",
  group: "root",
  after: [],
  content: [new TextEncoder().encode(text)],
});

/** The manifest that a first build would write. */
export function manifestOf({ name, files, units }: Tree): OutputFile {
  const hosts = sortedBy(Object.entries(units), ([host]) => host).map(([host, enable]) => [host, { enable }] as const);
  const entries = sortedBy(files.map(describeFile), ({ path }) => path);
  const text = formatManifest({ name, hosts: Object.fromEntries(hosts), files: entries });
  return plainFile(MANIFEST_NAME, 0o644, text);
}

/** Adds a file; resolves when there is room for the next one. */
function add(archive: Pack, { path: name, mode, owner: uname, group: gname, content }: OutputFile): Promise<void> {
  const header = { name, mode, uid: 0, gid: 0, uname, gname, mtime: new Date(0) };
  return new Promise((resolve, reject) => {
    archive.entry(header, Buffer.concat(content), (error) => (error ? reject(error) : resolve()));
  });
}

async function fill(archive: Pack, files: readonly OutputFile[]): Promise<void> {
  for (const file of files) await add(archive, file);
  archive.finalize();
}

/**
 * The archive as a stream that is made while it is read: a large tree never stands in memory twice. The same files give
 * the same bytes. It has files only, sorted: an entry for a directory would give that of a host, such as `/etc`, the mode
 * and owner of the archive's. Owners stand in it by name; their numbers are root's, for a host without the name.
 */
export function tarOf(files: readonly OutputFile[]): Pack {
  const archive = pack();
  fill(
    archive,
    sortedBy(files, ({ path }) => path),
  ).catch((error: Error) => archive.destroy(error));
  return archive;
}
