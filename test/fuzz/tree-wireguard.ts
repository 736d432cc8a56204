/** The files of wg-quick, and what the script that resolves names is given. */
import { type Prefix, prefixOf } from "./prefix.ts";

export interface WireguardPeer {
  readonly name: string;
  readonly publicKey: string;
  readonly allowedIps: readonly Prefix[];
  /** A literal address or a name, and the port; `undefined`: it is not dialled. */
  readonly endpoint: { readonly host: string; readonly port: number; readonly family: 4 | 6 | undefined } | undefined;
  readonly keepaliveSeconds: number;
  readonly hasPresharedKey: boolean;
}

export interface Wireguard {
  readonly name: string;
  readonly addresses: readonly Prefix[];
  readonly listenPort: number;
  readonly mtu: number;
  readonly peers: readonly WireguardPeer[];
}

/** The value of a key in a section, as the program reads it: the last wins, a comment is none. */
function settingOf(section: string, key: string): string | undefined {
  return [...section.matchAll(new RegExp(`^${key} *= *(.*)$`, "gim"))].at(-1)?.[1]?.trim();
}

const listOf = (text: string | undefined): readonly Prefix[] =>
  (text ?? "")
    .split(/ *, */)
    .filter((each) => each !== "")
    .map(prefixOf);

function literal(text: string): WireguardPeer["endpoint"] {
  const [, bracketed, plain, port] = /^(?:\[(.*)\]|(.*)):(\d+)$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined) throw new Error(`no endpoint: ${text}`);
  const family = bracketed !== undefined ? 6 : /^[\d.]+$/.test(host) ? 4 : undefined;
  return { host, port: Number(port), family };
}

/** Names by the key of the peer. */
function namesOf(endpoints: string): ReadonlyMap<string, NonNullable<WireguardPeer["endpoint"]>> {
  const lines = endpoints.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => {
      const [key = "", host = "", port, version] = line.split(" ");
      return [key, { host, port: Number(port), family: version === "4" ? 4 : version === "6" ? 6 : undefined }];
    }),
  );
}

/** Reads an interface. */
export function readWireguard(name: string, text: string, endpoints: string): Wireguard {
  const [head = "", ...sections] = text.split("[Peer]");
  const names = namesOf(endpoints);
  return {
    name,
    addresses: listOf(settingOf(head, "Address")),
    listenPort: Number(settingOf(head, "ListenPort")),
    mtu: Number(settingOf(head, "MTU")),
    peers: sections.map((section) => {
      const publicKey = settingOf(section, "PublicKey") ?? "";
      const endpoint = settingOf(section, "Endpoint");
      return {
        name: /^# (\S+)$/m.exec(section)?.[1] ?? "",
        publicKey,
        allowedIps: listOf(settingOf(section, "AllowedIPs")),
        endpoint: endpoint === undefined ? names.get(publicKey) : literal(endpoint),
        keepaliveSeconds: Number(settingOf(section, "PersistentKeepalive")),
        hasPresharedKey: head.includes(` peer ${publicKey} preshared-key `),
      };
    }),
  };
}
