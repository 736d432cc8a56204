/** What Ansible needs to bring every host its bundle: an inventory in the order of a roll-out, and files that are always the same. */
import { sortedBy } from "../base/text.ts";
import { fleetMark } from "../model/fleet.ts";
import type { Host } from "../model/host.ts";
import type { Network } from "../model/network.ts";
import type { Tree } from "../write/plan.ts";
import { ansibleFiles } from "./ansible.generated.ts";
import { bundleOf } from "./bundle.ts";
import { rolloutBatches } from "./order.ts";
import { plainFile } from "./tar.ts";

/** Where the topology and its keys are, from the directory that is written. */
export interface AnsiblePlaces {
  readonly topology: string;
  readonly keys: string;
}

type Values = Readonly<Record<string, string | boolean | readonly string[]>>;

interface Group {
  readonly name: string;
  readonly hosts: readonly (readonly [name: string, Values])[];
  readonly vars?: Values;
}

/** As groups have to be called, of letters, digits and `_`; no name in a topology has a capital. */
const siteGroup = (site: string): string => `netgen_site_${site.replaceAll("-", "_").replaceAll(".", "DOT")}`;

const namesOf = (hosts: readonly Host[]): Group["hosts"] => hosts.map(({ name }) => [name, {}]);

function groupsOf(network: Network, { topology, keys }: AnsiblePlaces): readonly Group[] {
  const batches = rolloutBatches(network);
  const hosts = batches.flat();
  const digits = String(batches.length).length;
  const sites = sortedBy(new Set(hosts.flatMap(({ reach }) => reach.site ?? [])), (site) => site);
  return [
    {
      name: "netgen_hosts",
      hosts: hosts.map(({ name, interfaces }) => [name, { netgen_interfaces: interfaces.map((link) => link.name) }]),
      vars: {
        netgen_place: `netgen${fleetMark(network)}`,
        netgen_topology: topology,
        netgen_keys_directory: keys,
        // Else Ansible would write what it is to run, with the keys, to the disks of both.
        ansible_pipelining: true,
      },
    },
    // With zeros before: who reads them in order sorts them as text.
    ...batches.map((batch, index) => ({
      name: `netgen_batch_${String(index + 1).padStart(digits, "0")}`,
      hosts: namesOf(batch),
    })),
    ...sites.map((site) => ({
      name: siteGroup(site),
      hosts: namesOf(hosts.filter(({ reach }) => reach.site === site)),
    })),
  ];
}

/** Lines of a mapping; a text in JSON is one in YAML, and a name such as `no` or `1e3` stays one. */
const linesOf = (values: Values, indent: string): string =>
  Object.entries(values)
    .map(([key, value]) => `${indent}${key}: ${JSON.stringify(value)}\n`)
    .join("");

function printGroup({ name, hosts, vars }: Group): string {
  const lines = hosts.map(([host, values]) => `        ${JSON.stringify(host)}:\n${linesOf(values, "          ")}`);
  const settings = vars === undefined ? "" : `      vars:\n${linesOf(vars, "        ")}`;
  return `    ${name}:\n      hosts:\n${lines.join("")}${settings}`;
}

const inventoryOf = (network: Network, places: AnsiblePlaces): string =>
  `---\n# Written by netgen ansible: edit the topology. What is yours, as ansible_host, goes into host_vars/ or group_vars/ beside it.\n` +
  `all:\n  children:\n${groupsOf(network, places).map(printGroup).join("")}`;

/**
 * The directory that `ansible-playbook` is run on: `inventory/`, `playbooks/` with the role, and below `bundles/` each host's
 * bundle. Without a tree there are no bundles: what is left is enough to have hosts make their keys.
 */
export function ansibleTree(network: Network, tree: Tree | undefined, places: AnsiblePlaces): Tree {
  const bundles = Object.keys(tree?.units ?? {}).flatMap((host) =>
    (tree === undefined ? [] : bundleOf(tree, host)).map((file) => ({ ...file, path: `bundles/${host}/${file.path}` })),
  );
  const files = [
    plainFile("inventory/netgen.yaml", 0o644, inventoryOf(network, places)),
    ...ansibleFiles.map(([path, text]) => plainFile(path, 0o644, text)),
    ...bundles,
  ];
  return { name: network.name, files, units: {} };
}
