/** Networks of remotes: a host's end, as its owner has it, and the one who is there, who answers and notes who asks. */
import type { LabHost, LabPlan, LabPremises } from "../plan/plan.ts";
import type { Box } from "./box.ts";
import { ip } from "./cables.ts";

/** Commands that configure a host's own interfaces there. */
export const premisesLines = ({ name }: LabHost, { premises }: LabPlan): string =>
  premises
    .filter(({ host }) => host === name)
    .flatMap(({ interface: link, networks }) => [
      `ip link set ${link} up\n`,
      ...networks.map(({ gateway, lengthBits }) => `${ip(gateway)} address add ${gateway}/${lengthBits} dev ${link}\n`),
    ])
    .join("");

const WATCH = `table inet remote {
  set seen4 { type ipv4_addr; flags dynamic; size 1024; }
  set seen6 { type ipv6_addr; flags dynamic; size 1024; }
  chain seen {
    type filter hook prerouting priority -400
    icmp type echo-request add @seen4 { ip saddr }
    icmpv6 type echo-request add @seen6 { ip6 saddr }
  }
}`;

/** All that it has comes by the host, which it sends answers back to. */
export async function setUpPremises(box: Box, { networks }: LabPremises): Promise<void> {
  const lines = networks.map(
    ({ gateway, address, lengthBits }) =>
      `${ip(address)} address add ${address}/${lengthBits} dev eth0\n${ip(address)} route add default via ${gateway}\n`,
  );
  await box.shell(`ip link set eth0 up\n${lines.join("")}`);
  await box.run("nft", WATCH);
}
