#!/usr/bin/env node
/** The process: arguments in, exit code out. Nothing below commands/ knows that there is one. */
import { Command, CommanderError } from "commander";
import { visibleLines } from "./base/text.ts";
import { describeMachineError, EXIT_BUG, EXIT_DONE, EXIT_MACHINE } from "./commands/exit.ts";
import { version } from "./commands/version.generated.ts";

type Exit = (code: number) => void;
type Loader = () => Promise<(exit: Exit) => Command>;

/** In the order of the help. Only the one that is asked for is loaded: the compiler alone takes three times Node's start. */
const COMMANDS: ReadonlyMap<string, Loader> = new Map([
  ["init", async () => (await import("./commands/init.ts")).initCommand],
  ["import", async () => (await import("./commands/import.ts")).importCommand],
  ["host", async () => (await import("./commands/host.ts")).hostCommand],
  ["keys", async () => (await import("./commands/keys.ts")).keysCommand],
  ["check", async () => (await import("./commands/check.ts")).checkCommand],
  ["mtu", async () => (await import("./commands/mtu.ts")).mtuCommand],
  ["trace", async () => (await import("./commands/trace.ts")).traceCommand],
  ["what-if", async () => (await import("./commands/what-if.ts")).whatIfCommand],
  ["describe", async () => (await import("./commands/describe.ts")).describeCommand],
  ["diff", async () => (await import("./commands/diff.ts")).diffCommand],
  ["build", async () => (await import("./commands/build.ts")).buildCommand],
  ["bundle", async () => (await import("./commands/bundle.ts")).bundleCommand],
  ["ansible", async () => (await import("./commands/ansible.ts")).ansibleCommand],
  ["cloud-init", async () => (await import("./commands/cloud-init.ts")).cloudInitCommand],
  ["monitoring", async () => (await import("./commands/monitoring.ts")).monitoringCommand],
  ["proxmox", async () => (await import("./commands/proxmox.ts")).proxmoxCommand],
  ["cloud-routes", async () => (await import("./commands/cloud-routes.ts")).cloudRoutesCommand],
  ["report", async () => (await import("./commands/report.ts")).reportCommand],
  ["graph", async () => (await import("./commands/graph.ts")).graphCommand],
  ["lab", async () => (await import("./commands/lab.ts")).labCommand],
  ["model", async () => (await import("./commands/model.ts")).modelCommand],
  ["schema", async () => (await import("./commands/schema.ts")).schemaCommand],
  ["completion", async () => (await import("./commands/completion.ts")).completionCommand],
]);

/** What went wrong in words, and the exit code it ends with. */
function judge(error: unknown): { readonly code: number; readonly message: string } {
  if (error instanceof CommanderError) return { code: error.exitCode === 0 ? EXIT_DONE : EXIT_MACHINE, message: "" };
  if (!(error instanceof Error)) return { code: EXIT_BUG, message: `netgen: ${String(error)}\n` };
  const refused = describeMachineError(error);
  if (refused !== undefined) return { code: EXIT_MACHINE, message: `netgen: ${refused}\n` };
  return {
    code: EXIT_BUG,
    message: `netgen: this is a bug in netgen, please report it: ${error.stack ?? error.message}\n`,
  };
}

function fail(error: unknown): void {
  const { code, message } = judge(error);
  // Names of files and arguments are part of it, and those may hold anything.
  process.stderr.write(visibleLines(message));
  process.exitCode = code;
}

/** The commands that the arguments may need; for help, and for what is no command, all of them. */
function loadersFor(args: readonly string[]): ReadonlySet<Loader> {
  const [first = ""] = args;
  if (first === "-V" || first === "--version") return new Set();
  const asked = COMMANDS.get(first);
  // The words after its dashes are a command line that is being written.
  const written = first === "completion" && args.includes("--") ? args.slice(args.indexOf("--") + 1) : undefined;
  return new Set([...(written === undefined ? [] : loadersFor(written)), ...(asked ? [asked] : COMMANDS.values())]);
}

async function program(args: readonly string[], exit: Exit): Promise<Command> {
  const netgen = new Command("netgen")
    .description("Compiles one topology.yaml into every host's WireGuard, VXLAN, EVPN, sysctl and nftables files.")
    .version(version, "-V, --version", "print the version")
    .helpCommand(false)
    .addHelpText(
      "after",
      "\nA first run:\n  netgen init                          write a topology.yaml to start from\n" +
        "  netgen keys generate topology.yaml   make the keys that are missing\n" +
        "  netgen check topology.yaml           say what is wrong\n" +
        "  netgen mtu topology.yaml             explain every MTU\n" +
        "  netgen diff topology.yaml            show what a build would change\n" +
        "  netgen build topology.yaml           write out/<host>/etc/...\n" +
        "  netgen lab topology.yaml             boot it on this machine and prove it\n\n" +
        "Exit codes: 0 done, 1 the topology has errors (or diff or build --check found\na difference, or lab a " +
        "broken promise), 2 wrong invocation or a file that cannot be\nread or written, 70 a bug in netgen.\n",
    );
  for (const load of loadersFor(args)) netgen.addCommand((await load())(exit));
  // Inherited by hand: commander copies neither to commands that are added ready-made.
  const finish = (command: Command, call: string): void => {
    command.exitOverride().showHelpAfterError(`(${call} --help tells more)`);
    command.configureOutput({ outputError: (text, write) => write(visibleLines(text)) });
    for (const each of command.commands) finish(each, `${call} ${each.name()}`);
  };
  finish(netgen, "netgen");
  return netgen;
}

// `netgen model | head` closes our output early: that is no error, and what was judged by then stays the exit code.
for (const [name, stream] of Object.entries({ "standard output": process.stdout, "standard error": process.stderr })) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") fail(Object.assign(error, { path: name }));
    process.exit();
  });
}

async function main(args: readonly string[]): Promise<void> {
  const netgen = await program(args, (code) => {
    process.exitCode = code;
  });
  await netgen.parseAsync(args, { from: "user" });
}

/** For one who loads this file. It is not awaited here: the executable is one script, in which nothing can be at its top. */
export const finished = main(process.argv.slice(2)).catch(fail);
