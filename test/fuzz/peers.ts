/** Generated BGP neighbours of somebody else's: by the id of their host, so that no two hosts take one prefix in the default VRF. */
import * as fc from "fast-check";

/** Which of a host's neighbours there are: see {@link peersOf}. */
export const peerKinds = fc.oneof(
  { weight: 15, arbitrary: fc.constant<number[]>([]) },
  { weight: 1, arbitrary: fc.uniqueArray(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 3 }) },
);

/** The entries; nothing where nobody speaks BGP. */
export function peersOf(id: number, kinds: readonly number[], vrf: string | undefined): readonly object[] | undefined {
  const [byte, hex] = [id % 250, id.toString(16)];
  const own = `172.22.${byte}.0/24`;
  const all = [
    { address: `172.30.${byte}.2`, asn: 64_600, accept: [own], ttlSecurity: 1 },
    {
      address: `fd30:${hex}::2`,
      asn: 4_200_000_007,
      accept: [{ cidr: `fd22:${hex}::/64`, moreSpecifics: true }],
      maxPrefixes: 9,
      multihop: 2,
      bfd: { intervalMs: 500, multiplier: 4 },
    },
    // In the VRF two of them may say the same.
    {
      address: "172.31.0.2",
      asn: 64_601,
      vrf,
      accept: [vrf === undefined ? `172.23.${byte}.0/24` : "172.23.0.0/16"],
      bfd: {},
    },
    { address: `172.30.${byte}.6`, asn: 64_602, announce: [kinds.includes(0) ? own : "10.77.0.0/24"] },
    { address: `172.30.${byte}.10`, asn: 64_603, vrf, accept: [own], passwordFile: "/etc/netgen/peers/tor" },
  ];
  return kinds.length === 0 ? undefined : kinds.flatMap((kind) => all[kind] ?? []);
}
