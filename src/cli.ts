#!/usr/bin/env node
/** The process: arguments in, exit code out. Nothing below commands/ knows that there is one. */
import { readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { EXIT_BUG, EXIT_DONE, EXIT_MACHINE } from "./commands/exit.ts";

type Exit = (code: number) => void;

/** In the order of the help. Only the one that is asked for is loaded: the compiler alone takes three times Node's start. */
const COMMANDS: ReadonlyMap<string, () => Promise<(exit: Exit) => Command>> = new Map([
  ["init", async () => (await import("./commands/init.ts")).initCommand],
  ["keys", async () => (await import("./commands/keys.ts")).keysCommand],
  ["check", async () => (await import("./commands/check.ts")).checkCommand],
  ["mtu", async () => (await import("./commands/mtu.ts")).mtuCommand],
  ["diff", async () => (await import("./commands/diff.ts")).diffCommand],
  ["build", async () => (await import("./commands/build.ts")).buildCommand],
  ["model", async () => (await import("./commands/model.ts")).modelCommand],
  ["schema", async () => (await import("./commands/schema.ts")).schemaCommand],
]);

const ERRNO_IN_WORDS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file or directory",
  EISDIR: "it is a directory, not a file",
  ENOTDIR: "a part of the path is a file, not a directory",
  EEXIST: "there is a file in the place of a directory",
  EACCES: "permission denied",
  EPERM: "operation not permitted",
  EROFS: "the file system is read-only",
  ENOSPC: "the disk is full",
};

function version(): string {
  const text = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}

/** What went wrong in words, and the exit code it ends with. */
function judge(error: unknown): { readonly code: number; readonly message: string } {
  if (error instanceof CommanderError) return { code: error.exitCode === 0 ? EXIT_DONE : EXIT_MACHINE, message: "" };
  if (!(error instanceof Error)) return { code: EXIT_BUG, message: `netgen: ${String(error)}\n` };
  const { code, path } = error as NodeJS.ErrnoException;
  if (typeof code === "string" && /^E[A-Z0-9]+$/.test(code)) {
    const words = ERRNO_IN_WORDS[code];
    const message = words === undefined ? error.message : `${path === undefined ? "" : `${path}: `}${words}`;
    return { code: EXIT_MACHINE, message: `netgen: ${message}\n` };
  }
  return {
    code: EXIT_BUG,
    message: `netgen: this is a bug in netgen, please report it: ${error.stack ?? error.message}\n`,
  };
}

function fail(error: unknown): void {
  const { code, message } = judge(error);
  process.stderr.write(message);
  process.exitCode = code;
}

/** The commands that the arguments may need; for help, and for what is no command, all of them. */
function loadersFor([first = ""]: readonly string[]) {
  if (first === "-V" || first === "--version") return [];
  const asked = COMMANDS.get(first);
  return asked === undefined ? [...COMMANDS.values()] : [asked];
}

async function program(args: readonly string[], exit: Exit): Promise<Command> {
  const netgen = new Command("netgen")
    .description("Compiles one topology.yaml into every host's WireGuard, VXLAN, EVPN, sysctl and nftables files.")
    .version(version(), "-V, --version", "print the version")
    .helpCommand(false)
    .addHelpText(
      "after",
      "\nA first run:\n  netgen init                          write a topology.yaml to start from\n" +
        "  netgen keys generate topology.yaml   make the keys that are missing\n" +
        "  netgen check topology.yaml           say what is wrong\n" +
        "  netgen mtu topology.yaml             explain every MTU\n" +
        "  netgen diff topology.yaml            show what a build would change\n" +
        "  netgen build topology.yaml           write out/<host>/etc/...\n\n" +
        "Exit codes: 0 done, 1 the topology has errors (or diff found a difference), 2 wrong\ninvocation or a file that cannot be read or written, 70 a bug in netgen.\n",
    );
  for (const load of loadersFor(args)) netgen.addCommand((await load())(exit));
  // Inherited by hand: commander copies neither to commands that are added ready-made.
  const finish = (command: Command, call: string): void => {
    command.exitOverride().showHelpAfterError(`(${call} --help tells more)`);
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

try {
  const args = process.argv.slice(2);
  const netgen = await program(args, (code) => {
    process.exitCode = code;
  });
  netgen.parse(args, { from: "user" });
} catch (error) {
  fail(error);
}
