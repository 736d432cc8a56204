/**
 * What is encrypted with age (age-encryption.org/v1), for X25519 keys. The only importer of `age-encryption`, which takes
 * longer to load than a small fleet to compile: only who opens or writes encrypted keys imports this file.
 */
import { armor, Decrypter, Encrypter, identityToRecipient } from "age-encryption";

/** Encrypts a text so that each of some recipients (`age1…`) can open it: armored, and never the same twice. */
export async function encrypt(recipients: readonly string[], text: string): Promise<string> {
  const encrypter = new Encrypter();
  for (const recipient of recipients) encrypter.addRecipient(recipient);
  return armor.encode(await encrypter.encrypt(text));
}

/** True if something can be encrypted for it: all its characters are right, and so is the point on the curve. */
export async function isRecipient(text: string): Promise<boolean> {
  try {
    await encrypt([text], "");
    return true;
  } catch {
    return false;
  }
}

/** The recipient (`age1…`) of an identity; `undefined` when it is none. The library's own error would quote the secret. */
export async function recipientOf(identity: string): Promise<string | undefined> {
  try {
    return await identityToRecipient(identity);
  } catch {
    return undefined;
  }
}

/** What came of opening: a text, or why there is none. */
export type Opened =
  | { readonly kind: "opened"; readonly text: string }
  /** It is encrypted, and for none of the identities. */
  | { readonly kind: "closed" }
  /** It is nothing of age's, or not as it was written. */
  | { readonly kind: "damaged" };

const BINARY_BEGIN = "age-encryption.org/";
/** What `age-encryption` says of a file that is whole, and for others. */
const CLOSED = /no identity matched/;

/** Opens what was encrypted for one of some identities (`AGE-SECRET-KEY-1…`), armored or not. */
export async function decrypt(identities: readonly string[], bytes: Uint8Array): Promise<Opened> {
  const decrypter = new Decrypter();
  for (const identity of identities) decrypter.addIdentity(identity);
  try {
    const text = new TextDecoder().decode(bytes);
    const file = text.startsWith(BINARY_BEGIN) ? bytes : armor.decode(text);
    return { kind: "opened", text: await decrypter.decrypt(file, "text") };
  } catch (error) {
    return { kind: CLOSED.test((error as Error).message) ? "closed" : "damaged" };
  }
}
