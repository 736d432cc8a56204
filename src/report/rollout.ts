/** How a new key gets to the hosts: a shell script with comments, to be read and run step by step. */
import { shellWord } from "../base/text.ts";
import { fleetMark } from "../model/fleet.ts";
import type { Network } from "../model/network.ts";
import { addressOf, hostNamed, type Placed, placedFiles, type View, viewsOf, words } from "./rollout-files.ts";
import { loadInTurn, loadTogether, type NewKey, STAGED_PACKETS, WAIT_SECONDS } from "./rollout-load.ts";

/** Where things are on this machine, as one would type them. */
export interface Places {
  /** The command that compiles the topology. */
  readonly build: string;
  /** The tree that it writes. */
  readonly output: string;
  /** What `netgen keys export` is told besides the name of the host. */
  readonly exportOptions: string;
  /** The file of the new key, and the one that the old key is kept in. */
  readonly key: string;
  readonly previous: string;
  /** What goes to a host has to be opened first; left out: keys stand in clear. */
  readonly isEncrypted?: boolean;
}

/** REJECT_AFTER_TIME of WireGuard (its paper, section 6.1): no session is older. */
const SESSION_SECONDS = 180;

const PUT =
  'put() { ssh "root@$1" "umask 077; cat > $2.new && chmod $3 $2.new && mv $2.new $2"; } # put HOST PATH MODE < FILE';

const putLoop = ({ path, mode, hosts }: Placed, output: string): string =>
  `for host in ${words(hosts)}; do put "$host" ${path} ${mode} < ${shellWord(output)}/"$host"${path}; done`;

/** A secret on its way to a host: where it is there, and in what is exported for that host. */
interface Secret {
  readonly host: string;
  readonly exported: string;
  readonly path: string;
}

/** Opened keys lie in a directory of the user's own until they are on the hosts: one that cannot be opened stops there. */
function putSecrets(secrets: readonly Secret[], { key, isEncrypted, exportOptions }: Places): readonly string[] {
  const putFrom = ({ host, path }: Secret, source: string): string => `put ${shellWord(host)} ${path} 600 < ${source}`;
  if (!isEncrypted) return secrets.map((each) => putFrom(each, shellWord(key)));
  if (secrets.length === 0) return [];
  const openedOf = (host: string): string => `"$opened"/${shellWord(host)}`;
  const hosts = [...new Set(secrets.map(({ host }) => host))];
  return [
    "opened=$(mktemp -d)",
    ...hosts.map((host) => `netgen keys export ${shellWord(host)} -o ${openedOf(host)} ${exportOptions}`),
    ...secrets.map((each) => putFrom(each, openedOf(each.host) + each.exported)),
    'rm -r "$opened"',
  ];
}

/** What is to be done, with the lines that do it; `undefined`: nothing. */
type Step = { readonly text: string; readonly lines: readonly string[] } | undefined;

function pings(network: Network, from: string, to: readonly string[]): string {
  const addresses = to.map((name) => addressOf(hostNamed(network, name)));
  return `for address in ${addresses.join(" ")}; do ssh ${shellWord(`root@${from}`)} ping -c 1 -w 20 "$address"; done`;
}

function numbered(steps: readonly Step[]): string {
  return steps
    .filter((step) => step !== undefined)
    .map(({ text, lines }, index) => `\n# ${index + 1}. ${text.replaceAll("\n", "\n#    ")}\n${lines.join("\n")}\n`)
    .join("");
}

/** Hosts that get files, and devices that an app configures, by name. */
function apart(network: Network, names: readonly string[]) {
  const isDevice = (name: string): boolean => hostNamed(network, name).app !== undefined;
  return { hosts: names.filter((name) => !isDevice(name)), devices: names.filter(isDevice) };
}

/** Nobody but the user reaches a device: its app takes the whole configuration in once more. */
function takeIn(devices: readonly string[], { exportOptions }: Places): Step {
  if (devices.length === 0) return undefined;
  return {
    text: `On ${devices.join(", ")}: let the app take this in, in the place of what it has. Until then its tunnel is dark.`,
    lines: devices.map((name) => `netgen keys export ${shellWord(name)} --qr ${exportOptions}`),
  };
}

/** Where the new key is shown, and who is heard by it. */
function verify(network: Network, { host: name, publicKey }: NewKey, peers: readonly string[]): Step {
  const { interfaces, app } = hostNamed(network, name);
  const [first] = peers;
  if (app !== undefined) {
    const lines = first === undefined ? [] : [pings(network, first, [name])];
    return { text: `Verify, while the tunnel of ${name} is on: it answers.`, lines };
  }
  const shown = interfaces.map((link) => `ssh ${shellWord(`root@${name}`)} wg show ${link.name} public-key`);
  return {
    text: `Verify: ${name} has the key ${publicKey}, and every peer answers.`,
    lines: [...shown, ...(peers.length === 0 ? [] : [pings(network, name, peers)])],
  };
}

