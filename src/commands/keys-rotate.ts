import { join } from "node:path";
import { Command } from "commander";
import { shellWord, visible } from "../base/text.ts";
import { IDENTITY_VARIABLE } from "../keys/identity.ts";
import { hasPresharedKey, type Rotation, rotateKeyPair, rotatePresharedKey } from "../keys/rotate.ts";
import { privateKeyKept } from "../keys/store.ts";
import { isEncryptedStore, secretPath } from "../keys/vault.ts";
import type { Host } from "../model/host.ts";
import { type Places, renderKeyRollout, renderPresharedRollout } from "../report/rollout.ts";
import { EXIT_DONE, EXIT_MACHINE, EXIT_TOPOLOGY, machineError } from "./exit.ts";
import {
  hasKeyInTopology,
  hostNamed,
  type KeyOptions,
  type KeySession,
  openForKeys,
  presharedPairs,
  warnUnlessIgnored,
} from "./keys-session.ts";
import { identityOption, keysOption, topologyArgument } from "./options.ts";
import { beside, say } from "./session.ts";

interface RotateOptions extends KeyOptions {
  readonly output?: string;
}

/** One call of the command. */
interface Call {
  readonly session: KeySession;
  readonly topology: string;
  readonly options: RotateOptions;
}

function placesOf({ session, topology, options }: Call, { name, previous }: Rotation): Places {
  const { keysDirectory } = session;
  const given = (flags: Readonly<Record<string, string | undefined>>): readonly string[] =>
    Object.entries(flags).flatMap(([flag, value]) => (value === undefined ? [] : [flag, shellWord(value)]));
  const { keys, identity } = options;
  return {
    build: ["netgen build", shellWord(topology), ...given({ "-o": options.output, "--keys": keys })].join(" "),
    // What the environment says it will say then, too.
    exportOptions: given({
      "--topology": topology,
      "--keys": keys,
      "--identity": identity === process.env[IDENTITY_VARIABLE] ? undefined : identity,
    }).join(" "),
    isEncrypted: isEncryptedStore(keysDirectory),
    output: options.output ?? beside(topology, "out"),
    key: join(keysDirectory, name),
    previous: join(keysDirectory, previous),
  };
}

/** A key that two hosts have goes to both at once: the one that is silent could not be told from the other meanwhile. */
function requireOwnKey({ session }: Call, host: Host): void {
  if (host.interfaces.length === 0) throw machineError(`${host.name} runs no WireGuard: it has no key to rotate`);
  if (host.vrrp?.isExclusive !== true) return;
  const other = host.vrrp.other.host;
  const files = [host.name, other]
    .flatMap((name) => [`${name}.key`, `${name}.pub`])
    .map((name) => secretPath(session.keysDirectory, name));
  throw machineError(
    `${host.name} has its key in common with ${other}, and a key of one alone is rotated. For a new one move ${files.join(", ")} ` +
      "elsewhere, run netgen keys generate and netgen build, and bring all hosts up to date together",
  );
}

/** netgen can make a new key only where it has the old one. */
function requirePrivateKey({ session, topology }: Call, host: Host): void {
  const isInTopology = hasKeyInTopology(host);
  if (!isInTopology && privateKeyKept(session.keysDirectory, host.name) !== undefined) return;
  if (host.publicKey === "") {
    throw machineError(`${host.name} has no key to rotate; run: netgen keys generate ${shellWord(topology)}`);
  }
  const place = isInTopology ? `its publicKey in ${topology}` : join(session.keysDirectory, `${host.name}.pub`);
  const none = `netgen has no private key of ${host.name} to rotate: only ${place}.`;
  if (host.app !== undefined) {
    throw machineError(
      `${none} Have its app make a new key pair, and write the public key in the place of ${place}. docs/apps.md says how to go on.`,
    );
  }
  const file = `/etc/wireguard/${host.interfaces[0]?.name}.key.new`;
  throw machineError(
    `${none} Make the new key on the host, with\n` +
      `  (umask 077; wg genkey > ${file}); wg pubkey < ${file}\n` +
      `and write what that prints in the place of ${place}. docs/keys.md says how to go on.`,
  );
}

