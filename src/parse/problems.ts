/** The YAML library's complaints in our words: what is wrong, without its jargon. */

// Most specific first; the patterns are of the library's messages, which the version pinned in package.json fixes.
const WORDS: readonly (readonly [RegExp, string])[] = [
  [/^Missing closing "quote/, "the text that begins with this quote has no closing one"],
  [/^Missing closing 'quote/, "the text that begins with this quote has no closing one"],
  [/end with a \]/, 'the list that begins with this "[" has no closing "]" where one is due'],
  [/end with a \}/, 'the mapping that begins with this "{" has no closing "}" where one is due'],
  [/^Missing , /, "a comma is missing between two entries"],
  [/^Missing space after :/, "a space is missing after the colon"],
  [/^Unexpected , in/, "this comma has nothing before it"],
  [/^Unexpected empty item/, "there is nothing between the brackets and the comma"],
  [/^Unexpected flow-(seq|map)-end/, "this closing bracket has no opening one"],
  [
    /^Unexpected .*scalar/,
    "this follows a value that is already complete; a text that begins with [ or { needs quotes",
  ],
  [/^Unexpected (block-)?seq-(item-)?ind/, 'a list that begins with "-" starts on a line of its own'],
  [/^All mapping items must start/, "this key is not indented like the others of its mapping"],
  [/^All sequence items must start/, 'this "-" is not indented like the others of its list'],
  [/^Sequence item without -/, 'this entry of a list lacks its "-", or is indented wrongly'],
  [/^Implicit keys need to be on a single line/, "this key has no colon, or runs over several lines"],
  [/^Implicit map keys need to be followed/, "this key has no colon and space after it"],
  [
    /^Nested mappings are not allowed/,
    "a second key begins inside this value; a text with a colon and a space needs quotes",
  ],
  [/^A block sequence may not be used/, 'a list that begins with "-" starts on a line of its own'],
  [/^Block collection cannot start on same line/, 'a mapping or list cannot begin on the line of "---"'],
  [
    /^Block (collections are|scalars).*flow/,
    "inside [ ] or { } a comma is missing, or a text with a colon lacks quotes",
  ],
  [/^Plain value cannot start with/, "a text that begins with this character needs quotes"],
  [/^Block scalar header includes extra/, 'nothing but a comment may follow the "|" or ">" on its line'],
  [/^Block scalars with more-indented/, "the first lines of this text are indented further than the ones after them"],
  [/^Comments must be separated/, 'a comment needs a space before its "#"'],
  [/^Anchors and tags must be after/, 'an anchor or tag stands before the "-", "?" or ":" instead of after it'],
  [/^Alias ending in :|^Anchor ending in :/, "an anchor or alias needs a space before the colon"],
  [/^Unexpected doc-end/, 'this "..." ends a document that has not begun'],
  [/^Unsupported YAML version/, "netgen reads YAML 1.2 only"],
];

const BY_CODE: Readonly<Record<string, string>> = {
  ALIAS_PROPS: "an alias can have neither an anchor nor a tag",
  BAD_ALIAS: "an anchor or alias has no name",
  BAD_DIRECTIVE: 'this line begins with "%" but is no directive that netgen knows',
  BAD_DQ_ESCAPE: "this backslash begins no escape of YAML; in single quotes a backslash is just a backslash",
  BAD_INDENT: "this line is indented too little or too much",
  KEY_OVER_1024_CHARS: "this key is longer than 1024 characters",
  MISSING_CHAR: "something is missing here",
  MULTIPLE_ANCHORS: "a value can have one anchor only",
  MULTIPLE_TAGS: "a value can have one tag only",
  TAG_RESOLVE_FAILED: "the tag is unknown; the language needs none",
  TAB_AS_INDENT: "a tab cannot indent; use spaces",
};

/** Words for one of the library's complaints. */
export function problemInWords(code: string, message: string): string {
  const specific = WORDS.find(([pattern]) => pattern.test(message))?.[1];
  return specific ?? BY_CODE[code] ?? "this is out of place here";
}
