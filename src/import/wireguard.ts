/**
 * Files of wg-quick, and what `wg showconf` prints (wg-quick(8), wg(8)): sections and keys in any case, `#` to the end of
 * the line, Address and AllowedIPs again and again, of all else the last.
 */
import { publicHalfIn } from "../base/disarmed.ts";
import { isWireguardKey } from "../base/key.ts";
import type { Source } from "../base/source.ts";
import {
  type Facts,
  type Finding,
  type HostFacts,
  note,
  type PeerFacts,
  type Place,
  question,
  type Said,
} from "./facts.ts";
import { hostOfPath, interfaceOfPath, nameInComment } from "./names.ts";
import { readEndpoints, readKeepalive, readNumber, readPrefixes } from "./values.ts";

interface Line {
  readonly key: string;
  readonly value: string;
  /** As it was written, without its comment. */
  readonly text: string;
  readonly place: Place;
}

interface Section {
  readonly kind: "interface" | "peer";
  readonly place: Place;
  readonly lines: Line[];
  readonly comments: string[];
}

/** A line of a file, in its parts. */
interface Raw {
  readonly body: string;
  readonly comment: string | undefined;
  readonly place: Place;
}

function rawLines({ name, text }: Source): readonly Raw[] {
  return text.split(/\r?\n/).map((raw, index) => {
    const hash = raw.indexOf("#");
    const place = { file: name, line: index + 1 };
    if (hash === -1) return { body: raw.trim(), comment: undefined, place };
    return { body: raw.slice(0, hash).trim(), comment: raw.slice(hash + 1).trim(), place };
  });
}

/** One more line of a section; what is in none, or no line, is told. */
function addLine(section: Section | undefined, { body, place }: Raw, findings: Finding[]): void {
  const [, key, value = ""] = /^([A-Za-z]+)\s*=\s*(.*)$/.exec(body) ?? [];
  if (key === undefined || section === undefined) {
    findings.push(question(`"${body}" is no line of WireGuard's; it was left out`, place));
  } else section.lines.push({ key: key.toLowerCase(), value, text: body, place });
}

/** The sections of a file. A comment right above one belongs to it. */
function readSections(source: Source, findings: Finding[]): readonly Section[] {
  const sections: Section[] = [];
  let waiting: string[] = [];
  for (const raw of rawLines(source)) {
    const { body, comment, place } = raw;
    if (comment !== undefined) waiting.push(comment);
    if (body === "" && comment !== undefined) continue;
    const [, header] = /^\[\s*(interface|peer)\s*\]$/i.exec(body) ?? [];
    if (header !== undefined) {
      sections.push({ kind: header.toLowerCase() as Section["kind"], place, lines: [], comments: waiting });
    } else {
      sections.at(-1)?.comments.push(...waiting);
      if (body !== "") addLine(sections.at(-1), raw, findings);
    }
    waiting = [];
  }
  sections.at(-1)?.comments.push(...waiting);
  return sections;
}

const linesOf = ({ lines }: Section, key: string): readonly Line[] => lines.filter((line) => line.key === key);
const lastOf = (section: Section, key: string): Line | undefined => linesOf(section, key).at(-1);

function prefixesOf(section: Section, what: "Address" | "AllowedIPs", findings: Finding[]) {
  return linesOf(section, what.toLowerCase()).flatMap(({ value, place }) =>
    readPrefixes(value.split(","), { what, place }, findings),
  );
}

/** Lines that netgen writes itself: that they are there is nothing to tell. */
const OWN_LINES =
  /^(?:Table = off|PostUp = (?:\/etc\/netgen\d*\/|install -D -m 600 \/etc\/wireguard\/%i\.conf|wg set %i (?:private-key \$CREDENTIALS_DIRECTORY|(?:private-key|peer \S+ preshared-key) \/etc\/wireguard)\/).*)$/;

const PEER_KEYS = new Set(["publickey", "presharedkey", "allowedips", "endpoint", "persistentkeepalive"]);
const INTERFACE_KEYS = new Set(["privatekey", "listenport", "address", "mtu"]);
const OTHER_KEYS = new Set("dns table preup postup predown postdown saveconfig fwmark".split(" "));

function restOf(section: Section, known: ReadonlySet<string>, findings: Finding[]): readonly Said<string>[] {
  const others = section.lines.filter(({ key, text }) => !known.has(key) && !OWN_LINES.test(text));
  for (const { key, text, place } of others) {
    if (!OTHER_KEYS.has(key)) findings.push(question(`"${text}" is no line of WireGuard's that netgen knows`, place));
  }
  return others.map(({ text, place }) => ({ value: text, place }));
}

