/** What a WireGuard key looks like: private, public and preshared ones are all 32 bytes in base64. */

// 43 characters and a "=", of the 43rd only the upper four bits used.
const KEY = /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/;
const ZERO_KEY = `${"A".repeat(43)}=`;

/** True for base64 of exactly 32 bytes, not all zero, which to `wg` means no key. */
export function isWireguardKey(text: string): boolean {
  return KEY.test(text) && text !== ZERO_KEY;
}

/** With its "=", or 43 characters or 64 hexadecimal digits that are no part of something longer. */
const SHAPES =
  "[A-Za-z0-9+/]{43}=|(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{43}(?![A-Za-z0-9+/])|(?<![0-9A-Fa-f])[0-9A-Fa-f]{64}(?![0-9A-Fa-f])";
const KEY_SHAPED = new RegExp(`(public[-_]?key["']?\\s*[:=]\\s*["']?)?(${SHAPES})`, "gi");

/** What looks like a key in a text, in any of the forms that one is written in. */
export interface KeyShaped {
  readonly key: string;
  /** It is said to be a public one. */
  readonly isPublic: boolean;
  /** Offset into the text, UTF-16 code units. */
  readonly start: number;
}

/** Everything in a text that looks like a key, in its order. */
export function keysIn(text: string): readonly KeyShaped[] {
  return [...text.matchAll(KEY_SHAPED)].map(({ 0: whole, 1: label, 2: shape, index }) => {
    const key = shape as string;
    return { key, isPublic: label !== undefined, start: index + whole.length - key.length };
  });
}

const SHOWN_LENGTH = 4;

/** The text with all but the first 4 characters of every key hidden that is not said to be a public one; equally long. */
export function maskKeys(text: string): string {
  return text.replace(KEY_SHAPED, (whole, label: string | undefined, key: string) =>
    label === undefined ? key.slice(0, SHOWN_LENGTH).padEnd(key.length, "*") : whole,
  );
}

/** The keys that a configuration for an app lacks. */
export interface LackingKeys {
  /** `undefined`: it is not known. */
  readonly privateKey: string | undefined;
  /** By the public key of the peer. */
  readonly presharedKeys: ReadonlyMap<string, string>;
}

/** The configuration with PrivateKey as the first line of its interface, and PresharedKey below the PublicKey of its peer. */
export function withKeys(configuration: string, { privateKey, presharedKeys }: LackingKeys): string {
  const own = privateKey === undefined ? "" : `PrivateKey = ${privateKey}\n`;
  const whole = configuration.replace("[Interface]\n", (line) => line + own);
  return whole.replace(/^PublicKey = (.*)\n/gm, (line, publicKey: string) => {
    const presharedKey = presharedKeys.get(publicKey);
    return presharedKey === undefined ? line : `${line}PresharedKey = ${presharedKey}\n`;
  });
}
