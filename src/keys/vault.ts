/**
 * How secrets lie in a key directory: in clear, as `wg` prints them, for one person; or encrypted with age for all whom
 * `recipients` names, with `.age` behind their names. Never both: a key in clear beside encrypted ones is a mistake.
 */
import { readdirSync } from "node:fs";
import { join, posix, relative } from "node:path";
import { badKeyFiles, isThere, readBytes, readText, SECRET_MODE } from "./files.ts";
import { IDENTITY_VARIABLE, type Identities, identitiesIn } from "./identity.ts";
import { RECIPIENTS_NAME, readRecipientsText, requireRecipients } from "./recipients.ts";

export const ENCRYPTED_SUFFIX = ".age";
/** Permission bits of what everyone may read. */
export const PUBLIC_MODE = 0o644;
/** Where secrets are, relative to the directory. */
export const SECRET_PLACES = [".", "psk", "previous", "psk/previous"];
const SECRET = /\.(key|psk)(\.age)?$/;

/** What a command was told besides the directory. */
export interface Access {
  /** A file with identities of age, to open encrypted keys. */
  readonly identity?: string | undefined;
}

export interface Vault {
  readonly directory: string;
  readonly isEncrypted: boolean;
  /** Permission bits of a file with a secret. */
  readonly mode: number;
  /** The path of the file with a secret, by its name in clear. */
  readonly pathOf: (name: string) => string;
  /** The text in a secret's file, by its name in clear; an error of the machine where there is no identity that opens it. */
  readonly read: (name: string) => Promise<string>;
  /** What a file holds that has this text for a secret. */
  readonly seal: (text: string) => Promise<string>;
  /** True if secrets that are not needed are looked at, too: always in clear, and encrypted where the command opens some. */
  readonly isOpen: boolean;
}

/** True if the directory's secrets are encrypted. */
export const isEncryptedStore = (directory: string): boolean => isThere(join(directory, RECIPIENTS_NAME));

/** The path of a secret's file, by its name in clear: the encrypted one if it is there. */
export function secretPath(directory: string, name: string): string {
  const path = join(directory, name);
  return isThere(path + ENCRYPTED_SUFFIX) ? path + ENCRYPTED_SUFFIX : path;
}

/** The name of a secret's file, relative to the directory, by its name in clear. */
export const fileNameOf = ({ directory, pathOf }: Vault, name: string): string => relative(directory, pathOf(name));

/** The files with secrets, relative to the directory, in clear or encrypted. */
export function secretFiles(directory: string): {
  readonly clear: readonly string[];
  readonly encrypted: readonly string[];
} {
  const all = SECRET_PLACES.filter((place) => isThere(join(directory, place))).flatMap((place) =>
    readdirSync(join(directory, place))
      .filter((name) => SECRET.test(name))
      .sort()
      .map((name) => posix.join(place, name)),
  );
  const isEncrypted = (name: string): boolean => name.endsWith(ENCRYPTED_SUFFIX);
  return { clear: all.filter((name) => !isEncrypted(name)), encrypted: all.filter(isEncrypted) };
}

/** A few of some files, for a message. */
function named(directory: string, names: readonly string[]): string {
  const [first = "", ...rest] = names;
  return join(directory, first) + (rest.length === 0 ? "" : ` and ${rest.length} more`);
}

/** Keys in clear and encrypted ones are never side by side. */
export function requireOneKind(directory: string, isEncrypted: boolean): void {
  const { clear, encrypted } = secretFiles(directory);
  const list = join(directory, RECIPIENTS_NAME);
  if (isEncrypted && clear.length > 0) {
    throw badKeyFiles([
      `in clear, where ${list} says that keys are encrypted: ${named(directory, clear)}; run netgen keys encrypt, or move what is not needed away`,
    ]);
  }
  if (isEncrypted || encrypted.length === 0) return;
  throw badKeyFiles([
    `encrypted, and there is no ${list} that says for whom: ${named(directory, encrypted)}; bring that file back from git`,
  ]);
}

// ── Opening ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** The text of an encrypted file. */
export async function openFile(path: string, identities: Identities): Promise<string> {
  if (identities.path === undefined) {
    throw badKeyFiles([
      `${path} is encrypted; say what opens it: --identity FILE, or ${IDENTITY_VARIABLE}=FILE in the environment`,
    ]);
  }
  const { decrypt } = await import("./age.ts");
  const opened = await decrypt(await identities.read(), readBytes(path));
  if (opened.kind === "opened") return opened.text;
  if (opened.kind === "damaged") {
    throw badKeyFiles([`${path} is not what age wrote: it is cut off or changed; bring it back from git`]);
  }
  throw badKeyFiles([
    `${path} is not encrypted for the identity in ${identities.path}; take another, or have somebody who can open it add yours: ` +
      "age-keygen -y prints what netgen keys recipients add is told",
  ]);
}

function clearVault(directory: string): Vault {
  const pathOf = (name: string): string => join(directory, name);
  return {
    directory,
    isEncrypted: false,
    mode: SECRET_MODE,
    pathOf,
    read: async (name) => readText(pathOf(name)),
    seal: async (text) => text,
    isOpen: true,
  };
}

function encryptedVault(directory: string, recipients: readonly string[], access: Access & Looks): Vault {
  const pathOf = (name: string): string => join(directory, name + ENCRYPTED_SUFFIX);
  const identities = identitiesIn(access.identity);
  return {
    directory,
    isEncrypted: true,
    mode: PUBLIC_MODE,
    pathOf,
    read: (name) => openFile(pathOf(name), identities),
    seal: async (text) => (await import("./age.ts")).encrypt(recipients, text),
    isOpen: access.opens ?? false,
  };
}

interface Looks {
  /** The command is about to open encrypted secrets: all that it comes across are looked at. */
  readonly opens?: boolean;
}

/** The vault of a directory as it is now. */
export async function openVault(directory: string, access: Access & Looks): Promise<Vault> {
  const text = readRecipientsText(directory);
  requireOneKind(directory, text !== undefined);
  if (text === undefined) return clearVault(directory);
  return encryptedVault(directory, await requireRecipients(directory, text), access);
}
