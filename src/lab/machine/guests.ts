/** Guests of a lab: what each has by itself, and how it is plugged in. */
import type { VlanId } from "../../base/units.ts";
import type { LabGuest, LabOutsider, LabPlan } from "../plan/plan.ts";
import { type Box, writeInto } from "./box.ts";
import { full, ip } from "./cables.ts";
import { bridgeRoutes } from "./uplink.ts";

// A virtual cable would carry what is not yet cut into segments past any MTU.
const CUT = "ip link set eth0 gso_max_segs 1";

// The word that a packet is too big gets lost on so many ways.
const DEAF = `
table inet deaf {
  chain input {
    type filter hook input priority 0
    icmp type destination-unreachable drop
    icmpv6 type packet-too-big drop
  }
}
`;

/** A guest's addresses and routes, whatever of them is there already. */
export function addressGuest({ addresses, gateways }: LabGuest): string {
  const own = addresses.map(({ address, lengthBits }) => `ip address replace ${address}/${lengthBits} dev eth0\n`);
  return own.concat(gateways.map((gateway) => `${ip(gateway)} route replace default via ${gateway}\n`)).join("");
}

/** The guest's interface as a VLAN of its cable. */
const onTrunk = (vlan: VlanId): string => `ip link set eth0 down
ip link set eth0 name trunk
ip link set trunk gso_max_segs 1 up
ip link add link trunk name eth0 type vlan id ${vlan}
ip link set eth0 up`;

/** What a guest is before anything of the host's is there. */
export async function setUpGuest(box: Box, guest: LabGuest): Promise<void> {
  writeInto(box, "/run/deaf.nft", DEAF);
  // Guests have what the plan gives them; who is to be asked what a router advertises asks.
  const quiet = "sysctl -qw net.ipv6.conf.eth0.accept_ra=0";
  if (guest.vlan !== undefined && guest.isPluggedByHost) await box.shell(onTrunk(guest.vlan));
  await box.shell(`${CUT}\n${quiet}\nip link set eth0 mtu ${guest.mtu}\n${addressGuest(guest)}nft -f /run/deaf.nft`);
}

/** Of a port on a bridge with VLANs: in one alone, without a tag, as hypervisors have it. */
const intoVlan = (port: string, vlan: VlanId | undefined): string =>
  vlan === undefined
    ? ""
    : `bridge vlan delete dev ${port} vid 1-4094\nbridge vlan add dev ${port} vid ${vlan} pvid untagged\n`;

/**
 * The host's end of an outsider's cable, in whatever it is a guest of, or with an address of its own; in a VRF, as the owner of
 * the interface has it.
 */
function outsiderLines({ peer, neighbour, port, seat }: LabOutsider): string {
  if (seat !== undefined) return `ip link set ${port} master ${seat.bridge} up\n${intoVlan(port, seat.vlan)}`;
  const vrf = peer.vrf === undefined ? "" : ` master ${peer.vrf}`;
  return `ip link set ${port}${vrf} up
${ip(peer.address)} address replace ${neighbour.address} peer ${full(peer.address)} dev ${port}\n`;
}

/**
 * Plugs in what the hosts' own files do not, guests, routers of somebody else's and bridges in VRFs: what it goes into is there by then. A port
 * of less than its segment would pull the bridge down.
 */
export async function plugGuests({ plan }: { readonly plan: LabPlan }, { name: owner, shell }: Box): Promise<void> {
  const bridges = plan.foreignBridges
    .filter(({ host, vrf }) => host === owner && vrf !== undefined)
    .map((bridge) => `ip link set ${bridge.name} master ${bridge.vrf}\n${bridgeRoutes(bridge)}`);
  const ports = plan.guests
    .filter(({ host, isPluggedByHost, behind }) => host === owner && !isPluggedByHost && behind === undefined)
    .map(
      (guest) =>
        `ip link set ${guest.port} mtu ${Math.max(guest.mtu, 1500)} master ${guest.bridge} up\n${intoVlan(guest.port, guest.vlan)}`,
    );
  const outsiders = plan.outsiders.filter(({ host }) => host === owner).map(outsiderLines);
  await shell([...bridges, ...ports, ...outsiders].join(""));
}
