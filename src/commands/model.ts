import { Command } from "commander";
import { renderModel } from "../report/model.ts";
import { EXIT_DONE } from "./exit.ts";
import { keysOption, quietOption, topologyArgument } from "./options.ts";
import { type CommonOptions, exitCodeOf, open, printDiagnostics } from "./session.ts";

function model(topology: string, options: CommonOptions): number {
  const session = open(topology, options);
  printDiagnostics(session, process.stderr, "text");
  if (session.model !== undefined && exitCodeOf(session) === EXIT_DONE) {
    process.stdout.write(renderModel(session.model));
  }
  return exitCodeOf(session);
}

export const modelCommand = (exit: (code: number) => void): Command =>
  new Command("model")
    .summary("print the resolved model as JSON")
    .description(
      "Prints what netgen made of a topology: every default decided, every address, MAC, MTU and AllowedIPs.",
    )
    .addArgument(topologyArgument())
    .addOption(keysOption())
    .addOption(quietOption())
    .action((topology: string, options: CommonOptions) => exit(model(topology, options)));
