/** What a host that shares an address tells the other by VRRP. */
import type { Vrrp } from "../../model/host.ts";
import { lanAddress, lanInterfaceOf } from "../../topology/hosts.ts";
import { type Pair, pairOf } from "../../topology/pairs.ts";
import type { HostInput } from "../../topology/topology.ts";

/** keepalived's own example, and what the schema promises. */
const DEFAULT_VIRTUAL_ROUTER = 51;
/** 255 is for a router that owns the address, RFC 5798 §5.2.4; 100 is what is given to others by default. */
const [MASTER, BACKUP] = [150, 100] as const;

/** A host's part of the address it shares; `undefined`: it shares none, or lacks what that needs. */
export function resolveVrrp(host: HostInput, pairs: readonly Pair[]): Vrrp | undefined {
  const pair = pairOf(host.name, pairs);
  if (pair === undefined) return undefined;
  const [first, second] = pair.hosts;
  const [own, other] = first.name === host.name ? [first, second] : [second, first];
  const isMaster = own.isDrained === other.isDrained ? own === first : other.isDrained;
  const [source, address] = [lanAddress(host), lanAddress(other)];
  const device = lanInterfaceOf(host);
  if (source === undefined || address === undefined || device === undefined) return undefined;
  return {
    interface: device,
    uplink: device === host.uplink ? undefined : host.uplink,
    id: pair.vrrp.id ?? DEFAULT_VIRTUAL_ROUTER,
    address: pair.vrrp.address,
    source,
    other: { host: other.name, address },
    priority: isMaster ? MASTER : BACKUP,
    takesOver: isMaster && other.isDrained,
    isExclusive: pair.isExclusive,
  };
}
