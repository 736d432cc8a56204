/** Networks of containers, which a program of somebody else's makes as it is told. */
import type { IpAddress, IpPrefix } from "../base/ip.ts";
import type { MtuBytes } from "../base/units.ts";
import type { Origin } from "./origin.ts";

export type ContainerProgram = "podman" | "docker" | "cni";

/** One host's containers on one subnet. The network has the subnet's name. */
export interface ContainerNetwork {
  readonly program: ContainerProgram;
  readonly subnet: string;
  readonly bridge: string;
  /** That of a routed subnet, and takes it away; the bridge of a segment is there, and stays as it is. */
  readonly makesBridge: boolean;
  readonly mtu: MtuBytes;
  /** One for each prefix that containers have addresses of. */
  readonly pools: readonly ContainerPool[];
  readonly origin: Origin;
}

export interface ContainerPool {
  readonly prefix: IpPrefix;
  /** On a bridge that the program makes it is the program's to set; `undefined`: nothing leaves the segment. */
  readonly gateway: IpAddress | undefined;
  /** Those that containers are given; `undefined`: all but the gateway. */
  readonly range: ContainerRange | undefined;
}

export interface ContainerRange {
  readonly prefix: IpPrefix;
  /** Without the network's own address and the broadcast address. */
  readonly first: IpAddress;
  readonly last: IpAddress;
}
