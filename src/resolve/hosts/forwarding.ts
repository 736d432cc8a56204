/** Whether a host passes packets on, by family. */
import { familyOf, type IpFamily } from "../../base/ip.ts";
import type { Peer } from "../../model/bgp.ts";
import type { Bridge } from "../../model/device.ts";
import type { Exit } from "../../model/exit.ts";
import type { Extra } from "../../model/extra.ts";
import type { Host, OwnedPrefix } from "../../model/host.ts";
import type { OverlayPrefix } from "../../model/network.ts";
import type { VrfInstance } from "../../model/vrf.ts";

/** The keys by which a user says that the host forwards for reasons of its own, such as containers. */
const FORWARDING_KEYS: ReadonlyMap<string, IpFamily> = new Map([
  ["net.ipv4.ip_forward", 4],
  ["net.ipv4.conf.all.forwarding", 4],
  ["net.ipv6.conf.all.forwarding", 6],
]);

/** What gives a host something to forward. */
interface Forwarded {
  readonly bridges: readonly Bridge[];
  readonly owned: readonly OwnedPrefix[];
  /** What it passes on from tunnel to tunnel. */
  readonly relayed: readonly OverlayPrefix[];
  readonly vrfs: readonly VrfInstance[];
  readonly exits: readonly (Exit | undefined)[];
  readonly peers: readonly Peer[];
  /** Of Kubernetes, whose pods lie behind it. */
  readonly kubernetes: Host["kubernetes"];
}

/**
 * A host forwards where something lies behind it: a gateway address of its own, a prefix that leads to it, tunnels that it
 * joins, a VRF, a way out for others, peers that it tells of others, pods, or whatever the user has in mind who asks for it in
 * extra.sysctl (FRR would else turn forwarding off when it starts).
 */
export function forwardsOf(
  { bridges, owned, relayed, vrfs, exits, peers, kubernetes }: Forwarded,
  { sysctl }: Extra,
): Host["forwards"] {
  const asked = sysctl.filter(({ value }) => value !== "0");
  const families = new Set([
    ...bridges.flatMap((bridge) => bridge.addresses.map((each) => familyOf(each.address))),
    ...[...owned, ...relayed].map((each) => familyOf(each.prefix)),
    ...vrfs.flatMap((vrf) => vrf.families),
    ...exits.flatMap((exit) => exit?.families ?? []),
    ...peers.flatMap(({ announced }) => announced.map(familyOf)),
    ...(kubernetes?.addresses ?? []).map(familyOf),
    ...asked.map(({ key }) => FORWARDING_KEYS.get(key.replaceAll("/", "."))),
  ]);
  return { ipv4: families.has(4), ipv6: families.has(6) };
}
