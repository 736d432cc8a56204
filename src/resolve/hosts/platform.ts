/** What follows from a host's platform: the versions of its programs, and the defaults of its keys. */
import type { ProgramVersions } from "../../base/programs.ts";
import { type Host, isProxmox, isRedHat, type Platform } from "../../model/host.ts";

/** Packages of Debian 12 and 13, upstream's number alone: `apt-cache policy` in each. */
const BOOKWORM: ProgramVersions = {
  systemd: "252",
  frr: "8.4.4",
  nft: "1.0.6",
  wireguardTools: "1.0.20210914",
  docker: "20.10.24",
  podman: "4.3.1",
  kernel: "6.1",
};
const TRIXIE: ProgramVersions = {
  systemd: "257",
  frr: "10.3",
  nft: "1.1.3",
  wireguardTools: "1.0.20210914",
  docker: "26.1.5",
  podman: "5.4.2",
  kernel: "6.12",
};

/**
 * Packages of Ubuntu 22.04 and 24.04 (packages.ubuntu.com). Docker is brought up to its makers' version in a release that is
 * out (Ubuntu's SRU exception for the container stack).
 */
const JAMMY: ProgramVersions = {
  systemd: "249",
  frr: "8.1",
  nft: "1.0.2",
  wireguardTools: "1.0.20210914",
  docker: "28.2",
  podman: "3.4.4",
  kernel: "5.15",
};
const NOBLE: ProgramVersions = {
  systemd: "255",
  frr: "8.4.4",
  nft: "1.0.9",
  wireguardTools: "1.0.20210914",
  docker: "28.2",
  podman: "4.9.3",
  kernel: "6.8",
};

/**
 * RHEL 9 as Rocky and AlmaLinux make it anew, from 9.5 on; networkd is that of EPEL, 253, beside a systemd of 252. Docker has no package
 * there, its makers' does. Podman's series is that of 9.5: later ones are newer.
 */
const RHEL9: ProgramVersions = {
  systemd: "252",
  frr: "8.5.3",
  nft: "1.0.9",
  wireguardTools: "1.0.20210914",
  docker: "28.2",
  podman: "5.2",
  kernel: "5.14",
};
/** Packages of Fedora 44 (packages.fedoraproject.org), the kernel that it began with or an older one. */
const FEDORA: ProgramVersions = {
  systemd: "259",
  frr: "10.5.0",
  nft: "1.1.6",
  wireguardTools: "1.0.20210914",
  docker: "28.2",
  podman: "5.6",
  kernel: "6.19",
};

/** An app's programs are none of netgen's, and nothing is printed for any. */
const NONE: ProgramVersions = {
  systemd: "none",
  frr: "none",
  nft: "none",
  wireguardTools: "none",
  docker: "none",
  podman: "none",
  kernel: "none",
};

/**
 * Proxmox VE 8 and 9 are Debian 12 and 13 below, with an FRR ("frr version" in what their SDN writes) and a kernel of their
 * own: the one that each release began with.
 */
export const PLATFORMS: Readonly<Record<Platform, ProgramVersions>> = {
  debian12: BOOKWORM,
  debian13: TRIXIE,
  proxmox8: { ...BOOKWORM, frr: "8.5.2", kernel: "6.2" },
  proxmox9: { ...TRIXIE, frr: "10.4.1", kernel: "6.14" },
  ubuntu2204: JAMMY,
  ubuntu2404: NOBLE,
  rocky9: RHEL9,
  alma9: RHEL9,
  fedora44: FEDORA,
  "wireguard-app": NONE,
};

/** The versions of a platform, with those in place of them that the topology states. */
export function programsOf(platform: Platform, stated: Partial<ProgramVersions>): ProgramVersions {
  return { ...PLATFORMS[platform], ...stated };
}

/**
 * Proxmox configures its links by ifupdown2, and its SDN's EVPN controller writes frr.conf anew whenever it is applied. What
 * an app runs on is neither.
 */
export function platformDefaults(platform: Platform): Pick<Host, "networkManager" | "frrMode"> {
  if (platform === "wireguard-app") return { networkManager: "other", frrMode: "complete" };
  if (isProxmox(platform)) return { networkManager: "other", frrMode: "snippet" };
  return { networkManager: isRedHat(platform) ? "NetworkManager" : "networkd", frrMode: "complete" };
}
