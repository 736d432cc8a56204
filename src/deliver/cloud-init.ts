/**
 * What a machine is given when it is made, so that it joins by its first boot: the host's bundle, staged as files, and commands
 * that make its key and have the bundle's own program apply it. There is no secret in it, as any process of the machine may read it.
 */
import { contentOf } from "../emit/file.ts";
import { fleetMark } from "../model/fleet.ts";
import { type Host, isEnterprise, isRedHat } from "../model/host.ts";
import type { Network } from "../model/network.ts";
import type { Tree } from "../write/plan.ts";
import { bundleOf } from "./bundle.ts";
import { bareFile } from "./comments.ts";
import { treeOfHosts } from "./tar.ts";

/** Names of packages that are not alike everywhere. What Debian has apart, FRR's own package has at Red Hat. */
const PING = { debian: ["iputils-ping"], redHat: ["iputils"] } as const;
const FRR = { debian: ["frr", "frr-pythontools"], redHat: ["frr"] } as const;
/** Debian's systemd has it. */
const NETWORKD = "systemd-networkd";

const hasNetworkd = (units: readonly string[]): boolean => units.includes(`${NETWORKD}.service`);

/** The packages whose programs a host's files are for, by the names of its distribution. */
function packagesOf({ interfaces, bgp, vrrp, platform }: Host, units: readonly string[]): readonly string[] {
  const has = (pattern: RegExp): boolean => units.some((unit) => pattern.test(unit));
  const family = isRedHat(platform) ? "redHat" : "debian";
  return [
    ...(interfaces.length === 0 ? [] : ["wireguard-tools", ...PING[family]]),
    ...(has(/^netgen\d*-nftables/) ? ["nftables"] : []),
    ...(bgp.kind === "none" ? [] : FRR[family]),
    ...(vrrp === undefined ? [] : ["keepalived"]),
    ...(has(/^netgen\d*-radvd/) ? ["radvd"] : []),
    ...(isRedHat(platform) && !isEnterprise(platform) && hasNetworkd(units) ? [NETWORKD] : []),
  ];
}

/** One of EPEL, whose list of packages is a package itself: cloud-init would ask for both at once, and find only that one. */
const networkdScript = ({ platform }: Host, units: readonly string[]): string =>
  isEnterprise(platform) && hasNetworkd(units) ? `dnf -y install epel-release\ndnf -y install ${NETWORKD}\n` : "";

/** Where the bundle lies until it is applied; not in memory, as a machine may have to restart before. */
const stagedIn = (fleet: string): string => `/var/lib/netgen${fleet}-first`;

/** Makes the host's key unless the image has it, for all its interfaces, and tells the public half. */
function keyScript({ name, interfaces, keyStore }: Host, fleet: string): string {
  const [first, ...others] = interfaces.map((link) => `${link.name}.key`);
  if (first === undefined) return "";
  const tell = (publicKey: string): string =>
    `echo "netgen-public-key ${name} $(${publicKey})" | tee /dev/console || true\n`;
  if (keyStore === "credential")
    return tell(`bash ${stagedIn(fleet)}/etc/netgen${fleet}/credential --new ${stagedIn(fleet)}`);
  const copies = others.map((file) => `[ -s ${file} ] || cp ${first} ${file}\n`).join("");
  return `umask 077
mkdir -p /etc/wireguard
cd /etc/wireguard
[ -s ${first} ] || { wg genkey > ${first}~ && mv ${first}~ ${first}; }
${copies}${tell(`wg pubkey < ${first}`)}`;
}

/** What is run in the end: once, as root, after the packages are there. */
const firstBootScript = (host: Host, fleet: string, units: readonly string[]): string =>
  `set -eu
${networkdScript(host, units)}${keyScript(host, fleet)}cd /
bash ${stagedIn(fleet)}/etc/netgen${fleet}/apply --host ${host.name}
rm -r ${stagedIn(fleet)}
`;

/** A host's user-data: a cloud-config, in JSON, which is YAML without its traps. */
export function userDataOf(network: Network, tree: Tree, host: Host): string {
  const { files, ...rest } = treeOfHosts(tree, [host.name]);
  const fleet = fleetMark(network);
  const bundle = bundleOf({ ...rest, files: files.map(bareFile) }, host.name);
  const units = tree.units[host.name] ?? [];
  const packages = packagesOf(host, units);
  const config = {
    // Left out where there are none: cloud-init refuses an empty list.
    ...(packages.length === 0 ? {} : { packages }),
    write_files: bundle.map((file) => ({
      path: `${stagedIn(fleet)}/${file.path}`,
      content: new TextDecoder().decode(contentOf(file)),
    })),
    runcmd: [["bash", "-c", firstBootScript(host, fleet, units)]],
  };
  return `#cloud-config\n${JSON.stringify(config)}\n`;
}

/** What a NoCloud seed has besides: a machine takes user-data once for each instance. */
export const metaDataOf = (network: Network, { name }: Host): string =>
  `${JSON.stringify({ "instance-id": `netgen-${network.name}-${name}`, "local-hostname": name })}\n`;
