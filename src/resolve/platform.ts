/** What follows from a host's platform: the defaults of its keys, and what its programs know. */
import type { Host, HostPrograms, Platform } from "../model/host.ts";

/** Proxmox VE 8 and 9 are Debian 12 and 13 below. */
const isTrixie = (platform: Platform): boolean => platform === "debian13" || platform === "proxmox9";
const isProxmox = (platform: Platform): boolean => platform === "proxmox8" || platform === "proxmox9";

/**
 * Debian 13 has systemd 257, FRR 10.3 and no /etc/sysctl.conf; Debian 12 has systemd 252, FRR 8.4 and that file, read
 * after netgen's by the name 99-sysctl.conf.
 */
export function programsOf(platform: Platform): HostPrograms {
  const isNew = isTrixie(platform);
  return { networkdKeepsNextHops: isNew, frrHasMgmtd: isNew, readsSysctlConf: !isNew };
}

/** Proxmox configures its links by ifupdown2, and its SDN's EVPN controller writes frr.conf anew whenever it is applied. */
export function platformDefaults(platform: Platform): Pick<Host, "networkManager" | "frrMode"> {
  return isProxmox(platform)
    ? { networkManager: "other", frrMode: "snippet" }
    : { networkManager: "networkd", frrMode: "complete" };
}
