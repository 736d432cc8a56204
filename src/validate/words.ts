/** Values and examples as the messages show them. */
import { listInWords } from "../base/text.ts";
import { isMapping, type Place, type SchemaNode } from "./place.ts";

// Plain text in YAML, also between brackets, that is no number, truth value or null.
const PLAIN = /^[A-Za-z0-9][A-Za-z0-9_./-]*(?:[: =][A-Za-z0-9_./-]+)*$/;
const NOT_TEXT = /^(?:true|false|null|[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[-+]?\d+)?|0x[0-9a-f]+|0o[0-7]+)$/i;

/** A value as one line of YAML that can be pasted. */
export function asYaml(value: unknown): string {
  if (typeof value === "string") return PLAIN.test(value) && !NOT_TEXT.test(value) ? value : JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(asYaml).join(", ")}]`;
  if (!isMapping(value)) return String(value);
  const members = Object.entries(value).map(([key, member]) => `${asYaml(key)}: ${asYaml(member)}`);
  return `{${members.join(", ")}}`;
}

/** As much as a hint shows whole. */
const MAX_EXAMPLE_LENGTH = 110;

/** A value of the right kind for a place, with its key where it has one; a long mapping only in outline. */
export function exampleFor({ key, schema }: Place, value: unknown = schema.examples[0]): string {
  const whole = asYaml(value);
  const shown = whole.length > MAX_EXAMPLE_LENGTH && isMapping(value) ? outline(value) : whole;
  return key === undefined ? shown : `${asYaml(key)}: ${shown}`;
}

function outline(mapping: Readonly<Record<string, unknown>>): string {
  const members = Object.entries(mapping).map(
    ([key, value]) => `${key}: ${typeof value === "object" ? "…" : asYaml(value)}`,
  );
  return `{${members.join(", ")}}`;
}

/** What a value is, for `is …`. */
export function inWords(value: unknown): string {
  if (value === null || value === undefined) return "empty";
  if (typeof value === "string") return `the text "${value}"`;
  if (typeof value === "boolean") return `the truth value ${value}`;
  if (typeof value === "number") return `the number ${value}`;
  if (!Array.isArray(value)) return "a mapping";
  return value.length === 1 ? "a list of 1 entry" : `a list of ${value.length} entries`;
}

const KINDS: Readonly<Record<string, string>> = {
  string: "text",
  boolean: "true or false",
  array: "a list",
  object: "a mapping",
};

/** What the schema wants, for `must be …`. */
export function expectation(schema: SchemaNode): string {
  const { type, minimum, maximum, enum: choices } = schema;
  if (schema["x-expects"] !== undefined) return schema["x-expects"];
  if (choices !== undefined) return listInWords(choices.map(String), "or");
  if (type === "integer") return `a whole number from ${minimum} to ${maximum}`;
  return KINDS[String(type)] ?? "something else";
}

/** The first sentence of a description, to go on with after a colon. */
export function purpose(schema: SchemaNode): string {
  const sentence = /^.*?(?=\.(?:\s|$))/.exec(schema.description)?.[0] ?? schema.description;
  // "The number …" but "IP MTU …": an acronym keeps its capitals.
  return /^[A-Z][a-z]|^[A-Z] /.test(sentence) ? `${sentence[0]?.toLowerCase()}${sentence.slice(1)}` : sentence;
}

const MAX_LISTED_LENGTH = 90;

/** How many names a line holds; `-1`: all of them. Not every name is looked at: there may be thousands, and as many mistakes. */
function lineHolds(names: readonly string[]): number {
  let length = 0;
  return names.findIndex((name) => {
    length += name.length + 2;
    return length > MAX_LISTED_LENGTH;
  });
}

/** `alpha, beta and 7 more`: as many names as a line holds. */
export function namesInWords(names: readonly string[]): string {
  const tooMany = lineHolds(names);
  return tooMany === -1
    ? listInWords(names)
    : `${names.slice(0, tooMany).join(", ")} and ${names.length - tooMany} more`;
}

/** All keys where a line holds them, else the first, which stay the first when the language gets another. */
export function keysInWords(keys: readonly string[]): string {
  return lineHolds(keys) === -1 ? listInWords(keys) : `${keys.slice(0, 3).join(", ")} and others`;
}
