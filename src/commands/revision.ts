/** The topology as git has it in a revision, compiled in memory: by the netgen of today, with the public keys of then. */
import { spawnSync } from "node:child_process";
import { basename, dirname, relative } from "node:path";
import { compile } from "../compile.ts";
import { PUBLIC_SUFFIX } from "../keys/directory.ts";
import { readPublicKeys } from "../keys/store.ts";
import { machineError } from "./exit.ts";
import { type CommonOptions, type CompiledSession, decodeSource, keysBeside, refuseStrayKey } from "./session.ts";

/** Above what the compiler takes, as a topology or as keys: only so that nothing fills the memory. */
const MAX_OUTPUT_BYTES = 1 << 26;

type Git = (...args: readonly string[]) => {
  readonly isDone: boolean;
  readonly output: Buffer;
  readonly complaint: string;
};

function gitIn(directory: string): Git {
  return (...args) => {
    const options = { env: { ...process.env, LC_ALL: "C" }, maxBuffer: MAX_OUTPUT_BYTES };
    const { error, status, stdout, stderr } = spawnSync("git", ["-C", directory, ...args], options);
    if ((error as NodeJS.ErrnoException | undefined)?.code === "ENOENT") {
      throw machineError("--from needs git, and there is none here; install it");
    }
    if (error !== undefined) throw machineError(`--from: git ${args[0]}: ${error.message}`);
    const [complaint = ""] = stderr.toString().split("\n");
    return { isDone: status === 0, output: stdout, complaint: complaint.replace(/^fatal: /, "") };
  };
}

/** The commit that a revision is. */
function commitOf(git: Git, revision: string, topology: string): string {
  const inside = git("rev-parse", "--show-prefix");
  if (!inside.isDone) throw machineError(`--from: ${topology} is in no repository that git opens: ${inside.complaint}`);
  const found = git("rev-parse", "--verify", "--quiet", "--end-of-options", `${revision}^{commit}`);
  if (found.isDone) return found.output.toString().trim();
  throw machineError(
    `--from: git knows no revision "${revision}" here; "git log --oneline -- ${topology}" has those of this file, ` +
      "and of a shallow clone git knows the last ones alone",
  );
}

/** The `.pub` files of a revision; none where the directory is not in the repository. */
function publicKeysOf(git: Git, commit: string, directory: string): Readonly<Record<string, string>> {
  // A line each, whatever grep.* of the user says: `commit:path`, a zero byte, the key.
  const { isDone, output } = git(
    "grep",
    "-z",
    "--no-color",
    "--no-line-number",
    "--no-column",
    "--basic-regexp",
    "-e",
    "^",
    commit,
    "--",
    `:(glob)${directory}/*${PUBLIC_SUFFIX}`,
  );
  const lines = isDone
    ? output
        .toString()
        .split("\n")
        .filter((line) => line.includes("\0"))
    : [];
  return Object.fromEntries(
    lines.map((line) => {
      const [path = "", key = ""] = line.split("\0");
      return [basename(path, PUBLIC_SUFFIX), key.trim()];
    }),
  );
}

/**
 * Compiles what a topology was in a revision. A host whose `.pub` that does not have has the key of today.
 * @throws Error where git has no such revision, or not this file in it.
 */
export function openRevision(topology: string, revision: string, options: CommonOptions): CompiledSession {
  const directory = dirname(topology);
  const git = gitIn(directory);
  const commit = commitOf(git, revision, topology);
  const file = git("cat-file", "blob", `${commit}:./${basename(topology)}`);
  if (!file.isDone)
    throw machineError(
      `--from: there is no ${topology} in ${revision}; "git log --oneline -- ${topology}" says when it came`,
    );
  const source = decodeSource(`${revision}:${topology}`, file.output);
  const keysDirectory = keysBeside(topology, options);
  const ofThen = publicKeysOf(git, commit, relative(directory, keysDirectory) || ".");
  const publicKeys = { ...readPublicKeys(keysDirectory), ...ofThen };
  refuseStrayKey(source, publicKeys);
  return { ...compile(source, { publicKeys }), source, keysDirectory, isQuiet: true };
}
