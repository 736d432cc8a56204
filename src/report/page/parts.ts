/** What the parts of the page have in common. */
import type { IpPrefix } from "../../base/ip.ts";
import type { InterfaceAddress } from "../../model/device.ts";
import { type Markup, markup, type Piece } from "../markup.ts";

/** Where a host stands in the page. No id of ours begins so. */
export const anchorOf = (host: string): string => `host-${host}`;

export const hostLink = (host: string): Markup => markup`<a href="#${anchorOf(host)}">${host}</a>`;

/** Things one after the other, with something between them. */
export const separated = (pieces: readonly Piece[], between = ", "): Piece =>
  pieces.flatMap((piece, index) => (index === 0 ? [piece] : [between, piece]));

/** Names of a list that are shown before the rest is counted. */
const MAX_NAMES = 12;

/** Hosts by name, as links; of many the first, and how many more there are. */
export function hostLinks(hosts: readonly string[]): Piece {
  const shown = hosts.length > MAX_NAMES ? hosts.slice(0, 3) : hosts;
  const more = hosts.length - shown.length;
  return [separated(shown.map(hostLink)), more > 0 && ` and ${more} more`];
}

export const addressText = ({ address, lengthBits }: InterfaceAddress): string => `${address}/${lengthBits}`;

export const prefixText = (prefixes: readonly IpPrefix[]): string => prefixes.join(", ");

/** A table, its columns by their headings; none without rows. Cells may be markup. */
export function table(caption: string, headings: readonly string[], rows: readonly (readonly Piece[])[]): Piece {
  if (rows.length === 0) return undefined;
  return markup`<div class="scroll" tabindex="0" role="region" aria-label="${caption}"><table><caption>${caption}</caption><thead><tr>${headings.map(
    (heading) => markup`<th scope="col">${heading}</th>`,
  )}</tr></thead><tbody>
${rows.map((cells) => markup`<tr>${cells.map((cell) => markup`<td>${cell}</td>`)}</tr>\n`)}</tbody></table></div>
`;
}

/** A term with what is said of it; nothing where that is nothing. */
export function entry(term: string, ...what: readonly (Piece | undefined)[]): Piece {
  const said = what.filter((piece) => piece !== undefined && piece !== false && piece !== "");
  return said.length > 0 && markup`<dt>${term}<dd>${said}`;
}
