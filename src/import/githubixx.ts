/**
 * host_vars of the Ansible role githubixx.ansible_role_wireguard: each host says of itself what stands in the files of all
 * others. Keys are made on the hosts, so there are none in them.
 */

import { publicHalfIn } from "../base/disarmed.ts";
import { hostPrefix } from "../base/ip.ts";
import { isWireguardKey } from "../base/key.ts";
import type { Source } from "../base/source.ts";
import { asYaml } from "../validate/words.ts";
import { type Facts, type Finding, type HostFacts, type PeerFacts, question } from "./facts.ts";
import { asName, hostOfPath } from "./names.ts";
import { readEndpoint, readEndpoints, readKeepalive, readNumber, readPrefixes } from "./values.ts";
import { type Node, readYaml, textsOf } from "./yaml.ts";

/** One host, and how it stands in others' files. */
interface Entry {
  readonly host: HostFacts;
  readonly asPeer: PeerFacts;
  /** It has no tunnel with others that are spokes as well. */
  readonly isSpoke: boolean;
}

const PREFIX = "wireguard_";
const KNOWN = new Set(
  "address addresses endpoint port allowed_ips persistent_keepalive as_spoke mtu private_key interface unmanaged_peers".split(
    " ",
  ),
);
/** The role's own default. */
const DEFAULT_PORT = "51820";

function endpointOf(root: Node, port: string, findings: Finding[]) {
  const { text = "", place } = root.get(`${PREFIX}endpoint`);
  if (text === "") return undefined;
  const host = text.includes(":") && !text.startsWith("[") ? `[${text}]` : text;
  return readEndpoint(`${host}:${port}`, place, findings);
}

function numberOf(node: Node, low: number, findings: Finding[]): number | undefined {
  if (node.text === undefined) return undefined;
  return readNumber(node.text, { what: "the number", low, high: 65_535, place: node.place }, findings);
}

/** Peers that Ansible does not manage: their keys are told. */
function unmanaged(root: Node, findings: Finding[]): readonly PeerFacts[] {
  return root
    .get(`${PREFIX}unmanaged_peers`)
    .members()
    .flatMap(([name, node]) => {
      const identity = node.get("public_key").text ?? "";
      if (!isWireguardKey(identity)) {
        findings.push(question(`${name} has no public key of 32 bytes in base64; it was left out`, node.place));
        return [];
      }
      const { text, place } = node.get("endpoint");
      const allowed = textsOf(node.get("allowed_ips"));
      return [
        {
          identity,
          name: asName(name),
          endpoints: readEndpoints([text ?? ""], place, findings),
          allowedIps: allowed.flatMap((each) =>
            readPrefixes([each.text], { what: "AllowedIPs", place: each.place }, findings),
          ),
          keepalive: readKeepalive(node.get("persistent_keepalive").text ?? "", node.place, findings),
          preshared: node.get("preshared_key").text,
          place: node.place,
        },
      ];
    });
}

function entryOf(source: Source, root: Node, findings: Finding[]): Entry {
  const get = (key: string): Node => root.get(PREFIX + key);
  const prefixes = (node: Node, what: "Address" | "AllowedIPs") =>
    textsOf(node).flatMap(({ text, place }) => readPrefixes([text], { what, place }, findings));
  const addresses = [...prefixes(get("addresses"), "Address"), ...prefixes(get("address"), "Address")];
  const given = prefixes(get("allowed_ips"), "AllowedIPs");
  const own = addresses.map(({ value: { address }, place }) => ({
    value: { prefix: hostPrefix(address), address, hasHostBits: false },
    place,
  }));
  const name = hostOfPath(source.name) ?? asName(source.name) ?? "host";
  const port = get("port").text ?? DEFAULT_PORT;
  const mtu = numberOf(get("mtu"), 576, findings);
  const place = root.members().find(([key]) => key.startsWith(PREFIX))?.[1].place ?? root.place;
  const identity = publicHalfIn(get("private_key").text ?? "") ?? `name:${name}`;
  const others = root.members().filter(([key]) => key.startsWith(PREFIX) && !KNOWN.has(key.slice(PREFIX.length)));
  const endpoint = endpointOf(root, port, findings);
  const keepalive = readKeepalive(get("persistent_keepalive").text ?? "", get("persistent_keepalive").place, findings);
  const peer = {
    identity,
    name,
    endpoints: endpoint === undefined ? [] : [endpoint],
    keepalive,
    preshared: undefined,
    place,
  };
  return {
    isSpoke: get("as_spoke").value === true,
    asPeer: { ...peer, allowedIps: given.length > 0 ? given : own },
    host: {
      identity,
      name,
      interface: get("interface").text,
      addresses,
      endpoint,
      listenPort: numberOf(get("port"), 1, findings) ?? Number(DEFAULT_PORT),
      mtu: mtu === undefined ? undefined : { value: mtu, place: get("mtu").place },
      hasCredential: false,
      peers: unmanaged(root, findings),
      rest: others.map(([key, node]) => ({ value: `${key}: ${asYaml(node.value)}`, place: node.place })),
      place,
    },
  };
}

/** Whether the role gives one a section in the other's file: spokes have none of each other. */
const meet = (a: Entry, b: Entry): boolean => a !== b && !(a.isSpoke && b.isSpoke);

/** Each file is one host, and all of them are the play. */
export function readGithubixx(sources: readonly Source[]): Facts {
  const findings: Finding[] = [];
  const entries = sources.flatMap((source) => {
    const root = readYaml(source, findings);
    return root === undefined ? [] : [entryOf(source, root, findings)];
  });
  const hosts = entries.map((entry) => ({
    ...entry.host,
    peers: [...entries.filter((other) => meet(entry, other)).map(({ asPeer }) => asPeer), ...entry.host.peers],
  }));
  return { hosts, fabric: undefined, findings };
}
