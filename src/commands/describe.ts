import { Argument, Command } from "commander";
import { knownOf, namedThings, type Thing, thingsNamed } from "../report/describe/describe.ts";
import type { Known } from "../report/describe/description.ts";
import { renderDescription } from "../report/describe/text.ts";
import { EXIT_DONE } from "./exit.ts";
import { onlyOne } from "./names.ts";
import { formatOption, keysOption, quietOption, topologyOption } from "./options.ts";
import { type CommonOptions, exitCodeOf, jsonOf, openCompiled, printDiagnostics } from "./session.ts";

interface DescribeOptions extends CommonOptions {
  readonly topology: string;
}

const meant = (known: Known, text: string): Thing =>
  onlyOne(text, thingsNamed(known, text), {
    is: "no host, no subnet, no VRF, no site and no tunnel",
    names: namedThings(known).map(({ name }) => name),
    write: "a host, a subnet, a VRF, a site or a tunnel (alpha--beta)",
  });

function describe(name: string, options: DescribeOptions): number {
  const session = openCompiled(options.topology, options);
  printDiagnostics(session, process.stderr, "text");
  if (session.model !== undefined && exitCodeOf(session) === EXIT_DONE) {
    const description = meant(knownOf(session.model, session.units), name).describe();
    process.stdout.write(options.format === "json" ? jsonOf(description) : renderDescription(description));
  }
  return exitCodeOf(session);
}

export const describeCommand = (exit: (code: number) => void): Command =>
  new Command("describe")
    .summary("explain a host, a subnet, a VRF, a site or a tunnel")
    .description(
      "Prints what something is, its numbers and why they are so, who depends on it, and the commands that look at it on " +
        "the real hosts, in triage order, each with the answer that is good. A tunnel is named by its ends: alpha--beta. " +
        "A name that several have is told apart by its kind: host:alpha, subnet:alpha, vrf:, site:, link:.",
    )
    .addArgument(new Argument("<thing>", "what to explain"))
    .addOption(topologyOption())
    .addOption(keysOption())
    .addOption(quietOption())
    .addOption(formatOption("the description"))
    .action((name: string, options: DescribeOptions) => exit(describe(name, options)));
