/** Few of many that together show everything there is to show. Pure. */

/**
 * Candidates such that every feature of any of them is one of theirs. First, in their order, those of which nothing has
 * been shown yet, then those that still show something new.
 */
export function cover<T>(candidates: readonly T[], featuresOf: (candidate: T) => readonly string[]): readonly T[] {
  const shown = new Set<string>();
  const isNew = (feature: string): boolean => !shown.has(feature);
  const chosen = new Set<number>();
  const choose = (isWanted: (features: readonly string[]) => boolean): void => {
    for (const [index, candidate] of candidates.entries()) {
      const features = featuresOf(candidate);
      if (features.length === 0 || !isWanted(features)) continue;
      chosen.add(index);
      for (const feature of features) shown.add(feature);
    }
  };
  choose((features) => features.every(isNew));
  choose((features) => features.some(isNew));
  return candidates.filter((_, index) => chosen.has(index));
}
