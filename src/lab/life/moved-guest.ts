/** An address of guests moves to another host, as keepalived, kube-vip and MetalLB move theirs: it says so, and is heard. */
import { must } from "../../base/invariant.ts";
import { familyOf, hostAddress, type IpAddress, prefixOf } from "../../base/ip.ts";
import type { InterfaceAddress } from "../../model/device.ts";
import type { Segment } from "../../model/segment.ts";
import type { Box } from "../machine/box.ts";
import { PATIENCE, sleep } from "../machine/patience.ts";
import type { Lab } from "../machine/running.ts";
import { execCommand, type LabPromise, type Outcome } from "../measure/promise.ts";
import { pingDuring } from "../measure/steady-ping.ts";
import type { LabGuest } from "../plan/plan.ts";

// A guest of its own, so that all others may ask for it. Without detection an address is there at once, with these keys it
// is told to all, gratuitous ARP or an unsolicited advertisement, when the interface is given its MAC again.
const JOIN = `
ip netns add mover
ip link add mover0 type veth peer name eth0 netns mover
ip link set mover0 mtu "$2" master "$1" up
ip netns exec mover sysctl -qw net.ipv6.conf.eth0.accept_dad=0 net.ipv6.conf.eth0.ndisc_notify=1 net.ipv4.conf.eth0.arp_notify=1
ip -n mover link set eth0 mtu "$2" up
`;
const TAKE = `
ip -n mover address add "$1" dev eth0
ip -n mover link set eth0 address "$(ip netns exec mover cat /sys/class/net/eth0/address)"
`;
const LEAVE = 'ip -n mover address del "$1" dev eth0';
const PART = "ip netns del mover; ip link del mover0 2> /dev/null || true";

/** Nobody has it for as long as keepalived waits by default: three advertisements, one a second. */
const AWAY_SECONDS = 3;
/** "Within seconds", with room for a busy machine. A neighbour that nobody has told anything is asked anew after 20 to 50. */
const BOUND_SECONDS = 5;

interface Move {
  readonly segment: Segment;
  readonly from: LabGuest;
  readonly to: LabGuest;
  readonly address: InterfaceAddress;
}

const script = (box: Box, text: string, ...words: readonly string[]): Promise<string> =>
  box.run("bash", "-euc", text, "bash", ...words);

async function measureMove(lab: Lab, { from, to, address }: Move): Promise<Outcome> {
  const boxOf = ({ host }: LabGuest): Box => must(lab.hosts.get(host), "every host has a box");
  const [old, next] = [boxOf(from), boxOf(to)];
  const text = `${address.address}/${address.lengthBits}`;
  const watched = { box: must(lab.guests.get(from.name), "every guest has a box"), to: address.address };
  try {
    await Promise.all([from, to].map((guest) => script(boxOf(guest), JOIN, guest.bridge, `${guest.mtu}`)));
    await script(old, TAKE, text);
    const seen = await pingDuring(watched, async () => {
      await script(old, LEAVE, text);
      await sleep(AWAY_SECONDS * 1000);
      await script(next, TAKE, text);
    });
    const measured = seen.isBack ? `${seen.gapSeconds.toFixed(1)} s without an answer` : "no answer within 60 s";
    const isKept = seen.isBack && seen.gapSeconds <= AWAY_SECONDS + BOUND_SECONDS * PATIENCE;
    return { isKept, measured: isKept ? measured : `${measured}, expected ${AWAY_SECONDS + BOUND_SECONDS} s at most` };
  } finally {
    await Promise.all([old, next].map((box) => script(box, PART)));
  }
}

/** The first address of a guest's prefix that nobody has. */
function freeAddress({ network, plan }: Lab, { address, lengthBits }: InterfaceAddress): IpAddress | undefined {
  const taken = new Set<IpAddress>([
    ...plan.guests.flatMap((guest) => guest.addresses.map((each) => each.address)),
    ...network.hosts.flatMap(({ bridges }) => bridges.flatMap((each) => each.addresses.map((own) => own.address))),
  ]);
  const prefix = prefixOf(address, lengthBits);
  for (let offset = 1; ; offset += 1) {
    const found = hostAddress(prefix, offset);
    if (found === undefined || !taken.has(found)) return found;
  }
}

function movesOf(lab: Lab, segment: Segment): readonly Move[] {
  const guests = lab.plan.guests.filter(({ subnet }) => subnet === segment.name);
  const [from] = guests;
  const to = guests.find(({ host }) => host !== from?.host);
  if (from === undefined || to === undefined) return [];
  return from.addresses.flatMap((own): readonly Move[] => {
    const address = freeAddress(lab, own);
    return address === undefined ? [] : [{ segment, from, to, address: { ...own, address } }];
  });
}

/** For each segment, unless its hosts are to answer for guests themselves. */
export function movePromises(lab: Lab): readonly LabPromise[] {
  const segments = lab.network.segments.filter(({ suppressesNeighbors }) => !suppressesNeighbors);
  return segments
    .flatMap((segment) => movesOf(lab, segment))
    .map((move) => {
      const { segment, from, to, address } = move;
      const box = must(lab.hosts.get(to.host), "every host has a box");
      return {
        kind: "life",
        subject: `${segment.name}, IPv${familyOf(address.address)}`,
        promise: `an address that moves from ${from.host} to ${to.host} answers within ${BOUND_SECONDS} s of being there`,
        command: execCommand(box, "bridge", "-d", "link", "show"),
        measure: () => measureMove(lab, move),
      };
    });
}
