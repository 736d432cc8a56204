import { existsSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { Command } from "commander";
import { locateAll } from "../base/render.ts";
import { renderGithub } from "../report/github.ts";
import { renderSarif } from "../report/sarif.ts";
import { checkProof } from "./check-proof.ts";
import { EXIT_DONE, machineError } from "./exit.ts";
import { formatOption, keysOption, quietOption, topologiesArgument, withOption } from "./options.ts";
import {
  type CommonOptions,
  counted,
  exitCodeOf,
  open,
  openCompiled,
  printDiagnostics,
  printSummary,
  type Session,
} from "./session.ts";
import { version } from "./version.generated.ts";

type CheckOptions = Omit<CommonOptions, "format"> & {
  readonly format?: "text" | "json" | "github" | "sarif";
  readonly proof?: string;
};

/** The top of the git repository that a directory is in, if it is in one. */
function repositoryOf(directory: string): string | undefined {
  if (existsSync(join(directory, ".git"))) return directory;
  const parent = dirname(directory);
  return parent === directory ? undefined : repositoryOf(parent);
}

/** All sessions for one who shows them beside the text, and knows files by their paths in the repository. */
function printForReviewers(sessions: readonly Session[], format: "github" | "sarif"): void {
  const here = process.cwd();
  const top = repositoryOf(here) ?? here;
  const nameOf = (file: string): string => (file === "-" ? file : relative(top, file).replaceAll(sep, "/"));
  const located = sessions.flatMap(({ source, diagnostics }) => locateAll(source, diagnostics, nameOf));
  process.stdout.write(format === "github" ? renderGithub(located) : renderSarif(located, version));
}

function print(session: Session, format: "text" | "json", options: CheckOptions): void {
  printDiagnostics(session, process.stdout, format);
  if (session.diagnostics.length === 0 && format === "text") {
    printSummary(`${session.source.name}: no errors, ${counted(session.model?.hosts.length ?? 0, "host")}\n`, options);
  }
}

/** One topology, and what was measured of it. */
function checkWithProof(topologies: readonly string[], proof: string, { format, ...options }: CheckOptions): number {
  const [topology = "", ...others] = topologies;
  if (others.length > 0) throw machineError("--proof: a proof is of one topology; name one");
  if (format !== "text") throw machineError("--proof: what it says is text; leave --format out");
  const session = openCompiled(topology, options);
  print(session, "text", { ...options, quiet: true });
  return exitCodeOf(session) === EXIT_DONE ? checkProof(proof, session, options) : exitCodeOf(session);
}

function check(topologies: readonly string[], { format = "text", ...options }: CheckOptions): number {
  if (options.proof !== undefined) return checkWithProof(topologies, options.proof, { ...options, format });
  const sessions = topologies.map((topology) => open(topology, options));
  if (format === "github" || format === "sarif") printForReviewers(sessions, format);
  else for (const session of sessions) print(session, format, options);
  return Math.max(...sessions.map(exitCodeOf));
}

export const checkCommand = (exit: (code: number) => void): Command =>
  new Command("check")
    .summary("say what is wrong with a topology")
    .description(
      "Prints every error, warning and note on standard output and writes nothing. Exits with 1 if there is an error. " +
        "Several topologies are each looked at by itself.",
    )
    .addArgument(topologiesArgument())
    .addOption(keysOption())
    .addOption(withOption())
    .option("--proof <file>", "whether what lab --record wrote still speaks of the topology, and what it says")
    .addOption(quietOption())
    .addOption(
      formatOption("diagnostics (json: one object a line; github: annotations)", ["text", "json", "github", "sarif"]),
    )
    .action((topologies: readonly string[], options: CheckOptions) => exit(check(topologies, options)));
