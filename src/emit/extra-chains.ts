/** The chains of the user's own table: where in a packet's way through the kernel each stands, and why there. */
import { NFT_CHAINS, type NftChain } from "../model/extra.ts";
import type { Host } from "../model/host.ts";
import type { View } from "./template.ts";

/**
 * After netgen's own `mangle` chains (-150), whose clamp an `accept` could not undo, and before `filter` (0), where the guard and
 * other programs drop: an `accept` here lets nothing through that they refuse. That is also after connection tracking (-200),
 * so that `ct state` is known.
 */
const FILTER = "priority mangle + 1";

const HOOKS: Readonly<Record<NftChain, string>> = {
  // Before dstnat (-100) and the routing, which asks for the mark.
  prerouting: `type filter hook prerouting ${FILTER}`,
  input: `type filter hook input ${FILTER}`,
  forward: `type filter hook forward ${FILTER}`,
  // What the host sends has been routed already: in a chain of this type a new mark has it routed again.
  output: `type route hook output ${FILTER}`,
  postrouting: `type filter hook postrouting ${FILTER}`,
  // The first to translate a connection decides, and nft asks chains of one priority in the order of their loading. So the
  // user's come before those of other programs, and before netgen's own source NAT.
  dstnat: "type nat hook prerouting priority dstnat - 1",
  srcnat: "type nat hook postrouting priority srcnat - 1",
};

/** Those that have lines, in the order of a packet's way. */
export const extraChains = ({ extra }: Host): readonly View[] =>
  NFT_CHAINS.filter((name) => extra.nftables[name].length > 0).map((name, index) => ({
    name,
    isAnother: index > 0,
    hook: HOOKS[name],
    lines: extra.nftables[name],
  }));
