import { writeFileSync } from "node:fs";
import { Argument, Command, InvalidArgumentError, Option } from "commander";
import { EXIT_DONE, machineError } from "./exit.ts";

const MAX_HOSTS = 250;

/** Host `n` in the documentation range of RFC 5737: the user's own addresses go here. */
const host = (number: number): string =>
  `  host${number}:\n    id: ${number}\n    endpoint: 203.0.113.${number}\n    uplink: eth0\n`;

/** A topology that compiles as it is, and says what to change. */
function starter(hosts: number): string {
  const numbers = Array.from({ length: hosts }, (_, index) => index + 1);
  return `# yaml-language-server: $schema=./node_modules/netgen/schemas/topology.schema.json
# What the network is; netgen makes every host's files of it:
#   netgen keys generate topology.yaml   makes the keys that are missing, in keys/
#   netgen mtu topology.yaml             explains every MTU
#   netgen build topology.yaml           writes out/<host>/etc/...
netgen: 1
name: my-network

# The IP MTU between the hosts: 1500 on most paths, 1492 over PPPoE. Everything else follows from it.
underlay:
  pathMtu: 1500

# Host id n gets the n-th address of each pool, inside the tunnels. Add "fd00:250::/64" for IPv6.
wireguard:
  addresses: [10.250.0.0/24]

# One entry a host. Its id stays its own for ever: addresses and MACs follow from it.
# endpoint: where the others reach it: an address or a name, with ":port" if it is not 51820. A host that nobody can
#   dial has none. Behind a router that forwards a port, add "behindNat: true".
# uplink: the interface with the way out.
hosts:
${numbers.map(host).join("")}
subnets:
  # Routed, the usual case: guests on host1, reached through the tunnels, out by its uplink.
  guests1: {cidr: 10.1.1.0/24, hosts: [host1], gateway: 10.1.1.1, snat: true}

  # Stretched, where one Ethernet segment has to span hosts. It costs 50 more bytes of every packet.
  stretched: {cidr: 10.77.0.0/24, vxlan: {vni: 100}, hosts: all, gateway: {host1: 10.77.0.1}}

# BGP EVPN tells the segments who is where, by FRR. Without it they flood and learn, which is enough for a few hosts.
# bgp: {asn: 65000}
`;
}

function parseHosts(text: string): number {
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= 1 && number <= MAX_HOSTS) return number;
  throw new InvalidArgumentError(`It must be a number from 1 to ${MAX_HOSTS}.`);
}

function init(path: string, { hosts }: { readonly hosts: number }): number {
  try {
    writeFileSync(path, starter(hosts), { flag: "wx" });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    throw machineError(`${path} is there already, and init overwrites nothing; name another file`);
  }
  process.stdout.write(`${path} written. Put your own endpoints in, then: netgen keys generate ${path}\n`);
  return EXIT_DONE;
}

export const initCommand = (exit: (code: number) => void): Command =>
  new Command("init")
    .summary("write a commented topology to start from")
    .description("Writes a topology that compiles as it is, with comments that say what to change. Overwrites nothing.")
    .addArgument(new Argument("[file]", "where to write it").default("topology.yaml"))
    .addOption(new Option("--hosts <number>", "how many hosts").argParser(parseHosts).default(2))
    .action((path: string, options: { readonly hosts: number }) => exit(init(path, options)));
