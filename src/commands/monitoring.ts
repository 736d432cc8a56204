import { Command } from "commander";
import { monitoringTree, RUNBOOKS, reportingHosts } from "../deliver/monitoring.ts";
import { treeOfHosts } from "../deliver/tar.ts";
import { writeTree } from "../write/write.ts";
import { EXIT_DONE, EXIT_MACHINE, machineError } from "./exit.ts";
import { keysOption, quietOption, topologyArgument } from "./options.ts";
import {
  type CommonOptions,
  counted,
  exitCodeOf,
  openCompiled,
  printDiagnostics,
  printSummary,
  say,
} from "./session.ts";
import { askedHosts, complain, countAll, listChanges, refuseOther, treeOf } from "./tree.ts";

interface MonitoringOptions extends CommonOptions {
  readonly output: string;
  readonly hosts?: string;
  readonly runbooks: string;
  readonly force?: boolean;
}

/** It stands in YAML as it is, and in a page that whoever is on call clicks on. */
function runbooksAt(base: string): string {
  if (base === RUNBOOKS) return base;
  if (!/^https?:\/\/[\w.~:/?=&%@+,[\]-]+$/.test(base) || !URL.canParse(base)) {
    throw machineError(
      `--runbooks: "${base}" is no URL; it begins with https:// or http://, and has neither blanks nor #, as each alert adds its own`,
    );
  }
  return base;
}

function monitoring(topology: string, options: MonitoringOptions): number {
  const { output: directory, force = false } = options;
  const base = runbooksAt(options.runbooks);
  const session = openCompiled(topology, options);
  printDiagnostics(session, process.stderr, "text");
  const tree = treeOf(session);
  if (tree === undefined || session.model === undefined) return exitCodeOf(session);
  const hosts = askedHosts(session, options.hosts);
  refuseOther("monitoring", directory);
  const asked = treeOfHosts(tree, hosts);
  const reporting = reportingHosts(asked).length;
  if (reporting === 0)
    throw machineError("none of these hosts reports anything: write metrics: true, for all under hostDefaults");
  const written = monitoringTree(session.model, asked, base);
  const result = writeTree(written, { directory, hosts: undefined, force });
  if (result.kind === "refused") {
    say(complain("nothing was written", directory, result, "monitoring"));
    return EXIT_MACHINE;
  }
  const expected = counted(reporting, "host");
  printSummary(`${listChanges(result)}${directory}: ${countAll(result)}; ${expected} expected to report\n`, options);
  return EXIT_DONE;
}

export const monitoringCommand = (exit: (code: number) => void): Command =>
  new Command("monitoring")
    .summary("write alerts and a dashboard for what hosts report")
    .description(
      "Compiles a topology and writes what Prometheus and Grafana watch its hosts with: which hosts have to report, and what; " +
        "alerts with their runbooks and a dashboard, which are the same for every topology. Files of yours in the directory " +
        "are left alone.",
    )
    .addArgument(topologyArgument())
    .requiredOption("-o, --output <dir>", "where to write, such as monitoring")
    .addOption(keysOption())
    .option("--hosts <names>", "only these hosts have to report to this Prometheus, separated by commas")
    .option(
      "--runbooks <url>",
      "where alerts link to: the URL under which you show what is written as docs/runbooks.md",
      RUNBOOKS,
    )
    .option("--force", "replace files that stand in the way and that netgen did not write")
    .addOption(quietOption())
    .addHelpText(
      "after",
      "\nExample:\n  netgen monitoring topology.yaml -o monitoring --runbooks https://git.example.com/net/monitoring/docs/runbooks.md\n" +
        "  promtool check rules monitoring/rules/*.yml\n",
    )
    .action((topology: string, options: MonitoringOptions) => exit(monitoring(topology, options)));
