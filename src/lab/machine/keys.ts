/** Throwaway keys, and the compiled files with these in them. */
import { contentOf, type OutputFile } from "../../emit/file.ts";
import type { Network } from "../../model/network.ts";
import type { Box } from "./box.ts";
import { execute } from "./keeper.ts";

/** A host's files as the lab puts them: text by path on the host, with mode and owner. */
export interface PlacedFile {
  /** Absolute, on the host. */
  readonly path: string;
  readonly mode: number;
  readonly owner: string;
  readonly group: string;
  readonly text: string;
}

/** A box with the files that were put into it. */
export interface Furnished {
  readonly box: Box;
  readonly files: readonly PlacedFile[];
}

/** Throwaway key pairs: the lab runs without anybody's private key. */
export interface Keys {
  /** Private key by host. */
  readonly privateKeys: ReadonlyMap<string, string>;
  /** The public key that takes the place of each of the topology's. */
  readonly publicKeys: ReadonlyMap<string, string>;
  readonly presharedKey: string;
}

const wg = async (script: string): Promise<string> => {
  const { status, output } = await execute("sh", ["-euc", script]);
  if (status !== 0) throw new Error(`wg: ${output.trim()}`);
  return output.trim();
};

/** Makes a key pair for each host, and one preshared key for all. */
export async function makeKeys({ hosts }: Network): Promise<Keys> {
  const made = new Map<string, Promise<string>>();
  const pairs = await Promise.all(
    hosts.map(async ({ name, publicKey }) => {
      // Two that share a key share its replacement.
      const lines = made.get(publicKey) ?? wg('key=$(wg genkey); echo "$key"; echo "$key" | wg pubkey');
      made.set(publicKey, lines);
      const [privateKey = "", replacement = ""] = (await lines).split("\n");
      return { name, publicKey, privateKey, replacement };
    }),
  );
  return {
    privateKeys: new Map(pairs.map(({ name, privateKey }) => [name, privateKey])),
    publicKeys: new Map(pairs.map(({ publicKey, replacement }) => [publicKey, replacement])),
    presharedKey: await wg("wg genpsk"),
  };
}

// A public key is 44 characters of base64: nothing else in a file looks like one.
const PUBLIC_KEY = /[A-Za-z0-9+/]{43}=/g;

/** The files of one host, with throwaway keys in the place of the topology's and all else as it was compiled. */
export function filesOf(host: string, files: readonly OutputFile[], { publicKeys }: Keys): readonly PlacedFile[] {
  const decoder = new TextDecoder();
  return files
    .filter(({ path }) => path.startsWith(`${host}/`))
    .map((file) => ({
      path: file.path.slice(host.length),
      mode: file.mode,
      owner: file.owner,
      group: file.group,
      text: decoder.decode(contentOf(file)).replace(PUBLIC_KEY, (key) => publicKeys.get(key) ?? key),
    }));
}
