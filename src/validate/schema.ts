/** The shape of a topology, judged by the schema; what its validator finds, in our words. */
import { type Diagnostic, diagnostic } from "../base/diagnostic.ts";
import { grouped } from "../base/grouped.ts";
import type { Span } from "../base/source.ts";
import { MAX_REPORTED_PLACES, refusedCharacters } from "../parse/characters.ts";
import { malformedKey } from "./malformed.ts";
import { below, homesOf, isMapping, type Place, placeAt } from "./place.ts";
import { keySpan, type Reader, refuse, report, startOfFile, valueSpan } from "./reader.ts";
import { closest } from "./suggest.ts";
import { validate as generated } from "./validator.generated.ts";
import { asYaml, exampleFor, expectation, inWords, keysInWords, purpose } from "./words.ts";

/** What the generated validator says; the fields that are used of it. */
interface Finding {
  readonly keyword: string;
  readonly instancePath: string;
  readonly params: Readonly<Record<string, unknown>>;
  /** Set where the mistake is in a key. */
  readonly propertyName?: string;
}

interface Validator {
  (value: unknown): boolean;
  readonly errors?: readonly Finding[] | null;
}

const validator = generated as unknown as Validator;

/** Reports all that is wrong with the shape; each mistake once. */
export function checkSchema(reader: Reader): void {
  if (validator(reader.tree.value)) return;
  const findings = validator.errors ?? [];
  // A value of the wrong type also fails what is asked of the right one.
  const mistyped = new Set(findings.filter(({ keyword }) => keyword === "type").map((each) => each.instancePath));
  const unknown = grouped(findings.filter(isOfUnknownKey), ({ instancePath }) => instancePath);
  for (const finding of findings) {
    const isEcho = finding.keyword !== "type" && mistyped.has(finding.instancePath) && !finding.propertyName;
    if (!isEcho && !isOfUnknownKey(finding)) judge(reader, finding);
  }
  judgeUnknown(reader, unknown);
}

const isOfUnknownKey = ({ keyword, propertyName }: Finding): boolean =>
  keyword === "additionalProperties" && propertyName === undefined;

const unknownName = ({ params }: Finding): string => String(params.additionalProperty);

function judge(reader: Reader, { keyword, instancePath: pointer, params, propertyName }: Finding): void {
  if (propertyName !== undefined) {
    judgeName(reader, pointer, propertyName);
  } else if (keyword === "required") {
    const key = String(params.missingProperty);
    report(reader, below(pointer, key), missing(reader, pointer, key));
  } else if (keyword !== "propertyNames") {
    judgeValue(reader, keyword, pointer);
  }
}

function judgeValue(reader: Reader, keyword: string, pointer: string): void {
  const place = placeAt(reader.tree.value, pointer);
  if (keyword === "pattern") refuse(reader, { pointer, value: place.value });
  else report(reader, pointer, wrongValue(place, keyword, { pointer, span: valueSpan(reader, pointer) }));
}

function judgeName(reader: Reader, pointer: string, key: string): void {
  const inner = below(pointer, key);
  const problem = malformedKey(placeAt(reader.tree.value, pointer), key, keySpan(reader, inner));
  reader.broken.add(inner);
  if (refusedCharacters(key).length === 0) reader.found.push(problem);
}

/** A key that the language does not know, in its mapping. */
interface Stranger {
  readonly place: Place;
  readonly pointer: string;
  readonly key: string;
}

/**
 * The keys that the language does not know: of very many in mappings of one kind, be it a few in each, which is another kind of
 * file, the first few.
 */
function judgeUnknown(reader: Reader, unknown: ReadonlyMap<string, readonly Finding[]>): void {
  const strangers = [...unknown].flatMap(([pointer, findings]): readonly Stranger[] => {
    const place = placeAt(reader.tree.value, pointer);
    const keys = findings.map(unknownName);
    for (const key of keys) reader.broken.add(below(pointer, key));
    return keys.filter((key) => refusedCharacters(key).length === 0).map((key) => ({ place, pointer, key }));
  });
  for (const ofKind of grouped(strangers, ({ place }) => place.schema).values()) {
    const shown = ofKind.slice(0, MAX_REPORTED_PLACES);
    for (const each of shown) {
      const rest = each === shown.at(-1) ? ofKind.length - shown.length : 0;
      const span = keySpan(reader, below(each.pointer, each.key));
      reader.found.push(unknownKey(each.place, each.key, { span, rest }));
    }
  }
}

/** Keys that would hold a secret, and where it belongs. */
const SECRETS: ReadonlyMap<string, string> = new Map([
  ["privatekey", "take it out; netgen keys generate puts secrets into files of their own"],
  ["presharedkey", "take it out; netgen keys generate puts secrets into files of their own"],
  ["password", "put it into a file on the host that root alone can read; a peer has passwordFile for the path of that"],
]);
/** What a host can only say for itself. */
const OWN_KEYS = new Set(["id", "endpoint", "listenPort", "lanEndpoint", "addresses", "publicKey", "routes", "peers"]);

