/** How clouds take user-data, and how much of it. */
import { gzipSync } from "node:zlib";

/** `base64`: of gzip; cloud-init undoes both. */
type Form = "text" | "gzip" | "base64";

export interface Provider {
  readonly form: Form;
  /** Bytes; `undefined`: no bound. */
  readonly limit?: number;
  /** What the limit counts is the base64 of what is given, which the provider's program makes itself. */
  readonly countsBase64?: boolean;
  /** Where the limit is said. */
  readonly source?: string;
}

// gzip only where there is need of it: what can be read is better to debug. cloud-init takes it wherever its bytes get to it
// unchanged (cloudinit/user_data.py); programs that read the file as text, and metadata that has to be text, spoil it.
export const PROVIDERS = {
  // 16 KB before base64; its error speaks of 21,847 characters of base64.
  aws: { form: "gzip", limit: 16_384, source: "docs.aws.amazon.com/AWSEC2/latest/UserGuide/user-data.html" },
  // What a metadata value may have; all together 512 kB.
  gcp: { form: "text", limit: 262_144, source: "cloud.google.com/compute/docs/metadata/setting-custom-metadata" },
  // "The maximum length of the binary array is 65535 bytes"; its program reads text.
  azure: { form: "text", limit: 65_535, source: "learn.microsoft.com/azure/virtual-machines/custom-data" },
  // A text, of which cloud-init's datasource tries base64, then gzip (cloudinit/sources/DataSourceHetzner.py).
  hetzner: { form: "base64", limit: 32_768, source: "docs.hetzner.cloud/reference/cloud#servers-create-a-server" },
  // "Must be base64 encoded and is restricted to 65535 bytes".
  openstack: {
    form: "gzip",
    limit: 65_535,
    countsBase64: true,
    source: "docs.openstack.org/nova/latest/user/metadata.html",
  },
  // Plain text alone: its datasource undoes no base64.
  digitalocean: { form: "text", limit: 65_536, source: "docs.digitalocean.com/reference/api" },
  // "The max size of the userdata is 524288 bytes".
  vmware: {
    form: "text",
    limit: 524_288,
    source: "developer.broadcom.com/xapis, Guest_CloudinitConfiguration",
  },
  nocloud: { form: "text" },
} as const satisfies Readonly<Record<string, Provider>>;

export type ProviderName = keyof typeof PROVIDERS;

/** User-data in the form that a provider takes. The same text gives the same bytes: there is no time in it. */
export function encodeFor({ form }: Provider, text: string): Uint8Array {
  const bytes = Buffer.from(text);
  if (form === "text") return bytes;
  // Of files so unlike each other smaller blocks with codes of their own are packed better: some 200 bytes less than with 8.
  const packed = gzipSync(bytes, { level: 9, memLevel: 6 });
  return form === "gzip" ? packed : Buffer.from(`${packed.toString("base64")}\n`);
}

/** What a provider would say of so much: nothing, or why not. */
export function refusalOf(name: ProviderName, bytes: Uint8Array): string | undefined {
  const { form, limit, countsBase64 = false, source }: Provider = PROVIDERS[name];
  const counted = countsBase64 ? Math.ceil(bytes.length / 3) * 4 : bytes.length;
  if (limit === undefined || counted <= limit) return undefined;
  const how = { text: "as text", gzip: countsBase64 ? "as base64 of gzip" : "as gzip", base64: "as base64 of gzip" }[
    form
  ];
  return `has ${counted.toLocaleString("en")} bytes ${how}, and ${name} takes ${limit.toLocaleString("en")} (${source})`;
}
