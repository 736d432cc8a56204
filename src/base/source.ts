/** A text and the name under which diagnostics quote it. */
export interface Source {
  readonly name: string;
  readonly text: string;
}

/** Half-open range of UTF-16 code units, counted from 0, in the text of one {@link Source}. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** A place as people count: line and column from 1, the column in UTF-16 code units. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Offsets at which the lines of a text begin, ascending; the first is 0. */
export type LineStarts = readonly number[];

/** Finds where each line begins. LF, CR LF and a lone CR all end a line, as in YAML 1.2. */
export function lineStarts(text: string): LineStarts {
  const starts = [0];
  for (const match of text.matchAll(/\r\n|\n|\r/g)) starts.push(match.index + match[0].length);
  return starts;
}

/** Turns an offset into line and column by binary search; an offset past the end is the end. */
export function positionAt(starts: LineStarts, offset: number): Position {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((starts[middle] as number) <= offset) low = middle;
    else high = middle - 1;
  }
  return { line: low + 1, column: offset - (starts[low] as number) + 1 };
}
