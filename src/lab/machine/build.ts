/** LabPlan → the underlay as it stands: the internet, the routers with their NAT and path MTUs, the cables and addresses. */
import { must } from "../../base/invariant.ts";
import { familyOf, type IpAddress } from "../../base/ip.ts";
import { ofFamily } from "../plan/addresses.ts";
import { type LabHost, type LabMember, type LabPath, type LabPlan, type LabRouter, membersOf } from "../plan/plan.ts";
import { type Box, cable, type LabRoot, writeInto } from "./box.ts";
import { cableLines, defaultRoutes, full, ip, lanLines, linkAddresses, memberLinks, waysTo } from "./cables.ts";
import { openComputer } from "./computer.ts";
import { setUpGuest } from "./guests.ts";
import { setUpOutsider } from "./outsiders.ts";
import { setUpPremises } from "./premises.ts";
import { besides, cableEnds, furnishNetwork } from "./uplink.ts";
import { watchRules } from "./watch-rules.ts";

/** A lab whose cables are plugged in; nothing of the hosts' own runs yet. */
export interface Built {
  readonly plan: LabPlan;
  readonly internet: Box;
  /** By name. */
  readonly routers: ReadonlyMap<string, Box>;
  readonly hosts: ReadonlyMap<string, Box>;
  readonly guests: ReadonlyMap<string, Box>;
  /** Routers of somebody else's, by name. */
  readonly outsiders: ReadonlyMap<string, Box>;
  /** Who stands for a remote on a network of its own, by name. */
  readonly premises: ReadonlyMap<string, Box>;
}

const FORWARDING = "sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1";

const routesVia = (link: string, gateways: readonly IpAddress[], addresses: readonly IpAddress[]): string =>
  addresses
    .map((address) => {
      const gateway = must(ofFamily(gateways, familyOf(address)), "there is a gateway of each family");
      return `${ip(address)} route add ${full(address)} via ${gateway} dev ${link} onlink\n`;
    })
    .join("");

function natRules({ forwards, masquerades }: LabRouter): string {
  const family = (address: IpAddress): string => (familyOf(address) === 4 ? "ip" : "ip6");
  const target = (address: IpAddress, port: number): string =>
    familyOf(address) === 4 ? `${address}:${port}` : `[${address}]:${port}`;
  const inward = forwards.map(
    ({ address, port, to, toPort }) =>
      `iifname "wan" ${family(address)} daddr ${address} udp dport ${port} dnat ${family(to)} to ${target(to, toPort)}`,
  );
  const outward = masquerades.map(
    ({ from, to }) => `oifname "wan" ${family(from)} saddr ${from} snat ${family(to)} to ${to}`,
  );
  return `table inet nat {
  chain in {
    type nat hook prerouting priority dstnat
    ${inward.join("\n    ")}
  }
  chain out {
    type nat hook postrouting priority srcnat
    ${outward.join("\n    ")}
  }
}
`;
}

/** A direction that carries only so many bytes: what is larger is refused, or cut up where that is allowed. */
function pathRoutes(
  paths: readonly LabPath[],
  links: ReadonlyMap<string, string>,
  members: readonly LabMember[],
): string {
  return paths
    .map(({ from, to, mtu }) => {
      const { host } = must(
        members.find(({ addresses, shared }) => [...addresses, ...shared].includes(to)),
        "a path ends at a host of the router",
      );
      const link = links.get(host);
      return (
        `${ip(to)} rule add from ${from} to ${to} table ${mtu}\n` +
        `${ip(to)} route replace ${full(to)} dev ${link} mtu lock ${mtu} table ${mtu}\n`
      );
    })
    .join("");
}

async function setUpRouter(box: Box, router: LabRouter, plan: LabPlan): Promise<void> {
  const members = membersOf(router.name, plan);
  const toMembers = router.hasLan ? [lanLines(members, plan)] : cableLines(members, plan, router.routed);
  writeInto(box, "/run/rules.nft", watchRules(plan, members, router.routed?.inClear) + natRules(router));
  await box.shell(
    `${FORWARDING}
nft -f /run/rules.nft
${linkAddresses("lo", router.addresses)}${linkAddresses("wan", plan.routerAddresses)}${defaultRoutes("wan", plan.outside)}
${toMembers.join("")}${pathRoutes(
  plan.paths.filter((path) => path.router === router.name),
  waysTo(router, members),
  members,
)}`,
  );
}

/** Room for any path: the routers behind it are what limits one. */
const INTERNET_MTU = 65_535;

