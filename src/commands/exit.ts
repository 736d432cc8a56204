/** How a command can end. */

export const EXIT_DONE = 0;
/** The topology has errors. */
export const EXIT_TOPOLOGY = 1;
/** A build would change something. */
export const EXIT_DIFFERENT = 1;
/** Wrong invocation, or a file or directory that cannot be read or written. */
export const EXIT_MACHINE = 2;
/** A bug in netgen. */
export const EXIT_BUG = 70;

/** A mistake in how netgen was called, or a file that is not what it should be: ends with exit code 2. */
export function machineError(message: string): Error {
  return Object.assign(new Error(message), { code: "ENETGEN" });
}

/** What the machine refuses only after the first files are written. */
const WHILE_WRITING: ReadonlySet<string> = new Set(["EDQUOT", "EFBIG", "EIO", "ENOSPC"]);

/** The error with a line more of what to say, if the machine caused it while files were written. */
export function withAdvice(error: unknown, advice: string): unknown {
  const { code = "" } = error as NodeJS.ErrnoException;
  return WHILE_WRITING.has(code) ? Object.assign(error as Error, { advice }) : error;
}

/** Node's codes for what the machine refuses, in words that go on from "PATH: ". */
const ERRNO_IN_WORDS: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EBUSY: "another program is using it",
  EDQUOT: "the disk quota is used up; make room and run the same command again",
  EEXIST: "there is a file in the place of a directory",
  EFBIG: "the file would be larger than is allowed (ulimit -f)",
  EIO: "the device fails to read or write",
  EISDIR: "it is a directory, not a file",
  ELOOP: "symbolic links lead in a circle",
  EMFILE: "too many files are open (ulimit -n)",
  ENAMETOOLONG: "the name is too long",
  ENFILE: "too many files are open on this machine",
  ENOENT: "there is no such file or directory",
  ENOSPC: "the disk is full; make room and run the same command again",
  ENOTDIR: "a part of the path is a file, not a directory",
  ENXIO: "it is a socket or a device that is not there",
  EPERM: "operation not permitted",
  EROFS: "the file system is read-only",
  EXDEV: "it stands on another file system than the tree it belongs to; mount the whole tree, not a part of it",
};

interface MachineError extends NodeJS.ErrnoException {
  /** The new name of what was to be renamed or linked. */
  readonly dest?: string;
  readonly advice?: string;
}

/** What a file system without links answers to one who makes one. */
const WITHOUT_LINKS: ReadonlySet<string> = new Set(["ENOSYS", "ENOTSUP", "EOPNOTSUPP", "EPERM"]);

function inWords(code: string, syscall = ""): string | undefined {
  const isLink = syscall === "link" || syscall === "symlink";
  if (isLink && WITHOUT_LINKS.has(code)) return "this file system has no links, as FAT; use a directory on another";
  return ERRNO_IN_WORDS[code];
}

/** What the machine refused, in words; `undefined` when the error is none of the machine's, but a bug. */
export function describeMachineError(error: MachineError): string | undefined {
  const { code, syscall, dest, path = "", message, advice } = error;
  if (typeof code !== "string" || !/^E[A-Z0-9]+$/.test(code)) return undefined;
  const words = inWords(code, syscall);
  const place = dest ?? path;
  const text = words === undefined ? message : `${place === "" ? "" : `${place}: `}${words}`;
  return advice === undefined ? text : `${text}\n${advice}`;
}
