/** Which programs a lab ran with: what a proof names, as another version may keep other promises. */
import { release } from "node:os";
import { execute } from "./keeper.ts";

/** Debian's packages that read what is compiled, and the one that is WireGuard where the kernel has none. */
const PACKAGES = ["frr", "iproute2", "keepalived", "nftables", "radvd", "systemd", "wireguard-go", "wireguard-tools"];

export interface Versions {
  /** The release of the kernel. */
  readonly kernel: string;
  /** By package, those that are installed. */
  readonly programs: Readonly<Record<string, string>>;
}

/** The versions of this machine; without dpkg no program has one. */
export async function versions(): Promise<Versions> {
  const format = `${["db:Status-Status", "Package", "Version"].map((field) => `\${${field}}`).join(" ")}\n`;
  const { output } = await execute("dpkg-query", ["--show", `--showformat=${format}`, ...PACKAGES]);
  const installed = [...output.matchAll(/^installed (\S+) (\S+)$/gm)].map(([, name, version]) => [name, version]);
  return { kernel: release(), programs: Object.fromEntries(installed) };
}
