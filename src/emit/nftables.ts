/**
 * The host's part of the firewall: TCP segments that fit the tunnels, VXLAN and BGP by the tunnel only, source NAT.
 * Two tables of netgen's own and one of the user's lines, and the units that load them. A rule of ours can drop and
 * rewrite; it cannot let through what another program's table drops.
 */
import { familyOf, type IpPrefix } from "../base/ip.ts";
import { tcpMss } from "../base/mtu.ts";
import { sortedBy } from "../base/text.ts";
import type { VxlanDevice } from "../model/device.ts";
import { type Host, isProxmox } from "../model/host.ts";
import { vrfLinks } from "../model/vrf-links.ts";
import { RELOAD_UNITS, reload, restart } from "./after.ts";
import { containerNatSection } from "./container-nat.ts";
import { type EmitContext, type Emitter, ownPath, ownUnit } from "./context.ts";
import { cutSection } from "./cut.ts";
import { entranceSection } from "./entrance-guard.ts";
import { exitSection } from "./exit-guard.ts";
import { extraChains } from "./extra-chains.ts";
import type { OutputFile } from "./file.ts";
import { fragmentsSection, guardSection, setsSection, transitSection, untrackedSection } from "./guard.ts";
import {
  forwardedFamilies,
  nftFamily,
  oneOf,
  quotedName,
  type Section,
  sortedNumbers,
  subnetLink,
} from "./nft-words.ts";
import { type PrintedFile, publicFile, scriptFile } from "./print.ts";
import { remoteSection } from "./remote-guard.ts";
import { withAllLinks } from "./sdn.ts";
import { print } from "./shared.ts";
import type { View } from "./template.ts";
import { vrfSection } from "./vrf-guard.ts";

// By what follows the name of netgen's own: a template has its own without a fleet's number.
const UNIT = "nftables.service";
const EXTRA_UNIT = "nftables-extra.service";
const WATCH = "nftables-watch.service";
const TIMER = "nftables-watch.timer";

/**
 * Interfaces that carry less than Ethernet's 1500 bytes: the tunnels, and the bridges of stretched segments. What enters
 * by a bridge of a VRF has entered by the VRF's device, as far as nft is told, and what leaves by it leaves by the bridge.
 */
function smallLinks(host: Host): readonly string[] {
  if (forwardedFamilies(host).length === 0) return [];
  const bridges = host.bridges.filter(({ mtu }) => mtu !== undefined).map(subnetLink);
  const ofVrfs = host.vrfs.flatMap(({ name, bridge }) => [{ name }, { name: bridge }]);
  return [...host.interfaces, ...bridges, ...ofVrfs].map(quotedName);
}

/** What enters a VRF by its small links, held to the smallest of them: an answer may leave by another one than it came by. */
function vrfClamps(host: Host): readonly View[] {
  return host.vrfs.map((vrf) => {
    const small = vrfLinks(host, vrf);
    const mtu = Math.min(...small.map((each) => each.mtu));
    return {
      name: vrf.name,
      mtu: String(mtu),
      links: oneOf(small.map(({ link }) => quotedName({ name: link })).sort()),
      mss4: String(tcpMss(mtu, 4)),
      mss6: String(tcpMss(mtu, 6)),
    };
  });
}

/** What leaves a device in one packet: TCP is spared being cut up. */
const wholeMtu = ({ mtu, cut }: VxlanDevice): number => cut?.wholeMtu ?? mtu;

/** Segment sizes for what a bridge forwards through a VXLAN device; devices of equal MTU share their rules. */
function bridgeClamps(vxlans: readonly VxlanDevice[]): readonly View[] {
  return sortedNumbers(vxlans.map(wholeMtu)).map((mtu) => {
    const devices = sortedBy(
      vxlans.filter((vxlan) => wholeMtu(vxlan) === mtu),
      (vxlan) => vxlan.name,
    );
    return {
      mtu: String(mtu),
      devices: oneOf(devices.map(quotedName)),
      mss4: String(tcpMss(mtu, 4)),
      mss6: String(tcpMss(mtu, 6)),
    };
  });
}

/** Packets from one prefix, to another or wherever they go. */
function matchOf(prefix: IpPrefix, to: IpPrefix | undefined): string {
  const family = nftFamily(familyOf(prefix));
  return `${family} saddr ${prefix}${to === undefined ? "" : ` ${family} daddr ${to}`}`;
}

function sourceNat(host: Host): readonly View[] {
  return host.snat.map(({ prefix, to, uplink }) => ({ match: matchOf(prefix, to), uplink: `"${uplink}"` }));
}

const clampSection: Section = (own, context) => {
  const host = withAllLinks(own, context);
  const links = smallLinks(host);
  if (links.length === 0) return undefined;
  return print(context, {
    template: "nftables/clamp.nft.njk",
    view: { links: oneOf(links), vrfs: vrfClamps(host), hasVrfs: host.vrfs.length > 0 },
  });
};

const sourceNatSection: Section = (host, context) => {
  const snat = sourceNat(host);
  return snat.length === 0 ? undefined : print(context, { template: "nftables/source-nat.nft.njk", view: { snat } });
};

/** Proxmox's firewall puts a bridge of its own, fwbr…, between a guest and the one that routes for it. */
const zoneSection: Section = (host, context) => {
  if (!isProxmox(host.platform) || host.snat.length === 0) return undefined;
  return print(context, { template: "nftables/zone.nft.njk", view: {} });
};

