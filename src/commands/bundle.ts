import { Command } from "commander";
import { bundleOf } from "../deliver/bundle.ts";
import { printTar } from "./archive.ts";
import { EXIT_DONE, machineError } from "./exit.ts";
import { keysOption, quietOption } from "./options.ts";
import { type CommonOptions, counted, exitCodeOf, openCompiled, printDiagnostics, printSummary } from "./session.ts";
import { treeOf } from "./tree.ts";

interface BundleOptions extends CommonOptions {
  readonly topology: string;
}

async function bundle(host: string, options: BundleOptions): Promise<number> {
  const session = openCompiled(options.topology, options);
  printDiagnostics(session, process.stderr, "text");
  const tree = treeOf(session);
  if (tree === undefined) return exitCodeOf(session);
  if (tree.units[host] === undefined) {
    const hosts = Object.keys(tree.units).join(", ");
    throw machineError(`"${host}" is no host that gets files; there are ${hosts}`);
  }
  const files = bundleOf(tree, host);
  await printTar(files);
  printSummary(`standard output: ${counted(files.length, "file")} for ${host}\n`, options, process.stderr);
  return EXIT_DONE;
}

export const bundleCommand = (exit: (code: number) => void): Command =>
  new Command("bundle")
    .summary("make one host's files a tar that the host applies by itself")
    .description(
      "Compiles a topology and prints one host's files, and the list of what follows from each, as a tar on standard " +
        "output: the same bytes for the same topology. Unpacked on the host, etc/netgen/apply in it brings it about. " +
        "There is no key in it.",
    )
    .argument("<host>", "whose files")
    .option("--topology <file>", "the topology that the host is in", "topology.yaml")
    .addOption(keysOption())
    .addOption(quietOption())
    .addHelpText(
      "after",
      "\nExample:\n  netgen bundle alpha | ssh alpha 'rm -rf new && mkdir new && tar -x -C new && bash new/etc/netgen/apply --check'\n",
    )
    .action(async (host: string, options: BundleOptions) => exit(await bundle(host, options)));
