/** YAML of other tools, with the line of each value. */
import { lineStarts, positionAt, type Source } from "../base/source.ts";
import { parseYaml } from "../parse/yaml.ts";
import { below, isMapping } from "../validate/place.ts";
import { type Finding, type Place, question } from "./facts.ts";

/** A value of a file, and the way further down. */
export interface Node {
  readonly value: unknown;
  readonly place: Place;
  /** A member of a mapping; its value is `undefined` where there is none. */
  readonly get: (key: string) => Node;
  /** Members of a mapping; none of what is none. */
  readonly members: () => readonly (readonly [string, Node])[];
  /** Entries of a list; what is no list is the only one, and nothing is none. */
  readonly entries: () => readonly Node[];
  /** Text or a number as text; `undefined`: it is neither. */
  readonly text: string | undefined;
}

/** The whole of a YAML file; `undefined`, and told, where it is none. */
export function readYaml(source: Source, findings: Finding[]): Node | undefined {
  const { value: tree, diagnostics } = parseYaml(source);
  const starts = lineStarts(source.text);
  const placeAt = (offset: number): Place => ({ file: source.name, line: positionAt(starts, offset).line });
  const failed = diagnostics.find(({ severity }) => severity === "error");
  if (failed !== undefined) findings.push(question(`not all was read: ${failed.message}`, placeAt(failed.span.start)));
  if (tree === undefined) return undefined;
  const nodeAt = (value: unknown, pointer: string, place: Place): Node => {
    const child = (key: string | number, inner: unknown): Node => {
      const where = below(pointer, key);
      return nodeAt(inner, where, inner === undefined ? place : placeAt(tree.spanOf(where).key.start));
    };
    return {
      value,
      place,
      get: (key) => child(key, isMapping(value) && Object.hasOwn(value, key) ? value[key] : undefined),
      members: () => (isMapping(value) ? Object.entries(value).map(([key, inner]) => [key, child(key, inner)]) : []),
      entries: () => {
        if (Array.isArray(value)) return value.map((inner, index) => child(index, inner));
        return value === undefined || value === null ? [] : [nodeAt(value, pointer, place)];
      },
      text: typeof value === "string" ? value : typeof value === "number" ? String(value) : undefined,
    };
  };
  return nodeAt(tree.value, "", { file: source.name, line: 1 });
}

/** The texts of a list, or of one text; each may have several between commas. */
export function textsOf(node: Node): readonly { readonly text: string; readonly place: Place }[] {
  return node.entries().flatMap((entry) => {
    // netplan lets an address have options of its own, below it.
    const text = entry.text ?? entry.members()[0]?.[0] ?? "";
    return text.split(",").map((each) => ({ text: each.trim(), place: entry.place }));
  });
}
