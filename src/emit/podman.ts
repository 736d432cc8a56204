/** Podman's networks: a file for netavark, and from its version 5 on a unit that containers' units can name. */
import { familyOf } from "../base/ip.ts";
import { knows } from "../base/programs.ts";
import { hashText } from "../base/text.ts";
import type { ContainerNetwork } from "../model/containers.ts";
import type { Host } from "../model/host.ts";
import { RELOAD_UNITS } from "./after.ts";
import { networksOf, poolViews } from "./container-pools.ts";
import type { EmitContext, Emitter } from "./context.ts";
import type { OutputFile } from "./file.ts";
import { publicFile, sourceOf } from "./print.ts";
import type { View } from "./template.ts";

/** 256 bits in hexadecimal, by which Podman knows a network whatever it is called. */
const idOf = (name: string): string =>
  Array.from({ length: 8 }, (_, part) => hashText(`${part} ${name}`).toString(16).padStart(8, "0")).join("");

const optionsOf = ({ mtu, makesBridge }: ContainerNetwork): readonly (readonly [name: string, value: string])[] => [
  ["mtu", String(mtu)],
  ...(makesBridge ? [] : [["mode", "unmanaged"] as const]),
];

/** Podman gives a network that it makes by itself a gateway, wanted or not: a unit would make another one. */
const hasUnit = ({ pools }: ContainerNetwork, { programs }: Host): boolean =>
  knows(programs, "podman-quadlet") && pools.every(({ gateway }) => gateway !== undefined);

function viewOf(network: ContainerNetwork, host: Host, context: EmitContext): View {
  const { subnet: name, bridge, pools } = network;
  const options = optionsOf(network);
  return {
    name,
    bridge,
    id: idOf(name),
    source: sourceOf(host, context),
    pools: poolViews(pools),
    ipv6: String(pools.some(({ prefix }) => familyOf(prefix) === 6)),
    options: options.map(([key, value], index) => ({ key, value, comma: index < options.length - 1 ? "," : "" })),
  };
}

/** The file of each network, which Podman reads whenever it starts a container; nothing without Podman's. */
export const emitPodman: Emitter = (host, context) =>
  networksOf(host, "podman").flatMap((network): readonly OutputFile[] => {
    const view = viewOf(network, host, context);
    // Podman takes a file only by the name of its network.
    const path = `etc/containers/networks/${network.subnet}.json`;
    const file = { path, template: "podman/network.json.njk", head: "none", after: [] } as const;
    const unit = {
      path: `etc/containers/systemd/${network.subnet}.network`,
      template: "podman/network.quadlet.njk",
      after: [RELOAD_UNITS],
    };
    const files = [publicFile(host, context, { ...file, view })];
    return hasUnit(network, host) ? [...files, publicFile(host, context, { ...unit, view })] : files;
  });
