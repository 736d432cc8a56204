/** What the network of a cloud is told, so that the LAN of a site has its ways into the overlay: a program, and Terraform's form. */
import { hash } from "node:crypto";
import { must } from "../base/invariant.ts";
import { containsPrefix, familyOf, type IpPrefix, isMoreSpecific, prefixesWithout } from "../base/ip.ts";
import { listInWords } from "../base/text.ts";
import type { OutputFile } from "../emit/file.ts";
import type { Network, Site, SiteRoute } from "../model/network.ts";
import { cloudParts } from "./cloud.generated.ts";
import { CLOUDS, type Cloud, type CloudName, type CloudRoute, reference } from "./clouds.ts";
import { plainFile } from "./tar.ts";

/** What one site's cloud is told, or why not; and what there is to say of it. */
export interface SiteTable {
  readonly routes: readonly CloudRoute[];
  readonly refusals: readonly string[];
  readonly notes: readonly string[];
}

// ── Which routes ────────────────────────────────────────────────────────────────────────────────────────────────────

/** What leads where the narrowest one around it leads says nothing. */
function telling(routes: readonly SiteRoute[]): readonly SiteRoute[] {
  return routes.filter(({ prefix, host }) => {
    const around = routes.filter((other) => isMoreSpecific(prefix, other.prefix));
    const narrowest = around.reduce<SiteRoute | undefined>(
      (least, each) => (least && isMoreSpecific(least.prefix, each.prefix) ? least : each),
      undefined,
    );
    return narrowest?.host !== host;
  });
}

/** The same without one inside another: what is left around it instead. */
const apart = (routes: readonly SiteRoute[]): readonly SiteRoute[] =>
  routes.flatMap(({ prefix, host }) => {
    const inner = routes.map((other) => other.prefix).filter((other) => isMoreSpecific(other, prefix));
    return prefixesWithout([prefix], inner).map((piece): SiteRoute => ({ prefix: piece, host }));
  });

/** Legal with every provider, and of no other route in the same account, whatever two topologies have in common. */
const nameOf = (network: string, site: string, prefix: IpPrefix): string =>
  `netgen-${prefix.replace(/[^0-9a-f]/g, "-")}-${hash("sha256", `${network} ${site} ${prefix}`).slice(0, 8)}`;

function toRoute({ prefix, host }: SiteRoute, network: Network, site: Site): CloudRoute {
  const { reach } = must(
    network.hosts.find(({ name }) => name === host),
    "a route leads to a host",
  );
  const address = reach.lanEndpoint?.kind === "address" ? reach.lanEndpoint.address : "";
  return { prefix, family: familyOf(prefix), host, address, name: nameOf(network.name, site.name, prefix) };
}

/** Whether a provider has a way to say it at all; that the host has no address there is a mistake, see below. */
function isSaid({ family, address }: CloudRoute, { families, leadsTo }: Cloud): boolean {
  const isOfAddress = leadsTo === "interface" || address === "" || address.includes(":") === (family === 6);
  return families.includes(family) && isOfAddress;
}

/** What about the site itself a cloud cannot do. */
function siteRefusals({ name: site, lanRouter }: Site, network: Network, { title, hasNeighbours }: Cloud) {
  const own = network.hosts.filter(({ reach }) => reach.site === site);
  const shared = own.find(({ vrrp }) => vrrp !== undefined)?.vrrp?.address.address;
  const outsiders = own.filter(({ interfaces, app }) => interfaces.length === 0 && app === undefined);
  const isRouted = hasNeighbours || lanRouter !== undefined || outsiders.length === 0;
  return [
    ...(shared === undefined
      ? []
      : [
          `the gateways of ${site} share ${shared} by VRRP, and in a cloud no address moves: take vrrp out, and have BGP`,
        ]),
    ...(isRouted
      ? []
      : [
          `${title} routes between hosts that are no neighbours, and ${listInWords(outsiders.map(({ name }) => name))} would send to the ` +
            `gateway's address: write under sites.${site} its router, such as "lanRouter: 10.0.0.1"`,
        ]),
  ];
}

function routeRefusals(routes: readonly CloudRoute[], { title, leadsTo, refusal }: Cloud): readonly string[] {
  const homeless = new Set(
    routes.filter(({ address }) => leadsTo === "address" && address === "").map((each) => each.host),
  );
  return [
    ...[...homeless].map(
      (host) => `${host} has no lanEndpoint that is an address, and ${title} is told one to send to`,
    ),
    ...routes.flatMap(({ prefix }) => {
      const why = refusal(prefix);
      return why === undefined ? [] : [`${title} takes no route to ${prefix}: ${why}`];
    }),
  ];
}

