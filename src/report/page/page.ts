/** The report: one HTML file with all that it needs in it, for a browser that fetches nothing. */
import type { Diagnostic } from "../../base/diagnostic.ts";
import { grouped } from "../../base/grouped.ts";
import type { Located } from "../../base/render.ts";
import type { Source } from "../../base/source.ts";
import type { Network } from "../../model/network.ts";
import type { Each } from "../../ways/each.ts";
import { pageScript, pageScriptHash, pageStyle } from "../assets.generated.ts";
import { counted, type Diagram, diagramOf, MAX_DETAILED_HOSTS, mtuInWords } from "../draw/diagram.ts";
import { endsOutside, KIND_IN_WORDS } from "../draw/layers.ts";
import { colourOf, drawWithin } from "../draw/svg.ts";
import { type Markup, markup, ownMarkup, type Piece } from "../markup.ts";
import { reportMtu } from "../mtu.ts";
import { fileData, type HostFile } from "./files.ts";
import { hostPart } from "./host.ts";
import { lossesPart, lossOfHosts } from "./losses.ts";
import { type Measured, measuredPart } from "./measured.ts";
import { mtuProof } from "./mtu-proof.ts";
import { overlays } from "./overlays.ts";
import { anchorOf } from "./parts.ts";
import { type PlanInWords, planPart } from "./plan.ts";
import { diagnosticItem, said } from "./said.ts";

/** How the page begins, by which it is known for one of netgen's. */
export const PAGE_START = "<!DOCTYPE html>\n<!-- netgen report -->\n";

/** What a report is made of. */
export interface ReportInput {
  readonly network: Network;
  readonly source: Source;
  /** Warnings and notes. */
  readonly diagnostics: readonly Diagnostic[];
  /** Sorted by host and path; with or without texts, all of them alike. */
  readonly files: readonly HostFile[];
  /** What a lab measured of it; left out: there is no such section. */
  readonly measured?: Measured;
  /** What the loss of each host, site and tunnel does; of none: it is not said. */
  readonly losses: Each;
  /** What a roll-out of it would do; left out: it is not said. */
  readonly plan?: PlanInWords;
}

/** Only what stands in the page itself may run or colour it, and nothing is fetched. */
const POLICY = `default-src 'none'; style-src 'unsafe-inline'; script-src '${pageScriptHash}'; base-uri 'none'; form-action 'none'`;

/** Shows what belongs to a layer while its box is ticked, also where no script runs. */
function layerStyle({ layers }: Diagram): string {
  const rules = layers.map(
    (_, index) =>
      `body:has(#layer-${index}:checked) .layer-${index}{display:inline}` +
      `body:has(#layer-${index}:checked) .in-${index}>rect{stroke:var(--${colourOf(index)});stroke-width:2.5}`,
  );
  return rules.join("");
}

function switches({ layers }: Diagram): Markup {
  return markup`<fieldset class="layers"><legend>Show</legend>
<label><input type="checkbox" id="tunnels" checked> tunnels</label>
${layers.map(
  (layer, index) =>
    markup`<label title="${layer.detail}"><input type="checkbox" id="layer-${index}"${endsOutside(layer) && ownMarkup(" checked")}><span class="dot ${colourOf(index)}"></span> ${KIND_IN_WORDS[layer.kind]} ${layer.name}</label>\n`,
)}</fieldset>
`;
}

/** What the diagram shows, in words. */
function captionOf({ links }: Diagram): string {
  if (links.length === 0) return "No tunnels.";
  const mtus = links.map(({ mtu }) => mtu);
  const bounds = {
    smallestMtu: mtus.reduce((least, mtu) => Math.min(least, mtu)),
    largestMtu: mtus.reduce((most, mtu) => Math.max(most, mtu)),
  };
  return `${counted(links.length, "tunnel")} of ${mtuInWords(bounds)} bytes.`;
}

