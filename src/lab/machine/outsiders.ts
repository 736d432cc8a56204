/** Routers of somebody else's: FRR as their owner would have it, which takes what it is told and says more than it may. */
import { familyOf } from "../../base/ip.ts";
import type { LabOutsider, LabPlan } from "../plan/plan.ts";
import { serveFrr } from "./boot.ts";
import { type Box, writeInto } from "./box.ts";
import { full, ip } from "./cables.ts";
import { PEER_PASSWORD } from "./keys.ts";

function sessionLines({ peer: { distance, bfd, passwordFile }, neighbour }: LabOutsider): readonly string[] {
  const hops = {
    link: [],
    multihop: ["ebgp-multihop 255"],
    "ttl-security": [`ttl-security hops ${distance.kind === "link" ? 1 : distance.hops}`],
  }[distance.kind];
  const words = [
    `remote-as ${neighbour.asn}`,
    ...hops,
    ...(bfd.kind === "on" ? ["bfd"] : []),
    ...(passwordFile === undefined ? [] : [`password ${PEER_PASSWORD}`]),
  ];
  return words.map((each) => ` neighbor ${neighbour.address} ${each}`);
}

function frrConf(outsider: LabOutsider): string {
  const { peer, routerId, neighbour, taken, refused } = outsider;
  const lines = [
    "frr defaults datacenter",
    `router bgp ${peer.asn}`,
    ` bgp router-id ${routerId}`,
    " no bgp default ipv4-unicast",
    " no bgp network import-check",
    ...sessionLines(outsider),
    ` address-family ipv${familyOf(peer.address)} unicast`,
    `  neighbor ${neighbour.address} activate`,
    ...[...taken, ...refused].map((prefix) => `  network ${prefix}`),
    " exit-address-family",
    "exit",
  ];
  return `${lines.join("\n")}\n`;
}

/** Its own addresses: towards the host, and as the gateway of those behind it. */
function addressLines({ name, peer, neighbour, seat }: LabOutsider, { guests }: LabPlan): string {
  const { address } = peer;
  const toHost =
    seat === undefined
      ? [`${ip(address)} address add ${address} peer ${full(neighbour.address)} dev eth0`]
      : [
          ...seat.addresses.map(({ lengthBits }) => `${ip(address)} address add ${address}/${lengthBits} dev eth0`),
          `${ip(address)} route add default via ${neighbour.address}`,
        ];
  const toGuests = guests
    .filter(({ behind }) => behind === name)
    .flatMap(({ addresses, gateways, port }) =>
      gateways.flatMap((gateway) =>
        addresses.map(({ lengthBits }) => `${ip(gateway)} address add ${gateway}/${lengthBits} dev ${port}`),
      ),
    );
  return [...toHost, ...toGuests].map((line) => `${line}\n`).join("");
}

/** Configures and starts it: it tries the host until that one is there. */
export async function setUpOutsider(box: Box, outsider: LabOutsider, plan: LabPlan): Promise<void> {
  writeInto(box, "/etc/frr/frr.conf", frrConf(outsider), 0o640);
  writeInto(box, "/etc/frr/daemons", "bgpd=yes\nbfdd=yes\nvtysh_enable=yes\n");
  await box.shell(`sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
chown frr:frr /etc/frr/frr.conf
${addressLines(outsider, plan)}`);
  await serveFrr(box, "start");
}
