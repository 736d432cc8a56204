/** Boots what was compiled, on this machine, and proves it. */
import { isSea } from "node:sea";
import { Command, InvalidArgumentError } from "commander";
import { maskKeys } from "../base/key.ts";
import { listInWords, shellWord } from "../base/text.ts";
import { freeInstances, instancesComplaint } from "../lab/machine/inotify.ts";
import { availableBytes, memoryComplaint, neededBytes } from "../lab/machine/memory.ts";
import { findObstacles, thisMachine } from "../lab/machine/needs.ts";
import type { Compiled } from "../lab/machine/open.ts";
import { listKept } from "../lab/machine/state.ts";
import { PROMISE_KINDS, type PromiseKind } from "../lab/measure/promise.ts";
import type { LabPlan } from "../lab/plan/plan.ts";
import { planLab } from "../lab/plan/plan-lab.ts";
import { type Selection, selectHosts, silentSegment } from "../lab/plan/select.ts";
import { isAllKept, type Results, renderSummary } from "../lab/report.ts";
import { type RunEnd, runLab } from "../lab/run.ts";
import type { Network } from "../model/network.ts";
import { EXIT_DONE, EXIT_MACHINE, EXIT_TOPOLOGY, machineError } from "./exit.ts";
import { downCommand, execCommand, listCommand } from "./lab-kept.ts";
import { kernelOption, labInKernel } from "./lab-kernel.ts";
import { demandPlace, proofOf, writeProof } from "./lab-record.ts";
import { exitCodeFor, type Signal, screenFor, stopOn, watchFor } from "./lab-watch.ts";
import { formatOption, keysOption, quietOption, topologyArgument } from "./options.ts";
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
import { askedHosts } from "./tree.ts";

interface LabOptions extends CommonOptions {
  readonly keep?: boolean;
  readonly boot?: boolean;
  readonly kernel?: string;
  readonly hosts?: string;
  readonly prove?: readonly PromiseKind[];
  readonly timeout?: number;
  readonly record?: string;
}

/** Longer than any lab, and what Node's timers take. */
const MAX_TIMEOUT_SECONDS = 86_400;

function asSeconds(text: string): number {
  const seconds = Number(text);
  if (/^\d{1,5}$/.test(text) && seconds >= 1 && seconds <= MAX_TIMEOUT_SECONDS) return seconds;
  throw new InvalidArgumentError(`It must be 1 to ${MAX_TIMEOUT_SECONDS} seconds.`);
}

function asKinds(text: string): readonly PromiseKind[] {
  return text.split(",").map((word) => {
    const kind = PROMISE_KINDS.find((each) => each === word);
    if (kind !== undefined) return kind;
    throw new InvalidArgumentError(`"${word}" is no kind of promise; they are ${PROMISE_KINDS.join(", ")}.`);
  });
}

// ── Before anything is started ──────────────────────────────────────────────────────────────────────────────────────

function planOf(network: Network): LabPlan {
  try {
    return planLab(network);
  } catch (error) {
    throw (error as Error).constructor === Error ? machineError((error as Error).message) : error;
  }
}

function select(network: Network, hosts: readonly string[] | undefined): Selection {
  const plan = planOf(network);
  if (hosts === undefined) return { network, plan };
  const segment = silentSegment(network, hosts);
  if (segment === undefined) return selectHosts(network, plan, hosts);
  const reflectors = network.hosts.filter(({ bgp }) => bgp.kind !== "none" && bgp.isReflector);
  throw machineError(
    `--hosts: the hosts of ${segment} hear of each other by a route reflector only; ` +
      `add ${listInWords(
        reflectors.map(({ name }) => name),
        "or",
      )}`,
  );
}

const clash = (name: string): Error =>
  machineError(`a lab "${name}" is up; end it first: netgen lab down ${shellWord(name)}`);

/** @throws Error with all that is missing, before anything is started. */
async function demand({ network, plan }: Selection, { keep, boot }: LabOptions): Promise<void> {
  const obstacles = await findObstacles(network, thisMachine(), boot);
  const complaints =
    obstacles.length > 0
      ? []
      : [
          memoryComplaint(network, neededBytes(network, plan, boot), availableBytes()),
          boot === true ? instancesComplaint(network, freeInstances()) : undefined,
        ];
  const all = [...obstacles, ...complaints.filter((each) => each !== undefined)];
  if (all.length > 0)
    throw machineError(`no lab can be started here:\n${all.map((each) => `  ${each}\n`).join("")}`.trimEnd());
  // Also clears away what is left of others.
  if (listKept().some(({ name }) => name === network.name) && keep === true) throw clash(network.name);
}

// ── Afterwards ──────────────────────────────────────────────────────────────────────────────────────────────────────

async function record(
  session: CompiledSession,
  { network, isBooting }: Compiled,
  results: Results,
  options: LabOptions,
) {
  if (options.record === undefined) return;
  const hosts = network.hosts.map(({ name }) => name);
  const kinds = askedKinds(options);
  writeProof(options.record, await proofOf({ session, results, hosts, kinds, isBooting: isBooting === true }));
}

function finish(results: Results, options: LabOptions): number {
  const keptOne = shellWord(results.name);
  if (options.format !== "json") printSummary(renderSummary(results), options);
  if (options.keep === true && options.format !== "json") {
    printSummary(
      `The lab is up: netgen lab exec HOST -- COMMAND runs in it, netgen lab down ${keptOne} ends it.\n`,
      options,
    );
  }
  return isAllKept(results) ? EXIT_DONE : EXIT_TOPOLOGY;
}

