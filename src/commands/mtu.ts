import { Command } from "commander";
import { reportMtu } from "../report/mtu.ts";
import { renderMtu } from "../report/mtu-text.ts";
import { EXIT_DONE } from "./exit.ts";
import { formatOption, keysOption, quietOption, topologyArgument } from "./options.ts";
import { type CommonOptions, exitCodeOf, jsonOf, open, printDiagnostics } from "./session.ts";

function mtu(topology: string, options: CommonOptions): number {
  const session = open(topology, options);
  printDiagnostics(session, process.stderr, "text");
  if (session.model !== undefined && exitCodeOf(session) === EXIT_DONE) {
    const report = reportMtu(session.model);
    const isJson = options.format === "json";
    process.stdout.write(isJson ? jsonOf(report) : renderMtu(report));
  }
  return exitCodeOf(session);
}

export const mtuCommand = (exit: (code: number) => void): Command =>
  new Command("mtu")
    .summary("explain every MTU")
    .description(
      "Prints, for each tunnel and each segment, the path and the rule that chose it, what each layer takes off, " +
        "which peer limits the interface, and the ping that proves the number: one byte more is refused.",
    )
    .addArgument(topologyArgument())
    .addOption(keysOption())
    .addOption(quietOption())
    .addOption(formatOption("the table"))
    .action((topology: string, options: CommonOptions) => exit(mtu(topology, options)));
