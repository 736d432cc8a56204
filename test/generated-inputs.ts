/** Topologies of fixtures that would be no small, readable files: by the fixture's directory name. */
import { MAX_SOURCE_BYTES } from "../src/parse/characters.ts";
import { testPublicKey } from "./test-keys.ts";

/** A topology of so many hosts, all with an endpoint of documentation space, and what else it says. */
export function manyHosts(count: number, rest: string, keyOf = testPublicKey): string {
  const hosts = Array.from({ length: count }, (_, index) => {
    const id = index + 1;
    const endpoint = `198.18.${id >> 8}.${id & 255}`;
    return `  node${id}: {id: ${id}, endpoint: ${endpoint}, publicKey: "${keyOf(`node${id}`)}"}\n`;
  });
  return `netgen: 1\nname: many\n${rest}hosts:\n${hosts.join("")}`;
}

export const generatedInputs: Readonly<Record<string, () => string>> = {
  "err-source-too-large": () => `# ${"x".repeat(MAX_SOURCE_BYTES)}\n`,
  "err-source-form": () => Buffer.from(manyHosts(2, ""), "utf16le").toString("latin1"),
  "err-source-form-line-ends": () => manyHosts(2, "").replaceAll("\n", "\r"),
  "err-key-unknown-many": () => {
    const keys = Array.from({ length: 1000 }, (_, index) => `setting${index}: 1\n`).join("");
    return manyHosts(2, `wireguard: {addresses: [10.240.0.0/16]}\n${keys}`);
  },
  // Invisible here as anywhere, if it stood in a file.
  "err-source-control-character": () => "netgen: 1\nname: two-sites\u202E # fdp.sites\n",
  "err-source-control-character-escaped": () =>
    manyHosts(2, 'wireguard: {addresses: [10.240.0.0/16]}\nguard: {allowFrom: ["192.0.2.1\\u0000"]}\n'),
  "err-yaml-too-deep": () => `netgen: 1\nname: two-sites\nhosts: ${"[".repeat(100_000)}\n`,
  "err-vtep-too-many": () =>
    manyHosts(
      1026,
      "wireguard: {addresses: [10.240.0.0/16]}\n" +
        "subnets:\n  wide: {vxlan: {vni: 100}, hosts: all, gateway: none}\n",
    ),
  // Keys of no pair: to derive so many would take a minute.
  "err-mesh-too-large": () =>
    manyHosts(10_001, "wireguard: {addresses: [10.240.0.0/16]}\n", (host) =>
      Buffer.from(host.padEnd(32, "-")).toString("base64"),
    ),
  "warn-preshared-keys-many": () => manyHosts(101, "wireguard: {addresses: [10.240.0.0/16], presharedKeys: true}\n"),
};