async function setUpInternet(box: Box, plan: LabPlan): Promise<void> {
  const toRouters = plan.routers.map((router, index) => {
    const link = `r${index}`;
    const open = plan.hosts
      .filter(({ uplink, isBehindNat }) => uplink.router === router.name && !isBehindNat)
      .flatMap(({ publicAddresses, uplink }) => [...publicAddresses, ...uplink.shared]);
    const reached = [...new Set([...router.addresses, ...open])];
    return (
      `ip link set ${link} mtu ${INTERNET_MTU}\n` +
      linkAddresses(link, plan.outside) +
      routesVia(link, plan.routerAddresses, reached)
    );
  });
  writeInto(box, "/run/rules.nft", watchRules(plan));
  // A probe may be who stands for a remote.
  const answering = [...new Set([...plan.probes, ...plan.remotes.map(({ address }) => address)])];
  await box.shell(`${FORWARDING}\nnft -f /run/rules.nft\n${linkAddresses("lo", answering)}${toRouters.join("")}`);
}

const hostsFile = ({ names }: LabPlan): string =>
  ["127.0.0.1 localhost", "::1 localhost", ...names.map(({ name, address }) => `${address} ${name}`), ""].join("\n");

async function setUpHost(box: Box, host: LabHost, plan: LabPlan): Promise<void> {
  writeInto(box, "/etc/hosts", hostsFile(plan));
  if (box.power === undefined) await box.shell(cableEnds(host, plan) + besides(host, plan));
  else await furnishNetwork(box, host, plan);
}

type Open = (name: string) => Promise<Box>;

async function openAll(open: Open, names: readonly string[], prefix = ""): Promise<ReadonlyMap<string, Box>> {
  return new Map(await Promise.all(names.map(async (name) => [name, await open(prefix + name)] as const)));
}

async function layCables({ plan, internet, routers, hosts, guests, outsiders, premises }: Built): Promise<void> {
  const box = (boxes: ReadonlyMap<string, Box>, name: string): Box => must(boxes.get(name), `${name} has a box`);
  for (const [index, { name }] of plan.routers.entries()) {
    const router = box(routers, name);
    await cable({ box: internet, link: `r${index}` }, { box: router, link: "wan" });
    await router.run("ip", "link", "set", "wan", "mtu", String(INTERNET_MTU));
    const members = membersOf(name, plan);
    const links = memberLinks(members);
    for (const member of members) {
      const link = must(links.get(member.host), "a member has a link");
      await cable({ box: router, link }, { box: box(hosts, member.host), link: member.interface });
    }
  }
  for (const { name, host, port } of plan.outsiders) {
    await cable({ box: box(outsiders, name), link: "eth0" }, { box: box(hosts, host), link: port });
  }
  for (const { name, host, interface: link } of plan.premises) {
    await cable({ box: box(premises, name), link: "eth0" }, { box: box(hosts, host), link });
  }
  for (const { name, host, port, behind } of plan.guests) {
    const other = behind === undefined ? box(hosts, host) : box(outsiders, behind);
    await cable({ box: box(guests, name), link: "eth0" }, { box: other, link: port });
  }
}

/** Builds all that surrounds the hosts; they are to boot by themselves, or to be started by the lab. */
export async function build(root: LabRoot, plan: LabPlan, isBooting = false): Promise<Built> {
  const booting = isBooting ? plan.hosts.filter(({ isDevice }) => !isDevice) : [];
  const computers = new Set(booting.map(({ name }) => name));
  const [internet, routers, hosts, guests, outsiders, premises] = await Promise.all([
    root.open("internet"),
    openAll(
      root.open,
      plan.routers.map(({ name }) => name),
      "router:",
    ),
    openAll(
      (name) => (computers.has(name) ? openComputer(root, name, plan.fleet) : root.open(name, plan.fleet)),
      plan.hosts.map(({ name }) => name),
    ),
    openAll(
      root.open,
      plan.guests.map(({ name }) => name),
    ),
    openAll(
      root.open,
      plan.outsiders.map(({ name }) => name),
    ),
    openAll(
      root.open,
      plan.premises.map(({ name }) => name),
    ),
  ]);
  const built: Built = { plan, internet, routers, hosts, guests, outsiders, premises };
  await layCables(built);
  const box = (boxes: ReadonlyMap<string, Box>, name: string): Box => must(boxes.get(name), `${name} has a box`);
  await Promise.all([
    setUpInternet(internet, plan),
    ...plan.routers.map((router) => setUpRouter(box(routers, router.name), router, plan)),
    ...plan.hosts.map((host) => setUpHost(box(hosts, host.name), host, plan)),
    ...plan.guests.map((guest) => setUpGuest(box(guests, guest.name), guest)),
    ...plan.premises.map((each) => setUpPremises(box(premises, each.name), each)),
    ...plan.outsiders.map((outsider) => setUpOutsider(box(outsiders, outsider.name), outsider, plan)),
  ]);
  return built;
}
