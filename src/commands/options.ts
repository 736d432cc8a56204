import { Argument, Option } from "commander";
import { IDENTITY_VARIABLE } from "../keys/identity.ts";

/** The topology argument that most commands take. */
export const topologyArgument = (): Argument =>
  new Argument("<topology>", "the topology file, or - for standard input");

/** The same for a command that takes several, each by itself. */
export const topologiesArgument = (): Argument =>
  new Argument("<topology...>", "the topology files, or - for standard input");

/** For a command whose arguments name what is in the topology. */
export const topologyOption = (): Option =>
  new Option("--topology <topology>", "the topology to ask, or - for standard input").default("topology.yaml");

export const keysOption = (): Option =>
  new Option("--keys <dir>", "directory of <host>.pub files (default: keys, beside the topology)");

/** Each is added to those before it. */
export const withOption = (): Option =>
  new Option(
    "--with <topology>",
    "another fleet's topology: whether both claim the same of a host; may be repeated",
  ).argParser((path: string, others: readonly string[] = []) => [...others, path]);

export const quietOption = (): Option => new Option("-q, --quiet", "leave out notes and summaries");

export const formatOption = (what: string, formats: readonly string[] = ["text", "json"]): Option =>
  new Option("--format <format>", `how to print ${what}`).choices(formats).default("text");

/** Besides the flag, the environment: a path, so that whoever reads the environment of a process has no secret yet. */
export const identityOption = (): Option =>
  new Option("--identity <file>", "what opens encrypted keys: a file that age-keygen wrote").env(IDENTITY_VARIABLE);
