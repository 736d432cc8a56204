/** Every code that netgen can report, with its words: a table, in parts by what they speak of. */
import { bgp } from "./catalogue/bgp.ts";
import { file } from "./catalogue/file.ts";
import { fleets } from "./catalogue/fleets.ts";
import { joins } from "./catalogue/joins.ts";
import { mtu } from "./catalogue/mtu.ts";
import { names } from "./catalogue/names.ts";
import { sites } from "./catalogue/sites.ts";
import { subnets } from "./catalogue/subnets.ts";
import { systems } from "./catalogue/systems.ts";
import { vrfs } from "./catalogue/vrfs.ts";

type Holes<Text extends string> = Text extends `${string}{${infer Name}}${infer Rest}` ? Name | Holes<Rest> : never;

export type Code = keyof typeof catalogue;
export type ParamsOf<C extends Code> = Readonly<
  Record<Holes<(typeof catalogue)[C]["message"]> | Holes<(typeof catalogue)[C]["hint"]>, string | number>
>;

/** In the order in which docs/diagnostics.md has them. */
export const catalogue: typeof file &
  typeof names &
  typeof joins &
  typeof sites &
  typeof systems &
  typeof subnets &
  typeof vrfs &
  typeof bgp &
  typeof mtu &
  typeof fleets = {
  ...file,
  ...names,
  ...joins,
  ...sites,
  ...systems,
  ...subnets,
  ...vrfs,
  ...bgp,
  ...mtu,
  ...fleets,
};
