/** Labs that were kept: a command in one of their boxes, the list of them, and their end. */
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { Command } from "commander";
import { listInWords } from "../base/text.ts";
import { endLab, type KeptLab, listKept } from "../lab/machine/state.ts";
import { EXIT_DONE, machineError } from "./exit.ts";
import { counted } from "./session.ts";

const quoted = (labs: readonly KeptLab[]): string => listInWords(labs.map(({ name }) => `"${name}"`));

function keptLabs(): readonly KeptLab[] {
  if (process.getuid?.() !== 0) throw machineError("labs are root's: use sudo");
  return listKept();
}

/** The kept lab of this name, or the only one. */
function pick(name: string | undefined, how: string): KeptLab {
  const labs = keptLabs();
  const [only, another] = name === undefined ? labs : labs.filter((lab) => lab.name === name);
  if (only === undefined) {
    const there = labs.length === 0 ? "none is" : `${quoted(labs)} ${labs.length === 1 ? "is" : "are"}`;
    const which = name === undefined ? "no lab is up" : `no lab "${name}" is up, ${there}`;
    throw machineError(`${which}; netgen lab TOPOLOGY --keep leaves one up`);
  }
  if (another !== undefined) throw machineError(`the labs ${quoted(labs)} are up; say which: ${how}`);
  return only;
}

/** What a program in a box ended with, as a shell says it. */
function runIn(pid: number, words: readonly string[]): Promise<number> {
  // Ctrl-C is for the program, which is in the foreground as we are.
  process.on("SIGINT", () => undefined);
  process.on("SIGQUIT", () => undefined);
  const child = spawn("nsenter", ["-t", String(pid), "-n", "-m", "-p", "-u", "--", ...words], { stdio: "inherit" });
  for (const signal of ["SIGTERM", "SIGHUP"] as const) process.on(signal, () => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
  });
}

function exec(host: string, words: readonly string[], { lab: name }: { readonly lab?: string }): Promise<number> {
  const lab = pick(name, "netgen lab exec --lab NAME HOST -- COMMAND");
  const box = lab.boxes.find((each) => each.name === host);
  if (box === undefined) {
    const names = lab.boxes.map((each) => each.name);
    throw machineError(`the lab "${lab.name}" has no "${host}"; it has ${listInWords(names)}`);
  }
  return runIn(box.pid, words);
}

async function down(name: string | undefined): Promise<number> {
  const lab = pick(name, "netgen lab down NAME");
  await endLab(lab);
  process.stdout.write(`${lab.name}: ended\n`);
  return EXIT_DONE;
}

function list(): number {
  for (const { name, boxes } of keptLabs()) {
    const names = boxes.map((box) => box.name).join(" ");
    const hosts = counted(boxes.filter(({ kind }) => kind === "host").length, "host");
    process.stdout.write(`${name}: ${hosts} (${names})\n`);
  }
  return EXIT_DONE;
}

type Exit = (code: number) => void;

export const execCommand = (exit: Exit): Command =>
  new Command("exec")
    .summary("run a command in a lab that was kept")
    .description(
      "Runs a command in a host of a kept lab, in a guest (guests@alpha), in a router (router:alpha) or in the internet " +
        "between them, with the terminal's input and output, and ends with its exit code.",
    )
    .argument("<host>", "the host, guest or router")
    .argument("<command...>", "the command with its arguments, after --")
    .option("--lab <name>", "which lab, where several are kept")
    .addHelpText("after", "\nExamples:\n  netgen lab exec alpha -- wg show\n  netgen lab exec alpha bash\n")
    .action(async (host: string, words: readonly string[], options: { readonly lab?: string }) =>
      exit(await exec(host, words, options)),
    );

export const downCommand = (exit: Exit): Command =>
  new Command("down")
    .summary("end a lab that was kept")
    .description(
      "Ends a kept lab with all that runs in it, and clears away what is left of labs that ended by themselves.",
    )
    .argument("[name]", "which lab, where several are kept")
    .action(async (name: string | undefined) => exit(await down(name)));

export const listCommand = (exit: Exit): Command =>
  new Command("list")
    .summary("list the labs that are up")
    .description("Prints a line for each kept lab: its name, and what exec takes as HOST.")
    .action(() => exit(list()));
