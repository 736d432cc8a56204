import { Command } from "commander";
import { proxmoxTree } from "../deliver/proxmox.ts";
import { clustersOf } from "../deliver/sdn.ts";
import type { Network } from "../model/network.ts";
import { writeTree } from "../write/write.ts";
import { type RevisionOptions, refuseRevisionOfInput } from "./compare.ts";
import { EXIT_DONE, EXIT_MACHINE, EXIT_TOPOLOGY, machineError } from "./exit.ts";
import { keysOption, quietOption, topologyArgument } from "./options.ts";
import { openRevision } from "./revision.ts";
import { counted, exitCodeOf, openCompiled, printDiagnostics, printSummary, say } from "./session.ts";
import { complain, countAll, listChanges, refuseOther, treeOf } from "./tree.ts";

interface ProxmoxOptions extends RevisionOptions {
  readonly output: string;
  readonly force?: boolean;
}

/** The network of a revision; `undefined`: it has errors, which have been said then. */
function networkBefore(topology: string, from: string, options: ProxmoxOptions): Network | undefined {
  const session = openRevision(topology, from, options);
  if (treeOf(session) !== undefined) return session.model;
  printDiagnostics(session, process.stderr, "text");
  return undefined;
}

function proxmox(topology: string, options: ProxmoxOptions): number {
  const { output: directory, force = false, from } = options;
  refuseRevisionOfInput(topology, options);
  const session = openCompiled(topology, options);
  printDiagnostics(session, process.stderr, "text");
  if (treeOf(session) === undefined || session.model === undefined) return exitCodeOf(session);
  refuseOther("proxmox", directory);
  const before = from === undefined ? undefined : networkBefore(topology, from, options);
  if (from !== undefined && before === undefined) return EXIT_TOPOLOGY;
  const written = proxmoxTree(session.model, before);
  if (written === undefined)
    throw machineError("no host leaves its segments to Proxmox's SDN: write proxmox: sdn, for all under hostDefaults");
  const result = writeTree(written, { directory, hosts: undefined, force });
  if (result.kind === "refused") {
    say(complain("nothing was written", directory, result, "proxmox"));
    return EXIT_MACHINE;
  }
  const clusters = counted(clustersOf(session.model, before).length, "cluster");
  printSummary(`${listChanges(result)}${directory}: ${countAll(result)}; of ${clusters}\n`, options);
  return EXIT_DONE;
}

export const proxmoxCommand = (exit: (code: number) => void): Command =>
  new Command("proxmox")
    .summary("write the objects of Proxmox's SDN, and rules for its firewall")
    .description(
      "Compiles a topology and writes what each cluster of Proxmox is told: the controller, zones, vnets and subnets of its SDN, " +
        "as a program that enters them by pvesh, as Proxmox keeps them and for Terraform, and rules for its firewall. Files of " +
        "yours in the directory are left alone.",
    )
    .addArgument(topologyArgument())
    .requiredOption("-o, --output <dir>", "where to write, such as proxmox")
    .option("--from <revision>", "also take away what the topology of this git revision had and this one has not")
    .addOption(keysOption())
    .option("--force", "replace files that stand in the way and that netgen did not write")
    .addOption(quietOption())
    .addHelpText(
      "after",
      "\nExample:\n  netgen proxmox topology.yaml -o proxmox\n  scp proxmox/roz/sdn-apply root@pve1: && ssh root@pve1 ./sdn-apply --check\n",
    )
    .action((topology: string, options: ProxmoxOptions) => exit(proxmox(topology, options)));
