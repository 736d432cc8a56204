import { Command, Option } from "commander";
import { planGuests } from "../lab/plan/guests.ts";
import { renderEach, renderWhatIf, whatIfData, worstFirst } from "../report/what-if.ts";
import { UNBOUNDED, whatIfEach } from "../ways/each.ts";
import { type Loss, lossesNamed, together } from "../ways/loss.ts";
import { type Ways, waysOf } from "../ways/ways.ts";
import { whatIf } from "../ways/what-if.ts";
import { EXIT_DONE, machineError } from "./exit.ts";
import { onlyOne } from "./names.ts";
import { formatOption, keysOption, quietOption, topologyOption } from "./options.ts";
import { type CommonOptions, exitCodeOf, jsonOf, open, printDiagnostics } from "./session.ts";

const EACH = ["host", "link", "site"] as const;

interface WhatIfOptions extends CommonOptions {
  readonly topology: string;
  readonly down?: string;
  readonly also?: readonly string[];
  readonly each?: (typeof EACH)[number] | true;
}

const meant = (ways: Ways, text: string): Loss =>
  onlyOne(text, lossesNamed(ways, text), {
    is: "no host, no site, no tunnel and no interface",
    names: [...ways.network.hosts, ...ways.network.sites].map(({ name }) => name),
    write: "a host, a site, a tunnel (alpha--beta) or an interface (wg0@alpha)",
  });

function lossOf(ways: Ways, down: string, also: readonly string[]): Loss {
  const loss = together(
    meant(ways, down),
    also.map((text) => meant(ways, text)),
  );
  if (new Set(loss.hosts).size === ways.hosts.size) throw machineError(`without ${loss.name} there is no host left`);
  return loss;
}

function answer(ways: Ways, { down, also = [], each, format }: WhatIfOptions): string {
  const isData = format === "json";
  if (down !== undefined) {
    const result = whatIf(ways, lossOf(ways, down, also));
    return isData ? jsonOf(whatIfData(result)) : renderWhatIf(result);
  }
  const kinds = each === undefined || each === true ? EACH : [each];
  const { results } = whatIfEach(ways, kinds, UNBOUNDED);
  return isData ? jsonOf(worstFirst(results).map(whatIfData)) : renderEach(results);
}

function ask(options: WhatIfOptions): number {
  if (options.down === undefined && options.each === undefined) {
    throw machineError("name what is down with --down, or ask for --each host, link or site in turn");
  }
  if (options.down === undefined && options.also !== undefined) {
    throw machineError("--also adds to what --down names");
  }
  const session = open(options.topology, options);
  printDiagnostics(session, process.stderr, "text");
  if (session.model !== undefined && exitCodeOf(session) === EXIT_DONE) {
    process.stdout.write(answer(waysOf(session.model, planGuests(session.model).guests), options));
  }
  return exitCodeOf(session);
}

export const whatIfCommand = (exit: (code: number) => void): Command =>
  new Command("what-if")
    .summary("say what the loss of a host, site, tunnel or interface does")
    .description(
      "Prints which flows worked before and do not after, each kind with one of them and its way; which go another way, by " +
        "what, and after how long at the most. With --each in turn: the single points of failure of a network. Flows are " +
        "those between guests, between hosts, and what leaves by exits.",
    )
    .addOption(new Option("--down <loss>", "a host, a site, a tunnel (alpha--beta) or an interface (wg0@alpha)"))
    .addOption(new Option("--also <loss...>", "what is down at the same time"))
    .addOption(
      new Option("--each [kind]", "every host, link or site in turn; all of them if left out")
        .choices(EACH)
        .conflicts("down"),
    )
    .addOption(topologyOption())
    .addOption(keysOption())
    .addOption(quietOption())
    .addOption(formatOption("the answer"))
    .action((options: WhatIfOptions) => exit(ask(options)));