const PHASES: Readonly<Record<string, string>> = {
  namespaces: "making the namespaces",
  underlay: "building the underlay",
  hosts: "booting the hosts",
};

const doing = (phase: string): string => PHASES[phase] ?? `proving the kind ${phase}`;

function giveUp(end: Exclude<RunEnd, { kind: "proven" }>, stop: AbortSignal, { timeout }: LabOptions): number {
  const left = "nothing of the lab is left";
  if (end.kind === "failed") {
    // What programs said may hold anything.
    say(`netgen: ${doing(end.phase)} failed; ${left}:\n${maskKeys(end.message)}\n`);
    return end.isHost ? EXIT_TOPOLOGY : EXIT_MACHINE;
  }
  if (stop.reason === "timeout") {
    process.stderr.write(`netgen: ${timeout} s were over while ${doing(end.phase)}; ${left}\n`);
    return EXIT_MACHINE;
  }
  process.stderr.write(`netgen: interrupted while ${doing(end.phase)}; ${left}\n`);
  return exitCodeFor(stop.reason as Signal);
}

async function run(session: CompiledSession, compiled: Compiled, options: LabOptions): Promise<number> {
  const stop = stopOn(options.timeout);
  const screen = screenFor(
    options,
    compiled.network.hosts.map(({ name }) => name),
  );
  try {
    const { keep: isKept = false } = options;
    const end = await runLab({ compiled, kinds: askedKinds(options), isKept, stop }, watchFor(options, screen));
    screen?.end();
    if (end.kind !== "proven") return giveUp(end, stop, options);
    const code = finish(end.results, options);
    await record(session, compiled, end.results, options);
    return code;
  } catch (error) {
    screen?.end();
    throw (error as NodeJS.ErrnoException).code === "EEXIST" ? clash(compiled.network.name) : error;
  }
}

/** Left out: what can be proven of hosts as they are. */
const askedKinds = ({ prove, boot }: LabOptions): readonly PromiseKind[] =>
  prove ?? PROMISE_KINDS.filter((kind) => kind !== "boot" || boot === true);

/** Where Debian's `su` does not look for programs, they are nevertheless. */
const SBIN = "/usr/local/sbin:/usr/sbin:/sbin";

async function lab(topology: string, options: LabOptions): Promise<number> {
  const isInside = options.kernel === "debian";
  if (isInside && options.keep === true)
    throw machineError("--keep: a virtual machine ends with its lab; use --kernel host");
  if (options.prove?.includes("boot") && options.boot !== true)
    throw machineError("--prove: the kind boot is of hosts that boot by themselves: add --boot");
  demandPlace(options.record);
  const session = openCompiled(topology, options);
  const { model, files, units, configurations } = session;
  const hasErrors = model === undefined || exitCodeOf(session) !== EXIT_DONE;
  // Otherwise the lab in the virtual machine says it.
  if (hasErrors || !isInside) printDiagnostics(session, process.stderr, options.format);
  if (hasErrors) return exitCodeOf(session);
  const { network, plan } = select(model, askedHosts(session, options.hosts));
  process.env.PATH = `${process.env.PATH ?? ""}:${SBIN}`;
  if (isInside) return labInKernel(topology, session, options);
  await demand({ network, plan }, options);
  const absent = model.hosts.length - network.hosts.length;
  if (absent > 0 && options.format !== "json") {
    const left = `${absent} of ${counted(model.hosts.length, "host")} left out, with all promises about them\n`;
    printSummary(left, options, process.stderr);
  }
  return run(session, { network, files, units, configurations, plan, isBooting: options.boot ?? false }, options);
}

export const labCommand = (exit: (code: number) => void): Command =>
  new Command("lab")
    .summary("boot a topology on this machine and prove it")
    .description(
      "Boots every host of a topology as a namespace of this machine, with the real programs reading the compiled files, " +
        "measures every promise that the topology makes, and takes it all down. Exits with 0 only if every promise was " +
        "kept, with 1 if one was broken. Needs root, and touches nothing of the machine's own network.",
    )
    .addArgument(topologyArgument())
    .addOption(keysOption())
    .option("--hosts <names>", "only these hosts, separated by commas")
    .option("--prove <kinds>", "only promises of these kinds, separated by commas", asKinds)
    .option("--boot", "let every host boot by itself, with systemd as its process 1")
    .option("--keep", "leave the lab up, for lab exec, until lab down")
    .option("--timeout <seconds>", "give up after so long", asSeconds)
    .option("--record <file>", "write what was measured to a file, or - for standard output, for check --proof")
    .addOption(kernelOption())
    .addOption(quietOption())
    .addOption(formatOption("the results (json: one object a promise)"))
    .helpCommand(false)
    .addCommand(execCommand(exit))
    .addCommand(downCommand(exit))
    .addCommand(listCommand(exit))
    .addHelpText(
      "after",
      "\nExamples:\n  netgen lab topology.yaml\n  netgen lab topology.yaml --hosts alpha,beta --keep\n  netgen lab topology.yaml --boot --prove boot\n" +
        "  netgen lab exec alpha -- wg show\n  netgen lab down\n",
    )
    .action(async (topology: string, options: LabOptions) => {
      if (isSea()) {
        throw machineError(
          "the executable has no lab, which runs scripts by Node.js: use netgen as a package or Debian's",
        );
      }
      // Whatever ends us before our time: not every promise was kept.
      exit(EXIT_MACHINE);
      const code = await lab(topology, options);
      exit(code);
      // A lab that was stopped may have left us waiting for programs that ended with it.
      if (code !== EXIT_DONE && code !== EXIT_TOPOLOGY) process.exit();
    });
