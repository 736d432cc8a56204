import { Argument, Command, InvalidArgumentError, Option } from "commander";
import { shellWord } from "../base/text.ts";
import { EXIT_DONE } from "./exit.ts";
import { writeNew } from "./new-file.ts";
import { quietOption } from "./options.ts";
import { printSummary } from "./session.ts";

const MAX_HOSTS = 250;

/** Host `n` in the documentation range of RFC 5737: the user's own addresses go here. */
const host = (number: number): string =>
  `  host${number}:\n    id: ${number}\n    endpoint: 203.0.113.${number}\n    uplink: eth0\n`;

/** A topology that compiles as it is, and says what to change. Its comments name the file where they can. */
function starter(hosts: number, path: string): string {
  const name = /^[ -~]+$/.test(path) ? shellWord(path) : "FILE";
  const numbers = Array.from({ length: hosts }, (_, index) => index + 1);
  return `# yaml-language-server: $schema=./node_modules/netgen/schemas/topology.schema.json
# (By that line an editor checks and completes this file, where netgen is installed beside it.)
#
# What your network is; netgen makes every host's files of it. Put your own hosts and networks in, then
#   make the keys that are missing:   netgen keys generate ${name}
#   see whether all is right:         netgen check ${name}
#   see where each MTU comes from:    netgen mtu ${name}
#   write every host's files, out/:   netgen build ${name}
# and commit all of it: the private keys stay out of git.
netgen: 1
name: my-network

# The way between the hosts. Its IP MTU is 1500 nearly everywhere, 1492 over PPPoE; every other MTU follows from it.
underlay:
  pathMtu: 1500

# Addresses in the tunnels, from a network that nobody uses yet: host id n gets the n-th. With IPv6 as well:
#   addresses: [10.250.0.0/24, "fd00:250::/64"]
wireguard:
  addresses: [10.250.0.0/24]

# The hosts, by names of your choice in lower case.
#   id        a number of its own for ever: its addresses and MACs are made from it
#   endpoint  where the others reach it: an address or a name, with ":port" if that is not 51820. Leave it out where
#             nobody can reach it; behind a router that forwards the port to it, add "behindNat: true"
#   uplink    its interface to the outside, as "ip route get 1.1.1.1" says
hosts:
${numbers.map(host).join("")}
# Networks for virtual machines, containers and whatever else is behind a host. Take out what you do not need.
subnets:
  # Routed, the usual case: guests of host1. The others reach them through the tunnels, and snat lets them out.
  guests1: {cidr: 10.1.1.0/24, hosts: [host1], gateway: 10.1.1.1, snat: true}

  # Stretched: one Ethernet segment on all hosts, where guests have to be on the same one. The vni is a number of your
  # choice. VXLAN takes 50 more bytes off every packet.
  stretched: {cidr: 10.77.0.0/24, vxlan: {vni: 100}, hosts: all, gateway: {host1: 10.77.0.1}}

# With this, FRR tells the hosts by BGP EVPN which guest is where. Without it they flood and learn, which will do for a
# few hosts.
# bgp: {asn: 65000}
`;
}

function parseHosts(text: string): number {
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= 1 && number <= MAX_HOSTS) return number;
  throw new InvalidArgumentError(`It must be a number from 1 to ${MAX_HOSTS}.`);
}

interface InitOptions {
  readonly hosts: number;
  readonly quiet?: boolean;
}

function init(path: string, options: InitOptions): number {
  if (path === "-") {
    process.stdout.write(starter(options.hosts, "topology.yaml"));
    return EXIT_DONE;
  }
  writeNew(path, starter(options.hosts, path), "init");
  printSummary(`${path} written. Put your own endpoints in, then: netgen keys generate ${shellWord(path)}\n`, options);
  return EXIT_DONE;
}

export const initCommand = (exit: (code: number) => void): Command =>
  new Command("init")
    .summary("write a commented topology to start from")
    .description("Writes a topology that compiles as it is, with comments that say what to change. Overwrites nothing.")
    .addArgument(new Argument("[file]", "where to write it, - for standard output").default("topology.yaml"))
    .addOption(new Option("--hosts <number>", "how many hosts").argParser(parseHosts).default(2))
    .addOption(quietOption())
    .action((path: string, options: InitOptions) => exit(init(path, options)));
