import { type Diagnostic, diagnostic } from "../base/diagnostic.ts";
import { COMMON_PROGRAMS, CREDENTIAL_NEED, isOlder, NEEDS, type Need, type Program } from "../base/programs.ts";
import type { Span } from "../base/source.ts";
import type { Host } from "../model/host.ts";
import type { Network } from "../model/network.ts";
import { originSpan } from "../model/origin.ts";

/** What a host needs of a program: for netgen's files as such, or for what it says. */
interface HostNeed extends Need {
  readonly program: Program;
  /** Where the host says what needs it. */
  readonly place: string;
  readonly what: string;
  readonly instead: string;
}

const need = (program: Program, fields: Partial<HostNeed>): HostNeed => ({
  program,
  place: `programs/${program}`,
  what: "netgen",
  instead: "",
  ...NEEDS[program],
  ...fields,
});

/** Podman is asked for where there are containers of it, and nowhere else. */
function needsOfContainers({ containers }: Host): readonly HostNeed[] {
  const what = '"container"';
  const ofPodman = containers.filter(({ program }) => program === "podman");
  return [
    ...(containers.some(({ makesBridge }) => makesBridge)
      ? [
          need("nft", {
            oldest: "0.9.5",
            reason: "it maps prefixes since then (snat prefix to), as keeps containers' addresses",
            what,
          }),
          need("kernel", {
            oldest: "5.8",
            reason: "nftables maps prefixes since then (snat prefix to), as keeps containers' addresses",
            what,
          }),
        ]
      : []),
    ...(ofPodman.some(({ makesBridge }) => !makesBridge)
      ? [
          need("podman", {
            oldest: "5.0",
            reason: "an older one masquerades what is on a bridge that others made, such as a segment's",
            what,
          }),
        ]
      : []),
    ...(ofPodman.length > 0 && containers.some(({ program }) => program === "cni")
      ? [
          need("podman", {
            oldest: "5.0",
            // defaultNetworkBackend() in containers/common: CNI's networks beside its own default make it stay with CNI.
            reason: "an older one takes CNI's networks for its own where there are any, and reads no others",
            what: '"container: podman" beside "container: cni"',
          }),
        ]
      : []),
    ...(ofPodman.length > 0 ? [need("podman", { what })] : []),
  ];
}

function needsOf(host: Host): readonly HostNeed[] {
  const what = '"keyStore: credential"';
  const instead = ', or write "keyStore: file"';
  return [
    ...COMMON_PROGRAMS.map((program) => need(program, {})),
    ...needsOfContainers(host),
    ...(host.keyStore === "file" ? [] : [need("systemd", { ...CREDENTIAL_NEED, place: "keyStore", what, instead })]),
  ];
}

/** Every program can do what is asked of it. Said once for what hostDefaults state. */
export function programsAreNewEnough(network: Network): readonly Diagnostic[] {
  const found = new Map<Span, Diagnostic>();
  for (const host of network.hosts) {
    for (const { program, place, ...words } of needsOf(host)) {
      const version = host.programs[program];
      const span = originSpan(host.origin, place);
      if (!isOlder(version, words.oldest) || found.has(span)) continue;
      found.set(span, diagnostic("program-too-old", { host: host.name, version, ...words }, span));
    }
  }
  return [...found.values()];
}
