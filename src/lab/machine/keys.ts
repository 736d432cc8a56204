/** Throwaway keys, and the compiled files with these in them. */
import { withKeys } from "../../base/key.ts";
import { contentOf, type OutputFile } from "../../emit/file.ts";
import type { Host } from "../../model/host.ts";
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

/** Of all BGP sessions that have one: on the host it stands in a file. */
export const PEER_PASSWORD = "netgen-lab";

/** Throwaway key pairs: the lab runs without anybody's private key. */
export interface Keys {
  /** Private key by host. */
  readonly privateKeys: ReadonlyMap<string, string>;
  /** The public key that takes the place of each of the topology's. */
  readonly publicKeys: ReadonlyMap<string, string>;
  readonly presharedKey: string;
  readonly hasPresharedKeys: boolean;
}

const wg = async (script: string): Promise<string> => {
  const { status, output } = await execute("sh", ["-euc", script]);
  if (status !== 0) throw new Error(`wg: ${output.trim()}`);
  return output.trim();
};

/** Makes a key pair for each host, and one preshared key for all. */
export async function makeKeys({ hosts, peers }: Network): Promise<Keys> {
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
    hasPresharedKeys: peers.some(({ hasPresharedKey }) => hasPresharedKey),
  };
}

// A public key is 44 characters of base64: nothing else in a file looks like one.
const PUBLIC_KEY = /[A-Za-z0-9+/]{43}=/g;

const exchangeKeys = (text: string, { publicKeys }: Keys): string =>
  text.replace(PUBLIC_KEY, (key) => publicKeys.get(key) ?? key);

/** What was compiled for hosts, and for devices that an app configures. */
export interface CompiledTexts {
  readonly files: readonly OutputFile[];
  /** By the name of the device. */
  readonly configurations: Readonly<Record<string, string>>;
}

/** The one file of a device: what `netgen keys export` gives for it, where wg-quick looks for it. */
function configurationFile({ name, interfaces }: Host, configuration: string, keys: Keys): readonly PlacedFile[] {
  const text = exchangeKeys(configuration, keys);
  const presharedKeys = new Map([...keys.publicKeys.values()].map((publicKey) => [publicKey, keys.presharedKey]));
  const whole = withKeys(text, {
    privateKey: keys.privateKeys.get(name),
    presharedKeys: keys.hasPresharedKeys ? presharedKeys : new Map(),
  });
  return interfaces.map((tunnel) => ({
    path: `/etc/wireguard/${tunnel.name}.conf`,
    mode: 0o600,
    owner: "root",
    group: "root",
    text: whole,
  }));
}

/** The files of one host, with throwaway keys in the place of the topology's and all else as it was compiled. */
export function filesOf(host: Host, { files, configurations }: CompiledTexts, keys: Keys): readonly PlacedFile[] {
  const configuration = configurations[host.name];
  if (configuration !== undefined) return configurationFile(host, configuration, keys);
  const decoder = new TextDecoder();
  return files
    .filter(({ path }) => path.startsWith(`${host.name}/`))
    .map((file) => ({
      path: file.path.slice(host.name.length),
      mode: file.mode,
      owner: file.owner,
      group: file.group,
      text: exchangeKeys(decoder.decode(contentOf(file)), keys),
    }));
}
