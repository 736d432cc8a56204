/** An exit is a way out, not a way in, and leads to nobody near: not to its uplink's neighbours, not to other hosts. */
import { must } from "../../base/invariant.ts";
import { familyOf, type IpAddress, parseAddress } from "../../base/ip.ts";
import { DEFAULT_VRF, type Exit } from "../../model/exit.ts";
import { addressOf } from "../../ways/station.ts";
import type { Box } from "../machine/box.ts";
import { eventually } from "../machine/patience.ts";
import type { Lab } from "../machine/running.ts";
import { type Drops, judge, type Victim, victims } from "../measure/attacks.ts";
import { lying } from "../measure/forge.ts";
import { execCommand, type LabPromise, type Outcome } from "../measure/promise.ts";
import { type Addressed, countedPackets, sendDatagrams } from "../measure/traffic.ts";
import { type Leaver, leaversOf } from "./exit-leavers.ts";
import { labHost as placeOf } from "./exit-loss.ts";

/** Where clouds answer for a host what only the host should ask (RFC 3927: link-local). */
const METADATA = must(parseAddress("169.254.169.254"), "it is an address");
/** RFC 863: whoever gets it has no use for it. */
const DISCARD_PORT = 9;

interface Way {
  readonly victim: Victim;
  readonly exit: Exit;
  readonly vrf: string;
  readonly guest: Leaver;
}

const isIpv4 = (address: IpAddress): boolean => familyOf(address) === 4;

const routerAddress = ({ plan }: Lab): IpAddress =>
  must(plan.routerAddresses.find(isIpv4), "routers answer in IPv4, which exits have");

const answers = async (box: Box, to: IpAddress): Promise<boolean> =>
  (await box.attempt("ping", "-n", "-q", "-c", "2", "-i", "0.2", "-w", "2", to)).status === 0;

/** Whom the exit's host reaches by its uplink, and a guest must not. */
async function nearby(lab: Lab, { victim, guest }: Way): Promise<readonly string[]> {
  const { box, labHost, router } = victim;
  return lying({ router, host: labHost, hostBox: box, sources: [METADATA], targets: [] }, async () => {
    const wrong: string[] = [];
    for (const to of [routerAddress(lab), METADATA]) {
      if (!(await answers(box, to))) wrong.push(`${to} does not answer the host either`);
      if (await answers(guest.watched.box, to)) wrong.push(`${to} answered a guest, expected silence`);
    }
    return wrong;
  });
}

/** What counts packets that are dropped, who sends them, and what. */
interface Attack {
  readonly count: () => Promise<number>;
  readonly from: Box;
  readonly packets: readonly Addressed[];
}

async function dropsOf({ count, from, packets }: Attack): Promise<Drops> {
  const before = await count();
  await sendDatagrams(
    from,
    packets.map((packet) => ({ ...packet, hex: "00" })),
  );
  const counted = async (): Promise<number> => (await count()) - before;
  await eventually(async () => (await counted()) >= packets.length, 5);
  return { counted: await counted(), expected: packets.length };
}

/** A guest sends to where other hosts are dialled, and to VXLAN's port there. What is connected is dropped as such. */
function outward(lab: Lab, { victim, vrf, guest }: Way): Attack {
  const { network } = lab;
  const { box, host, labHost } = victim;
  const near = placeOf(lab, guest.guest.host);
  const from = must(addressOf(guest.guest, 4), "who leaves in IPv4 has an address of it");
  const dialled = network.peers.flatMap(({ endpoints }) => endpoints);
  const [other] = dialled
    .flatMap((each) => (each.kind === "address" && isIpv4(each.address) ? [each] : []))
    .filter(({ address }) => ![labHost, near].some(({ uplink }) => uplink.addresses.includes(address)));
  const ports = other === undefined ? [] : [other.port, ...host.vxlans.slice(0, 1).map(({ port }) => port)];
  return {
    count: async () =>
      (await countedPackets(box, "inet", `netgen${box.fleet}`, `exit-${vrf}`)) +
      (await countedPackets(box, "inet", `netgen${box.fleet}-near-${vrf}`, "forward")),
    from: guest.watched.box,
    packets: ports.map((port) => ({ from, to: must(other, "it has ports").address, port })),
  };
}

/** The router sends to a guest that hides behind the host. */
async function inward(lab: Lab, { victim, exit, vrf, guest }: Way): Promise<Drops> {
  const { box, labHost, router } = victim;
  // In no VRF a guest's prefix is one of the overlay: the guard of those is asked elsewhere.
  const targets =
    exit.hasSnat && vrf !== DEFAULT_VRF ? [must(addressOf(guest.guest, 4), "who hides has an address of IPv4")] : [];
  const from = routerAddress(lab);
  const packets = targets.map((to) => ({ from, to, port: DISCARD_PORT }));
  const count = () => countedPackets(box, "inet", `netgen${box.fleet}`, "vrfs");
  return lying({ router, host: labHost, hostBox: box, sources: [], targets }, () =>
    dropsOf({ count, from: router, packets }),
  );
}

async function measure(lab: Lab, way: Way): Promise<Outcome> {
  const wrong = await nearby(lab, way);
  const out = await dropsOf(outward(lab, way));
  const into = await inward(lab, way);
  const sum = { counted: out.counted + into.counted, expected: out.expected + into.expected };
  return judge(wrong, sum, `neither ${METADATA} nor the router answered`);
}

/** A promise for each exit that a guest leaves by: in a VRF one of the exit's own host, in none one of another. */
export function exitPromises(lab: Lab): readonly LabPromise[] {
  const leavers = leaversOf(lab).filter(({ watched }) => familyOf(watched.to) === 4);
  return victims(lab).flatMap((victim) =>
    [...lab.network.vrfs, { name: DEFAULT_VRF, exits: lab.network.exits }].flatMap((of): readonly LabPromise[] => {
      const { name: vrf, exits } = of;
      const exit = exits.find(({ host }) => host === victim.host.name);
      const guest = leavers.find(
        (each) => (each.guest.host === victim.host.name) === (vrf !== DEFAULT_VRF) && each.exits[0] === exit,
      );
      if (exit === undefined || guest === undefined) return [];
      return [
        {
          kind: "guard",
          subject: `${guest.guest.name} -> ${victim.host.name}'s uplink`,
          promise: "leads to nobody near and to no host's tunnels, and nobody gets in by it",
          command: execCommand(victim.box, "nft", "list", "table", "inet", `netgen${victim.box.fleet}`),
          measure: () => measure(lab, { victim, exit, vrf, guest }),
        },
      ];
    }),
  );
}
