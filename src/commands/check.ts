import { Command } from "commander";
import { formatOption, keysOption, quietOption, topologyArgument, withOption } from "./options.ts";
import { type CommonOptions, counted, exitCodeOf, open, printDiagnostics, printSummary } from "./session.ts";

function check(topology: string, options: CommonOptions): number {
  const session = open(topology, options);
  printDiagnostics(session, process.stdout, options.format);
  if (session.diagnostics.length === 0 && options.format !== "json") {
    printSummary(`${session.source.name}: no errors, ${counted(session.model?.hosts.length ?? 0, "host")}\n`, options);
  }
  return exitCodeOf(session);
}

export const checkCommand = (exit: (code: number) => void): Command =>
  new Command("check")
    .summary("say what is wrong with a topology")
    .description(
      "Prints every error, warning and note on standard output and writes nothing. Exits with 1 if there is an error.",
    )
    .addArgument(topologyArgument())
    .addOption(keysOption())
    .addOption(withOption())
    .addOption(quietOption())
    .addOption(formatOption("diagnostics (json: one object a line)"))
    .action((topology: string, options: CommonOptions) => exit(check(topology, options)));
