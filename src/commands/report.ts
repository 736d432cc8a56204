import { rmSync, writeFileSync } from "node:fs";
import { Command } from "commander";
import { contentsOf } from "../deliver/contents.ts";
import { MAX_DETAILED_HOSTS } from "../report/draw/diagram.ts";
import type { Measured } from "../report/page/measured.ts";
import { PAGE_START, renderPage } from "../report/page/page.ts";
import { proofInWords } from "../report/proof.ts";
import { bytesAt } from "../write/look.ts";
import { judgeProof } from "./check-proof.ts";
import { machineError } from "./exit.ts";
import { keysOption, quietOption, topologyArgument } from "./options.ts";
import { replaceText } from "./replace-file.ts";
import {
  type CommonOptions,
  type CompiledSession,
  counted,
  exitCodeOf,
  openCompiled,
  printDiagnostics,
  printSummary,
  say,
} from "./session.ts";
import { treeOf } from "./tree.ts";

interface ReportOptions extends CommonOptions {
  readonly output: string;
  readonly withFiles?: boolean;
  readonly proof?: string;
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
  const session = openCompiled(topology, options);
  printDiagnostics(session, process.stderr, "text");
  const tree = treeOf(session);
  if (tree === undefined || session.model === undefined) return exitCodeOf(session);
  const { source, diagnostics, model: network } = session;
  const hasTexts = options.withFiles === true || network.hosts.length <= MAX_DETAILED_HOSTS;
  const measured = options.proof === undefined ? undefined : measuredOf(options.proof, session);
  const files = contentsOf(tree.files, hasTexts);
  const page = renderPage({ network, source, diagnostics, files, ...(measured && { measured }) });
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
        "segments, VRFs and ways out, and each host with its addresses, peers and files. A browser fetches nothing for it. " +
        "The same topology gives the same bytes.",
    )
    .addArgument(topologyArgument())
    .option("-o, --output <file>", "where to write it, - for standard output", "report.html")
    .option("--with-files", `texts of all files, also of more than ${MAX_DETAILED_HOSTS} hosts`)
    .option("--proof <file>", "what lab --record measured, as a section")
    .addOption(keysOption())
    .addOption(quietOption())
    .action((topology: string, options: ReportOptions) => exit(report(topology, options)));
