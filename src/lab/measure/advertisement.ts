/** Guests configure themselves by router advertisements, as their kernel does it. */
import { ETHERNET_MTU } from "../../ways/subnet-routes.ts";
import type { Box } from "../machine/box.ts";
import { addressGuest } from "../machine/guests.ts";
import { eventually } from "../machine/patience.ts";
import type { LabGuest } from "../plan/plan.ts";

/** What the kernel of a guest has made of what a router told it. */
export interface Configured {
  readonly addresses: readonly string[];
  /** Link-local addresses of default routers. */
  readonly routers: readonly string[];
  /** Bytes of an IPv6 packet that it sends on the link. */
  readonly mtu: number;
}

// A link-local address that is new makes the kernel ask for routers (RFC 4861 §6.3.7); all others stay.
const ask = (mtu: number): string => `
ip link set eth0 mtu ${mtu}
sysctl -qw net.ipv6.conf.eth0.autoconf=1 net.ipv6.conf.eth0.accept_ra=1
own=$(ip -6 -o address show dev eth0 scope link | sed 's/.*inet6 //; s/ .*//')
ip -6 address delete "$own" dev eth0
ip -6 address add "$own" dev eth0`;

const forget = (guest: LabGuest): string => `
sysctl -qw net.ipv6.conf.eth0.accept_ra=0
ip -6 address flush dev eth0 scope global
ip -6 route flush dev eth0 proto kernel
ip -6 route flush dev eth0 proto ra
ip -6 route add fe80::/64 dev eth0 proto kernel
ip link set eth0 mtu ${guest.mtu}
${addressGuest(guest)}`;

/** How it is configured just now. */
export async function configuration(box: Box): Promise<Configured> {
  const addresses = await box.run("ip", "-6", "-o", "address", "show", "dev", "eth0", "dynamic");
  const routes = await box.run("ip", "-6", "route", "show", "default", "proto", "ra");
  const mtu = await box.run("cat", "/proc/sys/net/ipv6/conf/eth0/mtu");
  return {
    addresses: [...addresses.matchAll(/ inet6 (\S+)\//g)].flatMap(([, address]) => address ?? []),
    routers: [...routes.matchAll(/ via (\S+)/g)].flatMap(([, address]) => address ?? []),
    mtu: Number(mtu),
  };
}

/** Asks for routers, calls `measure` once there is an answer or 20 s have passed, and forgets what the router has told. */
export async function whileConfigured<T>(
  box: Box,
  guest: LabGuest,
  measure: (seen: Configured) => Promise<T>,
): Promise<T> {
  try {
    // As if nobody had told the guest how large the segment is.
    await box.shell(ask(Math.max(guest.mtu, ETHERNET_MTU)));
    await eventually(async () => (await configuration(box)).addresses.length > 0, 20);
    return await measure(await configuration(box));
  } finally {
    await box.shell(forget(guest));
  }
}
