#!/usr/bin/env node
/** The process: arguments in, exit code out. Nothing below commands/ knows that there is one. */
import { readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { buildCommand } from "./commands/build.ts";
import { checkCommand } from "./commands/check.ts";
import { diffCommand } from "./commands/diff.ts";
import { initCommand } from "./commands/init.ts";
import { keysCommand } from "./commands/keys.ts";
import { modelCommand } from "./commands/model.ts";
import { mtuCommand } from "./commands/mtu.ts";
import { schemaCommand } from "./commands/schema.ts";
import { EXIT_BUG, EXIT_DONE, EXIT_MACHINE } from "./commands/session.ts";

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

function program(exit: (code: number) => void): Command {
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
  const commands = [
    initCommand,
    keysCommand,
    checkCommand,
    mtuCommand,
    diffCommand,
    buildCommand,
    modelCommand,
    schemaCommand,
  ];
  for (const command of commands) netgen.addCommand(command(exit));
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
  program((code) => {
    process.exitCode = code;
  }).parse();
} catch (error) {
  fail(error);
}
