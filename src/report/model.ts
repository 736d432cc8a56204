import type { Network } from "../model/network.ts";

const PLACES = new Set(["origin", "span"]);

/** The model as JSON, without the places in the file, which move with every comment. What is absent is `null`. */
export function renderModel(network: Network): string {
  const text = JSON.stringify(
    network,
    (key, value: unknown) => (PLACES.has(key) ? undefined : value === undefined ? null : value),
    2,
  );
  return `${text}\n`;
}
