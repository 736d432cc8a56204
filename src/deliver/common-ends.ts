/** What two texts have in common at both ends. Bytes, not characters: a line begins and ends at the same ones in UTF-8. */

const NEWLINE = 0x0a;
/** Bytes that are compared in one go, which is much faster than one by one. */
const BLOCK = 4096;

/** How many bytes two texts have in common from their beginning on. */
function commonHead(before: Buffer, after: Buffer): number {
  const shorter = Math.min(before.length, after.length);
  const isSame = (from: number, to: number): boolean => before.compare(after, from, to, from, to) === 0;
  let head = 0;
  while (head + BLOCK <= shorter && isSame(head, head + BLOCK)) head += BLOCK;
  while (head < shorter && before[head] === after[head]) head += 1;
  return head;
}

/** How many bytes two texts have in common at their end, beside so many at their beginning. */
function commonTail(before: Buffer, after: Buffer, head: number): number {
  const most = Math.min(before.length, after.length) - head;
  const isSame = (from: number, to: number): boolean => {
    const [ofBefore, ofAfter] = [before.length - from, after.length - from];
    return before.compare(after, ofAfter - (to - from), ofAfter, ofBefore - (to - from), ofBefore) === 0;
  };
  let tail = 0;
  while (tail + BLOCK <= most && isSame(tail, tail + BLOCK)) tail += BLOCK;
  while (tail < most && isSame(tail, tail + 1)) tail += 1;
  return tail;
}

/** The beginning of the line that a place lies in, or of one that is so many lines above. */
function linesUp(text: Buffer, from: number, count: number): number {
  let start = from;
  // The end of the line above stands just before the beginning of a line.
  for (let line = 0; line <= count; line += 1) start = start < 2 ? 0 : text.lastIndexOf(NEWLINE, start - 2) + 1;
  return start;
}

/** The end of this many lines from a place on, which is a line's beginning. */
function linesDown(text: Buffer, from: number, count: number): number {
  let end = from;
  for (let line = 0; line < count; line += 1) end = text.indexOf(NEWLINE, end) + 1 || text.length;
  return end;
}

/** How many lines end before a place. */
function countLines(text: Buffer, end: number): number {
  let count = 0;
  for (let at = text.indexOf(NEWLINE); at !== -1 && at < end; at = text.indexOf(NEWLINE, at + 1)) count += 1;
  return count;
}

/** What need not be searched for differences. */
export interface CommonEnds {
  /** Bytes at the beginning and at the end, in whole lines. */
  readonly head: number;
  readonly tail: number;
  /** The lines of the head. */
  readonly linesBefore: number;
}

/** How much two texts have in common at both ends, less the lines of context that a patch shows. */
export function commonEnds(before: Buffer, after: Buffer, contextLines: number): CommonEnds {
  const shared = commonHead(before, after);
  const head = linesUp(before, shared, contextLines);
  const end = linesDown(before, before.length - commonTail(before, after, shared), 1 + contextLines);
  return { head, tail: before.length - end, linesBefore: countLines(before, head) };
}