/** What a table takes. */
function limitOf(count: number, { title, table, limit: { usual, most } }: Cloud) {
  const text = `${count} routes, and ${table} of ${title}`;
  if (most !== undefined && count > most) {
    return { refusals: [`${text} takes ${most}: let prefixes be parts of fewer and larger ones`], notes: [] };
  }
  return { refusals: [], notes: count > usual ? [`${text} takes ${usual} unless more are asked for`] : [] };
}

/** What a site's cloud is told. */
export function siteTable(network: Network, site: Site, name: CloudName): SiteTable {
  const cloud: Cloud = CLOUDS[name];
  const told = telling(site.routes);
  const all = (cloud.takesNested ? told : apart(told)).map((route) => toRoute(route, network, site));
  const routes = all.filter((route) => isSaid(route, cloud));
  const left = told.filter(({ prefix }) => !routes.some((route) => containsPrefix(prefix, route.prefix)));
  const limit = limitOf(routes.length, cloud);
  const [first, ...others] = site.gateways;
  const refusals = [...siteRefusals(site, network, cloud), ...routeRefusals(routes, cloud), ...limit.refusals];
  const notes = [
    ...limit.notes,
    ...(others.length === 0
      ? []
      : [`all is sent to ${first}; should it be lost, to ${listInWords(others, "or")} by hand`]),
    ...(left.length === 0
      ? []
      : [
          `left out, as ${cloud.title} has no such route to the hosts' addresses: ${listInWords(left.map(({ prefix }) => prefix))}`,
        ]),
  ];
  return { routes, refusals: routes.length === 0 ? [...refusals, "nothing is left to be routed"] : refusals, notes };
}

// ── As files ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** As Terraform reads it in JSON, where "${" and "%{" begin what is worked out. */
export const literal = (text: string): string => text.replace(/([$%])\{/g, "$1$1{");

const hostsOf = (routes: readonly CloudRoute[]): readonly CloudRoute[] => [
  ...new Map(routes.map((route) => [route.host, route])).values(),
];

function program(site: Site, name: CloudName, { routes, by }: { routes: readonly CloudRoute[]; by: string }) {
  const { needsInterfaces }: Cloud = CLOUDS[name];
  const hosts = hostsOf(routes);
  const lines = [
    ...(needsInterfaces ? [`needs ${hosts.map(({ host }) => host).join(" ")}`] : []),
    ...hosts.map(({ host, address }) => `lets_forward ${host} ${address}`.trimEnd()),
    ...routes.map((route) => `route ${route.prefix} ${route.host} ${route.address || "-"} ${route.name}`),
  ];
  const head = `#!/bin/bash\n# ${by}; changes belong in the topology.\n`;
  const text = `${head}${cloudParts[name]}${cloudParts["routes-apply"]}${lines.join("\n")}\n`;
  return plainFile(`${site.name}/routes-apply`, 0o755, text);
}

/** Names of Terraform's begin with a letter, and have no dots, colons and slashes. */
const labelOf = ({ prefix }: CloudRoute): string => `to_${prefix.replace(/[.:/]/g, "_")}`;

function terraform(site: Site, name: CloudName, { routes, by }: { routes: readonly CloudRoute[]; by: string }) {
  const { forwarding, terraform: words }: Cloud = CLOUDS[name];
  const [provider, source, version] = words.provider;
  const each = words.each === undefined ? {} : { for_each: reference(`var.${words.each}`) };
  const plain = (route: CloudRoute): CloudRoute => ({
    ...route,
    host: literal(route.host),
    address: literal(route.address),
  });
  const resources = routes.map((route) => [labelOf(route), { ...each, ...words.argumentsOf(plain(route)) }] as const);
  const config = {
    "//": `${by}. The provider's account is yours, in another file. ${forwarding}.`,
    terraform: { required_providers: { [provider]: { source, version } } },
    variable: words.variables,
    resource: { [words.resource]: Object.fromEntries(resources) },
  };
  return plainFile(`${site.name}/terraform/main.tf.json`, 0o644, `${JSON.stringify(config, null, 2)}\n`);
}

/** The files of one site, which its table is not refused of. */
export function cloudFiles(network: Network, site: Site, name: CloudName): readonly OutputFile[] {
  const { routes } = siteTable(network, site, name);
  const by = `Written by netgen cloud-routes from ${network.name} for ${site.name} in ${CLOUDS[name].title}`;
  return [program(site, name, { routes, by }), terraform(site, name, { routes, by })];
}
