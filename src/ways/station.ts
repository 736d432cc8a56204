/** Who sits on a subnet, whoever it is: a container, a virtual machine, a guest of a lab. Pure. */
import { familyOf, type IpAddress, type IpFamily } from "../base/ip.ts";
import type { InterfaceAddress } from "../model/device.ts";

/** An end station (IEEE 802): it has addresses on a subnet of a host, and passes on nothing. */
export interface Station {
  readonly host: string;
  readonly subnet: string;
  /** The VRF that the subnet belongs to. */
  readonly vrf: string | undefined;
  readonly addresses: readonly InterfaceAddress[];
  /** Whom it sends to what is not on its subnet: one per family, or none. */
  readonly gateways: readonly IpAddress[];
}

/** The address of a station in a family, if it has one. */
export function addressOf({ addresses }: Pick<Station, "addresses">, family: IpFamily): IpAddress | undefined {
  return addresses.map(({ address }) => address).find((address) => familyOf(address) === family);
}