function section(id: string, title: string, content: Piece): Piece {
  const isEmpty = content === undefined || (Array.isArray(content) && content.every((piece) => piece === undefined));
  return isEmpty
    ? undefined
    : markup`<section id="${id}" aria-labelledby="of-${id}"><h2 id="of-${id}">${title}</h2>
${content}</section>
`;
}

const remarks = (all: readonly Located[]): Piece =>
  all.length === 0 ? undefined : markup`<ul class="said">${all.map(diagnosticItem)}</ul>`;

function header(network: Network, diagram: Diagram, sections: readonly (readonly [string, string])[]): Markup {
  const { hosts, sites, segments, vrfs } = network;
  const counts = [
    counted(hosts.length, "host"),
    ...(sites.length > 0 ? [counted(sites.length, "site")] : []),
    counted(diagram.links.length, "tunnel"),
    ...(segments.length > 0 ? [counted(segments.length, "segment")] : []),
    ...(vrfs.length > 0 ? [counted(vrfs.length, "VRF")] : []),
  ];
  return markup`<a class="skip" href="#hosts">Skip to the hosts</a>
<header><h1>${network.name}</h1><p>${counts.join(" · ")}</p></header>
<nav aria-label="Sections"><div>${sections.map(([id, title]) => markup`<a href="#${id}">${title}</a>\n`)}</div>
<div class="tools" hidden><output id="found" for="search"></output> <label for="search">Find</label> <input type="search" id="search" placeholder="name, address, site" autocomplete="off" spellcheck="false">
<button type="button" id="theme">Theme: auto</button></div></nav>
`;
}

/** The report as one page: the same bytes for the same input. */
export function renderPage({ network, source, diagnostics, files, losses, measured, plan }: ReportInput): string {
  const mtu = reportMtu(network);
  const diagram = diagramOf(network, mtu);
  const { all, ofHosts } = said(source, diagnostics, network.hosts);
  const known = {
    network,
    peers: new Map(network.peers.map((peer) => [peer.id, peer])),
    nodes: new Map(diagram.groups.flatMap(({ nodes }) => nodes).map((node) => [node.host, node])),
    files: grouped(files, ({ host }) => host),
    said: ofHosts,
    without: lossOfHosts(losses),
    plan,
  };
  const isListed = files.some(({ text }) => text === undefined);
  const figure = markup`${switches(diagram)}<figure><div class="scroll" tabindex="0" role="region" aria-label="Sites, hosts and tunnels">${drawWithin(diagram, (host) => `#${anchorOf(host)}`)}</div>
<figcaption>${captionOf(diagram)}</figcaption></figure>
`;
  const hostParts = markup`${isListed && markup`<noscript><p>The lists of files need JavaScript; manifest.json of a build has them as well.</p></noscript>\n`}${network.hosts.map((host) => hostPart(host, known))}`;
  const sections: readonly (readonly [string, string, Piece])[] = [
    ["diagram", "Diagram", figure],
    ["remarks", "Warnings and notes", remarks(all)],
    ["plan", "Roll-out", plan && planPart(plan, network.hosts.length > MAX_DETAILED_HOSTS)],
    ["measured", "What a lab measured", measured && measuredPart(measured)],
    ["overlays", "Segments and ways out", overlays(network)],
    ["mtu", "MTU", mtuProof(mtu)],
    ["losses", "Single points of failure", lossesPart(losses)],
    ["hosts", "Hosts", hostParts],
  ];
  const shown = sections.map(([id, title, content]) => ({ id, title, part: section(id, title, content) }));
  const titles = shown.filter(({ part }) => part !== undefined).map(({ id, title }) => [id, title] as const);
  const { text } = markup`<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${network.name}: netgen report</title>
<style>${ownMarkup(pageStyle)}${ownMarkup(layerStyle(diagram))}</style>
</head>
<body>
${header(network, diagram, titles)}<main>
${shown.map(({ part }) => part)}</main>
<footer><p>Made by netgen from the topology: what the files of a build bring about.</p></footer>
${isListed && fileData(files)}<script>${ownMarkup(pageScript)}</script>
</body>
</html>
`;
  return PAGE_START + text;
}
