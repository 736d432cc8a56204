/** What the configurations of other tools say, in one form for all of them. */
import { hideKeys } from "../base/disarmed.ts";
import type { ParsedPrefix } from "../base/ip.ts";

/** A line of a file, counted from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
}

/** A word to whoever imports. */
export interface Finding {
  /** `question`: somebody has to decide; `note`: netgen guessed, or does it in another way. */
  readonly kind: "question" | "note";
  readonly text: string;
  /** Where it is said, and where what contradicts it. */
  readonly places: readonly [Place, ...Place[]];
}

/** Words need no keys: what a file calls a public one may be none. */
const finding = (kind: Finding["kind"], text: string, places: Finding["places"]): Finding => ({
  kind,
  text: hideKeys(text),
  places,
});

export const question = (text: string, place: Place, ...others: readonly Place[]): Finding =>
  finding("question", text, [place, ...others]);

export const note = (text: string, place: Place, ...others: readonly Place[]): Finding =>
  finding("note", text, [place, ...others]);

/** A value with the line that it stands in. */
export interface Said<T> {
  readonly value: T;
  readonly place: Place;
}

/** What one host says of another. */
export interface PeerFacts {
  /** Its public key, or, where keys are not told, its name behind `name:`. */
  readonly identity: string;
  readonly name: string | undefined;
  /** Where it is dialled, and where instead while nobody answers there. */
  readonly endpoints: readonly Said<string>[];
  readonly allowedIps: readonly Said<ParsedPrefix>[];
  /** Seconds; 0: none. */
  readonly keepalive: number;
  /** That it has a preshared key: which one is told by equal texts, `file` where that is not known. */
  readonly preshared: string | undefined;
  readonly place: Place;
}

/** What one host says of itself and of its peers. */
export interface HostFacts {
  /** As {@link PeerFacts.identity}; `undefined`: it does not say. */
  readonly identity: string | undefined;
  readonly name: string | undefined;
  readonly interface: string | undefined;
  readonly addresses: readonly Said<ParsedPrefix>[];
  readonly endpoint: Said<string> | undefined;
  readonly listenPort: number | undefined;
  /** Bytes. */
  readonly mtu: Said<number> | undefined;
  /** systemd keeps its private key. */
  readonly hasCredential: boolean;
  readonly peers: readonly PeerFacts[];
  /** Lines of the source that netgen has nothing for, or does in its own way. */
  readonly rest: readonly Said<string>[];
  readonly place: Place;
}

/** A network of Proxmox's SDN. */
export interface SegmentFacts {
  readonly name: string;
  readonly vni: number;
  readonly cidrs: readonly string[];
  readonly gateways: readonly string[];
  readonly snat: boolean;
  readonly vrf: string | undefined;
  readonly place: Place;
}

export interface VrfFacts {
  readonly name: string;
  readonly vni: number;
  /** Names of nodes. */
  readonly exits: readonly string[];
  readonly place: Place;
}

/** What Proxmox's SDN says. */
export interface FabricFacts {
  readonly asn: number | undefined;
  /** Names of nodes, and addresses of VTEPs. */
  readonly nodes: readonly Said<string>[];
  readonly addresses: readonly Said<string>[];
  readonly segments: readonly SegmentFacts[];
  readonly vrfs: readonly VrfFacts[];
}

/** What files of one format say. */
export interface Facts {
  readonly hosts: readonly HostFacts[];
  readonly fabric: FabricFacts | undefined;
  readonly findings: readonly Finding[];
}

export const FORMATS = ["wg-quick", "showconf", "netplan", "proxmox", "githubixx"] as const;
export type Format = (typeof FORMATS)[number];
