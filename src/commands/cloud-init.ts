import { join } from "node:path";
import { Command, Option } from "commander";
import { listInWords } from "../base/text.ts";
import { emitJudged } from "../compile.ts";
import { metaDataOf, userDataOf } from "../deliver/cloud-init.ts";
import { encodeFor, PROVIDERS, type ProviderName, refusalOf } from "../deliver/providers.ts";
import type { Host } from "../model/host.ts";
import type { Network } from "../model/network.ts";
import { originSpan } from "../model/origin.ts";
import { ensureDirectory, removeTemporary, replaceFile } from "../write/disk.ts";
import { bytesAt } from "../write/look.ts";
import { EXIT_DONE, machineError } from "./exit.ts";
import { hasKeyInTopology, hostNamed, presharing } from "./keys-session.ts";
import { readChoice } from "./names.ts";
import { keysOption, quietOption, topologyArgument } from "./options.ts";
import { type CommonOptions, exitCodeOf, open, printDiagnostics, printSummary, type Session, say } from "./session.ts";

interface CloudInitOptions extends CommonOptions {
  readonly host: string;
  readonly for: ProviderName;
  readonly output?: string;
}

const NAMES = Object.keys(PROVIDERS) as readonly ProviderName[];

/** What is wrong but for the missing key of the host itself: it will make one, and its own files do not depend on that. */
const excuseKey = (session: Session, { origin }: Host): Session => ({
  ...session,
  diagnostics: session.diagnostics.filter(
    ({ code, span }) => code !== "public-key-missing" || span.start !== originSpan(origin).start,
  ),
});

/** A host that can begin by itself. @throws Error with the reason why not. */
function requireOwnKey(network: Network, host: Host): void {
  const { name, app, vrrp } = host;
  if (app !== undefined) {
    throw machineError(
      `${name} has "platform: wireguard-app", which no cloud-init sets up; its app takes in what netgen keys export ${name} gives`,
    );
  }
  const sharing = presharing(network, host);
  if (sharing.length > 0) {
    throw machineError(
      `${name} shares preshared keys with ${listInWords(sharing.slice(0, 3))}${sharing.length > 3 ? " and others" : ""}, and cannot make ` +
        `those alone; user-data can be read by any process of the machine, so no key is in it. Leave "presharedKeys" out, or bring the ` +
        "host by netgen bundle and netgen keys export",
    );
  }
  if (vrrp?.isExclusive === true) {
    throw machineError(
      `${name} has one key with ${vrrp.other.host}, and would make another one; bring it by netgen bundle and netgen keys export`,
    );
  }
}

/** Writes a seed. @throws Error when something else is in its place. */
function writeSeed(directory: string, files: Readonly<Record<string, string>>): void {
  const encoder = new TextEncoder();
  const head = files["user-data"]?.slice(0, 30) ?? "";
  const found = bytesAt(join(directory, "user-data"))?.toString() ?? head;
  if (!found.startsWith(head)) {
    throw machineError(
      `${join(directory, "user-data")} is not netgen's; move it away, or name another directory with -o`,
    );
  }
  ensureDirectory(directory);
  try {
    for (const [path, text] of Object.entries(files)) {
      replaceFile(directory, { path, mode: 0o644, content: [encoder.encode(text)] });
    }
  } finally {
    removeTemporary(directory);
  }
}

/** What is left to do by hand, which is about its key alone. */
function tellAboutKey({ keysDirectory }: Session, host: Host, options: CloudInitOptions): void {
  if (host.interfaces.length === 0) return;
  const place = hasKeyInTopology(host) ? "its publicKey in the topology" : join(keysDirectory, `${host.name}.pub`);
  printSummary(
    `${host.name} makes its key when it first boots, unless its image has one, and its console says "netgen-public-key ${host.name} …": ` +
      `that becomes ${place}\n`,
    options,
    process.stderr,
  );
}

function cloudInit(topology: string, options: CloudInitOptions): number {
  const { host: name, for: provider, output } = options;
  if (output !== undefined && provider !== "nocloud") {
    throw machineError(`-o writes the seed of --for nocloud; for ${provider} send standard output into a file`);
  }
  const opened = open(topology, options);
  const { model } = opened;
  const host = model === undefined ? undefined : hostNamed({ ...opened, model }, name);
  const session = host === undefined ? opened : excuseKey(opened, host);
  printDiagnostics(session, process.stderr, "text");
  if (model === undefined || host === undefined || exitCodeOf(session) !== EXIT_DONE) return exitCodeOf(session);
  requireOwnKey(model, host);
  const { files, units } = emitJudged(session);
  const userData = userDataOf(model, { name: model.name, files, units }, host);
  const bytes = encodeFor(PROVIDERS[provider], userData);
  const refusal = refusalOf(provider, bytes);
  if (refusal !== undefined) {
    throw machineError(`the user-data of ${name} ${refusal}; bring the host by netgen bundle or netgen ansible`);
  }
  if (output !== undefined) writeSeed(output, { "meta-data": metaDataOf(model, host), "user-data": userData });
  else if (PROVIDERS[provider].form === "gzip" && process.stdout.isTTY === true) {
    throw machineError(`${provider} takes gzip, and standard output is a terminal; send it into a file or a pipe`);
  } else process.stdout.write(bytes);
  tellAboutKey(session, host, options);
  if (output !== undefined) say(`${output}: user-data and meta-data of ${name}\n`, process.stdout);
  return EXIT_DONE;
}

const providerOption = (): Option => {
  const option = new Option("--for <provider>", "whose form and limit it has to have").choices(NAMES);
  return option.argParser(readChoice(NAMES)).default("nocloud");
};

export const cloudInitCommand = (exit: (code: number) => void): Command =>
  new Command("cloud-init")
    .summary("print what a new machine is given, to join by its first boot")
    .description(
      "Compiles a topology and prints user-data for one host: packages, its bundle, and commands that make its key, tell the public " +
        "half on the console, and apply the bundle. There is no key in it. It is refused where the provider would not take so much.",
    )
    .addArgument(topologyArgument())
    .requiredOption("--host <host>", "whose user-data")
    .addOption(providerOption())
    .option("-o, --output <dir>", "for nocloud: write user-data and meta-data into this directory")
    .addOption(keysOption())
    .addOption(quietOption())
    .addHelpText(
      "after",
      "\nExamples:\n  netgen cloud-init topology.yaml --host beta --for aws > beta.user-data\n" +
        "  aws ec2 run-instances --user-data fileb://beta.user-data …\n",
    )
    .action((topology: string, options: CloudInitOptions) => exit(cloudInit(topology, options)));
