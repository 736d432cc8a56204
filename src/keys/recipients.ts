/** `recipients`: for whom the keys of a directory are encrypted, in the format of `age --recipients-file`. */
import { join } from "node:path";
import { badKeyFiles, isThere, readText } from "./files.ts";

/** Relative to the key directory. Where it is there, no secret stands there in clear. */
export const RECIPIENTS_NAME = "recipients";

const HEADER = `# Who can open the keys here, by age: written by netgen keys recipients. Commit it.
# What stands right above a recipient is said of it.
`;

/** Somebody who can open the keys. */
export interface Recipient {
  /** `age1…`, as `age-keygen` prints it behind "Public key:". */
  readonly text: string;
  /** What stands above it, without the signs of a comment; empty: nothing. */
  readonly comment: string;
  /** Lines that are about it, from 0: the first of them, and the one behind the last. */
  readonly begin: number;
  readonly end: number;
}

const isComment = (line: string): boolean => line.startsWith("#");

/** What is read of the file: nothing is known yet of whether they are recipients. */
export function parseRecipients(text: string): readonly Recipient[] {
  const lines = text.split("\n").map((line) => line.trim());
  return lines.flatMap((line, index): readonly Recipient[] => {
    if (line === "" || isComment(line)) return [];
    let begin = index;
    while (begin > 0 && isComment(lines[begin - 1] ?? "")) begin -= 1;
    const comment = lines.slice(begin, index).map((each) => each.replace(/^#\s*/, ""));
    return [{ text: line, comment: comment.join(" "), begin, end: index + 1 }];
  });
}

/** The file with one recipient more. */
export function withRecipient(text: string | undefined, { recipient, comment }: NewRecipient): string {
  const head = text ?? HEADER;
  const said = comment === undefined ? "" : `# ${comment}\n`;
  return `${head}${head.endsWith("\n") ? "" : "\n"}\n${said}${recipient}\n`;
}

/** The file without one, and without what is said of it. */
export function withoutRecipient(text: string, { begin, end }: Recipient): string {
  const lines = text.split("\n");
  const isAfterBlank = begin > 0 && lines[begin - 1]?.trim() === "";
  lines.splice(isAfterBlank ? begin - 1 : begin, end - begin + (isAfterBlank ? 1 : 0));
  return lines.join("\n");
}

export interface NewRecipient {
  readonly recipient: string;
  /** Whose it is, for people; on one line. */
  readonly comment?: string | undefined;
}

// ── What is wrong ───────────────────────────────────────────────────────────────────────────────────────────────────

const ASK = "have its owner make a key with age-keygen, and take what that prints as the public key: age1…";
/** The letters and digits that bech32 (BIP 173) has none of. */
const FOREIGN = /[^qpzry9x8gf2tvdw0s3jn54khce6mua7l]/;
const RECIPIENT_LENGTH = 62;

const OTHERS: readonly (readonly [RegExp, string])[] = [
  [/^(ssh-|ecdsa-|sk-)/, `is an SSH key, and netgen encrypts for keys of age alone; ${ASK}`],
  [/^age1pq1/, `is a post-quantum recipient, for which Debian's age cannot encrypt; ${ASK}`],
  [/^age1(tag|tagpq|yubikey|se|tpm|fido2-hmac)1/, `is the recipient of a plugin, and netgen runs none; ${ASK}`],
];

function typoOf(text: string): string {
  if (!text.startsWith("age1")) return `is no recipient; ${ASK}`;
  const foreign = FOREIGN.exec(text.slice("age1".length))?.[0];
  if (foreign !== undefined) return `has a typo: no recipient has "${foreign}" behind age1`;
  if (text.length !== RECIPIENT_LENGTH) return `has ${text.length} characters, and a recipient ${RECIPIENT_LENGTH}`;
  return "has a typo: its last six characters do not fit the others";
}

/** Why a text is no recipient, quoted; `undefined` when it is one. An identity is a secret, and not quoted. */
export async function recipientProblem(text: string): Promise<string | undefined> {
  if (/AGE-SECRET-KEY-/i.test(text)) {
    return "this is an identity, a secret that has no place here; its recipient is what age-keygen -y prints. If others have seen it, make a new one";
  }
  const [, other] = OTHERS.find(([pattern]) => pattern.test(text)) ?? [];
  if (other !== undefined) return `"${text}" ${other}`;
  const { isRecipient } = await import("./age.ts");
  return (await isRecipient(text)) ? undefined : `"${text}" ${typoOf(text)}`;
}

/** The text of the file; `undefined`: keys stand in clear in this directory. */
export function readRecipientsText(directory: string): string | undefined {
  const path = join(directory, RECIPIENTS_NAME);
  return isThere(path) ? readText(path) : undefined;
}

/** Those of a file, each of them good, at least one. */
export async function requireRecipients(directory: string, text: string): Promise<readonly string[]> {
  const path = join(directory, RECIPIENTS_NAME);
  const recipients = parseRecipients(text);
  if (recipients.length === 0) {
    throw badKeyFiles([`${path} names nobody; add somebody: netgen keys recipients add age1…`]);
  }
  const problems: string[] = [];
  for (const { text: each, end } of recipients) {
    const problem = await recipientProblem(each);
    if (problem !== undefined) problems.push(`${path}, line ${end}: ${problem}`);
  }
  if (problems.length > 0) throw badKeyFiles(problems);
  return recipients.map((each) => each.text);
}
