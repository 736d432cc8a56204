/** The part of FRR's configuration that is about VRFs: their routes as type-5, and whose default counts. */
import { EVERYTHING, familyOf, type IpFamily } from "../base/ip.ts";
import type { Host } from "../model/host.ts";
import type { RouteTargets } from "../model/segment.ts";
import type { VrfInstance } from "../model/vrf.ts";
import { ANNOUNCED_METRIC } from "./exits.ts";
import { otherFamilies } from "./frr-extra.ts";
import { entryNumber } from "./frr-lists.ts";
import { peersOfFamily, sessionsView } from "./frr-peers.ts";

/** Policy for what comes from other hosts. In capitals like all names of netgen's own in FRR, as no VRF is called so. */
const IMPORT_MAP = "EXITS";

const exitMap = ({ name }: VrfInstance, family: IpFamily): string => `EXIT${family}-${name}`;

/** FRR's words for a family: of an address-family, and of a match in a route-map. */
const WORDS = { 4: { name: "ipv4", ip: "ip" }, 6: { name: "ipv6", ip: "ipv6" } } as const;

export const hasTargets = ({ imports, exports }: RouteTargets): boolean => imports.length + exports.length > 0;

function familyView(vrf: VrfInstance, family: IpFamily) {
  return {
    name: WORDS[family].name,
    lines: vrf.extra[WORDS[family].name],
    peers: peersOfFamily(vrf.peers, family),
    behind: vrf.behind.filter((prefix) => familyOf(prefix) === family),
    anchors: vrf.anchors.filter((prefix) => familyOf(prefix) === family),
    isExit: vrf.exit?.families.includes(family) ?? false,
    map: exitMap(vrf, family),
  };
}

/** Of what an exit announces; in strict order its list of prefixes is its own. */
function exitView(vrf: VrfInstance, family: IpFamily) {
  const map = exitMap(vrf, family);
  const partBits = vrf.exit?.partBits ?? 0;
  return {
    map,
    ip: WORDS[family].ip,
    hasParts: partBits > 0,
    list: partBits > 0 ? map : "DEFAULT",
    everything: EVERYTHING[family],
    partBits: String(partBits),
  };
}

function vrfView(vrf: VrfInstance) {
  return {
    name: vrf.name,
    vni: String(vrf.vni),
    isExit: vrf.exit !== undefined,
    tag: vrf.exit?.tag ?? "",
    hasAnchors: vrf.anchors.length > 0,
    anchors: vrf.anchors.map((prefix) => ({ ip: WORDS[familyOf(prefix)].ip, prefix })),
    families: vrf.families.map((family) => familyView(vrf, family)),
    ...sessionsView(vrf.peers),
    ...vrf.routeTargets,
    hasTargets: hasTargets(vrf.routeTargets),
    lines: vrf.extra.vrf,
    bgpLines: vrf.extra.bgp,
    evpnLines: vrf.extra.evpn,
    otherFamilies: otherFamilies(vrf.extra, ["evpn", ...vrf.families.map((family) => WORDS[family].name)]),
    exitFamilies: (vrf.exit?.families ?? []).map((family) => exitView(vrf, family)),
  };
}

/** A route-map's entries are numbered; gaps are for those who add their own. */
const SEQUENCE_STEP = 10;

function knownExits({ vrfs }: Host) {
  const exits = vrfs.flatMap(({ name, otherExits }) =>
    otherExits.map(({ host, tag, preference }) => ({
      list: `${name}-${host}`,
      number: entryNumber(tag),
      tag,
      preference: String(preference),
    })),
  );
  return exits.map((exit, index) => ({ ...exit, sequence: String(SEQUENCE_STEP * (index + 1)) }));
}

/** What the templates of a host's VRFs show; empty lists where it has none. */
export function vrfsView(host: Host) {
  const known = knownExits(host);
  return {
    vrfs: host.vrfs.map(vrfView),
    hasPlainExits: host.vrfs.some((vrf) => vrf.exit?.partBits === 0),
    exitMetric: ANNOUNCED_METRIC,
    knownExits: known,
    hasKnownExits: known.length > 0,
    importMap: IMPORT_MAP,
  };
}