/** A device's app is told by hand, after its peers: there is no order in which nothing is dark. */
function loadKey(network: Network, newKey: NewKey, views: readonly View[]): Step {
  const { host: name } = newKey;
  const isDevice = hostNamed(network, name).app !== undefined;
  const peers = [...new Set(views.map(({ host }) => host))];
  if (isDevice && peers.length === 0) return undefined;
  const order = isDevice ? "" : `, ${name} first`;
  return {
    text: `Load them${order}, ${WAIT_SECONDS} seconds later: until then the tunnels work, and the order gets through.`,
    lines: isDevice ? loadTogether(network, peers) : loadInTurn(network, newKey, views),
  };
}

/** The roll-out of a host's new key pair: to the host its key, to its peers their configurations. */
export function renderKeyRollout(network: Network, newKey: NewKey, places: Places): string {
  const { build, output, previous } = places;
  const { host: name } = newKey;
  const views = viewsOf(network, name);
  const peers = apart(network, [...new Set(views.map(({ host }) => host))]);
  const own = apart(network, [name]);
  // What becomes a credential waits in memory until it is loaded: see templates/wireguard/credential.njk.
  const isCredential = hostNamed(network, name).keyStore === "credential";
  const keyFiles = own.hosts.flatMap((host) =>
    hostNamed(network, host).interfaces.map((link) => {
      const exported = `/etc/wireguard/${link.name}.key`;
      return { host, exported, path: isCredential ? `/run/netgen${fleetMark(network)}/${link.name}.key` : exported };
    }),
  );
  const reached = views.filter(({ host }) => peers.hosts.includes(host));
  const placed = placedFiles(reached, network);
  const puts = [...putSecrets(keyFiles, places), ...placed.map((each) => putLoop(each, output))];
  const isDevice = own.devices.length > 0;
  return [
    `# ${name} has a new key pair, and no host knows of it yet. Its old private key is kept: ${previous}\n`,
    isDevice
      ? `# As soon as one end of a tunnel of ${name} has its new key, that tunnel is dark until the other end has, too.\n`
      : `# Every file is put in place first. Then ${name} loads its key, and right after it each peer its file: in between, ${name}\n` +
        `# still takes what peers send by the old key, and what it sends waits in its kernel, up to ${STAGED_PACKETS} packets for each of them.\n`,
    "# Other tunnels notice nothing.\n",
    "# Hosts are called as in the topology, and reached by ssh as root. That may be through the tunnels.\n",
    numbered([
      {
        text: `Compile. Before, "${build.replace(/build/, "diff")}" must show nothing but lines with the public key\nof ${name}.`,
        lines: [build],
      },
      puts.length > 0 ? { text: "Put the files in place. Nothing is loaded yet.", lines: [PUT, ...puts] } : undefined,
      loadKey(network, newKey, reached),
      takeIn([...own.devices, ...peers.devices], places),
      verify(network, newKey, peers.hosts),
      {
        text: "When all have answered, the old key has done its work. Commit the new public key and the tree, and bring it to\nall hosts as always: apply finds every file in place, takes note of it, and interrupts nothing.",
        lines: [`rm ${shellWord(previous)}`],
      },
    ]),
  ].join("");
}

/** The roll-out of a pair's new preshared key: to each of the two, under the other's name. */
export function renderPresharedRollout(network: Network, pair: readonly [string, string], places: Places): string {
  const [a, b] = pair;
  const { hosts, devices } = apart(network, pair);
  const otherOf = (host: string): string => (host === a ? b : a);
  const secrets = hosts.map((host) => {
    const path = `/etc/wireguard/psk${fleetMark(network)}/${otherOf(host)}.psk`;
    return { host, exported: path, path };
  });
  const puts = putSecrets(secrets, places);
  const [from] = hosts;
  const where = hosts.length === 2 ? "both" : hosts.join("");
  return [
    `# ${a} and ${b} have a new preshared key, and do not know of it yet. The old one is kept: ${places.previous}\n`,
    "# A session that has begun goes on with the old key, up to three minutes from its begin; a new one begins only when\n",
    "# both have the same key. Loaded on both within a minute, no packet is lost. Nothing has to be compiled.\n",
    "# Hosts are called as in the topology, and reached by ssh as root. That may be through the tunnels.\n",
    numbered([
      hosts.length > 0
        ? { text: `Put it in place on ${where}. Nothing is loaded yet.`, lines: [PUT, ...puts] }
        : undefined,
      hosts.length > 0
        ? { text: `Load it on ${where}, ${WAIT_SECONDS} seconds later.`, lines: loadTogether(network, hosts) }
        : undefined,
      takeIn(devices, places),
      {
        text: `Verify: after ${SESSION_SECONDS} seconds there is no session left that began with the old key.`,
        lines: [`sleep ${SESSION_SECONDS}`, ...(from === undefined ? [] : [pings(network, from, [otherOf(from)])])],
      },
      { text: "When it has answered, the old key has done its work.", lines: [`rm ${shellWord(places.previous)}`] },
    ]),
  ].join("");
}
