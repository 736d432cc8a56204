/** Who sits on a subnet, whoever it is: a container, a virtual machine, a guest of a lab. Pure. */
import {
  containsAddress,
  familyOf,
  type IpAddress,
  type IpFamily,
  type IpPrefix,
  prefixLengthBits,
} from "../base/ip.ts";
import type { InterfaceAddress } from "../model/device.ts";

/** An end station (IEEE 802): it has addresses on a subnet of a host, and passes on nothing. */
export interface Station {
  /** `<subnet>@<host>`; of several there the second is `<subnet>+2@<host>`. */
  readonly name: string;
  readonly host: string;
  readonly subnet: string;
  /** The VRF that the subnet belongs to. */
  readonly vrf: string | undefined;
  readonly addresses: readonly InterfaceAddress[];
  /** Whom it sends to what is not on its subnet: one per family, or none. */
  readonly gateways: readonly IpAddress[];
  /** Behind a router of somebody else's: all that this one sends to the host; `undefined`: there is none in between. */
  readonly told: readonly IpPrefix[] | undefined;
}

/** Whether what a station sends to an address that is not on its subnet gets to the host at all. */
export const isPassedOn = ({ told }: Station, to: IpAddress): boolean =>
  told === undefined || told.some((prefix) => containsAddress(prefix, to));

/** The same of what leaves for anywhere. */
export const isLetOut = ({ told }: Station, family: IpFamily): boolean =>
  told === undefined || told.some((prefix) => prefixLengthBits(prefix) === 0 && familyOf(prefix) === family);

/** The address of a station in a family, if it has one. */
export function addressOf({ addresses }: Pick<Station, "addresses">, family: IpFamily): IpAddress | undefined {
  return addresses.map(({ address }) => address).find((address) => familyOf(address) === family);
}
