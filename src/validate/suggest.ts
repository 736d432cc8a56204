import { distance } from "fastest-levenshtein";

/** No name of the language is longer, and a longer one is no slip of the finger. */
const MAX_LENGTH = 64;
/** The part of a name that may be wrong: two letters in five is still a slip. */
const TOLERANCE = 0.4;

/**
 * The candidate that was most likely meant, or `undefined` when none is near, by so many letters if said; of equals the first.
 * Case is no difference.
 */
export function closest(written: string, candidates: Iterable<string>, atMost = MAX_LENGTH): string | undefined {
  if (written.length > MAX_LENGTH) return undefined;
  const plain = written.toLowerCase();
  let best: string | undefined;
  let bestDistance = Math.min(Math.ceil(written.length * TOLERANCE), written.length - 1, atMost) + 1;
  for (const candidate of candidates) {
    // The difference in length is the least that the distance can be.
    if (Math.abs(candidate.length - plain.length) >= bestDistance) continue;
    const found = distance(plain, candidate.toLowerCase());
    if (found >= bestDistance) continue;
    best = candidate;
    bestDistance = found;
  }
  return best;
}
