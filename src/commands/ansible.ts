import { relative } from "node:path";
import { Command } from "commander";
import { ansibleTree } from "../deliver/ansible.ts";
import type { Network } from "../model/network.ts";
import type { Tree } from "../write/plan.ts";
import { writeTree } from "../write/write.ts";
import { EXIT_DONE, EXIT_MACHINE, EXIT_TOPOLOGY, machineError } from "./exit.ts";
import { openForKeys } from "./keys-session.ts";
import { keysOption, quietOption, topologyArgument, withOption } from "./options.ts";
import {
  type CommonOptions,
  counted,
  exitCodeOf,
  openCompiled,
  printDiagnostics,
  printSummary,
  say,
} from "./session.ts";
import { complain, countAll, listChanges, refuseOther, treeOf } from "./tree.ts";

interface AnsibleOptions extends CommonOptions {
  readonly output: string;
  /** False with `--no-bundles`. */
  readonly bundles: boolean;
  readonly force?: boolean;
}

interface Opened {
  readonly network: Network;
  /** `undefined`: bundles are not asked for. */
  readonly tree: Tree | undefined;
  readonly keysDirectory: string;
}

/** What was compiled, or the code that it ends with; without bundles keys may be missing. */
function openTopology(topology: string, options: AnsibleOptions): Opened | number {
  if (!options.bundles) {
    const session = openForKeys(topology, options);
    if (session === undefined) return EXIT_TOPOLOGY;
    return { network: session.model, tree: undefined, keysDirectory: session.keysDirectory };
  }
  const session = openCompiled(topology, options);
  printDiagnostics(session, process.stderr, "text");
  const tree = treeOf(session);
  if (tree === undefined || session.model === undefined) return exitCodeOf(session);
  return { network: session.model, tree, keysDirectory: session.keysDirectory };
}

function ansible(topology: string, options: AnsibleOptions): number {
  if (topology === "-") throw machineError("name the file of the topology: a roll-out reads it again, for the keys");
  const opened = openTopology(topology, options);
  if (typeof opened === "number") return opened;
  const { network, tree, keysDirectory } = opened;
  const { output: directory, force = false } = options;
  refuseOther("ansible", directory);
  const places = { topology: relative(directory, topology), keys: relative(directory, keysDirectory) };
  const result = writeTree(ansibleTree(network, tree, places), { directory, hosts: undefined, force });
  if (result.kind === "refused") {
    say(complain("nothing was written", directory, result, "ansible"));
    return EXIT_MACHINE;
  }
  const bundles = tree === undefined ? "no bundles" : `bundles of ${counted(Object.keys(tree.units).length, "host")}`;
  printSummary(`${listChanges(result)}${directory}: ${countAll(result)}; ${bundles}\n`, options);
  return EXIT_DONE;
}

export const ansibleCommand = (exit: (code: number) => void): Command =>
  new Command("ansible")
    .summary("write what Ansible rolls the topology out with")
    .description(
      "Compiles a topology and writes an inventory of its hosts, in the order in which they are to change, a role and " +
        "playbooks that are the same for every topology, and each host's bundle. There is no key in it: a roll-out exports " +
        "those from beside the topology. Files of yours in the directory are left alone.",
    )
    .addArgument(topologyArgument())
    .requiredOption("-o, --output <dir>", "where to write, such as deploy")
    .addOption(keysOption())
    .addOption(withOption())
    .option("--no-bundles", "write all but the bundles, also while public keys are missing: for playbooks/keys.yaml")
    .option("--force", "replace files that stand in the way and that netgen did not write")
    .addOption(quietOption())
    .addHelpText(
      "after",
      "\nExample:\n  netgen ansible topology.yaml -o deploy\n" +
        "  ansible-playbook -i deploy/inventory deploy/playbooks/site.yaml --check --diff\n",
    )
    .action((topology: string, options: AnsibleOptions) => exit(ansible(topology, options)));
