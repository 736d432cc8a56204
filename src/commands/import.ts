/** The way in: a topology of what other tools have on the hosts. */
import { statSync } from "node:fs";
import { Argument, Command, Option } from "commander";
import { shellWord } from "../base/text.ts";
import { type Finding, FORMATS, type Format } from "../import/facts.ts";
import { type Import, importTopology } from "../import/import.ts";
import { readForeign } from "../keys/foreign.ts";
import { EXIT_TOPOLOGY, machineError } from "./exit.ts";
import { writeNew } from "./new-file.ts";
import { quietOption } from "./options.ts";
import { counted, exitCodeOf, printDiagnostics, printSummary, type Session, say } from "./session.ts";

interface ImportOptions {
  readonly output: string;
  readonly format?: Format;
  readonly quiet?: boolean;
}

/** `file:line: question: …`, and where the other side of a contradiction stands. */
function describe({ kind, text, places }: Finding): string {
  const [{ file, line }, ...others] = places;
  const also = others.map((other) => `${other.file}:${other.line}: the other place\n`).join("  ");
  return `${file}:${line}: ${kind}: ${text}\n${also === "" ? "" : `  ${also}`}`;
}

/** All that is to be said but the topology itself. */
function tell(imported: Import & { readonly source: NonNullable<Import["source"]> }, options: ImportOptions): number {
  const { source, judgement, findings } = imported;
  const told = options.quiet === true ? findings.filter(({ kind }) => kind === "question") : findings;
  say(told.map(describe).join(""));
  const diagnostics = judgement?.diagnostics ?? [];
  const session: Session = {
    source,
    diagnostics,
    model: judgement?.model,
    keysDirectory: "keys",
    isQuiet: options.quiet ?? false,
  };
  printDiagnostics(session, process.stderr, "text");
  return findings.some(({ kind }) => kind === "question") ? EXIT_TOPOLOGY : exitCodeOf(session);
}

function read(paths: readonly string[], { output, format }: ImportOptions): Import {
  const sources = readForeign(paths);
  const imported = importTopology(sources, output === "-" ? "topology.yaml" : output, format);
  const [stranger] = imported.unknown;
  if (stranger !== undefined && paths.includes(stranger)) {
    throw machineError(`${stranger} is in none of the formats ${FORMATS.join(", ")}; --format says which one it is`);
  }
  return imported;
}

function run(paths: readonly string[], options: ImportOptions): number {
  const { output } = options;
  if (output !== "-" && statSync(output, { throwIfNoEntry: false }) !== undefined) {
    throw machineError(`${output} is there already, and import overwrites nothing; name another file with -o`);
  }
  const imported = read(paths, options);
  const { source, findings, judgement } = imported;
  if (source === undefined) {
    say(findings.map(describe).join(""));
    throw machineError(`there is no host in ${paths.join(", ")}; nothing was written`);
  }
  if (output === "-") process.stdout.write(source.text);
  else writeNew(output, source.text, "import");
  const code = tell({ ...imported, source }, options);
  const questions = findings.filter(({ kind }) => kind === "question").length;
  const hosts = counted(judgement?.model?.hosts.length ?? 0, "host");
  const next = `netgen check ${shellWord(output)}`;
  const summary = `${output}: ${hosts}, ${counted(questions, "open question")}. Next: ${next}\n`;
  if (output !== "-") printSummary(summary, options);
  return code;
}

export const importCommand = (exit: (code: number) => void): Command =>
  new Command("import")
    .summary("make a topology of what other tools have")
    .description(
      "Reads what other tools have on the hosts, one host or all of a fleet, and writes a topology of it, with comments where " +
        "it guessed. Says what is open, each with its place, and exits with 1 if something is. Keys are compared, and none " +
        "is kept or shown; nothing is overwritten.",
    )
    .addArgument(new Argument("<file...>", "files, or directories of them"))
    .addOption(
      new Option("-o, --output <file>", "where to write the topology, - for standard output").default("topology.yaml"),
    )
    .addOption(new Option("--format <format>", "what the files are (default: what they look like)").choices(FORMATS))
    .addOption(quietOption())
    .addHelpText(
      "after",
      "\nExamples:\n  netgen import alpha.conf beta.conf gamma.conf\n  netgen import host_vars --format githubixx -o fleet.yaml\n",
    )
    .action((paths: readonly string[], options: ImportOptions) => exit(run(paths, options)));
