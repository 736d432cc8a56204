/** `build -o -` and `bundle`: files as a tar on standard output. */
import { pipeline } from "node:stream/promises";
import { manifestOf, tarOf, treeOfHosts } from "../deliver/tar.ts";
import type { OutputFile } from "../emit/file.ts";
import type { Tree } from "../write/plan.ts";
import { EXIT_DONE, machineError } from "./exit.ts";
import { counted, printSummary } from "./session.ts";

/** Sends files to standard output. @throws Error when a person would have to read them. */
export async function printTar(files: readonly OutputFile[]): Promise<void> {
  const { stdout } = process;
  if (stdout.isTTY === true) {
    throw machineError("-o - prints a tar, and standard output is a terminal; send it into a file or a pipe");
  }
  await pipeline(tarOf(files), stdout, { end: false });
}

interface ArchiveOptions {
  readonly quiet?: boolean;
  readonly verbose?: boolean;
}

/** Prints the tree of these hosts as a tar; the summary goes to standard error. Nothing on disk is looked at. */
export async function printTree(
  tree: Tree,
  hosts: readonly string[] | undefined,
  options: ArchiveOptions,
): Promise<number> {
  const asked = treeOfHosts(tree, hosts);
  const { files, units } = asked;
  await printTar([...files, manifestOf(asked)]);
  const list = options.verbose === true ? files.map(({ path }) => `  + ${path}\n`).join("") : "";
  const counts = `${counted(files.length, "file")} of ${counted(Object.keys(units).length, "host")} and manifest.json`;
  printSummary(`${list}standard output: ${counts}\n`, options, process.stderr);
  return EXIT_DONE;
}
