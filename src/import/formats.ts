/** Which format a file is in, and who reads it. */
import type { Source } from "../base/source.ts";
import { type Facts, type Finding, type Format, note } from "./facts.ts";
import { readGithubixx } from "./githubixx.ts";
import { readNetplan } from "./netplan.ts";
import { readProxmox } from "./proxmox.ts";
import { readWireguard } from "./wireguard.ts";

/** By what each is told: the first that fits counts. */
const SIGNS: readonly (readonly [Format, RegExp])[] = [
  ["githubixx", /^["']?wireguard_(?:address|addresses|endpoint|allowed_ips)["']?[ \t]*:/m],
  ["netplan", /^["']?network["']?[ \t]*:/m],
  ["proxmox", /^(?:evpn|vxlan|vnet|subnet|simple|vlan|qinq|bgp|isis): *\S+[ \t]*\r?$/m],
  ["wg-quick", /^[ \t]*Address[ \t]*=/im],
  ["showconf", /^[ \t]*\[(?:Interface|Peer)\]/im],
];

/** The format that a text is in; `undefined`: none of those. */
export function formatOf(text: string): Format | undefined {
  return SIGNS.find(([, sign]) => sign.test(text))?.[0];
}

/** `wg showconf` has no addresses, and where a peer was heard from last for an endpoint. */
function readShowconf(sources: readonly Source[]): Facts {
  const facts = readWireguard(sources);
  const findings: readonly Finding[] = facts.hosts.map(({ place }) =>
    note(
      "as wg showconf prints it: no addresses, no MTU, no hooks, and endpoints are where peers were heard from last; " +
        "the file of wg-quick says more",
      place,
    ),
  );
  return { ...facts, findings: [...facts.findings, ...findings] };
}

export const READERS: Readonly<Record<Format, (sources: readonly Source[]) => Facts>> = {
  "wg-quick": readWireguard,
  showconf: readShowconf,
  netplan: readNetplan,
  proxmox: readProxmox,
  githubixx: readGithubixx,
};
