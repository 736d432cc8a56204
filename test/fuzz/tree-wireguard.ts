/** The files of wg-quick, and what the script that dials is given. */
import { type Prefix, prefixOf } from "./prefix.ts";

/** A literal address or a name, and the port; a name is of no IP version unless only answers of one count. */
export interface DialledEnd {
  readonly host: string;
  readonly port: number;
  readonly family: 4 | 6 | undefined;
}

export interface WireguardPeer {
  readonly name: string;
  readonly publicKey: string;
  readonly allowedIps: readonly Prefix[];
  /** Where it is dialled, in turn; none: it is not. */
  readonly endpoints: readonly DialledEnd[];
  readonly keepaliveSeconds: number;
  readonly hasPresharedKey: boolean;
}

export interface Wireguard {
  readonly name: string;
  readonly addresses: readonly Prefix[];
  readonly listenPort: number;
  readonly mtu: number;
  /** wg-quick makes the routes from AllowedIPs; else it has none made. */
  readonly hasRoutes: boolean;
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

const familyOf = (host: string): 4 | 6 | undefined => (/^[\d.]+$/.test(host) ? 4 : host.includes(":") ? 6 : undefined);

function literal(text: string): DialledEnd {
  const [, bracketed, plain, port] = /^(?:\[(.*)\]|(.*)):(\d+)$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined) throw new Error(`no endpoint: ${text}`);
  return { host, port: Number(port), family: familyOf(host) };
}

/** What the script dials, each with the key of the peer. */
function dialledOf(endpoints: string) {
  const lines = endpoints.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return lines.map((line) => {
    const [key, host = "", port, version] = line.split(" ");
    const family = familyOf(host) ?? (version === "4" ? 4 : version === "6" ? 6 : undefined);
    return { key, end: { host, port: Number(port), family } as const };
  });
}

/** The one that wg-quick sets is dialled before those of the script. */
function inTurn(first: string | undefined, others: readonly DialledEnd[]): readonly DialledEnd[] {
  if (first === undefined) return others;
  const own = literal(first);
  return [own, ...others.filter(({ host, port }) => host !== own.host || port !== own.port)];
}

/** Reads an interface. */
export function readWireguard(name: string, text: string, endpoints: string): Wireguard {
  const [head = "", ...sections] = text.split("[Peer]");
  const dialled = dialledOf(endpoints);
  return {
    name,
    addresses: listOf(settingOf(head, "Address")),
    // Left out: any.
    listenPort: Number(settingOf(head, "ListenPort") ?? 0),
    mtu: Number(settingOf(head, "MTU")),
    hasRoutes: settingOf(head, "Table") !== "off",
    peers: sections.map((section) => {
      const publicKey = settingOf(section, "PublicKey") ?? "";
      const ends = dialled.filter(({ key }) => key === publicKey).map(({ end }) => end);
      return {
        name: /^# (?:friendly_name = )?(\S+)$/m.exec(section)?.[1] ?? "",
        publicKey,
        allowedIps: listOf(settingOf(section, "AllowedIPs")),
        endpoints: inTurn(settingOf(section, "Endpoint"), ends),
        keepaliveSeconds: Number(settingOf(section, "PersistentKeepalive") ?? 0),
        hasPresharedKey:
          head.includes(` peer ${publicKey} preshared-key `) || settingOf(section, "PresharedKey") !== undefined,
      };
    }),
  };
}
