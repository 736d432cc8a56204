/** Files without what is said in them for people, where every byte counts. */
import { contentOf, type OutputFile } from "../emit/file.ts";

/** `<< WORD` and `<< "WORD"`, but not `<<<`. */
const HERE_DOCUMENT = /(?<!<)<<-?\s*["']?(\w+)["']?/;

/** Which of these lines stand in a here-document of a script, where nothing is a comment. */
function quotedLines(lines: readonly string[]): ReadonlySet<number> {
  const quoted = new Set<number>();
  let word: string | undefined;
  for (const [index, line] of lines.entries()) {
    if (word === undefined) word = HERE_DOCUMENT.exec(line)?.[1];
    else if (line.trim() === word) word = undefined;
    else quoted.add(index);
  }
  return quoted;
}

/** Whether a line of a file is a comment: the file's first sign, that of its head, is that of its format's, `#`, or `!` in FRR's. */
export function commentsOf(text: string): (line: string) => boolean {
  const sign = text.slice(0, 1);
  return (line) => line.trimStart().startsWith(sign);
}

/** A text without the lines that are comments, but for the head, which says where it comes from; an interpreter stands before it. */
function withoutComments(text: string): string {
  const lines = text.split("\n");
  const isScript = text.startsWith("#!");
  const headLines = isScript ? 2 : 1;
  const quoted = isScript ? quotedLines(lines) : new Set();
  const isComment = commentsOf(text);
  const isKept = (line: string, index: number): boolean => index < headLines || quoted.has(index) || !isComment(line);
  return lines.filter(isKept).join("\n");
}

/**
 * A file so. `apply` on the host brings the comments back, with the next bundle that has them, and nothing follows from that.
 * Every file begins with its head line.
 */
export const bareFile = (file: OutputFile): OutputFile => ({
  ...file,
  content: [new TextEncoder().encode(withoutComments(new TextDecoder().decode(contentOf(file))))],
});
