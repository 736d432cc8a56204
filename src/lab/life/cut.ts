/** A host, or a tunnel, that nothing gets through any more. Its ends notice nothing but silence: no link goes down, no daemon ends. */
import type { Box } from "../machine/box.ts";
import type { LabCable } from "../plan/plan.ts";

/** Has a host drop what comes in, and what goes out, where it says so in nft's words. */
const cut = async (box: Box, comes: readonly string[], goes: readonly string[]): Promise<void> =>
  void (await box.run(
    "nft",
    `table inet cut {
  chain in { type filter hook prerouting priority -500; ${comes.map((each) => `${each} drop`).join("; ")}; }
  chain out { type filter hook postrouting priority 500; ${goes.map((each) => `${each} drop`).join("; ")}; }
}`,
  ));

/** All of some cables. */
export const cutCables = (box: Box, cables: readonly LabCable[]): Promise<void> =>
  cut(
    box,
    cables.map((each) => `iifname "${each.interface}"`),
    cables.map((each) => `oifname "${each.interface}"`),
  );

/** A tunnel, at the end whose port is for it alone. */
export const cutPort = (box: Box, port: number): Promise<void> =>
  cut(box, [`udp dport ${port}`], [`udp sport ${port}`]);

/** As ever. */
export const mend = async (box: Box): Promise<void> => void (await box.attempt("nft", "delete table inet cut"));
