/** The file with the identities that open encrypted keys: what `age-keygen` writes. */
import { readFileSync } from "node:fs";
import { badKeyFiles } from "./files.ts";

/** What takes a file's place where none was named: a path, as the environment of a process is no place for a secret. */
export const IDENTITY_VARIABLE = "NETGEN_AGE_IDENTITY_FILE";

/** Kinds of text that are no identity of the kind that is meant; and what to do. None is quoted: most are secrets. */
const OTHERS: readonly (readonly [RegExp, string])[] = [
  [
    /^(age-encryption\.org\/|-----BEGIN AGE ENCRYPTED)/,
    "is encrypted itself, and netgen asks for no passphrase; let it through a pipe: age -d FILE | netgen … --identity /dev/stdin",
  ],
  [/^-----BEGIN .*PRIVATE KEY/, "is an SSH key, and netgen opens with keys of age alone; make one with age-keygen"],
  [/^AGE-SECRET-KEY-PQ-/, "is a post-quantum identity, which Debian's age cannot use either; make one with age-keygen"],
  [/^AGE-PLUGIN-/, "is the identity of a plugin, and netgen runs none; make one with age-keygen"],
  [/^age1/, "is a recipient, the public half; the identity begins with AGE-SECRET-KEY-1"],
];

function identityProblem(line: string): string {
  const [, other] = OTHERS.find(([pattern]) => pattern.test(line)) ?? [];
  if (other !== undefined) return other;
  return line.startsWith("AGE-SECRET-KEY-1")
    ? "is an identity with a typo; bring the file back as age-keygen wrote it"
    : "is no identity; that begins with AGE-SECRET-KEY-1, as age-keygen writes it";
}

/** Also from a pipe, which ends when its writer does: `--identity <(pass show age)`. */
function readIdentityFile(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw Object.assign(error as Error, { path });
  }
}

/** The identities of a file, at least one; its blank lines and those that begin with `#` do not count. */
async function readIdentities(path: string): Promise<readonly string[]> {
  const { recipientOf } = await import("./age.ts");
  const lines = readIdentityFile(path)
    .split("\n")
    .map((line, index) => ({ number: index + 1, text: line.trim() }))
    .filter(({ text }) => text !== "" && !text.startsWith("#"));
  if (lines.length === 0) throw badKeyFiles([`${path} holds no identity; age-keygen -o FILE makes one`]);
  for (const { number, text } of lines) {
    if ((await recipientOf(text)) !== undefined && text.startsWith("AGE-SECRET-KEY-1")) continue;
    throw badKeyFiles([`${path}, line ${number}: this ${identityProblem(text)}`]);
  }
  return lines.map(({ text }) => text);
}

/** What a command opens keys with. */
export interface Identities {
  /** `undefined`: none was named. */
  readonly path: string | undefined;
  /** Reads the file when it is needed first, and once only: a pipe gives what it has once. */
  readonly read: () => Promise<readonly string[]>;
}

export function identitiesIn(path: string | undefined): Identities {
  let identities: Promise<readonly string[]> | undefined;
  return {
    path,
    read: () => {
      identities ??= path === undefined ? Promise.resolve([]) : readIdentities(path);
      return identities;
    },
  };
}
