/** The guard between VRFs, and between a VRF and its host: what enters by one stays in it, or leaves by its exit. */
import { FAMILIES, familyOf, type IpFamily, type IpPrefix } from "../base/ip.ts";
import type { Host } from "../model/host.ts";
import { takenFrom } from "../model/peer.ts";
import type { VrfInstance } from "../model/vrf.ts";
import { nftFamily, oneOf, quotedName, type Section } from "./nft-words.ts";
import { print } from "./shared.ts";
import type { View } from "./template.ts";

/** Where packets of a VRF may go: to its guests, to its other hosts, and out. */
function waysOf({ name, bridge, exit }: VrfInstance, { bridges }: Host): readonly string[] {
  const guests = bridges.filter((each) => each.vrf === name).map(({ link }) => link);
  const exits = exit === undefined ? [] : [exit.interface];
  return [...guests, bridge, ...exits].map((each) => quotedName({ name: each }));
}

/** What comes in by an exit: replies, where its guests hide behind it; else whatever does not pose as one of them. */
function entrancesOf({ name, prefixes, exit }: VrfInstance): readonly View[] {
  if (exit === undefined) return [];
  const guests = prefixes.map((prefix) => `${nftFamily(familyOf(prefix))} saddr ${prefix}`);
  return [
    {
      device: quotedName({ name }),
      interface: quotedName({ name: exit.interface }),
      hasSnat: exit.hasSnat,
      guests: exit.hasSnat ? [] : guests,
    },
  ];
}

const inFamily = (prefixes: readonly IpPrefix[], family: IpFamily): readonly IpPrefix[] =>
  prefixes.filter((prefix) => familyOf(prefix) === family);

/** What goes from a VRF to another of the same host: from the one's addresses to the other's, and nothing else. */
function leaksOf({ prefixes, leaks }: VrfInstance): readonly View[] {
  const lines = leaks.flatMap(({ vrf, prefixes: others }) =>
    FAMILIES.flatMap((family): readonly View[] => {
      const [from, to] = [inFamily(prefixes, family), inFamily(others, family)];
      if (from.length === 0 || to.length === 0) return [];
      return [{ device: quotedName({ name: vrf }), family: nftFamily(family), from: oneOf(from), to: oneOf(to) }];
    }),
  );
  return lines.map((line, index) => ({ ...line, isFirst: index === 0 }));
}

/** What of a VRF is let in to the host itself: from the VRF's addresses to the host's own. */
function localsOf({ name, prefixes, ownAddresses }: VrfInstance): readonly View[] {
  return ownAddresses.flatMap(({ address }): readonly View[] => {
    const family = familyOf(address);
    const from = inFamily(prefixes, family);
    if (from.length === 0) return [];
    return [{ device: quotedName({ name }), family: nftFamily(family), from: oneOf(from), to: address }];
  });
}

/** The chains that keep VRFs apart. */
export const vrfSection: Section = (host, context) => {
  const { vrfs } = host;
  if (vrfs.length === 0) return undefined;
  const locals = vrfs.flatMap(localsOf);
  const view = {
    vrfs: vrfs.map((vrf) => ({
      device: quotedName(vrf),
      ways: oneOf(waysOf(vrf, host)),
      leaks: leaksOf(vrf),
      behind: [...vrf.behind, ...takenFrom(vrf.peers)].map((prefix) => ({
        family: nftFamily(familyOf(prefix)),
        prefix,
      })),
    })),
    entrances: vrfs.flatMap(entrancesOf),
    devices: oneOf(vrfs.map(quotedName)),
    hasLocals: locals.length > 0,
    locals,
  };
  return print(context, { template: "nftables/vrfs.nft.njk", view });
};
