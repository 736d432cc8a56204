/**
 * What stands in the place of a secret in a text that was disarmed: who reads it learns what can be told without the
 * secret, and there is nothing to leak.
 */
import { keysIn } from "./key.ts";

/** In the place of anything that may be a key, and of which nothing is known. */
export const HIDDEN = "(hidden)";
/** In the place of a private key that is none: too short, too long, other characters. */
export const MALFORMED = "(malformed)";

const PUBLIC_HALF = "public-half:";
const SHARED = "preshared:";

/** In the place of a private key. */
export const publicHalf = (publicKey: string): string => PUBLIC_HALF + publicKey;

/** In the place of a preshared key: equal keys have equal numbers. */
export const presharedNumber = (number: number): string => SHARED + number;

/** The text without all that looks like a key, but for those that are known as public. */
export function hideKeys(text: string, publicKeys: ReadonlySet<string> = new Set()): string {
  let result = "";
  let end = 0;
  for (const { key, start } of keysIn(text)) {
    result += text.slice(end, start) + (publicKeys.has(key) ? key : HIDDEN);
    end = start + key.length;
  }
  return result + text.slice(end);
}

/** The public key that belongs to the private one which stood here; `undefined`: none stood here. */
export const publicHalfIn = (text: string): string | undefined =>
  text.startsWith(PUBLIC_HALF) ? text.slice(PUBLIC_HALF.length) : undefined;
