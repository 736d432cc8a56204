import { Argument, Command } from "commander";
import { listInWords } from "../base/text.ts";
import { knownOf, namedThings, type Thing, thingsNamed } from "../report/describe/describe.ts";
import type { Known } from "../report/describe/description.ts";
import { renderDescription } from "../report/describe/text.ts";
import { closest } from "../validate/suggest.ts";
import { EXIT_DONE, machineError } from "./exit.ts";
import { formatOption, keysOption, quietOption, topologyOption } from "./options.ts";
import { type CommonOptions, exitCodeOf, jsonOf, openCompiled, printDiagnostics } from "./session.ts";

interface DescribeOptions extends CommonOptions {
  readonly topology: string;
}

/** The one thing that a text means. @throws Error when that is nothing, or several. */
function meant(known: Known, text: string): Thing {
  const things = thingsNamed(known, text);
  if (things === "no-tunnel") throw machineError(`the hosts that "${text}" names have no tunnel between them`);
  const [thing, ...others] = things;
  if (thing !== undefined && others.length === 0) return thing;
  if (thing !== undefined) {
    const names = listInWords(
      things.map(({ kind, name }) => `${kind}:${name}`),
      "or",
    );
    throw machineError(`"${text}" is the name of more than one thing: write ${names}`);
  }
  const near = closest(
    text,
    namedThings(known).map(({ name }) => name),
  );
  const hint =
    near === undefined ? "write a host, a subnet, a VRF, a site or a tunnel (alpha--beta)" : `did you mean "${near}"?`;
  throw machineError(`"${text}" is no host, no subnet, no VRF, no site and no tunnel of the topology; ${hint}`);
}

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