function requirePair({ session, topology }: Call, a: string, b: string): readonly [string, string] {
  const found = presharedPairs(session.model).find((pair) => a !== b && pair.includes(a) && pair.includes(b));
  if (found === undefined) {
    throw machineError(
      `${a} and ${b} have no preshared key in ${topology}: two hosts with a tunnel have one where wireguard.presharedKeys is true`,
    );
  }
  if (!hasPresharedKey(session.keysDirectory, found)) {
    throw machineError(`${a} and ${b} have no key to rotate; run: netgen keys generate ${shellWord(topology)}`);
  }
  return found;
}

/** Prints the roll-out also of a rotation that is under way: who lost it needs it. */
function conclude({ isNew }: Rotation, { previous }: Places, rollout: string): number {
  process.stdout.write(rollout);
  if (isNew) return EXIT_DONE;
  say(
    `netgen: nothing was changed: this key was rotated before, and the older one is still kept as ${previous}. ` +
      "When the roll-out above is done, remove that file.\n",
  );
  return EXIT_MACHINE;
}

async function rotateHost(call: Call, name: string): Promise<number> {
  const { model, keysDirectory } = call.session;
  const host = hostNamed(call.session, name);
  requireOwnKey(call, host);
  requirePrivateKey(call, host);
  const rotation = await rotateKeyPair(keysDirectory, name, call.options);
  warnUnlessIgnored(call.session, rotation.isGitIgnored);
  const places = placesOf(call, rotation);
  return conclude(rotation, places, renderKeyRollout(model, { host: name, publicKey: rotation.publicKey }, places));
}

async function rotatePair(call: Call, a: string, b: string): Promise<number> {
  const { model, keysDirectory } = call.session;
  const pair = requirePair(call, hostNamed(call.session, a).name, hostNamed(call.session, b).name);
  const rotation = await rotatePresharedKey(keysDirectory, pair, call.options);
  warnUnlessIgnored(call.session, rotation.isGitIgnored);
  const places = placesOf(call, rotation);
  return conclude(rotation, places, renderPresharedRollout(model, pair, places));
}

/** They stand in the roll-out, also in its comments, and a shell would run what is behind the end of a line. */
function requirePlainNames(...names: readonly (string | undefined)[]): void {
  const odd = names.find((name = "") => visible(name) !== name);
  if (odd === undefined) return;
  throw machineError(`${visible(odd)} has a character in its name that is no text; a roll-out cannot name such a file`);
}

async function rotate(
  topology: string,
  hosts: readonly [string, string | undefined],
  options: RotateOptions,
): Promise<number> {
  requirePlainNames(topology, options.keys, options.output, options.identity);
  const session = openForKeys(topology, options);
  if (session === undefined) return EXIT_TOPOLOGY;
  const call = { session, topology, options };
  const [host, peer] = hosts;
  return peer === undefined ? rotateHost(call, host) : rotatePair(call, host, peer);
}

export const rotateCommand = (exit: (code: number) => void): Command =>
  new Command("rotate")
    .summary("make a new key of one host, or of one pair, and say how to roll it out")
    .description(
      "Gives a host a new key pair, or with two hosts named a new preshared key to the pair, and prints the roll-out: " +
        "a shell script with comments, to be read and run step by step. The old key is kept until you remove it, and " +
        "as long as it is there the same command only prints the roll-out again.",
    )
    .addArgument(topologyArgument())
    .argument("<host>", "the host whose key pair, or one of the two whose preshared key is rotated")
    .argument("[peer]", "the other one of the two")
    .option("-o, --output <dir>", "the tree that you build (default: out, beside the topology)")
    .addOption(keysOption())
    .addOption(identityOption())
    .action(async (topology: string, host: string, peer: string | undefined, options: RotateOptions) =>
      exit(await rotate(topology, [host, peer], options)),
    );
