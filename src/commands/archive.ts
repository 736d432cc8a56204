/** `build -o -`: the tree as a tar on standard output. */
import { pipeline } from "node:stream/promises";
import { tarOf, treeOfHosts } from "../deliver/tar.ts";
import type { Tree } from "../write/plan.ts";
import { EXIT_DONE, machineError } from "./exit.ts";
import { counted, printSummary } from "./session.ts";

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
  const { stdout, stderr } = process;
  if (stdout.isTTY === true) {
    throw machineError("-o - prints a tar, and standard output is a terminal; send it into a file or a pipe");
  }
  const asked = treeOfHosts(tree, hosts);
  const { files, units } = asked;
  await pipeline(tarOf(asked), stdout, { end: false });
  const list = options.verbose === true ? files.map(({ path }) => `  + ${path}\n`).join("") : "";
  const counts = `${counted(files.length, "file")} of ${counted(Object.keys(units).length, "host")} and manifest.json`;
  printSummary(`${list}standard output: ${counts}\n`, options, stderr);
  return EXIT_DONE;
}
