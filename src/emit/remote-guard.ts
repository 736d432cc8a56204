/** On a host that leads to a remote: what is for it leaves by the way there, and by no default route. */
import { familyOf } from "../base/ip.ts";
import { nftFamily, oneOf, quotedName, type Section } from "./nft-words.ts";
import { print } from "./shared.ts";

/** What is for a remote and goes elsewhere, and what has a guest's address where that is to be hidden. */
export const remoteSection: Section = ({ egress, interfaces, snat }, context) => {
  const remotes = (egress?.remotes ?? []).flatMap(({ prefixes, own }) =>
    own === undefined ? [] : [{ prefixes, own }],
  );
  if (remotes.length === 0) return undefined;
  const astray = remotes.flatMap(({ prefixes, own }) => {
    const ways = oneOf(
      [...new Set([...interfaces.map(({ name }) => name), own.interface])].map((name) => quotedName({ name })),
    );
    return prefixes.map((prefix) => `${nftFamily(familyOf(prefix))} daddr ${prefix} oifname != ${ways}`);
  });
  const masked = snat.flatMap(({ prefix, to, uplink }) => {
    const family = nftFamily(familyOf(prefix));
    return to === undefined ? [] : [`${family} saddr ${prefix} ${family} daddr ${to} oifname "${uplink}"`];
  });
  return print(context, {
    template: "nftables/remotes.nft.njk",
    view: { astray, hasMasked: masked.length > 0, masked },
  });
};
