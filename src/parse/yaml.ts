/** YAML text → plain data with the place of every node. Nothing outside this folder imports `yaml`. */
import { Composer, type CST, type Document, Lexer, Parser, type YAMLError } from "yaml";
import { type Diagnostic, diagnostic, type Result } from "../base/diagnostic.ts";
import { lineStarts, positionAt, type Source, type Span } from "../base/source.ts";
import { checkCharacters, MAX_REPORTED_PLACES } from "./characters.ts";
import { problemInWords } from "./problems.ts";
import type { ParsedYaml } from "./tree.ts";
import { MAX_DEPTH, tooDeep, walk } from "./walk.ts";

/** Reads one YAML 1.2 document; the value is `undefined` where there is none to go on with. Never throws. */
export function parseYaml(source: Source): Result<ParsedYaml | undefined> {
  const refused = checkCharacters(source);
  if (refused.length > 0) return { value: undefined, diagnostics: refused };
  const syntax = readTokens(source.text);
  if (syntax.kind === "tooDeep") return { value: undefined, diagnostics: [tooDeep(syntax.offset)] };
  const documents = compose(syntax.tokens, source.text);
  const errors = syntaxErrors(documents, syntax, source.text);
  const diagnostics = [...errors, ...severalDocuments(syntax.tokens, source.text)];
  if (errors.length > 0) return { value: undefined, diagnostics };
  const { value, diagnostics: found } = walk(documents[0]?.contents ?? null, source.text);
  return { value, diagnostics: [...diagnostics, ...found] };
}

interface Syntax {
  readonly kind: "tokens";
  readonly tokens: readonly CST.Token[];
  /** Where a quote or bracket was found missing → where those that lack it begin, outermost first. */
  readonly unclosed: Map<number, number[]>;
}

/**
 * The concrete syntax, or the place where it goes too deep. The library's lexer and parser keep their own stack; all that
 * comes after them recurses, so the depth is watched here, while nothing has recursed yet.
 */
function readTokens(text: string): Syntax | { readonly kind: "tooDeep"; readonly offset: number } {
  const parser = new Parser();
  const tokens: CST.Token[] = [];
  const unclosed = new Map<number, number[]>();
  for (const lexeme of new Lexer().lex(text)) {
    noteUnclosed(unclosed, parser, lexeme);
    for (const token of parser.next(lexeme)) tokens.push(token);
    // The stack also holds the document and perhaps a scalar: count only where it is long enough to matter.
    if (parser.stack.length <= MAX_DEPTH) continue;
    const innermost = parser.stack.filter((token) => isCollection(token.type))[MAX_DEPTH];
    if (innermost !== undefined) return { kind: "tooDeep", offset: offsetOf(innermost) };
  }
  for (const token of parser.end()) tokens.push(token);
  return { kind: "tokens", tokens, unclosed };
}

const offsetOf = (token: CST.Token): number => ("offset" in token ? token.offset : 0);

function isCollection(type: CST.Token["type"]): boolean {
  return type === "block-map" || type === "block-seq" || type === "flow-collection";
}

/** The library's lexeme for the end of a flow collection that has none. */
const FLOW_ERROR_END = "\x18";

function noteUnclosed(unclosed: Map<number, number[]>, parser: Parser, lexeme: string): void {
  const quote = lexeme[0];
  if (lexeme === FLOW_ERROR_END) {
    const starts = parser.stack.filter((token) => token.type === "flow-collection").map(offsetOf);
    unclosed.set(parser.offset, starts);
  } else if ((quote === '"' || quote === "'") && (lexeme.length === 1 || lexeme.at(-1) !== quote)) {
    unclosed.set(parser.offset + lexeme.length, [parser.offset]);
  }
}

function compose(tokens: readonly CST.Token[], text: string): readonly Document.Parsed[] {
  // Its own check for equal keys is quadratic (ours is in the walk); the other tags are of YAML 1.1.
  const composer = new Composer({ version: "1.2", schema: "core", resolveKnownTags: false, uniqueKeys: false });
  return [...composer.compose(tokens, true, text.length)] as Document.Parsed[];
}

/** What the library merely warns of (an unknown tag, a newer YAML) netgen does not understand either. */
function complaints({ errors, warnings }: Document.Parsed): readonly YAMLError[] {
  // But a closing bracket as far left as its key is how most people and formatters write it.
  return [...errors, ...warnings.filter(({ code }) => code !== "BAD_INDENT")];
}

/** All mistakes of syntax, one a line. */
function syntaxErrors(documents: readonly Document.Parsed[], syntax: Syntax, text: string): readonly Diagnostic[] {
  const starts = lineStarts(text);
  const complained = documents.flatMap(complaints);
  const indented = complained.length === 0 ? undefined : indentedFirstKey(text);
  // All that stands further left would be one more mistake.
  if (indented !== undefined) return [diagnostic("yaml-syntax", { problem: INDENTED }, indented)];
  const found = complained
    .map((error) => ({ error, span: spanOfError(error, syntax, text) }))
    .sort((a, b) => a.span.start - b.span.start);
  // What follows a mistake on its line is most often its consequence.
  const lines = found.map(({ span }) => positionAt(starts, span.start).line);
  const first = found.filter((_, index) => lines[index] !== lines[index - 1]).slice(0, MAX_REPORTED_PLACES);
  const diagnostics = first.map(({ error, span }) =>
    diagnostic("yaml-syntax", { problem: problemInWords(error.code, error.message) }, span),
  );
  return [...diagnostics, ...olderYaml(documents[0], text)];
}

const INDENTED = "this first key is indented, and others below it are not";

/** The first key of a text, if it is indented and others are not. */
function indentedFirstKey(text: string): Span | undefined {
  const [, before = "", key] = /^((?:[ \t]*(?:#.*)?\r?\n|---[ \t]*\r?\n)* +)([\w-]+)(?=:)/.exec(text) ?? [];
  if (key === undefined || !/^[\w-]+:/m.test(text.slice(before.length + key.length))) return undefined;
  return { start: before.length, end: before.length + key.length };
}

function spanOfError({ message, pos }: YAMLError, { unclosed }: Syntax, text: string): Span {
  const opening = /^Missing closing|end with a [\]}]/.test(message) ? unclosed.get(pos[0])?.pop() : undefined;
  if (opening !== undefined) return { start: opening, end: opening + 1 };
  let start = Math.min(pos[0], text.length);
  // An indentation is reported from the start of its line: point at what is indented.
  while (text[start] === " ") start += 1;
  return { start, end: Math.max(start, Math.min(pos[1], text.length)) };
}

/** In YAML 1.1 `no` is false, `010` is 8 and `<<` merges: the same file would mean something else. */
function olderYaml(document: Document.Parsed | undefined, text: string): readonly Diagnostic[] {
  const { explicit, version } = document?.directives.yaml ?? {};
  if (!explicit || version === "1.2") return [];
  const start = Math.max(0, text.indexOf("%YAML"));
  const problem = "netgen reads YAML 1.2 only";
  return [diagnostic("yaml-syntax", { problem }, { start, end: Math.min(start + "%YAML 1.1".length, text.length) })];
}

function severalDocuments(tokens: readonly CST.Token[], text: string): readonly Diagnostic[] {
  const second = tokens.filter((token) => token.type === "document")[1];
  if (second === undefined) return [];
  const start = second.start.find((token) => token.type === "doc-start")?.offset ?? second.offset;
  return [diagnostic("yaml-several-documents", {}, { start, end: Math.min(start + 3, text.length) })];
}
