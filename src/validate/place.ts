/** Where in a topology something is: in words for people, and which part of the schema speaks of it. */
import { schema as generated } from "./schema.generated.ts";

/** What the schema says about one value; the keywords that netgen's schema uses, and its own annotations. */
export interface SchemaNode {
  readonly description: string;
  readonly examples: readonly unknown[];
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly pattern?: string;
  /** What an editor says of a text that does not match `pattern`. */
  readonly patternErrorMessage?: string;
  readonly minItems?: number;
  readonly minProperties?: number;
  readonly items?: SchemaNode;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly additionalProperties?: SchemaNode | false;
  readonly propertyNames?: SchemaNode;
  /** The code of a text that does not match `pattern`. */
  readonly "x-code"?: MalformedCode;
  /** What is expected, for people. */
  readonly "x-expects"?: string;
  /** What the value names, or what an entry of the list is. */
  readonly "x-noun"?: string;
}

export type MalformedCode =
  | "version-malformed"
  | "name-malformed"
  | "address-malformed"
  | "prefix-malformed"
  | "endpoint-malformed"
  | "public-key-malformed"
  | "interface-name-malformed"
  | "text-malformed"
  | "extra-refused";

export const topologySchema = generated as unknown as SchemaNode;

/** One value of a topology, with the part of the schema that it has to meet. */
export interface Place {
  /** `hosts.alpha.routes[0]`; `the topology` for the whole. */
  readonly words: string;
  /** The name of its key; `undefined` for the whole and for entries of lists. */
  readonly key: string | undefined;
  readonly value: unknown;
  readonly schema: SchemaNode;
}

export const isMapping = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The pointer of a member or entry below another, RFC 6901. */
export function below(pointer: string, key: string | number): string {
  const part = String(key);
  // Nearly every key is plain, and there is a pointer for every value of the file.
  const isPlain = !part.includes("~") && !part.includes("/");
  return `${pointer}/${isPlain ? part : part.replaceAll("~", "~0").replaceAll("/", "~1")}`;
}

/** The parts of a pointer, unescaped. */
export function partsOf(pointer: string): readonly string[] {
  return pointer
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** Follows a pointer through the topology and the schema at once; both must know it. */
export function placeAt(root: unknown, pointer: string): Place {
  const start: Place = { words: "the topology", key: undefined, value: root, schema: topologySchema };
  return partsOf(pointer).reduce(step, start);
}

function step(place: Place, part: string): Place {
  const { value, schema, words } = place;
  if (Array.isArray(value)) {
    return { words: `${words}[${part}]`, key: undefined, value: value[Number(part)], schema: schema.items ?? schema };
  }
  const { properties = {}, additionalProperties } = schema;
  const named = Object.hasOwn(properties, part) ? properties[part] : additionalProperties || undefined;
  return {
    words: place.schema === topologySchema ? part : `${words}.${part}`,
    key: part,
    value: isMapping(value) ? value[part] : undefined,
    schema: named ?? schema,
  };
}

/** The mappings that have a key of this name, in words: `the topology`, `hosts.NAME`, `bgp`; sorted as the schema is. */
export function homesOf(key: string): readonly string[] {
  return mappingsIn(topologySchema, "")
    .filter(([, { properties = {} }]) => Object.hasOwn(properties, key))
    .map(([words]) => words);
}

/** A part of the schema and all mappings in it, each with where it stands. */
function mappingsIn(schema: SchemaNode, words: string): readonly (readonly [string, SchemaNode])[] {
  const { properties = {}, additionalProperties, items } = schema;
  const within = (part: string): string => (words === "" ? part : `${words}.${part}`);
  return [
    [words === "" ? "the topology" : words, schema],
    ...Object.entries(properties).flatMap(([name, inner]) => mappingsIn(inner, within(name))),
    ...(additionalProperties ? mappingsIn(additionalProperties, within("NAME")) : []),
    ...(items === undefined ? [] : mappingsIn(items, `${words}[]`)),
  ];
}
