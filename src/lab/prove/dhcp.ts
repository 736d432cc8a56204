/** Guests ask by DHCP, and are told what the topology says. */
import { must } from "../../base/invariant.ts";
import { addressFromInteger, addressToInteger, type IpAddress, networkAddress, prefixOf } from "../../base/ip.ts";
import type { DhcpServer } from "../../model/device.ts";
import type { Box } from "../machine/box.ts";
import type { Lab } from "../machine/running.ts";
import { answering, DHCP_COMMAND, leaseOf } from "../measure/dhcp.ts";
import { execCommand, type LabPromise, type Outcome, type Prover } from "../measure/promise.ts";

/** The first and the last address that are given. */
function rangeOf({ address: { address, lengthBits }, offset, size }: DhcpServer): readonly [IpAddress, IpAddress] {
  const network = addressToInteger(networkAddress(prefixOf(address, lengthBits)));
  const at = (index: number): IpAddress => addressFromInteger(4, network + BigInt(index));
  return [at(offset), at(offset + size - 1)];
}

async function measure(box: Box, server: DhcpServer): Promise<Outcome> {
  const told = await leaseOf(box);
  if (told.size === 0) return { isKept: false, measured: "no answer within 30 s" };
  const [first, last] = rangeOf(server).map(addressToInteger) as [bigint, bigint];
  const ip = told.get("ip") ?? "";
  const given = addressToInteger(ip as IpAddress);
  const expected = {
    mask: String(server.address.lengthBits),
    router: server.address.address,
    mtu: String(server.mtu ?? ""),
    dns: server.dns.join(" "),
  };
  const wrong = [
    ...(given < first || given > last ? [`${ip} is given, expected one of the range`] : []),
    ...Object.entries(expected).flatMap(([key, value]) =>
      told.get(key) === value ? [] : [`${key} is "${told.get(key)}", expected "${value}"`],
    ),
  ];
  if (wrong.length > 0) return { isKept: false, measured: wrong.join("; ") };
  return { isKept: true, measured: `${ip}/${expected.mask} by ${expected.router}, ${expected.mtu} bytes` };
}

/** A promise for each guest of a subnet that is configured by DHCP. */
export const dhcp: Prover = {
  kind: "reachability",
  isAlone: false,
  promises: ({ network, plan, guests }: Lab): readonly LabPromise[] =>
    plan.guests.flatMap((guest) => {
      const server = answering(network, guest)?.server;
      if (server === undefined) return [];
      const box = must(guests.get(guest.name), "every guest has a box");
      const [first, last] = rangeOf(server);
      const promise = `is given one of ${first} to ${last}, the gateway, the MTU and ${server.dns.length} name servers`;
      return [
        {
          kind: "reachability" as const,
          subject: `${guest.name} by DHCP`,
          promise,
          command: execCommand(box, DHCP_COMMAND),
          measure: () => measure(box, server),
        },
      ];
    }),
};
