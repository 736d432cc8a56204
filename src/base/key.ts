/** What a WireGuard key looks like: private, public and preshared ones are all 32 bytes in base64. */

// 43 characters and a "=", of the 43rd only the upper four bits used.
const KEY = /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/;
const ZERO_KEY = `${"A".repeat(43)}=`;

/** True for base64 of exactly 32 bytes, not all zero, which to `wg` means no key. */
export function isWireguardKey(text: string): boolean {
  return KEY.test(text) && text !== ZERO_KEY;
}

const KEY_SHAPED = /(public[-_]?key["']?\s*[:=]\s*["']?)?([A-Za-z0-9+/]{4})[A-Za-z0-9+/]{39}=/gi;

/** The text with all but the first 4 characters of every key hidden that is not said to be a public one; equally long. */
export function maskKeys(text: string): string {
  return text.replace(KEY_SHAPED, (whole, isPublic: string | undefined, start: string) =>
    isPublic === undefined ? `${start}${"*".repeat(40)}` : whole,
  );
}
