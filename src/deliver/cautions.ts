/** What of a change no order of hosts makes harmless: recognised from the files of all hosts, with what is to be done. */
import { someOf } from "../base/text.ts";
import {
  type Caution,
  type Judge,
  NO_PLACE,
  type Tunnel,
  textAt,
  tunnelLinksOf,
  unique,
  WIREGUARD,
} from "./caution.ts";
import { tunnelJudges } from "./cautions-tunnels.ts";
import { type Change, OWN, type Side } from "./sides.ts";
import { valuesOf } from "./wireguard-file.ts";

/** What each link may carry, of tunnels and of networkd's. */
function mtusOf(side: Side): ReadonlyMap<string, number> {
  const mtus = [...side.files.keys()].flatMap((path) => {
    const link = WIREGUARD.exec(path)?.[1] ?? /\/\d\d-netgen\d*-(.+)\.network$/.exec(path)?.[1];
    const [mtu] = link === undefined ? [] : valuesOf(textAt(side, path), "MTU(?:Bytes)?");
    return link === undefined || mtu === undefined ? [] : [[link, Number(mtu)] as const];
  });
  return new Map(mtus);
}

const mtus: Judge = (changes) => {
  const all = changes.flatMap(({ host, before, after }) => {
    const old = mtusOf(before);
    return [...mtusOf(after)].map(([link, to]) => ({ host, link, from: old.get(link) ?? to, to }));
  });
  const caution = (kind: "mtu-lowered" | "mtu-raised", advice: string): readonly Caution[] => {
    const moved = all.filter(({ from, to }) => (kind === "mtu-lowered" ? to < from : to > from));
    if (moved.length === 0) return [];
    const links = unique(moved.map(({ link, from, to }) => `${link} from ${from} to ${to}`));
    const hosts = unique(moved.map(({ host }) => host));
    return [{ kind, hosts, interrupts: undefined, ...NO_PLACE, text: `MTU of ${someOf(links)}: ${advice}` }];
  };
  return [
    ...caution(
      "mtu-lowered",
      "guests first, then the hosts, and only then the path if that is to carry less. A guest's frame that is larger than its host's bridge is dropped without a word.",
    ),
    ...caution(
      "mtu-raised",
      "the path first if that is to carry more, then the hosts, and guests when the last host has changed: until then larger frames are dropped without a word.",
    ),
  ];
};

const asNumbers: Judge = (changes) => {
  const asn = (side: Side): string => /^router bgp (\d+)$/m.exec(textAt(side, "etc/frr/frr.conf"))?.[1] ?? "";
  const moved = changes
    .map(({ host, before, after }) => ({ host, from: asn(before), to: asn(after) }))
    .filter(({ from, to }) => from !== "" && to !== "" && from !== to);
  if (moved.length === 0) return [];
  const numbers = unique(moved.map(({ from, to }) => `${to} in place of ${from}`));
  return [
    {
      kind: "asn",
      hosts: moved.map(({ host }) => host),
      interrupts: "BGP sessions between these hosts and others, with all that they carry",
      ...NO_PLACE,
      text: `AS ${someOf(numbers)}: two hosts have a session when both have changed, and no sooner. Bring all of them at the same time.`,
    },
  ];
};

/** VXLAN devices, with what has to be alike on all hosts of a segment. */
function vxlansOf(side: Side): ReadonlyMap<string, string> {
  const texts = [...side.files.keys()].map((path) => (path.endsWith(".netdev") ? textAt(side, path) : ""));
  const vxlans = texts.filter((text) => valuesOf(text, "Kind").includes("vxlan"));
  return new Map(
    vxlans.map((text) => [
      valuesOf(text, "Name").join(),
      `VNI ${valuesOf(text, "VNI").join()}, port ${valuesOf(text, "DestinationPort").join()}`,
    ]),
  );
}

const segments: Judge = (changes) => {
  const moved = changes.flatMap(({ host, before, after }) => {
    const [old, next] = [vxlansOf(before), vxlansOf(after)];
    const gone = [...old].filter(([link, words]) => next.get(link) !== words);
    const come = [...next].filter(([link, words]) => old.get(link) !== words);
    return gone.length > 0 && come.length > 0 ? [{ host, gone, come }] : [];
  });
  if (moved.length === 0) return [];
  const named = (side: "gone" | "come"): string =>
    someOf(unique(moved.flatMap((each) => each[side].map(([link, words]) => `${link} (${words})`))));
  return [
    {
      kind: "segment",
      hosts: moved.map(({ host }) => host),
      interrupts: "frames between guests of two hosts of which one alone has changed, where it is the same segment",
      ...NO_PLACE,
      text: `${named("come")} in place of ${named("gone")}: a segment is in two parts until all its hosts have changed. Bring them right after each other.`,
    },
  ];
};

const goneHosts: Judge = (changes) => {
  const gone = changes.filter(({ before, after }) => before.units.length > 0 && after.units.length === 0);
  return gone.map(({ host, before }) => ({
    kind: "host-gone",
    hosts: [host],
    interrupts: undefined,
    ...NO_PLACE,
    text: `${host} is in the topology no more, and nothing tells it: when nobody needs it any more, there "systemctl disable --now ${before.units.filter((unit) => OWN.test(unit)).join(" ")}".`,
  }));
};

/** Those that a host has on both sides. */
const tunnelsOf = ({ host, before, after }: Change): readonly Tunnel[] =>
  tunnelLinksOf(after)
    .map((link) => ({ host, link, path: `etc/wireguard/${link}.conf` }))
    .filter(({ path }) => before.files.has(path))
    .map(({ path, ...tunnel }) => ({ ...tunnel, before: textAt(before, path), after: textAt(after, path) }));

const JUDGES: readonly Judge[] = Object.freeze([...tunnelJudges, mtus, asNumbers, segments, goneHosts]);

/** All that there is to be said of the changes of a network's hosts. */
export function cautionsOf(changes: readonly Change[]): readonly Caution[] {
  const tunnels = changes.flatMap(tunnelsOf);
  return JUDGES.flatMap((judge) => judge(changes, tunnels));
}
