/** The part of a host's network that is not netgen's: its cables, and bridges of others; as commands, and as networkd's. */
import { familyOf } from "../../base/ip.ts";
import type { InterfaceAddress } from "../../model/device.ts";
import {
  cablesOf,
  type ForeignBridge,
  type ForeignVlan,
  type LabCable,
  type LabHost,
  type LabPlan,
} from "../plan/plan.ts";
import { type Box, writeInto } from "./box.ts";
import { defaultRoutes, full, linkAddresses, neighbourRoutes, neighboursOf } from "./cables.ts";
import { premisesLines } from "./premises.ts";

/** What a cable leads to: the world by the uplink, neighbours by the LAN. */
function routesOf(cable: LabCable, host: LabHost, plan: LabPlan) {
  const families = new Set(cable.addresses.map(familyOf));
  return {
    gateways: cable === host.uplink ? plan.routerAddresses.filter((each) => families.has(familyOf(each))) : [],
    neighbours: cable === host.lan ? neighboursOf(host, plan) : [],
  };
}

/** Commands that configure the cables, which are up. */
export const cableEnds = (host: LabHost, plan: LabPlan): string =>
  cablesOf(host)
    .map((cable) => {
      const { interface: name, mtu, addresses } = cable;
      const { gateways, neighbours } = routesOf(cable, host, plan);
      return `ip link set ${name} mtu ${mtu}
${linkAddresses(name, addresses)}${defaultRoutes(name, gateways)}${neighbourRoutes(name, neighbours)}`;
    })
    .join("");

/** What else is reached by a bridge of others. */
export const bridgeRoutes = ({ name, routes, vrf }: ForeignBridge): string =>
  routes
    .map(
      (prefix) => `ip -${familyOf(prefix)} route add ${prefix} dev ${name}${vrf === undefined ? "" : ` vrf ${vrf}`}\n`,
    )
    .join("");

const addressLines = (link: string, addresses: readonly InterfaceAddress[]): readonly string[] =>
  addresses.map(({ address, lengthBits }) => `ip address add ${address}/${lengthBits} dev ${link}\n`);

/** As ifupdown2 makes `vmbr1.40` of a `bridge-vlan-aware` one. */
const vlanLines = (bridge: string, { id, link, addresses }: ForeignVlan): string =>
  [
    `bridge vlan add dev ${bridge} vid ${id} self\n`,
    `ip link add link ${bridge} name ${link} type vlan id ${id}\nip link set ${link} up\n`,
    ...addressLines(link, addresses),
  ].join("");

/** Commands that make what the topology says is there already. */
export const bridgeLines = ({ name: owner }: LabHost, { foreignBridges }: LabPlan): string =>
  foreignBridges
    .filter(({ host }) => host === owner)
    .map((bridge) => {
      const { name, addresses, vlans, vrf } = bridge;
      // A kernel without VLANs does not know the word at all.
      const kind = vlans === undefined ? "bridge" : "bridge vlan_filtering 1";
      // networkd knows it, and may have come first: as ifupdown does, one that is there is taken.
      const taken = `[ -e /sys/class/net/${name}/bridge ] && ip link set ${name} type ${kind}`;
      const parts = (vlans ?? []).map((vlan) => vlanLines(name, vlan));
      const made = `ip link add ${name} type ${kind} || { ${taken}; }\nip link set ${name} up\n`;
      const all = made + [...addressLines(name, addresses), ...parts].join("");
      return vrf === undefined ? all + bridgeRoutes(bridge) : all;
    })
    .join("");

/** A cable as a host has it whose network is systemd-networkd's. */
function networkdCable(cable: LabCable, host: LabHost, plan: LabPlan): string {
  const routes = routesOf(cable, host, plan);
  // As docs/gateways.md asks for: it is keepalived's, and no foreign one to be removed.
  const shared = cable.shared.length > 0 ? ["KeepConfiguration=static\n"] : [];
  const addresses = cable.addresses.map((address) => `Address=${full(address)}\n`);
  const gateways = routes.gateways.map((address) => `[Route]\nGateway=${address}\nGatewayOnLink=yes\n`);
  const neighbours = routes.neighbours.map(({ address, mtu }) => {
    const scope = familyOf(address) === 4 ? "Scope=link\n" : "";
    return `[Route]\nDestination=${full(address)}\n${scope}${mtu === undefined ? "" : `MTUBytes=${mtu}\n`}`;
  });
  return `[Match]
Name=${cable.interface}
[Link]
MTUBytes=${cable.mtu}
[Network]
IPv6AcceptRA=no
${[...shared, ...addresses, ...gateways, ...neighbours].join("")}`;
}

/** All of it but the cables to routers. */
export const besides = (host: LabHost, plan: LabPlan): string => bridgeLines(host, plan) + premisesLines(host, plan);

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
  const cables = cablesOf(host);
  const ups = cables.map((cable) => `ip link set ${cable.interface} up\n`).join("");
  for (const cable of host.isNetworkd ? cables : []) {
    writeInto(box, `/etc/systemd/network/80-${cable.interface}.network`, networkdCable(cable, host, plan));
  }
  writeInto(box, "/etc/lab/network", (host.isNetworkd ? "" : ups + cableEnds(host, plan)) + besides(host, plan));
  writeInto(box, "/etc/systemd/system/lab-network.service", UNIT);
  await box.run("systemctl", "enable", "lab-network.service", ...(host.isNetworkd ? ["systemd-networkd.service"] : []));
}
