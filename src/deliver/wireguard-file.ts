/** What a file of wg-quick says, as far as a roll-out depends on it: read back, as the old tree may be on disk alone. */

/** The values of a key in a file of sections, in their order. */
export const valuesOf = (text: string, key: string): readonly string[] =>
  [...text.matchAll(new RegExp(`^${key} ?= ?(.*)$`, "gm"))].map(([, value = ""]) => value);

export interface WireguardPeer {
  readonly publicKey: string;
  readonly allowedIps: readonly string[];
  readonly hasPresharedKey: boolean;
  /** All that is said of it, but for its name. */
  readonly text: string;
}

/** The peers of a file by name, which stands in the first comment of each; older trees had nothing before it. */
export function peersIn(text: string): ReadonlyMap<string, WireguardPeer> {
  const [head = "", ...sections] = text.split(/^\[Peer\]$/m);
  return new Map(
    sections.map((section) => {
      const [publicKey = ""] = valuesOf(section, "PublicKey");
      const allowedIps = valuesOf(section, "AllowedIPs").flatMap((list) => list.split(", "));
      const hasPresharedKey = valuesOf(head, "PostUp").some((hook) => hook.includes(`${publicKey} preshared-key `));
      const name = /^# (?:friendly_name = )?(.*)$/m.exec(section)?.[1] ?? publicKey;
      return [
        name,
        { publicKey, allowedIps, hasPresharedKey, text: `${hasPresharedKey}${section.replace(/^# .*$/m, "")}` },
      ];
    }),
  );
}

/** Names of the peers of an old file that the new one has no more, or with other lines. */
export function changedPeers(before: string, after: string): readonly string[] {
  const next = peersIn(after);
  return [...peersIn(before)]
    .filter(([name, peer]) => next.get(name)?.text.trim() !== peer.text.trim())
    .map(([name]) => name);
}
