import { Command, Option } from "commander";
import { listInWords } from "../base/text.ts";
import { cloudFiles, siteTable } from "../deliver/cloud-routes.ts";
import { CLOUDS, type CloudName } from "../deliver/clouds.ts";
import type { Network, Site } from "../model/network.ts";
import { writeTree } from "../write/write.ts";
import { EXIT_DONE, EXIT_MACHINE, machineError } from "./exit.ts";
import { readChoice, unknownName } from "./names.ts";
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
import { complain, countAll, listChanges, refuseOther, treeOf } from "./tree.ts";

interface CloudRoutesOptions extends CommonOptions {
  readonly for: CloudName;
  readonly output: string;
  readonly site?: string;
  readonly force?: boolean;
}

const NAMES = Object.keys(CLOUDS) as readonly CloudName[];

/** The sites that are asked for; the one with gateways, where none is. @throws Error when that is none or several. */
function askedSites({ sites }: Network, asked: string | undefined): readonly Site[] {
  const able = sites.filter(({ gateways }) => gateways.length > 0);
  const names = able.map(({ name }) => name);
  if (able.length === 0) {
    throw machineError(
      'no site has a gateway that a cloud could send to: write "gateways: [alpha]" under one of sites',
    );
  }
  if (asked === undefined) {
    if (able.length > 1) throw machineError(`--site: which of ${listInWords(names)} is there`);
    return able;
  }
  return asked.split(",").map((text) => {
    const name = text.trim();
    const site = sites.find((each) => each.name === name);
    if (site === undefined) throw unknownName(name, { is: "no site", names, write: listInWords(names, "or") });
    if (site.gateways.length > 0) return site;
    throw machineError(
      `${name} has no gateway that a cloud could send to: write "gateways: [alpha]" under sites.${name}`,
    );
  });
}

/** What is told, and notes. @throws Error with all that the provider would refuse. */
function judge(network: Network, sites: readonly Site[], options: CloudRoutesOptions): void {
  const tables = sites.map((site) => ({ site: site.name, ...siteTable(network, site, options.for) }));
  const refusals = tables.flatMap(({ site, refusals: all }) => all.map((each) => `${site}: ${each}`));
  if (refusals.length > 0) throw machineError(refusals.join("\nnetgen: "));
  for (const { site, notes } of tables) {
    for (const note of notes) printSummary(`${site}: ${note}\n`, options, process.stderr);
  }
}

function cloudRoutes(topology: string, options: CloudRoutesOptions): number {
  const { output: directory, force = false } = options;
  const session = openCompiled(topology, options);
  printDiagnostics(session, process.stderr, "text");
  const { model } = session;
  if (treeOf(session) === undefined || model === undefined) return exitCodeOf(session);
  refuseOther("cloud-routes", directory);
  const sites = askedSites(model, options.site);
  judge(model, sites, options);
  const files = sites.flatMap((site) => cloudFiles(model, site, options.for));
  const result = writeTree({ name: model.name, files, units: {} }, { directory, hosts: undefined, force });
  if (result.kind === "refused") {
    say(complain("nothing was written", directory, result, "cloud-routes"));
    return EXIT_MACHINE;
  }
  const of = `${counted(sites.length, "site")} in ${CLOUDS[options.for].title}`;
  printSummary(`${listChanges(result)}${directory}: ${countAll(result)}; of ${of}\n`, options);
  return EXIT_DONE;
}

export const cloudRoutesCommand = (exit: (code: number) => void): Command =>
  new Command("cloud-routes")
    .summary("write the routes by which a cloud's network sends to the overlay")
    .description(
      "Compiles a topology and writes what the network of a cloud is told, so that all that is on the LAN of a site reaches the " +
        "overlay by the site's gateway: routes, as a program that enters them by the provider's own, and for Terraform. Files of " +
        "yours in the directory are left alone.",
    )
    .addArgument(topologyArgument())
    .addOption(
      new Option("--for <provider>", "whose network it is")
        .choices(NAMES)
        .argParser(readChoice(NAMES))
        .makeOptionMandatory(),
    )
    .requiredOption("-o, --output <dir>", "where to write, such as cloud")
    .option("--site <sites>", "whose LANs, as east,west (default: the only site with gateways)")
    .addOption(keysOption())
    .option("--force", "replace files that stand in the way and that netgen did not write")
    .addOption(quietOption())
    .addHelpText(
      "after",
      "\nExamples:\n  netgen cloud-routes topology.yaml --for hetzner -o cloud\n  cloud/fsn/routes-apply --check my-network\n",
    )
    .action((topology: string, options: CloudRoutesOptions) => exit(cloudRoutes(topology, options)));
