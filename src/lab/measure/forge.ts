/** What an attacker would send, and what the hosts say about it: forged frames, borrowed addresses, who has seen what. */
import { must } from "../../base/invariant.ts";
import { addressBits, familyOf, type IpAddress } from "../../base/ip.ts";
import type { Box } from "../machine/box.ts";
import type { LabHost } from "../plan/plan.ts";
import { macAddressOf } from "./evpn-tables.ts";
import { countedPackets, ipFor } from "./traffic.ts";

// ── Frames ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** IEEE 802: for experiments, so that nobody takes it for something of its own. */
const ETHER_TYPE = "88b5";
const BROADCAST = "ff:ff:ff:ff:ff:ff";
/** IEEE 802.1D: to whoever takes part in a spanning tree. A bridge without one passes it on. */
export const SPANNING_TREE = "01:80:c2:00:00:00";
/** The shortest frame that Ethernet has is 60 bytes, 14 of them the header. */
const PAYLOAD = "00".repeat(46);

/** A MAC that the lab makes up: locally administered, one for each `serial` (below 65536) of each host. */
export function madeUpMac(hostId: number, serial: number): string {
  const hex = (value: number): string => value.toString(16).padStart(4, "0");
  const digits = `026e${hex(hostId)}${hex(serial)}`;
  return must(digits.match(/../g) ?? undefined, "a MAC has digits").join(":");
}

/** What UDP carries when a frame from a MAC is sent into a segment, to all (RFC 7348 §5: flag I, then the VNI). */
export function vxlanFrame(vni: number, mac: string, to = BROADCAST): string {
  const header = `08000000${vni.toString(16).padStart(6, "0")}00`;
  return `${header}${`${to}${mac}`.replaceAll(":", "")}${ETHER_TYPE}${PAYLOAD}`;
}

// By the protocol, which is that behind the tag of a VLAN. Learning says nothing: with EVPN a VTEP learns from no frame at all.
const WATCH = `
table bridge lab
delete table bridge lab
table bridge lab {
  set seen { type ether_addr; size 65535; flags dynamic; }
  chain in {
    type filter hook prerouting priority -400; policy accept;
    meta protocol 0x${ETHER_TYPE} add @seen { ether saddr }
  }
  set passed { type ether_addr; size 65535; flags dynamic; }
  chain out {
    type filter hook postrouting priority 400; policy accept;
    meta protocol 0x${ETHER_TYPE} add @passed { ether saddr }
  }
}
`;

/** Has a host note who sends such frames into its bridges, and whose leave by them. */
export async function watchFrames(box: Box): Promise<void> {
  await box.run("nft", WATCH);
}

const macsOf = async (box: Box, set: "seen" | "passed"): Promise<ReadonlySet<string>> => {
  const text = await box.run("nft", "list", "set", "bridge", "lab", set);
  return new Set(text.match(/[0-9a-f]{2}(?::[0-9a-f]{2}){5}/g));
};

/** The MACs of such frames that have entered a bridge of the host. */
export const seenMacs = (box: Box): Promise<ReadonlySet<string>> => macsOf(box, "seen");

/** The MACs of such frames that a bridge of the host has passed on to a port. */
export const passedMacs = (box: Box): Promise<ReadonlySet<string>> => macsOf(box, "passed");

// ── The guard ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** What is meant for the host itself, what it passes on to other hosts, and what it passes on at all. */
export type GuardChain = "guard" | "transit" | "entrance";

/** Packets that a chain of the guard has dropped; 0 where there is no such chain. */
export const dropped = (box: Box, chain: GuardChain): Promise<number> =>
  countedPackets(box, "inet", `netgen${box.fleet}`, chain);

// ── A router that lies ──────────────────────────────────────────────────────────────────────────────────────────────

const queues = new Map<unknown, Promise<unknown>>();

/** Does one thing after the other for the same box, or whatever there is one of. */
export function inTurn<T>(of: unknown, work: () => Promise<T>): Promise<T> {
  const turn = (queues.get(of) ?? Promise.resolve()).then(work);
  queues.set(
    of,
    turn.catch(() => undefined),
  );
  return turn;
}

export interface Lie {
  readonly router: Box;
  readonly host: LabHost;
  readonly hostBox: Box;
  /** Addresses of others that the router takes. */
  readonly sources: readonly IpAddress[];
  /** Addresses of the host in the tunnel, to which the router sends by its cable. */
  readonly targets: readonly IpAddress[];
}

const whole = (address: IpAddress): string => `${address}/${addressBits(familyOf(address))}`;

/** Lets a router speak as others, and to what a host has inside the tunnel, while something is done. */
export function lying<T>({ router, host, hostBox, sources, targets }: Lie, work: () => Promise<T>): Promise<T> {
  return inTurn(router, async () => {
    const own = must(host.uplink.addresses[0], "a host has an address");
    const link = /dev (\S+)/.exec(await router.run("ip", "-o", "route", "get", own))?.[1] ?? "";
    const mac = await macAddressOf(hostBox, host.uplink.interface);
    // Of IPv6 no host answers for an address that stands on another interface.
    for (const to of targets) {
      await router.run("ip", ipFor(to), "neigh", "replace", to, "lladdr", mac, "dev", link);
      await router.run("ip", ipFor(to), "route", "replace", whole(to), "dev", link);
    }
    for (const from of sources) await router.run("ip", ipFor(from), "address", "replace", whole(from), "dev", "lo");
    try {
      return await work();
    } finally {
      for (const from of sources) await router.attempt("ip", ipFor(from), "address", "del", whole(from), "dev", "lo");
      for (const to of targets) {
        await router.attempt("ip", ipFor(to), "route", "del", whole(to), "dev", link);
        await router.attempt("ip", ipFor(to), "neigh", "del", to, "dev", link);
      }
    }
  });
}
