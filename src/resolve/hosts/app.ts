/** What a device is told whose tunnel an app makes. */
import type { AppSettings } from "../../model/host.ts";
import { isApp } from "../../topology/hosts.ts";
import type { ResolvedHost } from "./hosts.ts";

/** `undefined`: the host is none. */
export function resolveApp(
  { input, listenPort }: ResolvedHost,
  { exit, remotes }: Pick<AppSettings, "exit" | "remotes">,
): AppSettings | undefined {
  if (!isApp(input)) return undefined;
  const { dns, endpoints, lanEndpoint } = input;
  const isDialled = endpoints.length > 0 || lanEndpoint !== undefined || input.listenPort !== undefined;
  return { dns: dns.map(({ value }) => value), exit, remotes, listenPort: isDialled ? listenPort : undefined };
}
