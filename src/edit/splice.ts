/** Changes of a text that leave every other byte of it alone. */

/** What stands from `start` up to `end`, counted in UTF-16 code units from 0, is replaced. */
export interface Splice {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** The text with all changes made. In any order, without overlaps; at one place the earlier goes first. */
export function applySplices(text: string, splices: readonly Splice[]): string {
  // From the end, so that no place moves before its turn; of equals the last first.
  const ordered = splices.map((splice, index) => ({ ...splice, index })).sort(byPlace);
  return ordered.reduceRight((result, { start, end, text: inserted }) => {
    return result.slice(0, start) + inserted + result.slice(end);
  }, text);
}

interface Numbered extends Splice {
  readonly index: number;
}

function byPlace(a: Numbered, b: Numbered): number {
  return a.start - b.start || a.index - b.index;
}

/** Where the line that a place is on begins. */
export function lineStart(text: string, offset: number): number {
  return text.lastIndexOf("\n", offset - 1) + 1;
}

/** Where the next line begins, or the text ends; a place at the start of a line, past the first, is there already. */
export function nextLine(text: string, offset: number): number {
  if (offset > 0 && text[offset - 1] === "\n") return offset;
  const end = text.indexOf("\n", offset);
  return end === -1 ? text.length : end + 1;
}

/** How many characters stand before a place on its line; a byte order mark is none. */
export function columnOf(text: string, offset: number): number {
  const before = text.slice(lineStart(text, offset), offset);
  return before.startsWith("\uFEFF") ? before.length - 1 : before.length;
}

/** How the text ends its lines, by the one before a place. */
export function lineEndAt(text: string, offset: number): string {
  const before = text.lastIndexOf("\n", offset - 1);
  const found = before === -1 ? text.indexOf("\n") : before;
  return text[found - 1] === "\r" ? "\r\n" : "\n";
}
