/**
 * The host's part of the firewall: TCP segments that fit the tunnels, VXLAN and BGP by the tunnel only, source NAT.
 * Two tables of netgen's own, and the unit that loads them. A rule of ours can drop and rewrite; it cannot let through
 * what another program's table drops.
 */
import { familyOf } from "../base/ip.ts";
import { tcpMss } from "../base/mtu.ts";
import { sortedBy } from "../base/text.ts";
import type { VxlanDevice } from "../model/device.ts";
import type { Host } from "../model/host.ts";
import { RELOAD_UNITS, reload } from "./after.ts";
import type { EmitContext, Emitter } from "./context.ts";
import { guardSection, setsSection, transitSection } from "./guard.ts";
import { forwardedFamilies, nftFamily, oneOf, quotedName, type Section, sortedNumbers } from "./nft-words.ts";
import { type PrintedFile, publicFile } from "./print.ts";
import { print } from "./shared.ts";
import type { View } from "./template.ts";
import { vrfSection } from "./vrf-guard.ts";

const UNIT = "netgen-nftables.service";

/**
 * Interfaces that carry less than Ethernet's 1500 bytes: the tunnels, and the bridges of stretched segments. What enters
 * by a bridge of a VRF has entered by the VRF's device, as far as nft is told, and what leaves by it leaves by the bridge.
 */
function smallLinks(host: Host): readonly string[] {
  if (forwardedFamilies(host).length === 0) return [];
  const stretched = new Set(host.vxlans.map((vxlan) => vxlan.bridge));
  const bridges = host.bridges.filter((bridge) => bridge.mtu !== undefined || stretched.has(bridge.name));
  const ofVrfs = host.vrfs.flatMap(({ name, bridge }) => [{ name }, { name: bridge }]);
  return [...host.interfaces, ...bridges, ...ofVrfs].map(quotedName);
}

/** What enters a VRF by its small links, held to the smallest of them: an answer may leave by another one than it came by. */
function vrfClamps({ vrfs, bridges, vxlans }: Host): readonly View[] {
  return vrfs.map((vrf) => {
    const own = new Set([vrf.bridge, ...bridges.filter((each) => each.vrf === vrf.name).map(({ name }) => name)]);
    const devices = [vrf.vxlan, ...vxlans].filter(({ bridge }) => own.has(bridge));
    const mtu = Math.min(...devices.map((device) => device.mtu));
    return {
      name: vrf.name,
      mtu: String(mtu),
      links: oneOf(devices.map(({ bridge }) => quotedName({ name: bridge })).sort()),
      mss4: String(tcpMss(mtu, 4)),
      mss6: String(tcpMss(mtu, 6)),
    };
  });
}

/** Segment sizes for what a bridge forwards through a VXLAN device; devices of equal MTU share their rules. */
function bridgeClamps(vxlans: readonly VxlanDevice[]): readonly View[] {
  return sortedNumbers(vxlans.map((vxlan) => vxlan.mtu)).map((mtu) => {
    const devices = sortedBy(
      vxlans.filter((vxlan) => vxlan.mtu === mtu),
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

function sourceNat(host: Host): readonly View[] {
  return host.snat.map(({ prefix, uplink }) => ({
    family: nftFamily(familyOf(prefix)),
    prefix,
    uplink: `"${uplink}"`,
  }));
}

const clampSection: Section = (host, context) => {
  const links = smallLinks(host);
  if (links.length === 0) return undefined;
  return print(context, {
    template: "nftables/clamp.nft.njk",
    view: { links: oneOf(links), vrfs: vrfClamps(host), hasVrfs: host.vrfs.length > 0 },
  });
};

const extraSection: Section = (host, context) => {
  const extra = host.extra.nftables;
  return extra.length === 0 ? undefined : print(context, { template: "nftables/extra.nft.njk", view: { extra } });
};

const sourceNatSection: Section = (host, context) => {
  const snat = sourceNat(host);
  return snat.length === 0 ? undefined : print(context, { template: "nftables/source-nat.nft.njk", view: { snat } });
};

const bridgeSection: Section = (host, context) => {
  const clamps = bridgeClamps(host.vxlans);
  if (clamps.length === 0) return undefined;
  return print(context, { template: "nftables/bridge-clamp.nft.njk", view: { clamps } });
};

/** In the order of the file: a set stands before the chains that ask it. */
const sections: readonly Section[] = Object.freeze([
  clampSection,
  extraSection,
  setsSection,
  guardSection,
  transitSection,
  vrfSection,
  sourceNatSection,
  bridgeSection,
]);

function sectionsOf(host: Host, context: EmitContext): readonly Uint8Array[] {
  return sections.map((section) => section(host, context)).filter((text) => text !== undefined);
}

/** Units to enable on this host; none where it needs no rules. */
export function nftablesUnits(host: Host, context: EmitContext): readonly string[] {
  return sections.some((section) => section(host, context) !== undefined) ? [UNIT] : [];
}

/** The ruleset, and the unit that loads it before the network comes up. */
export const emitNftables: Emitter = (host, context) => {
  const text = sectionsOf(host, context);
  if (text.length === 0) return [];
  const opening = { path: "etc/netgen/netgen.nft", template: "nftables/netgen.nft.njk", after: [reload(UNIT)] };
  const path = `etc/systemd/system/${UNIT}`;
  const unit: PrintedFile = { path, template: `nftables/${UNIT}.njk`, view: {}, after: [RELOAD_UNITS, reload(UNIT)] };
  const ruleset = publicFile(host, context, { ...opening, view: {} });
  return [{ ...ruleset, content: [...ruleset.content, ...text] }, publicFile(host, context, unit)];
};
