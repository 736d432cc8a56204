/** What the real programs are asked on each change, one proof of each kind, and what they are asked by night: all. */
import { listFixtures } from "./fixtures.ts";

/** `.ci/long` asks for all that there is: each tree loaded, each lab loaded with data, forged at, and with hosts taken away. */
export const isWhole = process.env.NETGEN_PROOFS === "whole";

/** What is asked for now: all of them, or those that are for each change; what has to wait is said aloud. */
export function forNow<Each>(all: readonly Each[], isForEachChange: (each: Each) => boolean, what: string): Each[] {
  if (isWhole) return [...all];
  const now = all.filter(isForEachChange);
  console.warn(`SKIPPED without NETGEN_PROOFS=whole: ${all.length - now.length} of ${all.length} ${what}`);
  return now;
}

export const allScenarios = listFixtures().filter(({ kind }) => kind === "scenario");

/**
 * One network of each kind: all tunnels from one device, routed by WireGuard (a mesh, a hub), a device for each with routes
 * by BGP; a segment across a hub, routed subnets; two gateways, with an address in common; IPv6 without IPv4; Docker, both
 * releases of Debian, and distributions in whose place its programs run; lines of the owner's; guests that are told their addresses;
 * exits, of VRFs and without; VLANs of one bridge; keys that a host keeps encrypted; networks of
 * containers; OVN. The labs' last test says what of a kind is missing.
 */
export const ON_EACH_CHANGE: ReadonlySet<string> = new Set([
  "minimal",
  "hypervisors",
  "kubernetes",
  "kubernetes-calico",
  "kubernetes-cilium",
  "pods-hub",
  "links",
  "lan-gateways",
  "vrrp-gateways",
  "ipv6-only",
  "platforms",
  "distributions",
  "containers",
  "ovn",
  "dual-stack",
  "dhcp",
  "exits",
  "vlans",
  "credentials",
]);
