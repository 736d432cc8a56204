/** HTML and SVG out of texts that may hold anything: what is put into markup is escaped, unless it is markup itself. */

/** Markup that is whole: made by {@link markup} alone. */
export interface Markup {
  readonly kind: "markup";
  readonly text: string;
}

/** What may be put into markup; `undefined` and `false` print nothing, lists one after the other. */
export type Piece = Markup | string | number | undefined | false | readonly Piece[];

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function print(piece: Piece): string {
  if (piece === undefined || piece === false) return "";
  if (typeof piece === "number") return String(piece);
  if (typeof piece === "string") return piece.replace(/[&<>"']/g, (character) => ESCAPES[character] as string);
  return "kind" in piece ? piece.text : piece.map(print).join("");
}

/** A tag of template literals: the text of the literal is markup, all that stands in `${}` is escaped. */
export function markup(literal: TemplateStringsArray, ...pieces: readonly Piece[]): Markup {
  let text = literal[0] as string;
  for (const [index, piece] of pieces.entries()) text += print(piece) + literal[index + 1];
  return { kind: "markup", text };
}

/**
 * A text of our own that is markup already: a style sheet, a script. Of a topology nothing ever comes in here, but as JSON
 * for a script, in which no tag can begin.
 */
export const ownMarkup = (text: string): Markup => ({ kind: "markup", text });
