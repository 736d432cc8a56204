/** What an object of Proxmox's SDN is, whoever is told of it. */
export type SdnKind = "controller" | "zone" | "vnet" | "subnet";

/** One object. A list is a value with commas, truth is 0 or 1, and an empty value means that there is to be none. */
export interface SdnObject {
  readonly kind: SdnKind;
  /** Zones and controllers have one. */
  readonly type: string;
  readonly id: string;
  readonly values: readonly (readonly [key: string, value: string])[];
  /** Whose is what of it: sentences. */
  readonly about: readonly string[];
}
