/** Echo requests from a box, many at once: who answers, and to packets of which size. */
import { familyOf, type IpAddress } from "../../base/ip.ts";
import { ICMP_HEADER_BYTES, IPV4_HEADER_BYTES, IPV6_HEADER_BYTES } from "../../base/mtu.ts";
import type { Box } from "../machine/box.ts";
import { eventually } from "../machine/patience.ts";

/** An echo request that nobody on its way may cut up. */
export interface Probe {
  readonly to: IpAddress;
  /** Of the IP packet, its header included. */
  readonly bytes: number;
}

/** What an ordinary ping sends, in bytes of IP packet. */
export const SMALL_BYTES = 84;

/** A probe as it stands in what {@link answered} and {@link answersOf} give. */
export const probeKey = ({ to, bytes }: Probe): string => `${to} ${bytes}`;

/** What ping's `-s` says for a packet of so many bytes. */
export function payloadBytes({ to, bytes }: Probe): number {
  return bytes - ICMP_HEADER_BYTES - (familyOf(to) === 4 ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES);
}

/** The same probe as it is typed. */
export const pingWords = (probe: Probe): readonly string[] => [
  "ping",
  ...["-n", "-M", "do", "-c", "1", "-s", String(payloadBytes(probe)), probe.to],
];

// Each takes most of its time waiting; more at once would answer late on a busy machine.
const ASK = `
seconds=$1; shift
printf '%s\\n' "$@" | xargs -r -P 24 -L 1 sh -c '
  ping -n -q -M do -c 2 -i 0.5 -w "$1" -s "$2" "$3" 2> /dev/null | grep -q " [12] received" && echo "$3 $4"; true' sh "$seconds"
`;

/** The probes that were answered within so many seconds, by their keys: two packets each. */
export async function answersOf(box: Box, probes: readonly Probe[], seconds = 2): Promise<ReadonlySet<string>> {
  const lines = probes.map((probe) => `${payloadBytes(probe)} ${probe.to} ${probe.bytes}`);
  if (lines.length === 0) return new Set();
  const { output } = await box.attempt("sh", "-uc", ASK, "sh", String(seconds), ...lines);
  return new Set(output.split("\n"));
}

/** The probes that were answered at last, by their keys; those that are not are asked again for so many seconds. */
export async function answered(box: Box, probes: readonly Probe[], seconds = 20): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  await eventually(async () => {
    const open = probes.filter((probe) => !found.has(probeKey(probe)));
    for (const key of await answersOf(box, open)) found.add(key);
    return probes.every((probe) => found.has(probeKey(probe)));
  }, seconds);
  return found;
}

/** Does something when it is first asked for, and gives what came of it ever after. */
export function once<T>(work: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined;
  return () => {
    result ??= work();
    return result;
  };
}

/** Makes a guest be heard: what it knows of its neighbours is forgotten first, so that it has to ask everybody again. */
export async function speak(guest: Box, targets: readonly IpAddress[]): Promise<void> {
  await guest.attempt("ip", "neigh", "flush", "dev", "eth0");
  await Promise.all(targets.map((to) => guest.attempt("ping", "-n", "-c", "1", "-W", "1", to)));
}
