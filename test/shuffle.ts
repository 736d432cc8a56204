/** The same topology written in another order. */
import { isMap, type Pair, parseDocument, type YAMLMap } from "yaml";

/** A small generator of numbers (mulberry32): the same seed, the same order, so that a failure comes back. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function shuffle(items: Pair[], next: () => number): void {
  for (let last = items.length - 1; last > 0; last -= 1) {
    const other = Math.floor(next() * (last + 1));
    const [a, b] = [items[last] as Pair, items[other] as Pair];
    items[last] = b;
    items[other] = a;
  }
}

/** The mappings at a path, of which "*" is any key. */
function mappingsAt(node: unknown, path: readonly string[]): readonly YAMLMap[] {
  if (!isMap(node)) return [];
  const [key, ...rest] = path;
  if (key === undefined) return [node];
  const inside = key === "*" ? node.items.map(({ value }) => value) : [node.get(key)];
  return inside.flatMap((each) => mappingsAt(each, rest));
}

/** The text with the entries of the mappings at these paths, and those of the top level, in another order. */
export function shuffledMappings(text: string, paths: readonly string[], seed: number): string {
  const document = parseDocument(text);
  const next = numbers(seed);
  for (const path of [...paths, ""]) {
    const mappings = mappingsAt(document.contents, path === "" ? [] : path.split("/"));
    for (const mapping of mappings) shuffle(mapping.items as Pair[], next);
  }
  return document.toString({ lineWidth: 0 });
}
