/** Editing helpers: a topology changed by a command, as its author would have. */
import { relative } from "node:path";
import { Command, Option } from "commander";
import type { Diagnostic } from "../base/diagnostic.ts";
import { shellWord } from "../base/text.ts";
import { diffOf } from "../deliver/diff.ts";
import { type Addition, addHost, type Compiled } from "../edit/add-host.ts";
import { readPublicKeys } from "../keys/store.ts";
import type { Network } from "../model/network.ts";
import { type SchemaNode, topologySchema } from "../validate/place.ts";
import { purpose } from "../validate/words.ts";
import { EXIT_DONE, EXIT_TOPOLOGY, machineError } from "./exit.ts";
import { keysOption, quietOption } from "./options.ts";
import { replaceText } from "./replace-file.ts";
import {
  type CommonOptions,
  counted,
  open,
  printDiagnostics,
  printSummary,
  refuseStrayKey,
  type Session,
  say,
} from "./session.ts";

interface AddOptions extends CommonOptions {
  readonly topology: string;
  readonly subnets?: string;
  readonly dryRun?: boolean;
  /** What the host says, by the keys of the language. */
  readonly [key: string]: unknown;
}

/** A mapping of texts, such as of programs to their versions. */
const isOfTexts = ({ properties }: SchemaNode): boolean =>
  Object.values(properties ?? {}).every(({ type }) => type === "string");

/** What a host may say, by key, but raw lines, lists of mappings and mappings of these: no matter for a command line. */
function hostKeys(): readonly (readonly [string, SchemaNode])[] {
  const host = topologySchema.properties?.hosts?.additionalProperties || undefined;
  return Object.entries(host?.properties ?? {}).filter(
    ([, schema]) => (schema.type !== "object" || isOfTexts(schema)) && schema.items?.type !== "object",
  );
}

const flagOf = (key: string): string => key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

const takes = ({ type }: SchemaNode, kind: string): boolean => [type].flat().includes(kind);

/** The options for one key of the language, in the language's own words. */
function optionsFor([key, schema]: readonly [string, SchemaNode]): readonly Option[] {
  const flag = flagOf(key);
  if (schema.type === "boolean") {
    return [
      new Option(`--${flag}`, purpose(schema)),
      new Option(`--no-${flag}`, `${key}: false, where hostDefaults has true`),
    ];
  }
  const isList = takes(schema, "array") || takes(schema, "object");
  const kind = key === "site" ? "site" : schema.type === "integer" ? "number" : isList ? "list" : "text";
  const note = key === "id" ? " (default: one above the largest)" : kind === "list" ? " (separated by commas)" : "";
  if (schema.enum === undefined) return [new Option(`--${flag} <${kind}>`, purpose(schema) + note)];
  // What each choice means stands in the sentences after the first.
  return [new Option(`--${flag} <${kind}>`, schema.description).choices(schema.enum.map(String))];
}

const listed = (text: string): readonly string[] => text.split(",").map((each) => each.trim());

/** `frr=10.2`; without a value it is empty, and refused as such. */
function pairOf(text: string): readonly [string, string] {
  const [key = "", ...rest] = text.split("=");
  return [key, rest.join("=")];
}

/** An option's text as the value of its key; what is wrong with it is for the compiler to say. */
function asField(value: unknown, schema: SchemaNode): unknown {
  if (typeof value !== "string") return value;
  if (schema.type === "object") return Object.fromEntries(listed(value).map(pairOf));
  if (takes(schema, "array")) {
    const values = listed(value);
    return takes(schema, "string") && values.length === 1 ? value : values;
  }
  return schema.type === "integer" && /^(0|[1-9]\d{0,14})$/.test(value) ? Number(value) : value;
}

function fieldsOf(options: AddOptions): Readonly<Record<string, unknown>> {
  const given = hostKeys().filter(([key]) => options[key] !== undefined);
  return Object.fromEntries(given.map(([key, schema]) => [key, asField(options[key], schema)]));
}

type Added = Extract<Addition, { kind: "added" }>;

/** What the segments lose by the new host, where it comes by a smaller path. */
function loweredMtus(before: Network | undefined, after: Network | undefined): string {
  const lines = (before?.segments ?? []).map(({ name, mtu }) => {
    const now = after?.segments.find((segment) => segment.name === name)?.mtu.bytes ?? mtu.bytes;
    if (now >= mtu.bytes) return "";
    return `The MTU of the segment ${name} falls from ${mtu.bytes} to ${now} on all its hosts; netgen mtu says why.\n`;
  });
  return lines.join("");
}

