/** QR codes in a terminal. */
import { encode } from "uqr";

/** Bytes in the largest code, version 40, at the lowest level of error correction (ISO/IEC 18004, table 7). */
export const MAX_QR_BYTES = 2953;
/** Modules that have to stay light around a code (ISO/IEC 18004, 6.3.8). */
const QUIET_ZONE = 4;

// Of the 256 colours those that no theme changes, 16 black and 231 white: a code is read dark on light, whatever the terminal is.
const [DARK_ON_LIGHT, RESET] = ["\x1b[38;5;16;48;5;231m", "\x1b[0m"];

/** A code as text. */
export interface TerminalCode {
  readonly columns: number;
  readonly text: string;
}

/** Two rows in each line, as characters are twice as high as wide: the upper and the lower half of a cell. */
export function renderQr(content: string): TerminalCode {
  // The lowest level of correction, as a screen has no scratches: the fewer modules, the larger each.
  const { data } = encode(content, { ecc: "L", border: QUIET_ZONE });
  const cell = (top: boolean, bottom: boolean): string => (top ? (bottom ? "█" : "▀") : bottom ? "▄" : " ");
  const lines = data.flatMap((row, index) => {
    if (index % 2 === 1) return [];
    const cells = row.map((isDark, column) => cell(isDark, data[index + 1]?.[column] ?? false));
    return [`${DARK_ON_LIGHT}${cells.join("")}${RESET}\n`];
  });
  return { columns: data.length, text: lines.join("") };
}
