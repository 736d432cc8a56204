/**
 * Who can open the keys of a directory, changed. Everything is opened, looked at and encrypted before the first file is
 * written, so that a wrong identity changes nothing; each file is then replaced whole, and what it held before can be
 * opened by the same people as what it holds now, so that a run that was killed is simply done again.
 */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { type Changed, changeDirectory } from "./directory.ts";
import { badKeyFiles, createDurably, createFile, isThere, readBytes, readText, replaceWhole } from "./files.ts";
import { IDENTITY_VARIABLE, type Identities, identitiesIn } from "./identity.ts";
import { keyProblem, modeProblem } from "./inspect.ts";
import {
  type NewRecipient,
  parseRecipients,
  RECIPIENTS_NAME,
  type Recipient,
  readRecipientsText,
  recipientProblem,
  requireRecipients,
  withoutRecipient,
  withRecipient,
} from "./recipients.ts";
import { type Access, ENCRYPTED_SUFFIX, openFile, PUBLIC_MODE, requireOneKind, secretFiles } from "./vault.ts";

/** What was done to the files of a directory, by their names relative to it. */
export interface Encrypted {
  readonly encrypted: readonly string[];
}

/** For whom keys are encrypted, and what opens them. */
interface Given {
  readonly recipients: readonly string[];
  readonly identities: Identities;
}

/** A file to be written. */
interface Sealed {
  readonly name: string;
  readonly text: string;
}

const sealed = async (recipients: readonly string[], text: string): Promise<string> =>
  (await import("./age.ts")).encrypt(recipients, text);

function requireKey(path: string, text: string): void {
  const problem = keyProblem(text);
  if (problem !== undefined) throw badKeyFiles([`${path} is not a WireGuard key: ${problem}`]);
}

// ── From clear to encrypted ─────────────────────────────────────────────────────────────────────────────────────────

/** A key in clear, encrypted; that it can be opened again is seen before the clear one goes. */
async function sealClear(directory: string, name: string, given: Given): Promise<Sealed> {
  const path = join(directory, name);
  const key = readText(path);
  requireKey(path, key);
  const mode = modeProblem(path);
  if (mode !== undefined) throw badKeyFiles([mode]);
  const text = await sealed(given.recipients, key);
  const target = path + ENCRYPTED_SUFFIX;
  // Left by a run that was killed in between, or somebody has brought another key.
  if (!isThere(target) || (await openFile(target, given.identities)).trim() === key.trim()) return { name, text };
  throw badKeyFiles([`${path} and ${target} hold different keys; find out which of the two the hosts use`]);
}

/** Nobody is to lock himself out: what opens the keys is there before the last clear one goes. */
async function requireOwn({ recipients, identities }: Given, directory: string): Promise<void> {
  const { recipientOf } = await import("./age.ts");
  if (identities.path === undefined) {
    throw badKeyFiles([
      `what stands in clear in ${directory} goes once it is encrypted: show that you can open it then, by ` +
        `--identity FILE or ${IDENTITY_VARIABLE}=FILE in the environment`,
    ]);
  }
  for (const each of await identities.read()) {
    if (recipients.includes((await recipientOf(each)) ?? "")) return;
  }
  throw badKeyFiles([
    `the identity in ${identities.path} is none of those that ${join(directory, RECIPIENTS_NAME)} is to name: nobody here could open the keys`,
  ]);
}

/** Encrypts every key in clear: all of them in memory first. */
async function encryptClear(directory: string, given: Given, begin: () => void): Promise<Encrypted> {
  const { clear } = secretFiles(directory);
  if (clear.length > 0) await requireOwn(given, directory);
  const files: Sealed[] = [];
  for (const name of clear) files.push(await sealClear(directory, name, given));
  begin();
  for (const { name, text } of files) {
    createDurably(join(directory, name + ENCRYPTED_SUFFIX), text, PUBLIC_MODE);
    rmSync(join(directory, name));
  }
  return { encrypted: files.map(({ name }) => name + ENCRYPTED_SUFFIX) };
}

