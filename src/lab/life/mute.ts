/** Routers that keep who is behind them silent for a while, as if nobody had ever spoken. */
import type { Box } from "../machine/box.ts";

/** While an address moves. A packet to the old one would be remembered anew, and all after it be let in by that. */
export const CUT_OFF = 'iifname "wan" drop; oifname "wan" drop';
/** Who is behind the router answers, but does not begin. */
export const SHY = 'oifname "wan" ct state new drop';

// Nothing that the router remembers of old connections counts.
const forgetful = (drops: string): string => `
table inet mute
delete table inet mute
table inet mute {
  chain in { type filter hook prerouting priority raw; ct zone set 1; }
  chain out { type filter hook output priority raw; ct zone set 1; }
  chain mute { type filter hook forward priority filter; ${drops}; }
}`;

/** Has a router drop what the rules say, instead of what it was told to drop before. */
export const mute = async (router: Box, drops: string): Promise<void> =>
  void (await router.run("nft", forgetful(drops)));

/** Lets a router forward as ever. */
export const unmute = async (router: Box): Promise<void> =>
  void (await router.attempt("nft", "delete table inet mute"));
