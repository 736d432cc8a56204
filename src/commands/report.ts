import { rmSync, writeFileSync } from "node:fs";
import { Command } from "commander";
import { contentsOf } from "../deliver/contents.ts";
import { planRollout } from "../deliver/plan.ts";
import { cautionText, stepsText } from "../deliver/plan-text.ts";
import { planGuests } from "../lab/plan/guests.ts";
import { MAX_DETAILED_HOSTS } from "../report/draw/diagram.ts";
import { lossesFor } from "../report/page/losses.ts";
import type { Measured } from "../report/page/measured.ts";
import { PAGE_START, renderPage } from "../report/page/page.ts";
import type { PlanInWords } from "../report/page/plan.ts";
import { proofInWords } from "../report/proof.ts";
import { waysOf } from "../ways/ways.ts";
import { bytesAt } from "../write/look.ts";
import { judgeProof } from "./check-proof.ts";
import { changesOf, type RevisionOptions, refuseRevisionOfInput, treeBefore } from "./compare.ts";
import { EXIT_MACHINE, EXIT_TOPOLOGY, machineError } from "./exit.ts";
import { keysOption, quietOption, topologyArgument } from "./options.ts";
import { replaceText } from "./replace-file.ts";
import {
  type CompiledSession,
  counted,
  exitCodeOf,
  openCompiled,
  printDiagnostics,
  printSummary,
  say,
} from "./session.ts";
import { treeOf, treePlace } from "./tree.ts";

interface ReportOptions extends RevisionOptions {
  readonly output: string;
  readonly withFiles?: boolean;
  readonly proof?: string;
  readonly plan?: boolean;
  readonly losses: boolean;
}

/** What hosts would do that have the tree beside the topology, or that of a revision; an exit code where there is none, which has been said. */
function planOf(topology: string, session: CompiledSession, options: ReportOptions): PlanInWords | number {
  const { output: _, ...common } = options;
  const place = treePlace(session, topology, common);
  const tree = treeOf(session);
  if (tree === undefined || session.model === undefined) return exitCodeOf(session);
  // What a build refuses to write is no tree to start from.
  if (options.from === undefined && changesOf(tree, place) === undefined) return EXIT_MACHINE;
  const before = treeBefore(topology, place, options);
  if (before === undefined) return EXIT_TOPOLOGY;
  const { batches, hosts, cautions } = planRollout(session.model, before, tree);
  return {
    from: options.from ?? place.directory,
    cautions: cautions.map((caution) => ({ kind: caution.kind, text: cautionText(caution) })),
    batches,
    steps: new Map(hosts.map((plan) => [plan.host, stepsText(plan)])),
  };
}

/** What a lab measured, and what `check --proof` would say of it; also of another tree, so that the page shows that. */
function measuredOf(path: string, session: CompiledSession): Measured {
  const { proof, kinds, complaint } = judgeProof(path, session);
  if (complaint !== undefined) say(`netgen: ${complaint}\n`);
  return { ...proofInWords(proof, kinds), complaint };
}

/** Writes a page whole or not at all; what stands there already must be a report as well. */
function writePage(path: string, page: string): void {
  const before = bytesAt(path)?.toString();
  if (before !== undefined) {
    if (before === page) return;
    if (!before.startsWith(PAGE_START)) {
      throw machineError(
        `${path} is there already, and no report of netgen's; remove it, or name another file with -o`,
      );
    }
    replaceText(path, before, page);
    return;
  }
  try {
    writeFileSync(path, page, { flag: "wx" });
  } catch (error) {
    // Half a page on a full disk; what somebody else has made meanwhile is theirs.
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") rmSync(path, { force: true });
    throw Object.assign(error as Error, { path });
  }
}

function report(topology: string, options: ReportOptions): number {
  refuseRevisionOfInput(topology, options);
  const session = openCompiled(topology, options);
  printDiagnostics(session, process.stderr, "text");
  const tree = treeOf(session);
  if (tree === undefined || session.model === undefined) return exitCodeOf(session);
  const { source, diagnostics, model: network } = session;
  const hasTexts = options.withFiles === true || network.hosts.length <= MAX_DETAILED_HOSTS;
  const measured = options.proof === undefined ? undefined : measuredOf(options.proof, session);
  const hasPlan = options.plan === true || options.from !== undefined;
  const plan = hasPlan ? planOf(topology, session, options) : undefined;
  if (typeof plan === "number") return plan;
  const files = contentsOf(tree.files, hasTexts);
  const page = renderPage({
    network,
    source,
    diagnostics,
    files,
    losses: options.losses ? lossesFor(waysOf(network, planGuests(network).guests)) : { results: [], unasked: [] },
    ...(measured && { measured }),
    ...(plan && { plan }),
  });
  if (options.output === "-") {
    process.stdout.write(page);
  } else {
    writePage(options.output, page);
    printSummary(`${options.output}: ${counted(network.hosts.length, "host")}; open it in a browser\n`, options);
  }
  return exitCodeOf(session);
}

export const reportCommand = (exit: (code: number) => void): Command =>
  new Command("report")
    .summary("write a page that shows and explains the network")
    .description(
      "Writes one HTML file with all that it needs in it: a diagram, every MTU with its sum and the ping that proves it, " +
        "segments, VRFs and ways out, single points of failure, and each host with its addresses, peers and files. A browser fetches nothing for it. " +
        "The same topology gives the same bytes.",
    )
    .addArgument(topologyArgument())
    .option("-o, --output <file>", "where to write it, - for standard output", "report.html")
    .option("--with-files", `texts of all files, also of more than ${MAX_DETAILED_HOSTS} hosts`)
    .option("--no-losses", "without single points of failure, which take most of the time for many hosts")
    .option("--plan", "what a roll-out of it would do to hosts that have the tree beside the topology, out")
    .option("--from <revision>", "the same, to hosts that have what this git revision compiles to")
    .option("--proof <file>", "what lab --record measured, as a section")
    .addOption(keysOption())
    .addOption(quietOption())
    .action((topology: string, options: ReportOptions) => exit(report(topology, options)));
