/** Networks of OVN's with IPv6: how much room there is for it. */
import { expect, test } from "vitest";
import { messagesOf } from "./compile-text.ts";

const withPath = (mtu: number, cidr = "[10.9.0.0/24, fd09::/64]"): string =>
  `wireguard: {addresses: [10.250.0.0/24, fd50::/64]}
underlay: {pathMtu: ${mtu}}
ovn: {central: alpha, networks: {tenant: {cidr: ${cidr}, gateway: alpha}}}
hosts:
  alpha: {id: 1, endpoint: 192.0.2.1}
  beta: {id: 2, endpoint: 192.0.2.2}
`;

const TOO_SMALL =
  "ovn-below-ipv6: guests of tenant would have 1279 bytes for fd09::/64 (1337 - 58), and IPv6 needs 1280";

test("guests without room for IPv6 are refused; where the tunnel itself has none, that alone is said", () => {
  expect(messagesOf(withPath(1398))).toEqual([]);
  expect(messagesOf(withPath(1397))).toEqual([TOO_SMALL]);
  expect(messagesOf(withPath(1397, "10.9.0.0/24"))).toEqual([]);
  expect(messagesOf(withPath(1339))).toEqual([expect.stringMatching(/^mtu-wireguard-below-ipv6: /)]);
});
