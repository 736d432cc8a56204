/** Names of hosts and interfaces, as paths and comments have them. */

const NAME = /^[a-z0-9][a-z0-9.-]{0,62}$/;
/** Directories and files whose names say what they hold, not whose it is. */
const GENERIC = new Set(
  "etc wireguard netplan out host_vars hosts vars main network interfaces sdn pve config configuration tmp .".split(
    " ",
  ),
);
/** Names of the language's own. */
const RESERVED = new Set(["all", "manifest.json"]);

/** The text as a name of the language; `undefined` where nothing is left of it. */
export function asName(text: string): string | undefined {
  const name = text
    .trim()
    .toLowerCase()
    .replace(/[\s_]+/g, "-")
    .replace(/[^a-z0-9.-]/g, "")
    .replace(/^[.-]+/, "");
  return NAME.test(name) && !RESERVED.has(name) ? name : undefined;
}

/** True for `wg0`, `wg-cluster`, `10-wg`: no host is called so. */
const isInterfaceName = (text: string): boolean => /^wg[\w-]*$|^\d+(?:-|$)/.test(text);

function stemOf(path: string): string {
  return (path.split("/").at(-1) ?? "").replace(/\.[a-z]+$/i, "");
}

/** Whose file it is: by its name, or by the directory that it lies in; `undefined`: the path does not say. */
export function hostOfPath(path: string): string | undefined {
  const parts = path.split("/").slice(0, -1);
  const stem = stemOf(path).replace(/[-_.]wg\d*$/, "");
  for (const part of [stem, ...parts.reverse()]) {
    if (part === ".." || part === "") return undefined;
    if (!GENERIC.has(part) && !isInterfaceName(part)) return asName(part);
  }
  return undefined;
}

/** The WireGuard interface that a file is called after. */
export function interfaceOfPath(path: string): string | undefined {
  const stem = /(?:^|[-_.])(wg\w*(?:-\w+)*)$/.exec(stemOf(path))?.[1];
  return stem !== undefined && stem.length <= 15 ? stem : undefined;
}

/** The name in a comment beside a peer: `alpha`, `friendly_name = alpha`, `Name: alpha`. */
export function nameInComment(comment: string): string | undefined {
  const [, labelled] = /^(?:friendly_?name|name|host|peer|client)\s*[:=]\s*(.+)$/i.exec(comment) ?? [];
  if (labelled !== undefined) return asName(labelled);
  // A sentence is no name.
  return /^[A-Za-z0-9][\w.-]*(?: [\w.-]+)?$/.test(comment) ? asName(comment) : undefined;
}
