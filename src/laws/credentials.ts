/** Private keys that hosts keep as credentials of systemd. */
import { type Diagnostic, diagnostic } from "../base/diagnostic.ts";
import { originSpan } from "../model/origin.ts";
import { isApp } from "../topology/hosts.ts";
import type { Topology } from "../topology/topology.ts";

/** No preshared key lies in clear beside a private key that does not. All hosts have some or none: said once. */
export function credentialsHaveNoPresharedKeys({ hosts, wireguard }: Topology): readonly Diagnostic[] {
  if (wireguard.presharedKeys !== true) return [];
  const host = hosts.find((each) => each.keyStore === "credential" && !isApp(each));
  if (host === undefined) return [];
  const related = [{ message: "they are asked for here", span: originSpan(wireguard.origin, "presharedKeys") }];
  return [
    diagnostic("credential-with-preshared-keys", { host: host.name }, originSpan(host.origin, "keyStore"), related),
  ];
}
