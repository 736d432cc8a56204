/** Commands that look at what lies over the tunnels: segments, VRFs, BGP, ways out, and the firewall. */
import { familyOf } from "../../base/ip.ts";
import { someOf } from "../../base/text.ts";
import type { Bridge, VxlanDevice } from "../../model/device.ts";
import { DEFAULT_VRF } from "../../model/exit.ts";
import { fleetMark, fleetNumber } from "../../model/fleet.ts";
import type { Host } from "../../model/host.ts";
import { unicastOf } from "../../model/loopback.ts";
import type { VrfInstance } from "../../model/vrf.ts";
import type { Known, Look } from "./description.ts";
import { deviceLook, exactly, isSilent, look, some } from "./looks.ts";

const inVtysh = (command: string): string => `vtysh -c '${command}'`;

/** States of BGP's finite state machine that no session stays in, and what FRR says of one that is off (RFC 4271 §8.2.2). */
const NO_SESSION = "\\b(Idle|Connect|Active|OpenSent|OpenConfirm)\\b";

/** One session, by its neighbour. */
function sessionLook(host: Host, address: string, vrf: string, of: string): Look {
  const command = inVtysh(`show bgp vrf ${vrf} neighbors ${address}`);
  return look(host, command, `BGP state = Established, with ${of}`, { matches: ["BGP state = Established"] });
}

/** Sessions, all at once, and some one by one. */
export function bgpLooks(host: Host): readonly Look[] {
  if (host.bgp.kind === "none" || isSilent(host)) return [];
  const { neighbours, peers } = host.bgp;
  const unicast = unicastOf(host)?.neighbours ?? [];
  const summaries = [
    { afi: "l2vpn evpn", count: neighbours.length },
    ...([4, 6] as const).map((family) => ({
      afi: `ipv${family} unicast`,
      count: [...unicast, ...peers].filter(({ address }) => familyOf(address) === family).length,
    })),
  ];
  return [
    ...summaries
      .filter(({ count }) => count > 0)
      .map(({ afi, count }) =>
        look(
          host,
          inVtysh(`show bgp ${afi} summary`),
          `${count} ${count === 1 ? "neighbour" : "neighbours"}, each with a number under State/PfxRcd, and not a word`,
          {
            matches: [`^Total number of neighbors ${count}$`],
            lacks: [NO_SESSION],
          },
        ),
      ),
    ...some([...neighbours, ...unicast]).map(({ host: other, address }) =>
      sessionLook(host, address, DEFAULT_VRF, other),
    ),
    ...some(peers).map(({ address }) => sessionLook(host, address, DEFAULT_VRF, "it")),
  ];
}

/** The host's part of a subnet: its bridge with its addresses, and the device that leads to the others. */
export function subnetLooks(known: Known, host: Host, subnet: string): readonly Look[] {
  const bridge = host.bridges.find((each) => each.subnet === subnet);
  const device = host.vxlans.find((each) => each.segment === subnet);
  return [
    ...(bridge === undefined ? [] : bridgeLooks(host, bridge)),
    ...(device === undefined ? [] : deviceLooks(known, host, device)),
  ];
}

function bridgeLooks(host: Host, { link, addresses }: Bridge): readonly Look[] {
  const texts = addresses.map(({ address, lengthBits }) => `${address}/${lengthBits}`);
  if (texts.length === 0) return [];
  return [
    look(host, `ip address show dev ${link}`, texts.join(", "), {
      matches: texts.map((text) => `inet6? ${exactly(text)} `),
    }),
  ];
}

