/** What may be cut up in the tunnels has to be, and can be. */
import { type Diagnostic, diagnostic } from "../base/diagnostic.ts";
import { must } from "../base/invariant.ts";
import { fragmentSizes, IPV4_HEADER_BYTES, vxlanOverheadBytes } from "../base/mtu.ts";
import type { Network } from "../model/network.ts";
import { originSpan } from "../model/origin.ts";
import type { Segment } from "../model/segment.ts";
import { explain } from "./mtu.ts";

/** A segment whose packets may be cut up. */
interface Fragmented extends Segment {
  readonly fragments: readonly number[];
}

const isFragmented = (segment: Segment): segment is Fragmented =>
  segment.fragments !== undefined && segment.members.length > 0;

/** Bytes of the largest packet of a guest that leaves as two. */
function mostInTwo({ mtu, vtepFamily, isTagged }: Segment): number {
  const overheadBytes = vxlanOverheadBytes(vtepFamily, isTagged);
  const tunnelMtu = mtu.computed + overheadBytes;
  const full = must(fragmentSizes(tunnelMtu + 1, tunnelMtu)[0], "a byte more than fits is cut up");
  return full - IPV4_HEADER_BYTES + tunnelMtu - overheadBytes;
}

/** What is cut up between IPv6 addresses Linux drops: ip6_fragment refuses what a tunnel made (net/ipv6/ip6_output.c). */
export function fragmentsHaveIpv4Vteps(network: Network): readonly Diagnostic[] {
  return network.segments
    .filter(isFragmented)
    .filter(({ fragments, vtepFamily }) => fragments.length > 1 && vtepFamily === 6)
    .map(({ name: subnet, mtu, origin }) => {
      const [host, other] = mtu.limitingPair;
      const params = { subnet, host, other, mtu: mtu.computed };
      return diagnostic("fragment-without-ipv4", params, originSpan(origin, "fragment"));
    });
}

/** Two packets for one at the most; where all fit it is a note. */
export function fragmentsAreTwo(network: Network): readonly Diagnostic[] {
  return network.segments.filter(isFragmented).flatMap((segment) => {
    const { name: subnet, mtu, fragments, vtepFamily, origin } = segment;
    const { bytes: pin, computed, limitingPair } = mtu;
    const [host, other] = limitingPair;
    const count = fragments.length;
    if (count === 1)
      return [diagnostic("fragment-unused", { subnet, pin, mtu: computed }, originSpan(origin, "fragment"))];
    if (count === 2 || vtepFamily === 6) return [];
    const { sum } = explain(network, segment, pin);
    const params = { subnet, count, pin, mtu: computed, host, other, sum, most: mostInTwo(segment) };
    return [diagnostic("fragments-too-many", params, originSpan(origin, "mtu"))];
  });
}