/** Where netgen's own files have the name of a peer whose address is looked up by a script. */
const SCRIPTED = /^Endpoint: (\S+), set by wg-endpoints\b/;
/** And where the script tries next. */
const IN_TURN = /^While nobody answers there, wg-endpoints dials in turn: (.+)$/;

function endpointsOf(section: Section, findings: Finding[]): readonly Said<string>[] {
  const commented = (form: RegExp): readonly string[] =>
    section.comments.flatMap((comment) => form.exec(comment)?.[1]?.split(", ") ?? []);
  const line = lastOf(section, "endpoint");
  const first = line === undefined ? commented(SCRIPTED) : [line.value];
  return readEndpoints([...first, ...commented(IN_TURN)], line?.place ?? section.place, findings);
}

/** Public keys of the peers whose preshared key a hook brings. */
function hookedPeers(head: Section): ReadonlySet<string> {
  const hooks = linesOf(head, "postup").flatMap(({ value }) => [...value.matchAll(/peer (\S+) preshared-key/g)]);
  return new Set(hooks.map(([, key = ""]) => key));
}

function peerOf(section: Section, hooked: ReadonlySet<string>, findings: Finding[]): readonly PeerFacts[] {
  const key = lastOf(section, "publickey");
  const identity = key?.value.replace(/\s/g, "") ?? "";
  if (!isWireguardKey(identity)) {
    const place = key?.place ?? section.place;
    findings.push(question("this peer has no public key of 32 bytes in base64; it was left out", place));
    return [];
  }
  const keepalive = lastOf(section, "persistentkeepalive");
  const preshared = lastOf(section, "presharedkey")?.value;
  return [
    {
      identity,
      name: section.comments.map(nameInComment).find((name) => name !== undefined),
      endpoints: endpointsOf(section, findings),
      allowedIps: prefixesOf(section, "AllowedIPs", findings),
      keepalive: keepalive === undefined ? 0 : readKeepalive(keepalive.value, keepalive.place, findings),
      preshared: preshared ?? (hooked.has(identity) ? "file" : undefined),
      place: section.place,
    },
  ];
}

/** All sections of a kind as one: wg takes a second [Interface] as more of the first. */
function merged(sections: readonly Section[], place: Place): Section {
  return {
    kind: "interface",
    place: sections[0]?.place ?? place,
    lines: sections.flatMap(({ lines }) => lines),
    comments: sections.flatMap(({ comments }) => comments),
  };
}

function readHost(source: Source, findings: Finding[]): HostFacts {
  const sections = readSections(source, findings);
  const place = { file: source.name, line: 1 };
  const head = merged(
    sections.filter(({ kind }) => kind === "interface"),
    place,
  );
  const peers = sections.filter(({ kind }) => kind === "peer");
  const hooked = hookedPeers(head);
  const port = lastOf(head, "listenport");
  const mtu = lastOf(head, "mtu");
  const bytes = mtu && readNumber(mtu.value, { what: "MTU", low: 576, high: 65_535, place: mtu.place }, findings);
  return {
    identity: publicHalfIn(lastOf(head, "privatekey")?.value.trim() ?? ""),
    name: hostOfPath(source.name),
    interface: interfaceOfPath(source.name),
    addresses: prefixesOf(head, "Address", findings),
    endpoint: undefined,
    listenPort:
      port && readNumber(port.value, { what: "ListenPort", low: 1, high: 65_535, place: port.place }, findings),
    mtu: mtu === undefined || bytes === undefined ? undefined : { value: bytes, place: mtu.place },
    hasCredential: linesOf(head, "postup").some(({ value }) => value.includes("private-key $CREDENTIALS_DIRECTORY/")),
    peers: peers.flatMap((section) => peerOf(section, hooked, findings)),
    rest: [
      ...restOf(head, INTERFACE_KEYS, findings),
      ...peers.flatMap((section) => restOf(section, PEER_KEYS, findings)),
    ],
    place: head.place,
  };
}

/** A peer that stands twice: the later one takes the AllowedIPs of the earlier. */
function tellTwins({ peers }: HostFacts): readonly Finding[] {
  return peers.flatMap((peer, index) => {
    const earlier = peers.slice(0, index).find(({ identity }) => identity === peer.identity);
    return earlier === undefined
      ? []
      : [note("this peer stands twice; WireGuard takes AllowedIPs of the later one alone", earlier.place, peer.place)];
  });
}

/** Each file is one host. */
export function readWireguard(sources: readonly Source[]): Facts {
  const findings: Finding[] = [];
  const hosts = sources.map((source) => {
    const host = readHost(source, findings);
    findings.push(...tellTwins(host));
    const last = new Map(host.peers.map((peer) => [peer.identity, peer]));
    return { ...host, peers: host.peers.filter((peer) => last.get(peer.identity) === peer) };
  });
  return { hosts, fabric: undefined, findings };
}