/** The device, where its frames are flooded to, and what EVPN knows of that. */
function deviceLooks({ network, hosts }: Known, host: Host, device: VxlanDevice): readonly Look[] {
  const { name, vni, mtu, local, port, bridge, segment, flooding } = device;
  const members = network.segments.find((each) => each.name === segment)?.members ?? [];
  const others = members.filter((member) => member !== host.name);
  const vteps = others.flatMap((member) => hosts.get(member)?.vtep ?? []);
  const carried = deviceLook(host, name, mtu, {
    good: `vxlan id ${vni}, local ${local}, dstport ${port}, master ${bridge}`,
    matches: [`vxlan id ${vni} `, ` local ${exactly(local)} `, ` dstport ${port} `, ` master ${exactly(bridge)} `],
  });
  if (vteps.length === 0) return [carried];
  const flooded = look(
    host,
    `bridge fdb show dev ${name}`,
    `00:00:00:00:00:00 dst, with the VTEP of ${someOf(others)}`,
    {
      matches: vteps.map((vtep) => `^00:00:00:00:00:00 dst ${exactly(vtep)} `),
    },
  );
  if (flooding.kind === "static") return [carried, flooded];
  const known = look(host, inVtysh(`show evpn vni ${vni}`), `${someOf(vteps)} as remote VTEPs`, {
    matches: vteps.map((vtep) => `^ +${exactly(vtep)} `),
  });
  return [carried, flooded, known];
}

/** A host's part of a VRF. */
export function vrfLooks(
  { network }: Known,
  host: Host,
  { name, table, vni, vxlan, peers }: VrfInstance,
): readonly Look[] {
  const others = network.hosts.some((other) => other !== host && other.vrfs.some((each) => each.name === name));
  return [
    look(host, `ip -d link show dev ${name}`, `up, vrf table ${table}`, {
      matches: ["<(.*,)?UP[,>]", `vrf table ${table}\\b`],
    }),
    deviceLook(host, vxlan.name, vxlan.mtu, { good: `vxlan id ${vni}`, matches: [`vxlan id ${vni} `] }),
    look(host, inVtysh(`show evpn vni ${vni}`), `Type: L3, State: Up, VRF ${name}`, {
      matches: ["Type: L3", "State: Up", `VRF: ${exactly(name)}$`],
    }),
    ...(others
      ? [
          look(host, `ip route show vrf ${name}`, "a route to what each other host has of it, proto bgp", {
            matches: [" proto bgp "],
          }),
        ]
      : []),
    ...some(peers).map(({ address }) => sessionLook(host, address, name, "it")),
  ];
}

/** A way out that a host is: of what is in no VRF, of a VRF, or to a remote. */
export const exitLook = ({ network }: Known, host: Host, name: string): Look =>
  look(
    host,
    `journalctl -q -b -n 3 -u netgen${fleetMark(network)}-exit@${name}`,
    "says last that the way out is open",
    { matches: ["the way out by .* is (open|the last one)$"] },
  );

/** Ways out: of its own, and by others. */
export function exitLooks(known: Known, host: Host): readonly Look[] {
  const own = [
    ...(host.exit === undefined ? [] : [DEFAULT_VRF]),
    ...host.vrfs.filter(({ exit }) => exit !== undefined).map(({ name }) => name),
    ...(host.egress?.remotes ?? []).filter((each) => each.own !== undefined).map(({ name }) => name),
  ];
  const looks = own.map((name) => exitLook(known, host, name));
  if (host.egress === undefined || host.egress.exits.length === 0) return looks;
  const command = `ip route show table ${fleetNumber(known.network)}`;
  const isExit = host.egress.exits.some(({ way }) => way.kind === "here");
  const [here, before] = isExit ? [" (throw: this host)", "(throw )?"] : ["", ""];
  const good = `a default route by the exit that is taken${here}, above the unreachable one`;
  return [...looks, look(host, command, good, { matches: [`^${before}default `] })];
}

/** What nft has loaded, and what was said of errors. */
export function lastLooks({ network, unitsOf }: Known, host: Host): readonly Look[] {
  const own = `netgen${fleetMark(network)}`;
  const units = unitsOf(host.name);
  const hasTables = units.includes(`${own}-nftables.service`);
  const services = units.filter((unit) => unit.endsWith(".service"));
  return [
    ...(hasTables ? [look(host, "nft list tables", `a table ${own}`, { matches: [`^table [a-z0-9]+ ${own}$`] })] : []),
    ...(services.length === 0
      ? []
      : [
          look(
            host,
            `journalctl -q -b -p err ${services.map((unit) => `-u ${unit}`).join(" ")}`,
            "nothing, or nothing that is still so",
          ),
        ]),
  ];
}
