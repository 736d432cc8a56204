/** The part of a host's network that is not netgen's: its uplink, and bridges of others; as commands, and as networkd's. */
import { familyOf, type IpAddress } from "../../base/ip.ts";
import type { LabHost, LabPlan } from "../plan/plan.ts";
import { type Box, writeInto } from "./box.ts";
import { defaultRoutes, full, linkAddresses, neighbourRoutes, neighboursOf } from "./cables.ts";

function gatewaysOf({ addresses }: LabHost, { routerAddresses }: LabPlan): readonly IpAddress[] {
  const families = new Set(addresses.map(familyOf));
  return routerAddresses.filter((address) => families.has(familyOf(address)));
}

/** Commands that configure the uplink, which is up. */
export const uplinkLines = (host: LabHost, plan: LabPlan): string =>
  `ip link set ${host.uplink} mtu ${host.uplinkMtu}
${linkAddresses(host.uplink, host.addresses)}${defaultRoutes(host.uplink, gatewaysOf(host, plan))}${neighbourRoutes(host.uplink, neighboursOf(host, plan))}`;

/** Commands that make what the topology says is there already. */
export const bridgeLines = ({ name: owner }: LabHost, { foreignBridges }: LabPlan): string =>
  foreignBridges
    .filter(({ host }) => host === owner)
    .map(
      ({ name, addresses }) =>
        `ip link add ${name} type bridge\nip link set ${name} up\n` +
        addresses.map(({ address, lengthBits }) => `ip address add ${address}/${lengthBits} dev ${name}\n`).join(""),
    )
    .join("");

/** The uplink as a host has it whose network is systemd-networkd's. */
function networkdUplink(host: LabHost, plan: LabPlan): string {
  const addresses = host.addresses.map((address) => `Address=${full(address)}\n`);
  const gateways = gatewaysOf(host, plan).map((address) => `[Route]\nGateway=${address}\nGatewayOnLink=yes\n`);
  const neighbours = neighboursOf(host, plan).map(({ address, mtu }) => {
    const scope = familyOf(address) === 4 ? "Scope=link\n" : "";
    return `[Route]\nDestination=${full(address)}\n${scope}${mtu === undefined ? "" : `MTUBytes=${mtu}\n`}`;
  });
  return `[Match]
Name=${host.uplink}
[Link]
MTUBytes=${host.uplinkMtu}
[Network]
IPv6AcceptRA=no
${[...addresses, ...gateways, ...neighbours].join("")}`;
}

// What Debian's networking.service says of its place in a boot.
const UNIT = `[Unit]
Description=The network that is this host's own
DefaultDependencies=no
After=local-fs.target network-pre.target systemd-sysctl.service systemd-modules-load.service
Before=network.target shutdown.target network-online.target
Wants=network.target
Conflicts=shutdown.target
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -eu /etc/lab/network
[Install]
WantedBy=multi-user.target network-online.target
`;

/** Makes them a computer's own, by whom the topology says configures its network. */
export async function furnishNetwork(box: Box, host: LabHost, plan: LabPlan): Promise<void> {
  const uplink = host.isNetworkd ? "" : `ip link set ${host.uplink} up\n${uplinkLines(host, plan)}`;
  if (host.isNetworkd) writeInto(box, "/etc/systemd/network/80-uplink.network", networkdUplink(host, plan));
  writeInto(box, "/etc/lab/network", uplink + bridgeLines(host, plan));
  writeInto(box, "/etc/systemd/system/lab-network.service", UNIT);
  await box.run("systemctl", "enable", "lab-network.service", ...(host.isNetworkd ? ["systemd-networkd.service"] : []));
}