function describe(session: Session, name: string, { id, result, fresh }: Added): string {
  const host = result.model?.hosts.find((each) => each.name === name);
  const addresses = (host?.interfaces ?? []).flatMap((each) => each.addresses.map(({ address }) => address));
  const isKeyMissing = fresh.some(({ code }) => code === "public-key-missing");
  const topology = shellWord(session.source.name);
  const next = isKeyMissing ? `netgen keys generate ${topology}` : `netgen diff ${topology}`;
  return (
    `${session.source.name}: ${name} added with the id ${id}, ${addresses.join(" and ")} in the tunnel\n` +
    `${loweredMtus(session.model, result.model)}Next: ${next}\n`
  );
}

/** Prints what the compiler says of a text that is not, or not yet, in the file. */
function print(session: Session, result: Compiled, diagnostics: readonly Diagnostic[]): void {
  printDiagnostics({ ...session, source: result.source, diagnostics }, process.stderr, "text");
}

function refuse(session: Session, name: string, { source, diagnostics }: Compiled): number {
  print(session, { source, model: undefined, diagnostics }, diagnostics);
  const is = source.text === session.source.text ? "it has" : `with ${name} it would have`;
  say(`netgen: nothing was written: ${is} ${counted(diagnostics.length, "error")}\n`);
  return EXIT_TOPOLOGY;
}

function finish(session: Session, added: Added, { topology, dryRun }: AddOptions): void {
  const { text: before } = session.source;
  const { text: after } = added.result.source;
  if (dryRun === true) {
    const path = topology === "-" ? "topology.yaml" : relative(process.cwd(), topology);
    const [from, to] = [Buffer.from(before), Buffer.from(after)];
    process.stdout.write(diffOf({ path, change: "changed", before: from, after: to }).patch);
  } else if (topology === "-") {
    process.stdout.write(after);
  } else {
    replaceText(topology, before, after);
  }
}

function add(name: string, options: AddOptions): number {
  const session = open(options.topology, options);
  const subnets = options.subnets === undefined ? [] : listed(options.subnets);
  const request = { name, fields: fieldsOf(options), subnets };
  const publicKeys = readPublicKeys(session.keysDirectory);
  const addition = addHost(session, request, { publicKeys });
  // --public-key may have been given a private one.
  if (addition.kind === "added") refuseStrayKey(addition.result.source, publicKeys);
  switch (addition.kind) {
    case "refused":
      return refuse(session, name, addition.result);
    case "impossible":
      throw machineError(`${options.topology} cannot be edited: ${addition.reason}`);
    case "added": {
      finish(session, addition, options);
      print(
        session,
        addition.result,
        addition.fresh.filter(({ severity }) => severity === "warning"),
      );
      const isResult = options.topology === "-" || options.dryRun === true;
      if (!isResult) printSummary(describe(session, name, addition), options);
      return EXIT_DONE;
    }
  }
}

export const hostCommand = (exit: (code: number) => void): Command => {
  const host = new Command("host").summary("add a host to a topology").helpCommand(false);
  host.description("Edits the text of a topology, and leaves every other byte of it as it is.");
  const adding = host
    .command("add")
    .summary("write one more host into the topology")
    .description(
      "Writes one more host below the others, in their style, and keeps comments, order and layout. It compiles the " +
        "result first: what would bring in an error is not written.",
    )
    .argument("<name>", "what the host is called")
    .option("--topology <topology>", "the file to edit; - reads standard input and prints the result", "topology.yaml");
  for (const option of hostKeys().flatMap(optionsFor)) adding.addOption(option);
  adding
    .option("--subnets <subnets>", "the subnets to whose lists of hosts it is added, separated by commas")
    .option("--dry-run", "print what would change as a unified diff, and write nothing")
    .addOption(keysOption())
    .addOption(quietOption())
    .addHelpText(
      "after",
      "\nExamples:\n  netgen host add gamma --endpoint 192.0.2.7\n" +
        "  netgen host add roz3 --site roz --endpoint roz.example.net:51823 --behind-nat --subnets cluster\n",
    )
    .action((name: string, options: AddOptions) => exit(add(name, options)));
  return host;
};
