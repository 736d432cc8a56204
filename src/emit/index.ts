/** Prints the model. The only pass that knows what files look like; it decides nothing about the network. */
import { invariant } from "../base/invariant.ts";
import { compareText } from "../base/text.ts";
import type { Network } from "../model/network.ts";
import { emitConfigurations } from "./app.ts";
import { emitApply } from "./apply.ts";
import { emitCni } from "./cni.ts";
import { createContext, type Emitter } from "./context.ts";
import { emitDocker } from "./docker.ts";
import { emitDockerNetworks } from "./docker-networks.ts";
import { emitEgress } from "./egress.ts";
import { emitExits } from "./exits.ts";
import type { OutputFile } from "./file.ts";
import { emitFrr } from "./frr.ts";
import { emitHealth } from "./health.ts";
import { emitKeepalived } from "./keepalived.ts";
import { emitKubernetes } from "./kubernetes.ts";
import { emitMetrics } from "./metrics.ts";
import { emitNetworkManager } from "./network-manager.ts";
import { emitNetworkd } from "./networkd.ts";
import { emitNftables } from "./nftables.ts";
import { emitOvn } from "./ovn.ts";
import { emitPodman } from "./podman.ts";
import { emitRadvd } from "./radvd.ts";
import { emitRoutes } from "./routes.ts";
import { ownPart } from "./sdn.ts";
import { emitModules, emitSysctl } from "./sysctl.ts";
import { unitsOf } from "./units.ts";
import { emitVerify } from "./verify.ts";
import { emitVlans } from "./vlans.ts";
import { emitWireguard } from "./wireguard.ts";

/** A new kind of output is one file, its template, and a line here. */
const emitters: readonly Emitter[] = Object.freeze([
  emitWireguard,
  emitRoutes,
  emitNetworkd,
  emitNetworkManager,
  emitVlans,
  emitFrr,
  emitExits,
  emitEgress,
  emitSysctl,
  emitModules,
  emitNftables,
  emitKeepalived,
  emitRadvd,
  emitDocker,
  emitDockerNetworks,
  emitPodman,
  emitCni,
  emitOvn,
  emitKubernetes,
  emitVerify,
  emitMetrics,
  emitHealth,
  emitApply,
]);

function refuseTwins(files: readonly OutputFile[]): void {
  for (const [index, file] of files.entries()) {
    invariant(files[index - 1]?.path !== file.path, `two emitters write ${file.path}`);
  }
}

/** What a compilation writes, and what each host has to enable for it. */
export interface Emitted {
  /** Sorted by path. */
  readonly files: readonly OutputFile[];
  /** Systemd units to enable, by host name. */
  readonly units: Readonly<Record<string, readonly string[]>>;
  /** What is taken in by hand, by the name of a device that gets no files. */
  readonly configurations: Readonly<Record<string, string>>;
}

/** All files of all hosts. */
export function emitNetwork(network: Network): Emitted {
  const context = createContext(network);
  const hosts = network.hosts.filter(({ app }) => app === undefined);
  const files = hosts.map(ownPart).flatMap((host) => emitters.flatMap((emit) => emit(host, context)));
  const sorted = files.sort((a, b) => compareText(a.path, b.path));
  refuseTwins(sorted);
  const units = hosts.map((host) => [host.name, unitsOf(ownPart(host), context)] as const);
  return { files: sorted, units: Object.fromEntries(units), configurations: emitConfigurations(network) };
}