/** Encrypts what stands in clear in a directory with recipients. */
export function encryptKeys(directory: string, { identity }: Access): Promise<Changed<Encrypted>> {
  return changeDirectory(directory, async () => {
    const text = readRecipientsText(directory);
    if (text === undefined) {
      throw badKeyFiles([
        `there is no ${join(directory, RECIPIENTS_NAME)}: say for whom first, netgen keys recipients add age1…, which encrypts all`,
      ]);
    }
    const recipients = await requireRecipients(directory, text);
    return encryptClear(directory, { recipients, identities: identitiesIn(identity) }, () => undefined);
  });
}

// ── For others than before ──────────────────────────────────────────────────────────────────────────────────────────

/** Encrypts all keys anew and, once they are, writes the list: until then the same command begins again. */
async function encryptAnew(directory: string, identities: Identities, list: string): Promise<Encrypted> {
  const recipients = await requireRecipients(directory, list);
  const { encrypted } = secretFiles(directory);
  // By what they are now: a key that a rotation keeps, and one that two hosts share, is the same file and stays so.
  const anew = new Map<string, string>();
  const contentOf = (name: string): string => readBytes(join(directory, name)).toString("latin1");
  for (const name of encrypted) {
    if (anew.has(contentOf(name))) continue;
    const path = join(directory, name);
    const key = await openFile(path, identities);
    requireKey(path, key);
    anew.set(contentOf(name), await sealed(recipients, key));
  }
  for (const name of encrypted) replaceWhole(join(directory, name), anew.get(contentOf(name)) ?? "", PUBLIC_MODE);
  replaceWhole(join(directory, RECIPIENTS_NAME), list, PUBLIC_MODE);
  return { encrypted };
}

/** What became of a list. */
export interface Listed extends Encrypted {
  /** False: it was as asked already. */
  readonly isChanged: boolean;
}

/** The first one: with the list a key in clear is a mistake that is told and mended, so that it is written first. */
async function begin(directory: string, identities: Identities, added: NewRecipient): Promise<Listed> {
  requireOneKind(directory, false);
  const list = withRecipient(undefined, added);
  const given = { identities, recipients: await requireRecipients(directory, list) };
  const done = await encryptClear(directory, given, () => {
    createFile(join(directory, RECIPIENTS_NAME), list, PUBLIC_MODE);
  });
  return { ...done, isChanged: true };
}

/** Lets somebody open the keys of a directory: the first one has all that stand in clear encrypted. */
export async function addRecipient(
  directory: string,
  added: NewRecipient,
  { identity }: Access,
): Promise<Changed<Listed>> {
  const identities = identitiesIn(identity);
  const problem = await recipientProblem(added.recipient);
  if (problem !== undefined) throw badKeyFiles([problem]);
  return changeDirectory(directory, async (): Promise<Listed> => {
    const list = readRecipientsText(directory);
    if (list === undefined) return begin(directory, identities, added);
    requireOneKind(directory, true);
    const isNamed = parseRecipients(list).some(({ text }) => text === added.recipient);
    if (isNamed) return { encrypted: [], isChanged: false };
    return { ...(await encryptAnew(directory, identities, withRecipient(list, added))), isChanged: true };
  });
}

/** Those who can open the keys of a directory; empty: they stand in clear. */
export const listRecipients = (directory: string): readonly Recipient[] =>
  parseRecipients(readRecipientsText(directory) ?? "");

/** Encrypts the keys of a directory so that somebody cannot open them any more. */
export function removeRecipient(
  directory: string,
  recipient: string,
  { identity }: Access,
): Promise<Changed<Encrypted>> {
  return changeDirectory(directory, async () => {
    const path = join(directory, RECIPIENTS_NAME);
    const list = readRecipientsText(directory);
    requireOneKind(directory, list !== undefined);
    const recipients = parseRecipients(list ?? "");
    const found = recipients.find(({ text }) => text === recipient);
    if (list === undefined || found === undefined) {
      const named = recipients.map(({ text }) => text).join(", ") || "nobody: keys stand in clear";
      throw badKeyFiles([`${path} does not name "${recipient}"; it names ${named}`]);
    }
    if (recipients.length === 1) {
      throw badKeyFiles([`${recipient} is the only one in ${path}: nobody could open the keys; add another one first`]);
    }
    return encryptAnew(directory, identitiesIn(identity), withoutRecipient(list, found));
  });
}
