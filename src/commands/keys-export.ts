import { join } from "node:path";
import { Command } from "commander";
import { emitJudged } from "../compile.ts";
import { plainFile } from "../deliver/tar.ts";
import { mergeKeys, type WholeConfiguration, writeConfiguration } from "../keys/configuration.ts";
import { exportKeys, readKeys } from "../keys/export.ts";
import { fleetMark } from "../model/fleet.ts";
import type { Host } from "../model/host.ts";
import { printTar } from "./archive.ts";
import { EXIT_DONE, EXIT_TOPOLOGY, machineError } from "./exit.ts";
import { hostNamed, type KeyOptions, type KeySession, openForKeys, presharing } from "./keys-session.ts";
import { identityOption, keysOption, quietOption } from "./options.ts";
import { MAX_QR_BYTES, renderQr } from "./qr.ts";
import { exitCodeOf, printDiagnostics, printSummary, say } from "./session.ts";

interface ExportOptions extends KeyOptions {
  readonly output?: string;
  readonly qr?: boolean;
  readonly topology: string;
}

async function exportHost(session: KeySession, host: Host, given: ExportOptions): Promise<number> {
  const { output, qr, ...options } = given;
  const { name } = host;
  if (qr === true) {
    throw machineError(
      `--qr is for devices with "platform: wireguard-app", and ${name} has "platform: ${host.platform}": its keys ` +
        "are files, for a directory; name one with -o DIR",
    );
  }
  if (output === undefined) throw machineError(`say where the keys of ${name} go: -o DIR, or -o - for a tar`);
  const interfaces = host.interfaces.map((link) => link.name);
  const request = { host: name, fleet: fleetMark(session.model), interfaces, peers: presharing(session.model, host) };
  if (output === "-") {
    const keys = await readKeys(session.keysDirectory, request, options);
    await printTar(keys.map(({ path, text }) => plainFile(path, 0o600, text)));
    return EXIT_DONE;
  }
  const paths = await exportKeys(session.keysDirectory, request, output, options);
  for (const path of paths) printSummary(`  + ${path}\n`, options);
  return EXIT_DONE;
}

// ── Devices ─────────────────────────────────────────────────────────────────────────────────────────────────────────

function drawQr(name: string, { text, hasPrivateKey }: WholeConfiguration): void {
  if (!hasPrivateKey) {
    throw machineError(
      `netgen has no private key of ${name}, and no app takes a QR code without one. Print the rest with -o -, and type ` +
        "it in where the key is",
    );
  }
  // Comments are for people, and make the modules smaller.
  const content = text.replace(/^(#.*)?\n/gm, "");
  const bytes = Buffer.byteLength(content);
  if (bytes > MAX_QR_BYTES) {
    throw machineError(
      `the configuration of ${name} has ${bytes} bytes, and a QR code holds ${MAX_QR_BYTES} at most; write it with -o FILE`,
    );
  }
  const code = renderQr(content);
  const { columns = code.columns } = process.stdout;
  if (columns < code.columns) {
    throw machineError(
      `the QR code of ${name} is ${code.columns} columns wide, and the terminal ${columns}: widen it, or make its letters smaller`,
    );
  }
  process.stdout.write(code.text);
}

async function exportApp(session: KeySession, host: Host, given: ExportOptions): Promise<number> {
  const { output, qr, ...options } = given;
  const { name, publicKey } = host;
  if (qr === true && output !== undefined && output !== "-") {
    throw machineError("--qr draws in the terminal, and -o FILE writes a file: ask for one of the two");
  }
  if (qr !== true && output === undefined) {
    throw machineError(`say where the configuration of ${name} goes: --qr, -o - or -o FILE`);
  }
  const { configurations } = emitJudged(session);
  const configuration = configurations[name];
  if (configuration === undefined) {
    printDiagnostics(session, process.stderr, "text");
    return exitCodeOf(session);
  }
  const sharing = new Set(presharing(session.model, host));
  const peers = session.model.hosts
    .filter((each) => sharing.has(each.name))
    .map((each) => ({ host: each.name, publicKey: each.publicKey }));
  const whole = await mergeKeys(session.keysDirectory, { host: name, publicKey, configuration, peers }, options);
  if (qr === true) drawQr(name, whole);
  else if (output === "-") process.stdout.write(whole.text);
  else if (output !== undefined) {
    writeConfiguration(session.keysDirectory, output, whole.text);
    printSummary(`  + ${output}\n`, options);
  }
  if (!whole.hasPrivateKey) {
    const file = join(session.keysDirectory, `${name}.key`);
    say(`netgen: without PrivateKey: there is no ${file}. ${name} has to put in its own\n`);
  }
  return EXIT_DONE;
}

async function exportFrom(name: string, options: ExportOptions): Promise<number> {
  const session = openForKeys(options.topology, options);
  if (session === undefined) return EXIT_TOPOLOGY;
  const host = hostNamed(session, name);
  return (host.app === undefined ? exportHost : exportApp)(session, host, options);
}

export const exportCommand = (exit: (code: number) => void): Command =>
  new Command("export")
    .summary("write one host's keys as they lie on it, or what a phone takes in")
    .description(
      "Writes <dir>/etc/wireguard/<interface>.key and <dir>/etc/wireguard/psk/<peer>.psk, readable by you alone. " +
        "Another key that is there already is never overwritten. With -o - they go into a pipe, as a tar, and no disk sees " +
        "them. Of a device with platform: wireguard-app it writes " +
        "the configuration that its app takes in, with all its keys, to a file, to standard output (-) or as a QR code.",
    )
    .argument("<host>", "whose keys")
    .option("-o, --output <dir>", "where to write, for a device a file; - is standard output, as a tar")
    .option("--qr", "draw the configuration of a device in the terminal, for its camera")
    .option("--topology <file>", "the topology that the host is in", "topology.yaml")
    .addOption(keysOption())
    .addOption(identityOption())
    .addOption(quietOption())
    .action(async (host: string, options: ExportOptions) => exit(await exportFrom(host, options)));