interface UnknownKey {
  readonly span: Span;
  /** How many more there are, of which nothing is said. */
  readonly rest: number;
}

function unknownKey({ words: parent, schema }: Place, key: string, { span, rest }: UnknownKey): Diagnostic {
  const keys = Object.keys(schema.properties ?? {});
  const explain = (known: string, suggestion: string): Diagnostic =>
    diagnostic("key-unknown", { key, parent, known, suggestion }, span);
  if (rest > 0) return explain(`${rest} more behind it are none either`, "see that this is the file that was meant");
  const secret = SECRETS.get(key.toLowerCase());
  if (secret !== undefined) return explain("a topology holds no secrets", secret);
  if (parent === "hostDefaults" && OWN_KEYS.has(key))
    return explain("every host has its own", "write it under the host");
  const homes = homesOf(key);
  // What is a key elsewhere was hardly meant for one that merely looks like it, but for a slip of one letter.
  const meant = closest(key, keys, homes.length > 0 ? 1 : undefined);
  if (meant !== undefined) return explain(`did you mean "${meant}"?`, `write "${meant}", or take the key out`);
  const way =
    homes.length > 0
      ? `it is a key of ${keysInWords(homes)}: write it there, or take it out`
      : "take it out; netgen schema prints every key with its meaning";
  return explain(`it has ${keysInWords(keys)}`, way);
}

/** Points at the key that holds the mapping. */
function missing(reader: Reader, pointer: string, key: string): Diagnostic {
  const { words: parent, schema } = placeAt(reader.tree.value, pointer);
  const wanted = schema.properties?.[key] ?? schema;
  const span = pointer === "" ? startOfFile(reader) : keySpan(reader, pointer);
  const example = asYaml(wanted.examples[0]);
  return diagnostic("key-missing", { parent, key, purpose: purpose(wanted), example }, span);
}

interface At {
  readonly pointer: string;
  readonly span: Span;
}

function wrongValue(place: Place, keyword: string, at: At): Diagnostic {
  const { value, schema, words: where } = place;
  if (at.pointer === "/netgen" && typeof value === "number") {
    return diagnostic("language-version-unknown", { value: String(value) }, at.span);
  }
  switch (keyword) {
    case "enum":
      return wrongChoice(place, at.span);
    case "minimum":
    case "maximum":
      return diagnostic(
        "value-range",
        { where, value: String(value), expected: expectation(schema), example: exampleFor(place) },
        at.span,
      );
    case "minItems":
    case "minProperties":
      if (sizeOf(value) > 0) return wrongType(place, at.span);
      return diagnostic(
        "list-empty",
        {
          where,
          count: schema.minItems ?? schema.minProperties ?? 1,
          noun: schema["x-noun"] ?? "entry",
          example: exampleFor(place),
        },
        at.span,
      );
    default:
      return wrongType(place, at.span);
  }
}

function sizeOf(value: unknown): number {
  if (Array.isArray(value)) return value.length;
  return isMapping(value) ? Object.keys(value).length : 0;
}

function wrongChoice(place: Place, span: Span): Diagnostic {
  const { value, schema, words: where } = place;
  const choices = (schema.enum ?? []).map(String);
  if (typeof value !== "string" && typeof value !== "number") return wrongType(place, span);
  const meant = closest(String(value), choices);
  const suggestion = meant === undefined ? `write it like this: ${exampleFor(place)}` : `did you mean "${meant}"?`;
  return diagnostic("value-choice", { where, value, expected: expectation(schema), suggestion }, span);
}

/** A value that YAML read as something else than text, but whose text would do, in quotes. 10.10 is not told from 10.1. */
function quoted(place: Place): string | undefined {
  const { value, schema } = place;
  const wantsText = [schema.type].flat().includes("string") && schema.pattern !== undefined;
  if (!wantsText || (!Number.isInteger(value) && typeof value !== "boolean")) return undefined;
  return new RegExp(schema.pattern ?? "", "u").test(String(value)) ? String(value) : undefined;
}

/** What was a truth value before YAML 1.2, and is a text now. */
const TRUTH: ReadonlyMap<string, boolean> = new Map([
  ...["yes", "y", "on", "true"].map((text) => [text, true] as const),
  ...["no", "n", "off", "false"].map((text) => [text, false] as const),
]);

/** Whether a text where true or false is wanted says one of them. */
function truth({ value, schema }: Place): boolean | undefined {
  if (typeof value !== "string" || schema.type !== "boolean") return undefined;
  return TRUTH.get(value.toLowerCase());
}

function wrongType(place: Place, span: Span): Diagnostic {
  const { value, schema, words: where } = place;
  const isText = [schema.type].flat().includes("string");
  const note = isText && typeof value === "number" ? ", because digits without quotes are one" : "";
  const actual = `${inWords(value)}${note}`;
  const example = exampleFor(place, quoted(place) ?? truth(place));
  return diagnostic("value-type", { where, actual, expected: expectation(schema), example }, span);
}
