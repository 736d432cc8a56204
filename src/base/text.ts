/** Order for stable output: by UTF-16 code unit, so that it is the same on every machine and in every locale. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** A copy sorted by a text that each element has, for stable output. */
export function sortedBy<T>(items: Iterable<T>, key: (item: T) => string): T[] {
  return [...items].sort((a, b) => compareText(key(a), key(b)));
}

/** `a`, `a and b`, `a, b and c`. */
export function listInWords(items: readonly string[], conjunction = "and"): string {
  if (items.length < 2) return items.join("");
  return `${items.slice(0, -1).join(", ")} ${conjunction} ${items.at(-1)}`;
}

/** `a, b, c and 4 more` for a long list; four at most are all named. */
export function someOf(names: readonly string[]): string {
  return names.length > 4 ? `${names.slice(0, 3).join(", ")} and ${names.length - 3} more` : names.join(", ");
}

/** The text as one word of a POSIX shell: quoted where it is not plain, so that a command shown to the user can be pasted. */
export function shellWord(text: string): string {
  return /^[\w./:@%+,=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

// Control, format (bidi among them), line and paragraph separators, surrogates on their own: shown, never printed.
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** The text with everything invisible spelt out: what a terminal may be shown as a part of a line. */
export function visible(text: string): string {
  return text.replace(UNPRINTABLE, (character) => `\\u{${(character.codePointAt(0) as number).toString(16)}}`);
}

/** The same of several lines. */
export const visibleLines = (text: string): string => text.split("\n").map(visible).join("\n");

/** 32 bits that follow from a text alone (FNV-1a of its UTF-8 bytes): for names that must differ, not for secrets. */
export function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}
