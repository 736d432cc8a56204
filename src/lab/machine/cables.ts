/** Lines of shell for the ends of cables: a cable from a router to each host, or one LAN for all of them. */
import { must } from "../../base/invariant.ts";
import { addressBits, familyOf, type IpAddress } from "../../base/ip.ts";
import { type LabHost, type LabMember, type LabPlan, type LabRouter, membersOf } from "../plan/plan.ts";
import type { RoutedLan } from "../plan/routed.ts";

/** An address with the length of a single one. */
export const full = (address: IpAddress): string => `${address}/${addressBits(familyOf(address))}`;

/** `ip` for the family of an address. */
export const ip = (address: IpAddress): string => `ip -${familyOf(address)}`;

/** Of an end of a cable: an address that only the other end asks for. */
export const linkAddresses = (link: string, addresses: readonly IpAddress[]): string =>
  addresses.map((address) => `${ip(address)} address add ${full(address)} dev ${link}\n`).join("");

/** Whoever is at the far end passes on all the rest. */
export const defaultRoutes = (link: string, gateways: readonly IpAddress[]): string =>
  gateways.map((gateway) => `${ip(gateway)} route add default via ${gateway} dev ${link} onlink\n`).join("");

/** What lies at the far end of a cable, directly. */
export const hostRoutes = (link: string, addresses: readonly IpAddress[]): string =>
  addresses.map((address) => `${ip(address)} route add ${full(address)} dev ${link}\n`).join("");

/** Names of a router's interfaces to its hosts, by host. */
export const memberLinks = (members: readonly LabMember[]): ReadonlyMap<string, string> =>
  new Map(members.map(({ host }, index) => [host, `h${index}`]));

/** The bridge of a router whose hosts are on one LAN. */
const LAN = "lan";

/** Names of the interfaces by which a router reaches its hosts, by host. */
export const waysTo = ({ hasLan }: LabRouter, members: readonly LabMember[]): ReadonlyMap<string, string> =>
  hasLan ? new Map(members.map(({ host }) => [host, LAN])) : memberLinks(members);

/** A cable to each host, and by it what a router of the LAN's own sends there. */
export function cableLines(
  members: readonly LabMember[],
  { routerAddresses }: LabPlan,
  routed?: RoutedLan,
): readonly string[] {
  const own = [...new Set([...routerAddresses, ...(routed === undefined ? [] : [routed.address])])];
  return members.map(({ host, addresses, mtu }) => {
    const link = must(memberLinks(members).get(host), "a member has a link");
    const behind = (routed?.routes ?? []).filter(({ via }) => addresses.includes(via));
    const routes = behind.map(({ prefix, via }) => `${ip(via)} route add ${prefix} via ${via} dev ${link} onlink\n`);
    return `ip link set ${link} mtu ${mtu}\n${linkAddresses(link, own)}${hostRoutes(link, addresses)}${routes.join("")}`;
  });
}

/** One LAN for all hosts: a bridge that their cables lead to, with the router on it. */
export function lanLines(members: readonly LabMember[], { routerAddresses }: LabPlan): string {
  const links = memberLinks(members);
  const ports = members.map((member) => `ip link set ${links.get(member.host)} mtu ${member.mtu} master ${LAN}\n`);
  const mtu = Math.max(...members.map((member) => member.mtu));
  const reached = new Set(members.flatMap(({ addresses, shared }) => [...addresses, ...shared]));
  return `ip link add ${LAN} type bridge
${ports.join("")}ip link set ${LAN} mtu ${mtu} up
${linkAddresses(LAN, routerAddresses)}${hostRoutes(LAN, [...reached])}`;
}

/** An address on the LAN of a host. */
export interface Neighbour {
  readonly address: IpAddress;
  /** What the LAN carries there; `undefined`: what the host's cable does. */
  readonly mtu: number | undefined;
}

/**
 * What stands on the same LAN as a host, besides the host itself. The cable is as wide as the widest of its paths, and no
 * router is between neighbours: who sends to one knows how narrow the LAN is.
 */
export function neighboursOf({ name, lan }: LabHost, plan: LabPlan): readonly Neighbour[] {
  const { router, addresses, mtu: ownMtu } = lan;
  const routed = plan.routers.find((each) => each.name === router)?.routed;
  // Nobody else is there; what is on the LAN is reached by this as all the rest is.
  if (routed !== undefined) return [{ address: routed.address, mtu: undefined }];
  if (!plan.routers.some((each) => each.name === router && each.hasLan)) return [];
  const others = membersOf(router, plan).filter(({ host }) => host !== name);
  const all = new Set(others.flatMap((other) => [...other.addresses, ...other.shared]));
  return [...all]
    .filter((address) => addresses.some((own) => familyOf(own) === familyOf(address)))
    .map((address) => {
      const paths = plan.paths.filter(({ from, to }) => to === address && addresses.includes(from));
      const mtu = Math.min(ownMtu, ...paths.map((path) => path.mtu));
      return { address, mtu: mtu < ownMtu ? mtu : undefined };
    });
}

/** The routes of a host to its neighbours. */
export const neighbourRoutes = (link: string, neighbours: readonly Neighbour[]): string =>
  neighbours
    .map(({ address, mtu }) => {
      const limit = mtu === undefined ? "" : ` mtu lock ${mtu}`;
      return `${ip(address)} route add ${full(address)} dev ${link}${limit}\n`;
    })
    .join("");
