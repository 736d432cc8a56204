/** What the language has in a later version: refused by name, so that nobody believes it was understood. */

/** `*` stands for any name or index. */
export const LATER_KEYS: ReadonlySet<string> = new Set([
  "vrfs",
  "sites.*.lan",
  "sites.*.gateways",
  "sites.*.asn",
  "wireguard.transit",
  "wireguard.hubs",
  "wireguard.links",
  "hosts.*.wireguard",
  "hosts.*.docker",
  "hosts.*.routes.*.vrf",
  "hostDefaults.wireguard",
  "hostDefaults.docker",
  "subnets.*.vrf",
]);

export const LATER_VALUES: ReadonlyMap<string, readonly string[]> = new Map([
  ["wireguard.shape", ["hub-and-spoke", "links"]],
  ["wireguard.mtu", ["per-peer"]],
  ["hosts.*.platform", ["debian13", "proxmox8", "proxmox9"]],
  ["hostDefaults.platform", ["debian13", "proxmox8", "proxmox9"]],
]);

const NAMED = new Set(["sites", "hosts", "subnets"]);

/** A path with what the user names or counts as `*`; by position, since a host may be called routes. */
function general(parts: readonly string[]): string {
  const isFree = (index: number): boolean =>
    (index === 1 && NAMED.has(parts[0] as string)) || (index === 3 && parts[0] === "hosts" && parts[2] === "routes");
  return parts.map((part, index) => (isFree(index) ? "*" : part)).join(".");
}

/** True when a later version knows the key at the end of the path. */
export function isLaterKey(parts: readonly string[]): boolean {
  return LATER_KEYS.has(general(parts));
}

/** True when a later version knows the value there. */
export function isLaterValue(parts: readonly string[], value: unknown): boolean {
  return typeof value === "string" && (LATER_VALUES.get(general(parts)) ?? []).includes(value);
}
