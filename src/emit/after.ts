/** What a host has to do for a file that changed to take effect. */
import { contentOf, joined, type OutputFile } from "./file.ts";

interface Rule {
  /** Matches the path on the host, without the leading slash. */
  readonly path: RegExp;
  /** Commands in their order; `$1` is the first group of `path`. */
  readonly after: readonly string[];
}

const RELOAD_UNITS = "systemctl daemon-reload";

/** The first that matches counts. */
const RULES: readonly Rule[] = [
  { path: /^etc\/wireguard\/(.+)\.conf$/, after: ["systemctl reload wg-quick@$1.service"] },
  {
    path: /^etc\/systemd\/system\/(netgen-.+\.timer)$/,
    after: [RELOAD_UNITS, "systemctl restart $1"],
  },
  {
    // Reloaded, not restarted: in between there would be no routes, or no rules.
    path: /^etc\/systemd\/system\/(netgen-(?:routes|nftables|docker)\.service)$/,
    after: [RELOAD_UNITS, "systemctl reload $1"],
  },
  { path: /^etc\/systemd\/system\//, after: [RELOAD_UNITS] },
  { path: /^etc\/systemd\/networkd\.conf\.d\//, after: ["systemctl restart systemd-networkd.service"] },
  { path: /^etc\/systemd\/network\//, after: ["networkctl reload"] },
  { path: /^etc\/netgen\/routes/, after: ["systemctl reload netgen-routes.service"] },
  { path: /^etc\/netgen\/netgen\.nft$/, after: ["systemctl reload netgen-nftables.service"] },
  { path: /^etc\/netgen\/docker/, after: ["systemctl reload netgen-docker.service"] },
  { path: /^etc\/netgen\/(?:wg-endpoints|.+\.endpoints)$/, after: ["systemctl start netgen-endpoints.service"] },
  { path: /^etc\/netgen\/(.+)\.mtu$/, after: ["systemctl reload wg-quick@$1.service"] },
  // Reloaded, not restarted: a way out that is open stays open.
  { path: /^etc\/netgen\/(.+)\.exit$/, after: ["systemctl reload netgen-exit@$1.service"] },
  { path: /^etc\/netgen\/exit$/, after: ["systemctl reload netgen-exit@*.service"] },
  // Read when it is run, or merged by hand.
  { path: /^etc\/netgen\/(?:wg-reload|vrrp-notify|frr\.conf\.snippet)$/, after: [] },
  { path: /^etc\/frr\/frr\.conf$/, after: ["systemctl reload frr.service"] },
  { path: /^etc\/frr\/daemons$/, after: ["systemctl restart frr.service"] },
  { path: /^etc\/keepalived\//, after: ["systemctl reload keepalived.service"] },
  { path: /^etc\/sysctl\.d\//, after: ["systemctl restart systemd-sysctl.service"] },
  { path: /^etc\/modules-load\.d\//, after: ["systemctl restart systemd-modules-load.service"] },
];

/** A standby that shares its key with another host stays silent: its tunnels are reloaded only where they run. */
function leaveSilent(file: OutputFile, commands: readonly string[]): readonly string[] {
  // It stands at the beginning, and what follows may be long.
  const beginning = new TextDecoder().decode(joined(file.content.slice(0, 2)));
  if (!beginning.includes("keepalived starts and stops this interface")) return commands;
  return commands.map((command) => command.replace("systemctl reload", "systemctl try-reload-or-restart"));
}

/**
 * networkd never changes the VNI, the port or the learning of a device that exists (nor do older ones anything else), so
 * a vxlan goes first, and so does a VRF, whose table has to change. Never a bridge: guests hang on it, and it may be the
 * user's.
 */
function staleDevice(file: OutputFile): string | undefined {
  const name = /-netgen-([^/]+)\.netdev$/.exec(file.path)?.[1];
  if (name === undefined) return undefined;
  return /^Kind=(?:vxlan|vrf)$/m.test(new TextDecoder().decode(contentOf(file))) ? name : undefined;
}

/** Commands to run on the host, in their order, after this file of its changed; `undefined` for a file of no known kind. */
export function afterChange(file: OutputFile): readonly string[] | undefined {
  const path = file.path.slice(file.path.indexOf("/") + 1);
  const rule = RULES.find((each) => each.path.test(path));
  const commands = rule?.after.map((command) => command.replace("$1", rule.path.exec(path)?.[1] ?? ""));
  const device = staleDevice(file);
  if (device !== undefined) return [`networkctl delete ${device}`, ...(commands ?? [])];
  return path.startsWith("etc/wireguard/") ? commands && leaveSilent(file, commands) : commands;
}
