/** What an earlier topology told a cluster and this one does not: taken away in the order in which Proxmox lets go of it. */
import type { SdnKind, SdnObject } from "./sdn-object.ts";

export interface GoneObject extends SdnObject {
  /** It is made again in another place: whoever uses it need not leave it. */
  readonly returns: boolean;
}

/** What refers to another goes before it (pve-network, on_delete_hook of VnetPlugin.pm, Zones/Plugin.pm and EvpnPlugin.pm). */
const KINDS: readonly SdnKind[] = ["subnet", "vnet", "zone", "controller"];

const valueIn = ({ values }: SdnObject, key: string): string | undefined => values.find(([name]) => name === key)?.[1];

/** A prefix of a zone is one object, whichever vnet it is in; but it is asked for by its vnet. */
const nameOf = (each: SdnObject): string =>
  `${each.kind} ${each.id} ${each.kind === "subnet" ? valueIn(each, "vnet") : ""}`;

/**
 * Of the objects before, those to be deleted, in their order: what is no longer there, and what is in it. A vnet whose zone goes, goes
 * as well and is made again: it cannot be moved into a zone that waits for the old one's VNI.
 */
export function goneObjects(before: readonly SdnObject[], now: readonly SdnObject[]): readonly GoneObject[] {
  const stays = new Set(now.map(nameOf));
  const ids = new Set(before.filter((each) => !stays.has(nameOf(each))).map(nameOf));
  const isGone = (kind: SdnKind, id: string | undefined): boolean => ids.has(`${kind} ${id} `);
  for (const each of before) if (each.kind === "vnet" && isGone("zone", valueIn(each, "zone"))) ids.add(nameOf(each));
  for (const each of before) if (each.kind === "subnet" && isGone("vnet", valueIn(each, "vnet"))) ids.add(nameOf(each));
  return KINDS.flatMap((kind) =>
    before
      .filter((each) => each.kind === kind && ids.has(nameOf(each)))
      .map((each) => ({ ...each, returns: stays.has(nameOf(each)) })),
  );
}
