/** Each value once, the most frequent first; of equally frequent ones in their order. */
export function byFrequency<T>(values: Iterable<T>): readonly T[] {
  const counts = new Map<T, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a).map(([value]) => value);
}
