/** What a shell offers when the user presses Tab: read off the commands themselves, so that it is never out of date. */
import { readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import type { Argument, Command, Option } from "commander";
import { MAX_SOURCE_BYTES } from "../parse/characters.ts";
import { parseYaml } from "../parse/yaml.ts";
import { isMapping } from "../validate/place.ts";

/** What comes in a place; paths are for the shell to complete. */
type Kind = "values" | "topologies" | "files" | "directories" | "nothing";
/** The parts of a topology whose names come in a place, one or several with commas between them. */
interface Names {
  readonly sections: readonly ("hosts" | "sites" | "subnets" | "vrfs")[];
  readonly isList: boolean;
}

/** What comes in the place of each `<placeholder>` that stands in a usage line. */
export const PLACEHOLDERS: Readonly<Record<string, Kind | Names>> = {
  bytes: "nothing",
  command: "nothing",
  dir: "directories",
  file: "files",
  from: { sections: ["hosts", "subnets"], isList: false },
  host: { sections: ["hosts"], isList: false },
  kind: "nothing",
  kinds: "nothing",
  list: "nothing",
  loss: { sections: ["hosts", "sites"], isList: false },
  name: "nothing",
  names: { sections: ["hosts"], isList: true },
  number: "nothing",
  peer: { sections: ["hosts"], isList: false },
  provider: "nothing",
  recipient: "nothing",
  revision: "nothing",
  seconds: "nothing",
  site: { sections: ["sites"], isList: false },
  sites: { sections: ["sites"], isList: true },
  subnets: { sections: ["subnets"], isList: true },
  text: "nothing",
  thing: { sections: ["hosts", "sites", "subnets", "vrfs"], isList: false },
  to: { sections: ["hosts", "subnets"], isList: false },
  topology: "topologies",
  url: "nothing",
  words: "nothing",
};

interface Candidate {
  readonly value: string;
  readonly description: string;
}

/** What may come next: paths of a kind, or candidates that begin with what is there of the word. */
export interface Completion {
  readonly kind: Kind;
  readonly candidates: readonly Candidate[];
}

const NOTHING: Completion = { kind: "nothing", candidates: [] };

function matching(candidates: readonly Candidate[], start: string): Completion {
  return { kind: "values", candidates: candidates.filter(({ value }) => value.startsWith(start)) };
}

/** The words before the one that is being written, understood. */
interface Line {
  command: Command;
  readonly operands: string[];
  readonly values: Map<string, string>;
  /** The option whose value comes next. */
  pending: Option | undefined;
  hasDashes: boolean;
}

/** Bash makes `--format=json` three words. */
function joinAssignments(words: readonly string[]): readonly string[] {
  const joined: string[] = [];
  for (const word of words) {
    const last = joined.at(-1);
    const isPart = last !== undefined && (/^--[a-z-]+=$/.test(last) || (word === "=" && /^--[a-z-]+$/.test(last)));
    if (isPart) joined[joined.length - 1] = last + word;
    else joined.push(word);
  }
  return joined;
}

const optionOf = ({ options }: Command, flag: string): Option | undefined =>
  options.find(({ long, short }) => flag === long || flag === short);

function readOption(line: Line, word: string): void {
  const [flag = "", value] = word.split(/=(.*)/s);
  const option = optionOf(line.command, flag);
  if (option?.required !== true) return;
  if (value === undefined) line.pending = option;
  else line.values.set(option.attributeName(), value);
}

function readWord(line: Line, word: string): void {
  const { command, pending } = line;
  const inner = line.operands.length > 0 ? undefined : command.commands.find((each) => each.name() === word);
  if (pending !== undefined) {
    line.values.set(pending.attributeName(), word);
    line.pending = undefined;
  } else if (line.hasDashes || word === "-") line.operands.push(word);
  else if (word === "--") line.hasDashes = true;
  else if (word.startsWith("-")) readOption(line, word);
  else if (inner !== undefined) line.command = inner;
  else line.operands.push(word);
}

/** The topology that the line speaks of, or the usual one. */
function topologyOf({ command, operands, values }: Line): string {
  const place = command.registeredArguments.findIndex((argument) => argument.name() === "topology");
  const named = place === -1 ? values.get("topology") : operands[place];
  // Bash hands over words as they were typed.
  return (named ?? "topology.yaml").replace(/["'\\]/g, "").replace(/^~(?=\/)/, homedir());
}

/** The names of hosts, sites and subnets, as the language has them. */
const NAME = /^[a-z0-9][a-z0-9.-]{0,62}$/;

/** The names in some parts of a topology; none where it cannot be read, for this is no time for complaints. */
function namesIn(path: string, sections: Names["sections"]): readonly string[] {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (!stats?.isFile() || stats.size > MAX_SOURCE_BYTES) return [];
  const topology = parseYaml({ name: path, text: readFileSync(path, "utf8") }).value?.value;
  const parts = isMapping(topology) ? sections.map((section) => topology[section]) : [];
  // What can be no name may be a secret in the wrong place.
  return parts.filter(isMapping).flatMap((part) => Object.keys(part).filter((name) => NAME.test(name)));
}

function completeName(line: Line, { sections, isList }: Names, start: string): Completion {
  const done = isList ? start.slice(0, start.lastIndexOf(",") + 1) : "";
  const taken = done.split(",");
  const names = namesIn(topologyOf(line), sections).filter((name) => !taken.includes(name));
  return matching(
    names.map((name) => ({ value: done + name, description: "" })),
    start,
  );
}

/** The word between the brackets of `--keys <dir>`. */
export function placeholderOf(part: Option | Argument): string {
  const usage = "flags" in part ? part.flags : `<${part.name()}>`;
  return /[<[]([\w-]+)/.exec(usage)?.[1] ?? "";
}

function completeValue(line: Line, part: Option | Argument, start: string): Completion {
  if (part.argChoices !== undefined) {
    return matching(
      part.argChoices.map((value) => ({ value, description: "" })),
      start,
    );
  }
  const what = PLACEHOLDERS[placeholderOf(part)] ?? "nothing";
  return typeof what === "string" ? { kind: what, candidates: [] } : completeName(line, what, start);
}

function completeFlag({ command }: Line, start: string): Completion {
  const options = command.createHelp().visibleOptions(command);
  const flags = options.map(({ long, short, description }) => ({ value: long ?? short ?? "", description }));
  return matching(flags, start);
}

/** The commands that may come next; `undefined` where something else may. */
function completeCommand({ command, operands }: Line, start: string): Completion | undefined {
  if (command.commands.length === 0) return undefined;
  const commands = operands.length > 0 ? [] : command.createHelp().visibleCommands(command);
  const completion = matching(
    commands.map((each) => ({ value: each.name(), description: each.summary() })),
    start,
  );
  // `lab` has commands and takes a topology as well.
  const isCommand = start !== "" && completion.candidates.length > 0;
  return isCommand || command.registeredArguments.length === 0 ? completion : undefined;
}

/** What may come in the place of the last word, which may be empty; the first is the one after `netgen`. */
export function complete(program: Command, words: readonly string[]): Completion {
  const joined = joinAssignments(words);
  const current = joined.at(-1) ?? "";
  const line: Line = { command: program, operands: [], values: new Map(), pending: undefined, hasDashes: false };
  for (const word of joined.slice(0, -1)) readWord(line, word);
  const { command, operands, pending } = line;
  if (pending !== undefined) return completeValue(line, pending, current);
  if (current.startsWith("-") && !line.hasDashes) {
    const [flag = "", value] = current.split(/=(.*)/s);
    const option = optionOf(command, flag);
    if (value === undefined) return completeFlag(line, current);
    return option?.required === true ? completeValue(line, option, value) : NOTHING;
  }
  const commands = completeCommand(line, current);
  if (commands !== undefined) return commands;
  const last = command.registeredArguments.at(-1);
  const argument = command.registeredArguments[operands.length] ?? (last?.variadic === true ? last : undefined);
  return argument === undefined ? NOTHING : completeValue(line, argument, current);
}
