/** Keys that a host keeps encrypted by systemd. */
import type { Host } from "../../model/host.ts";
import type { Box } from "./box.ts";

/**
 * Encrypts a host's keys as its own script does. In clear they stay only where no systemd decrypts them at a start, and where
 * `bootHost` says so.
 */
export async function keepCredentials(box: Box, { interfaces }: Host): Promise<void> {
  for (const { name } of interfaces) {
    const credential = `/etc/credstore.encrypted/${name}.key`;
    const key = `/etc/wireguard/${name}.key`;
    await box.shell(`umask 077; mkdir -p /etc/credstore.encrypted
systemd-creds encrypt --with-key=host --name=${name}.key ${key} ${credential} 2> /dev/null`);
    if (box.power !== undefined) await box.run("rm", key);
  }
}
