/** What the files of all programs that make networks of containers have in common. */
import { EVERYTHING, familyOf } from "../base/ip.ts";
import type { ContainerNetwork, ContainerPool, ContainerProgram } from "../model/containers.ts";
import type { Host } from "../model/host.ts";
import type { View } from "./template.ts";

/** The networks of a host that one program makes. */
export const networksOf = ({ containers }: Host, program: ContainerProgram): readonly ContainerNetwork[] =>
  containers.filter((network) => network.program === program);

/** Each with the comma that JSON wants behind all but the last. */
export const poolViews = (pools: readonly ContainerPool[]): readonly View[] =>
  pools.map(({ prefix, gateway, range }, index) => ({
    prefix,
    hasGateway: gateway !== undefined,
    gateway: gateway ?? "",
    hasRange: range !== undefined,
    first: range?.first ?? "",
    last: range?.last ?? "",
    range: range?.prefix ?? prefix,
    everything: EVERYTHING[familyOf(prefix)],
    comma: index < pools.length - 1 ? "," : "",
  }));
