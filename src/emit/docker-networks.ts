/** Docker keeps networks in a database of its own: a script that asks it for them, and the unit that runs it. */
import { FAMILIES, familyOf } from "../base/ip.ts";
import { knows } from "../base/programs.ts";
import type { ContainerNetwork } from "../model/containers.ts";
import type { Host } from "../model/host.ts";
import { RELOAD_UNITS, reload } from "./after.ts";
import { networksOf } from "./container-pools.ts";
import { type EmitContext, type Emitter, ownPath, ownUnit } from "./context.ts";
import { publicFile, scriptFile } from "./print.ts";

const unitOf = (context: EmitContext): string => ownUnit(context, "docker-networks.service");

const DRIVER = "com.docker.network";

/** Options of the bridge driver; a version that does not know one takes it in silence, and others would not know why. */
function optionsOf({ bridge, mtu, pools }: ContainerNetwork, { programs, interfaces }: Host): readonly string[] {
  const families = FAMILIES.filter((family) => pools.some(({ prefix }) => familyOf(prefix) === family));
  // Whatever the daemon's own default is: published ports, and a way out, as on other networks of Docker's.
  const modes = families.map((family) => `${DRIVER}.bridge.gateway_mode_ipv${family}=nat`);
  const tunnels = interfaces.map(({ name }) => name).join(":");
  return [
    `${DRIVER}.bridge.name=${bridge}`,
    `${DRIVER}.driver.mtu=${mtu}`,
    ...(knows(programs, "docker-gateway-mode") ? modes : []),
    ...(knows(programs, "docker-trusted-interfaces") ? [`${DRIVER}.bridge.trusted_host_interfaces=${tunnels}`] : []),
  ];
}

function argumentsOf(network: ContainerNetwork, host: Host): readonly string[] {
  const { pools } = network;
  return [
    ...pools.flatMap(({ prefix, gateway, range }) => [
      `--subnet ${prefix}`,
      ...(gateway === undefined ? [] : [`--gateway ${gateway}`]),
      ...(range === undefined ? [] : [`--ip-range ${range.prefix}`]),
    ]),
    ...(pools.some(({ prefix }) => familyOf(prefix) === 6) ? ["--ipv6"] : []),
    ...optionsOf(network, host).map((option) => `-o ${option}`),
  ];
}

/** The script and its unit; nothing without networks of Docker's. */
export const emitDockerNetworks: Emitter = (host, context) => {
  const networks = networksOf(host, "docker");
  if (networks.length === 0) return [];
  const own = unitOf(context);
  const script = { path: ownPath(context, "docker-networks"), template: "docker/docker-networks.njk" };
  const unit = { path: `etc/systemd/system/${own}`, template: "docker/netgen-docker-networks.service.njk" };
  const view = {
    networks: networks.map((network) => ({ name: network.subnet, arguments: argumentsOf(network, host).join(" ") })),
  };
  return [
    scriptFile(host, context, { ...script, view, after: [reload(own)] }),
    publicFile(host, context, { ...unit, view: {}, after: [RELOAD_UNITS, reload(own)] }),
  ];
};

/** Units of {@link emitDockerNetworks} that the host has to enable. */
export function dockerNetworkUnits(host: Host, context: EmitContext): readonly string[] {
  return networksOf(host, "docker").length > 0 ? [unitOf(context)] : [];
}
