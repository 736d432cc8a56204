/** Other tools' configurations, read for what they say besides their secrets. */
import { hideKeys, MALFORMED, presharedNumber, publicHalf } from "../base/disarmed.ts";
import { isWireguardKey } from "../base/key.ts";
import { lineStarts, positionAt, type Source } from "../base/source.ts";
import { badKeyFiles } from "./files.ts";
import { derivePublicKey } from "./keypair.ts";

/** `PrivateKey = …` as wg reads it: to the end of the line, with blanks anywhere. */
const INI_SECRET = /^([ \t]*(private|preshared)key[ \t]*=[ \t]*)([^#\r\n]*)/gim;
/** `private: …`, `key: …`, `shared: …`, `wireguard_private_key: …`, as netplan and Ansible have them. */
const YAML_SECRET =
  /((?:^|[\s{,"'])(?:[\w-]*(private|shared)(?:_?key)?|key)["']?[ \t]*:[ \t]+)["']?([^\s"',{}[\]&*|>#(][^\s"',}\]#]*)["']?/gim;
/** `PublicKey = …`, `public: …`, `public_key: …`. */
const PUBLIC = /(?:^|[\s{,"'])public(?:[-_]?key)?["']?[ \t]*[:=][ \t]*["']?([^\s"',}\]#]+)/gim;

/** What is known of the keys of several files: who is public, and which preshared keys are equal. */
interface Known {
  readonly publicKeys: Set<string>;
  /** Only their order of appearance is told. */
  readonly preshared: Map<string, number>;
}

function markerFor(kind: string | undefined, value: string, { publicKeys, preshared }: Known): string {
  const key = value.replace(/\s/g, "");
  if (!isWireguardKey(key)) return MALFORMED;
  if (/^(?:pre)?shared$/i.test(kind ?? "")) {
    const number = preshared.get(key) ?? preshared.size + 1;
    preshared.set(key, number);
    return presharedNumber(number);
  }
  const publicKey = derivePublicKey(key);
  publicKeys.add(publicKey);
  return publicHalf(publicKey);
}

/** A text without the secrets that are said to be some; a path stays, for it is none. */
function withoutLabelled(text: string, known: Known): string {
  const ini = text.replace(INI_SECRET, (_, label: string, kind: string, value: string) =>
    value.trim() === "" ? label : label + markerFor(kind, value, known),
  );
  return ini.replace(YAML_SECRET, (whole, label: string, kind: string | undefined, value: string) =>
    value.startsWith("/") ? whole : `${label}"${markerFor(kind, value, known)}"`,
  );
}

/** Those of the public keys that are the private half of another one of them. */
function misplacedAmong(publicKeys: ReadonlySet<string>): ReadonlySet<string> {
  return new Set([...publicKeys].filter((key) => publicKeys.has(derivePublicKey(key))));
}

/** @throws Error where one of these stands. */
function refuseMisplaced({ name, text }: Source, misplaced: ReadonlySet<string>): void {
  for (const { 0: whole, 1: value = "", index } of text.matchAll(PUBLIC)) {
    if (!misplaced.has(value)) continue;
    const { line, column } = positionAt(lineStarts(text), index + whole.length - value.length);
    throw badKeyFiles([
      `${name}:${line}:${column}: here stands a private key in the place of a public one. Take it out, and make a new one`,
    ]);
  }
}

/**
 * The texts without their secrets, line by line as they were: a private key is replaced by its public half, a preshared
 * one by a number that equal ones share, over all of the texts, and whatever else may be a key is hidden.
 * @throws Error where a private key stands as a public one.
 */
export function disarm(sources: readonly Source[]): readonly Source[] {
  const known: Known = { publicKeys: new Set(), preshared: new Map() };
  const labelled = sources.map(({ name, text }) => ({ name, text: withoutLabelled(text, known) }));
  for (const { text } of labelled) {
    for (const [, key = ""] of text.matchAll(PUBLIC)) if (isWireguardKey(key)) known.publicKeys.add(key);
  }
  const misplaced = misplacedAmong(known.publicKeys);
  for (const source of labelled) refuseMisplaced(source, misplaced);
  return labelled.map(({ name, text }) => ({ name, text: hideKeys(text, known.publicKeys) }));
}