/** Spanning tree stays on its side. */
const bpduSection: Section = (host, context) => {
  const { vxlans } = withAllLinks(host, context);
  if (vxlans.length === 0) return undefined;
  const devices = oneOf(sortedBy(vxlans, ({ name }) => name).map(quotedName));
  return print(context, { template: "nftables/bpdu.nft.njk", view: { devices } });
};

/** What a router that every member is says to guests stays on its side as well. */
const advertisementsSection: Section = (host, context) => {
  const { vxlans, bridges } = withAllLinks(host, context);
  const everywhere = bridges.filter(
    ({ isSharedGateway, advertisement }) => isSharedGateway && advertisement !== undefined,
  );
  const subnets = new Set(everywhere.map(({ subnet }) => subnet));
  const devices = sortedBy(vxlans, ({ name }) => name).filter(({ segment }) => subnets.has(segment));
  if (devices.length === 0) return undefined;
  return print(context, {
    template: "nftables/advertisements.nft.njk",
    view: { devices: oneOf(devices.map(quotedName)) },
  });
};

const bridgeSection: Section = (host, context) => {
  const clamps = bridgeClamps(withAllLinks(host, context).vxlans);
  if (clamps.length === 0) return undefined;
  return print(context, { template: "nftables/bridge-clamp.nft.njk", view: { clamps } });
};

/** In the order of the file: a set stands before the chains that ask it. */
const SECTIONS: Readonly<Record<"inet" | "bridge", readonly Section[]>> = Object.freeze({
  inet: [
    clampSection,
    setsSection,
    guardSection,
    transitSection,
    untrackedSection,
    fragmentsSection,
    cutSection,
    entranceSection,
    exitSection,
    remoteSection,
    vrfSection,
    containerNatSection,
    sourceNatSection,
    zoneSection,
  ],
  bridge: [bridgeSection, bpduSection, advertisementsSection],
});

/** What the host has of each of netgen's own tables, by its family; none where it has no such table. */
export function tableTexts(host: Host, context: EmitContext): ReadonlyMap<string, readonly Uint8Array[]> {
  const all = Object.entries(SECTIONS).map(([family, sections]) => {
    const texts = sections.map((section) => section(host, context)).filter((text) => text !== undefined);
    return [family, texts] as const;
  });
  return new Map(all.filter(([, texts]) => texts.length > 0));
}

/** A file that its unit loads before the network comes up. */
interface Ruleset {
  readonly name: string;
  readonly unit: string;
  readonly view: View;
  /** After what the template prints. */
  readonly text: readonly Uint8Array[];
}

/** What this host loads: netgen's own, and lines of the user's in a file and a table of their own. */
function rulesetsOf(host: Host, context: EmitContext): readonly Ruleset[] {
  const text = [...tableTexts(host, context).values()].flat();
  const chains = extraChains(host);
  const own = { name: "netgen.nft", unit: UNIT, view: {}, text };
  const users = { name: "extra.nft", unit: EXTRA_UNIT, view: { chains }, text: [] };
  return [...(text.length > 0 ? [own] : []), ...(chains.length > 0 ? [users] : [])];
}

/** Units to enable on this host; none where it needs no rules. */
export function nftablesUnits(host: Host, context: EmitContext): readonly string[] {
  const units = rulesetsOf(host, context).map(({ unit }) => unit);
  return units.length > 0 ? [...units, TIMER].map((unit) => ownUnit(context, unit)) : [];
}

/** A ruleset, and the unit that loads it. */
function loaded(host: Host, context: EmitContext, { name, unit, view, text }: Ruleset): readonly OutputFile[] {
  const own = ownUnit(context, unit);
  const opening = { path: ownPath(context, name), template: `nftables/${name}.njk`, after: [reload(own)] };
  const path = `etc/systemd/system/${own}`;
  const after = [RELOAD_UNITS, reload(own)];
  const file = publicFile(host, context, { ...opening, view });
  return [
    { ...file, content: [...file.content, ...text] },
    publicFile(host, context, { path, template: `nftables/netgen-${unit}.njk`, view: {}, after }),
  ];
}

/** Others flush every table, netgen's with theirs: nftables.service, after which they are loaded again, or a hand. */
function watched(host: Host, context: EmitContext): readonly OutputFile[] {
  const script = { path: ownPath(context, "nft-watch"), template: "nftables/nft-watch.njk", view: {}, after: [] };
  const unit = (path: string, template: string, after: readonly string[] = []): PrintedFile => ({
    path: `etc/systemd/system/${path}`,
    template: `nftables/${template}.njk`,
    view: {},
    after: [RELOAD_UNITS, ...after],
  });
  const units = [
    unit(`nftables.service.d/10-netgen${context.fleet}.conf`, "nftables.conf"),
    unit(ownUnit(context, WATCH), `netgen-${WATCH}`),
    unit(ownUnit(context, TIMER), `netgen-${TIMER}`, [restart(ownUnit(context, TIMER))]),
  ];
  return [scriptFile(host, context, script), ...units.map((each) => publicFile(host, context, each))];
}

/** The rulesets, the units that load them, and what keeps them loaded. */
export const emitNftables: Emitter = (host, context) => {
  const rulesets = rulesetsOf(host, context);
  if (rulesets.length === 0) return [];
  return [...rulesets.flatMap((each) => loaded(host, context, each)), ...watched(host, context)];
};
