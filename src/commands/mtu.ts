import { Command } from "commander";
import { type MtuReport, reportMtu } from "../report/mtu.ts";
import { renderMtu } from "../report/mtu-text.ts";
import { EXIT_DONE } from "./exit.ts";
import { formatOption, keysOption, quietOption, topologyArgument } from "./options.ts";
import { type CommonOptions, exitCodeOf, open, printDiagnostics } from "./session.ts";

/** What is absent is `null`, so that every row of a kind has the same fields. */
function formatJson(report: MtuReport): string {
  return `${JSON.stringify(report, (_, value: unknown) => (value === undefined ? null : value), 2)}\n`;
}

function mtu(topology: string, options: CommonOptions): number {
  const session = open(topology, options);
  printDiagnostics(session, process.stderr, "text");
  if (session.model !== undefined && exitCodeOf(session) === EXIT_DONE) {
    const report = reportMtu(session.model);
    const isJson = options.format === "json";
    process.stdout.write(isJson ? formatJson(report) : renderMtu(report));
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
